"""From scores to the law: the forecast of what is held out, what was then seen, the curves, and what they decide."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.doors import OLDER
from toolkit.pipeline.cells import Cell, cells_of, corpus_draw
from toolkit.pipeline.context import Context
from toolkit.pipeline.stages.corpus import Corpus
from toolkit.pipeline.stages.models import ModelName
from toolkit.pipeline.stages.scores import TEACHER, Scored, score_inputs
from toolkit.pipeline.stages.students import Replicate, student_inputs
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import Run
from toolkit.recipe.sections import Law, Recipe
from toolkit.workspace import Artifact, to_json, write_atomic

if TYPE_CHECKING:
    from toolkit.reports.forecast import HeldOutForecast

Results = dict[str, Artifact]  # where it is published below the run's folder, without the file -> what
LEVEL = 0.9  # of every interval
FITTED = ("budget", "train_seed", "error", "n")  # what a forecast reads of a student, and is known by


@dataclasses.dataclass(frozen=True)
class Measured:
    """Scores of the recipe's teachers, bases and students; of students, also those that an earlier run left."""

    recipe: Recipe
    references: Mapping[ModelName, Artifact]
    cells: Mapping[Cell, Artifact]

    @property
    def made(self) -> bool:
        """Whether everything is measured (a dry run may only plan it)."""
        return all(score.made for score in (*self.references.values(), *self.cells.values()))

    @property
    def items(self) -> int:
        """Test questions of every score; 0 where nothing is measured."""
        return max((int(score.facts.get("n", 0)) for score in self.references.values()), default=0)

    @property
    def pairs(self) -> list[str]:
        """The pairs that have students, in the recipe's order."""
        return list(dict.fromkeys(cell.pair for cell in self.cells))

    def with_cells(self, more: Mapping[Cell, Artifact]) -> "Measured":
        """Add further students; they stay sorted, whatever was trained first."""
        return dataclasses.replace(self, cells=dict(sorted({**self.cells, **more}.items())))

    def without(self, budgets: Iterable[int]) -> "Measured":
        """Leave out the students of some budgets."""
        cells = {cell: score for cell, score in self.cells.items() if cell.budget not in budgets}
        return dataclasses.replace(self, cells=cells)

    def reference_scores(self, pair: str) -> dict[str, Artifact]:
        """Give the scores of a pair's teacher and base, by role."""
        named = zip((TEACHER, "base"), pair.split(">"), strict=True)
        return {role: self.references[role, name] for role, name in named}

    def lines(self, pair: str) -> dict[str, float]:
        """Give the errors of a pair's teacher and base, as far as they are scored."""
        return {role: score.facts["error"] for role, score in self.reference_scores(pair).items() if score.made}

    def points(self, pair: str, budgets: Iterable[int] | None = None) -> list[dict[str, Any]]:
        """Give one row per student of a pair's ladder: budget, train_seed, corpus_draw, error, n."""
        ladder = pair, self.recipe.ladder.ladder_questions, self.recipe.controls[0]
        return [
            {
                "budget": cell.budget,
                "train_seed": cell.replicate,
                "corpus_draw": corpus_draw(self.recipe, cell.replicate),
                "error": score.facts["error"],
                "n": score.facts["n"],
            }
            for cell, score in self.cells.items()
            if (cell.pair, cell.questions, cell.control) == ladder and (budgets is None or cell.budget in budgets)
        ]


def known_cells(replicates: Iterable[Replicate]) -> dict[Cell, Artifact]:
    """Look up scores of students at or below the run's budgets, whatever run made them."""
    found = {}
    for replicate in replicates:
        context = replicate.context
        rungs = tuple(budget for budget in context.recipe.ladder.budgets if budget <= max(context.run.budgets))
        for cell in cells_of(dataclasses.replace(context.run, budgets=rungs)):
            student = context.workspace.planned("student", student_inputs(replicate, cell))
            score = context.workspace.planned("score", score_inputs(Scored(replicate, student), cell))
            if student.made and score.made:
                found[cell] = score
    return found


class Held(NamedTuple):
    """A rung that a pair's law does not see."""

    pair: str
    budget: int

    @property
    def place(self) -> str:
        """The folder of its law among a run's results."""
        return f"laws/{self.pair.replace('>', '-').replace('/', '-')}-r{self.budget}"


def refuse_unknown_form(recipe: Recipe) -> None:
    """Refuse a recipe whose law has a form that does not exist, before any work.

    Raises:
        RecipeError: with the forms that exist.
    """
    if recipe.law.form == Law.form:  # numbers are imported only where there is a choice
        return
    from toolkit.laws.curve.forms import FORMS

    if recipe.law.form not in FORMS:
        raise RecipeError(f"{recipe.name}: form: is {recipe.law.form!r}; use one of {', '.join(FORMS)}")


def held_rungs(run: Run) -> list[int]:
    """List the rungs that are forecast before they are trained: the recipe's held-out and its confirmatory one."""
    law = run.recipe.law
    return [rung for rung in (law.held_out, law.confirm) if rung is not None and run.whole]


def laws_of(run: Run) -> Iterator[Held]:
    """Yield every held-out rung of every pair; the first is the one that a plain ladder has."""
    for rung in held_rungs(run):
        for teacher in run.recipe.teachers:
            for base in run.recipe.bases:
                yield Held(f"{teacher}>{base}", rung)


def law_place(held: Held, results: Mapping[str, Artifact]) -> str:
    """Say where the law of a rung lies among a run's results: the first is the only one of a plain ladder."""
    return f"{held.place}/law" if results else "law"


def _fitted_points(context: Context, measured: Measured, held: Held) -> list[dict[str, Any]]:
    """What a forecast reads of the students of a pair's rungs up to `fit_max`; nothing before all are scored."""
    most = context.recipe.law.fit_max or max(context.run.budgets)
    budgets = [budget for budget in context.run.budgets if budget <= most]
    students = measured.points(held.pair, budgets) if measured.made else []
    return [{name: student[name] for name in FITTED} for student in students]


def forecast_inputs(context: Context, measured: Measured, held: Held) -> dict[str, Any]:
    """Give what the forecast of a held-out rung is made from."""
    law, points = context.recipe.law, _fitted_points(context, measured, held)
    later = {} if law.form == Law.form else {"form": law.form}  # a choice that came later than these keys
    asked = {"fit_max": law.fit_max, "held_out": held.budget, **later}
    return {"points": points or f"planned for {held.pair}", "law": asked, "level": LEVEL}


def forecast_stage(context: Context, measured: Measured, held: Held, seen: bool) -> Artifact:
    """Fit the rungs up to `fit_max` and write the forecast of the held-out rung, before its students are trained.

    Args:
        seen: whether a student of this rung exists already.
    """
    form, points = context.recipe.law.form, _fitted_points(context, measured, held)
    inputs = forecast_inputs(context, measured, held)

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.forecast import forecast

        written = forecast(points, held_out=held.budget, level=LEVEL, form=form)
        # Honest about the order: a forecast of something already measured is a fit, whatever the data it was fitted to.
        write_atomic(out / "forecast.json", to_json(dataclasses.replace(written, exploratory=seen)))
        facts = dataclasses.asdict(written.law) if written.law else {"refused": written.reason}
        return facts | {"exploratory": seen}

    with context.progress.stage("forecast") as stage:
        artifact = context.build(stage, "forecast", inputs, make)
        stage.text = f"{held.pair}, r = {held.budget}" + _told(artifact)
    return artifact


def _told(forecast: Artifact) -> str:
    if not forecast.made:
        return ""
    facts = forecast.facts
    warning = "; EXPLORATORY: students of this rung existed before it" if facts["exploratory"] else ""
    if "refused" in facts:
        return f": NO LAW can be fitted: {facts['refused']}{warning}"
    return (
        f": error {facts['mean']:.3f}, {LEVEL:.0%} interval of a new student {facts['low_new']:.3f} to "
        f"{facts['high_new']:.3f}; sha256 {forecast.file('forecast.json')[:12]}{warning}"
    )


def _seen_points(context: Context, measured: Measured, held: Held) -> list[dict[str, Any]]:
    budgets = [budget for budget in context.run.budgets if budget <= held.budget]
    return measured.points(held.pair, budgets) if measured.made else []


def law_inputs(context: Context, measured: Measured, held: Held, forecast: Artifact) -> dict[str, Any]:
    """Give what the law of a pair, with what was seen of its held-out rung, is made from."""
    recipe, (title, note) = context.recipe, words(context, measured)
    named: dict[str, Any] = {
        "experiment": recipe.name, "pair": held.pair, "counting": recipe.ladder.counting,
        "control": recipe.controls[0], "questions": recipe.ladder.ladder_questions,
    }  # fmt: skip
    return {
        "named": named,
        "points": _seen_points(context, measured, held) or "planned",
        "forecast": forecast.digest,
        "lines": measured.lines(held.pair),
        "title": title,
        "note": note,
    }


def law_stage(context: Context, measured: Measured, held: Held, forecast: Artifact) -> Artifact:
    """Show what was observed beside forecast and baselines, the law of the fitted rungs, and the figure.

    Its `forecast.json` is the forecast with its names in this experiment, and the sha256 of what was written before:
    another experiment may share that.
    """
    inputs = law_inputs(context, measured, held, forecast)
    named, lines, title, note = (inputs[name] for name in ("named", "lines", "title", "note"))
    points = _seen_points(context, measured, held)

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.law import report

        sha256 = forecast.file("forecast.json")
        written = dataclasses.replace(_read(forecast.path / "forecast.json"), written_sha256=sha256, **named)
        write_atomic(out / "forecast.json", to_json(written))
        facts: dict[str, Any] = report(out, points, written, lines, title=title, note=note)
        return facts

    with context.progress.stage("law") as stage:
        law = context.build(stage, "law", inputs, make)
        stage.text = law.facts.get("sentence", "")
    return law


def written_forecasts(results: Mapping[str, Artifact], budget: int | None) -> "list[HeldOutForecast]":
    """Read the forecasts of this rung among a run's results, every pair's."""
    files = [made.path / "forecast.json" for made in results.values() if made.made and "forecast.json" in made.files]
    return [forecast for forecast in map(_read, files) if forecast.held_out == budget]


def _read(file: Path) -> "HeldOutForecast":
    from toolkit.reports.forecast import HeldOutForecast

    return HeldOutForecast.from_json(json.loads(file.read_text(encoding="utf-8")))


def curves_stage(context: Context, measured: Measured) -> Artifact:
    """Write `curves.parquet` (a row per model) and `items.parquet` (a row per model and question)."""
    rows = _rows(measured) if measured.made else []
    models = [*measured.references.values(), *measured.cells.values()]
    title, note = words(context, measured)
    inputs = {
        "rows": [row for row, _ in rows],
        "scores": [score.digest for score in models],
        "whole": context.run.whole,
        "title": title,
        "note": note,
    }

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.figures.law import draw_ladder
        from toolkit.reports.tables import write_curves

        write_curves(out, [(row, score.path / "items.parquet") for row, score in rows])
        if not context.run.whole:  # the figure of the law shows the same points
            pair = context.recipe.pair
            draw_ladder(out / "curve.png", measured.points(pair), measured.lines(pair), title=title, note=note)
        return {"rows": len(rows)}

    with context.progress.stage("curves") as stage:
        curves = context.build(stage, "curves", inputs, make)
        stage.text = f"{len(models)} models: curves.parquet, items.parquet"
    return curves


def _rows(measured: Measured) -> list[tuple[dict[str, Any], Artifact]]:
    """Each model's row of the curves schema with its score; teachers and bases once for every pair that they are in."""
    recipe, facts = measured.recipe, ("error", "n", "eval_key")
    lines = [
        ({"pair": pair, "arm": role}, score)
        for pair in measured.pairs
        for role, score in measured.reference_scores(pair).items()
    ]
    students = [(_cell_row(recipe, cell), score) for cell, score in measured.cells.items()]
    return [
        ({"experiment": recipe.name} | row | {name: score.facts[name] for name in facts}, score)
        for row, score in [*lines, *students]
    ]


def _cell_row(recipe: Recipe, cell: Cell) -> dict[str, Any]:
    adaptive = recipe.ladder.counting == "adaptive"
    protocol = recipe.sampling.protocol
    return {
        **({"protocol": protocol} if protocol != OLDER["protocol"] else {}),  # else the key stays what it was
        "arm": "adaptive" if adaptive else "FSS",  # the first is no rung of a ladder
        "pair": cell.pair,
        "questions": cell.questions,
        "budget": cell.budget,
        "counting": recipe.ladder.counting,
        "control": cell.control,
        "train_seed": cell.replicate,
        "corpus_draw": corpus_draw(recipe, cell.replicate),
    }


def words(context: Context, measured: Measured) -> tuple[str, str]:
    """Write what stands over and under every figure: its question, its error bars, what it is too small to say."""
    recipe = context.recipe
    count = len({cell.replicate for cell in measured.cells})
    note = (
        f"{recipe.ladder.ladder_questions:,} questions, control {recipe.controls[0]}, n = {measured.items:,} test "
        f"questions, {count} replicate{'s' * (count > 1)} ({what_varies(recipe)})."
    )
    if context.failed:
        note += f" MISSING: {len(context.failed)} student{'s' * (len(context.failed) > 1)} that diverged."
    return recipe.title, " ".join([note, *recipe.release.limits[:1]])


def what_varies(recipe: Recipe) -> str:
    """Say what a spread over replicates includes."""
    order = ", order of the pool" * recipe.experiment.reorder
    return f"new samples{order} and new train seed each; same teacher, base and test questions"


def rules_of(recipe: Recipe) -> DecisionRules:
    """Give the recipe's decision rules; the control that counts is its first."""
    settings: dict[str, Any] = {"control": recipe.controls[0], **recipe.decisions.rules}
    return DecisionRules(**settings)


def decision_inputs(context: Context, results: Mapping[str, Artifact], corpus: Corpus) -> dict[str, dict[str, Any]]:
    """Give what each decision of a whole run is made from, by its rule; see `decisions_stage`."""
    recipe = context.recipe
    asked: dict[str, Any] = {"rules": rules_of(recipe), "results": results["curves"].digest, "title": recipe.title}
    chosen = recipe.decisions.decide if context.run.whole else ()
    every: dict[str, dict[str, Any]] = {rule: {**asked, "rule": rule, "notes": _notes(recipe)} for rule in chosen}
    if "law" in every:
        every["law"]["laws"] = [made.digest for place, made in results.items() if place != "curves"]
    if "saturation" in every:
        every["saturation"]["corpus"] = [part.digest for part in corpus.parts.values()]
    return every


def decisions_stage(
    context: Context, results: Mapping[str, Artifact], release: Artifact, corpus: Corpus
) -> dict[str, Artifact]:
    """Decide each of the recipe's `decide`, once all of it is measured; by where it lies among the results.

    Args:
        results: `curves`, and the laws with the forecasts that were written before their held-out rungs were trained.
        release: the folder with the responses of `corpus`; its card and version are no part of what is decided on.
    """
    decided = {}
    for rule, inputs in decision_inputs(context, results, corpus).items():
        with context.progress.stage("decision") as stage:
            made = context.build(stage, "decision", inputs, partial(_decide, context, rule, results, release))
            stage.text = f"{rule}: {made.facts['verdict']}" if made.made else rule
        decided[f"decisions/{rule}"] = made
    return decided


def _notes(recipe: Recipe) -> list[str]:
    return [f"Replicates: {what_varies(recipe)}.", *recipe.release.limits[:1]]


def _decide(
    context: Context, rule: str, results: Mapping[str, Artifact], release: Artifact, out: Path
) -> dict[str, Any]:
    from toolkit.laws.curve.data import NoCurve
    from toolkit.reports.results import read_results
    from toolkit.reports.rules.decide import DecisionRequest, decide, write_decision
    from toolkit.reports.rules.verdict import CANNOT_TELL, NoAnswer
    from toolkit.reports.solutions import release_paths

    recipe, curves = context.recipe, results["curves"].path
    experiment, every = read_results(curves / "curves.parquet", curves / "items.parquet")
    labels = list(release_paths(release.path, recipe.ladder.ladder_questions)) if rule == "saturation" else []
    written = written_forecasts(results, recipe.law.confirm or recipe.law.held_out) if rule == "law" else []
    request = DecisionRequest(rule, written=written, labels=labels, notes=_notes(recipe))
    try:
        decision = decide(request, experiment, every, rules_of(recipe))
    except (NoAnswer, NoCurve) as error:  # that these results do not allow the rule is an answer, and costs no other
        told = {"verdict": CANNOT_TELL, "sentence": f"The rule does not apply to these results: {error}"}
        write_atomic(out / f"{rule}.json", to_json({"rule": rule, "experiment": experiment, **told}))
        return told
    write_decision(out, decision, every, recipe.title)
    return {"verdict": decision.verdict, "sentence": decision.sentence}
