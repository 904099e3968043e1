"""From scores to the law: the forecast of what is held out, what was then seen, the curves, and what they decide."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.doors import OLDER
from toolkit.pipeline.cells import Cell, corpus_draw
from toolkit.pipeline.context import Context
from toolkit.pipeline.measured import Measured, what_varies, words
from toolkit.pipeline.stages.corpus import Corpus
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import Run
from toolkit.recipe.sections import Law, Recipe
from toolkit.workspace import Artifact, to_json, write_atomic

if TYPE_CHECKING:
    from toolkit.reports.forecast import HeldOutForecast
    from toolkit.reports.results import Series

Results = dict[str, Artifact]  # where it is published below the run's folder, without the file -> what
LEVEL = 0.9  # of every interval
OF_ARMS = frozenset(("synthesis", "audit"))  # rules that compare arms
FITTED = ("budget", "train_seed", "error", "n")  # what a forecast reads of a student, and is known by


class HeldOut(NamedTuple):
    """A rung that a pair's law does not see."""

    pair: str
    budget: int

    @property
    def place(self) -> str:
        """Name the folder of its law among a run's results."""
        return f"laws/{self.pair.replace('>', '-').replace('/', '-')}-r{self.budget}"


def refuse_unknown_form(recipe: Recipe) -> None:
    """Refuse a recipe whose law, or forecast, is of a form that does not exist or breaks its contract, before any work.

    Raises:
        RecipeError: naming the key and the remedy.
    """
    law = recipe.law
    if (law.form, law.forecast) == (Law.form, Law.forecast):  # numbers are imported only where there is a choice
        return
    from toolkit.laws.curve.forms import form_of
    from toolkit.laws.forecast.ahead import check_by

    for key, check in (("form", partial(form_of, law.form)), ("forecast", partial(check_by, law.forecast, law.form))):
        try:
            check()
        except ValueError as error:
            raise RecipeError(f"{recipe.set_in.get(key, recipe.name)}: {key}: {error}") from error


def held_out_budgets(run: Run) -> list[int]:
    """List the rungs that are forecast before they are trained: the recipe's held-out and its confirmatory one."""
    law = run.recipe.law
    return [rung for rung in (law.held_out, law.confirm_budget) if rung is not None and run.whole]


def laws_of(run: Run) -> Iterator[HeldOut]:
    """Yield every held-out rung of every pair; the first is the one that a plain ladder has."""
    for rung in held_out_budgets(run):
        for teacher in run.recipe.teachers:
            for base in run.recipe.bases:
                yield HeldOut(f"{teacher}>{base}", rung)


def law_place(target: HeldOut, results: Mapping[str, Artifact]) -> str:
    """Say where the law of a rung lies among a run's results: the first is the only one of a plain ladder."""
    return f"{target.place}/law" if results else "law"


def _fitted_points(context: Context, measured: Measured, target: HeldOut) -> list[dict[str, Any]]:
    """Give what a forecast reads of a pair's students up to `fit_max`; nothing before all are scored."""
    most = context.recipe.law.fit_max or max(context.run.budgets)
    budgets = [budget for budget in context.run.budgets if budget <= most]
    students = measured.points(target.pair, budgets) if measured.made else []
    return [{name: student[name] for name in FITTED} for student in students]


def forecast_inputs(context: Context, measured: Measured, target: HeldOut) -> dict[str, Any]:
    """Give what the forecast of a held-out rung is made from."""
    law, points = context.recipe.law, _fitted_points(context, measured, target)
    later = {} if law.form == Law.form else {"form": law.form}  # a choice that came later than these keys
    common = {"fit_max": law.fit_max, "held_out": target.budget, **later}
    return _with_forecast(
        context, "forecast", {"points": points or f"planned for {target.pair}", "law": common, "level": LEVEL}
    )


def _with_forecast(context: Context, stage: str, older: dict[str, Any]) -> dict[str, Any]:
    """Add how the recipe forecasts to what a stage is made from.

    What was made by the rectified law, before there was a choice, stays: it was declared when its rung was unknown, and
    anything made anew would have come too late.
    """
    return older if context.workspace.find(stage, older) else older | {"forecast": context.recipe.law.forecast}


def forecast_stage(context: Context, measured: Measured, target: HeldOut, seen: bool) -> Artifact:
    """Fit the rungs up to `fit_max` and write the forecast of the held-out rung, before its students are trained.

    Args:
        seen: whether a student of this rung exists already.
    """
    law, points = context.recipe.law, _fitted_points(context, measured, target)
    inputs = forecast_inputs(context, measured, target)

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.forecast import forecast

        written = forecast(points, held_out=target.budget, level=LEVEL, form=law.form, by=law.forecast)
        # Honest about the order: a forecast of something already measured is a fit, whatever the data it was fitted to.
        write_atomic(out / "forecast.json", to_json(dataclasses.replace(written, exploratory=seen)))
        if written.law is None:
            return {"refused": written.reason, "exploratory": seen}
        return dataclasses.asdict(written.law) | {"reading": written.reading, "exploratory": seen}

    with context.progress.stage("forecast") as stage:
        artifact = context.build(stage, "forecast", inputs, make)
        stage.text = forecasted(target, artifact)
    return artifact


def forecasted(target: HeldOut, forecast: Artifact) -> str:
    """Say what a forecast is of and, once it is made, what it says."""
    return f"{target.pair}, r = {target.budget}" + (_forecast_text(forecast) if forecast.made else "")


def _forecast_text(forecast: Artifact) -> str:
    facts = forecast.facts
    warning = "; EXPLORATORY: students of this rung existed before it" if facts["exploratory"] else ""
    if "refused" in facts:
        return f": NO LAW can be fitted: {facts['refused']}{warning}"
    reading = facts.get("reading", "by the law alone")
    return (
        f": error {facts['mean']:.3f}, {LEVEL:.0%} interval of a new student {facts['low_new']:.3f} to "
        f"{facts['high_new']:.3f}; {reading}; sha256 {forecast.file('forecast.json')[:12]}{warning}"
    )


def _seen_points(context: Context, measured: Measured, target: HeldOut) -> list[dict[str, Any]]:
    budgets = [budget for budget in context.run.budgets if budget <= target.budget]
    return measured.points(target.pair, budgets) if measured.made else []


def law_inputs(context: Context, measured: Measured, target: HeldOut, forecast: Artifact) -> dict[str, Any]:
    """Give what the law of a pair, with what was seen of its held-out rung, is made from."""
    recipe, (title, note) = context.recipe, words(context, measured)
    named: dict[str, Any] = {
        "experiment": recipe.name, "pair": target.pair, "counting": recipe.ladder.counting,
        "control": recipe.controls[0], "questions": recipe.ladder.ladder_questions,
    }  # fmt: skip
    return {
        "named": named,
        "points": _seen_points(context, measured, target) or "planned",
        "forecast": forecast.digest,
        "lines": measured.lines(target.pair),
        "title": title,
        "note": note,
    }


def law_stage(context: Context, measured: Measured, target: HeldOut, forecast: Artifact) -> Artifact:
    """Show what was observed beside forecast and baselines, the law of the fitted rungs, and the figure.

    Its `forecast.json` is the forecast with its names in this experiment, and the sha256 of what was written before:
    another experiment may share that.
    """
    inputs = law_inputs(context, measured, target, forecast)
    named, lines, title, note = (inputs[name] for name in ("named", "lines", "title", "note"))
    points = _seen_points(context, measured, target)

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
    rows, (title, note), inputs = _rows(measured), words(context, measured), curves_inputs(context, measured)

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
        stage.text = f"{len(inputs['scores'])} models: curves.parquet, items.parquet"
    return curves


def curves_inputs(context: Context, measured: Measured) -> dict[str, Any]:
    """Give what the curves are made from."""
    title, note = words(context, measured)
    models = [*measured.references.values(), *measured.cells.values()]
    return {
        "rows": [row for row, _ in _rows(measured)] if measured.made else [],
        "scores": [score.digest for score in models],
        "whole": context.run.whole,
        "title": title,
        "note": note,
    }


def _rows(measured: Measured) -> list[tuple[dict[str, Any], Artifact]]:
    """Give each model's row of the curves with its score; teachers and bases once for every pair that they are in."""
    recipe, facts = measured.recipe, ("error", "n", "eval_key")
    lines = [
        ({"pair": pair, "arm": role}, score)
        for pair in measured.pairs
        for role, score in measured.reference_scores(pair).items()
    ]
    students = [(_cell_row(recipe, cell), score) for cell, score in measured.cells.items()]
    benchmark = recipe.evaluation.benchmark
    tested = {"benchmark": benchmark} if benchmark != OLDER["benchmark"] else {}  # else the key stays what it was
    return [
        ({"experiment": recipe.name, **tested} | row | {name: score.facts[name] for name in facts}, score)
        for row, score in [*lines, *students]
    ]


def _cell_row(recipe: Recipe, cell: Cell) -> dict[str, Any]:
    arm = recipe.arms.get(cell.arm, recipe)
    protocol, match = arm.sampling.protocol, arm.ladder.match
    return {
        **({"protocol": protocol} if protocol != OLDER["protocol"] else {}),  # else the key stays what it was
        **({"match": match} if match else {}),
        "arm": cell.arm or ("adaptive" if recipe.ladder.counting == "adaptive" else "FSS"),  # an arm is no ladder
        "pair": cell.pair,
        "questions": cell.questions,
        "budget": cell.budget,
        "counting": recipe.ladder.counting,
        "control": cell.control,
        "train_seed": cell.replicate,
        "corpus_draw": corpus_draw(recipe, cell.replicate),
    }


def rules_of(recipe: Recipe) -> DecisionRules:
    """Give the recipe's decision rules; the control that counts is its first."""
    settings: dict[str, Any] = {"control": recipe.controls[0], **recipe.decisions.rules}
    return DecisionRules(**settings)


TABLES = ("curves", "corpora", "ledger")  # results that are no law


def decision_inputs(context: Context, results: Mapping[str, Artifact], corpus: Corpus) -> dict[str, dict[str, Any]]:
    """Give what each decision of a whole run is made from, by its rule; see `decisions_stage`."""
    recipe = context.recipe
    common: dict[str, Any] = {"rules": rules_of(recipe), "results": results["curves"].digest, "title": recipe.title}
    chosen = recipe.decisions.decide if context.run.whole else ()
    every: dict[str, dict[str, Any]] = {rule: {**common, "rule": rule, "notes": _notes(recipe)} for rule in chosen}
    if "law" in every:
        every["law"]["laws"] = [made.digest for place, made in results.items() if place not in TABLES]
    for rule in OF_ARMS.intersection(every):
        every[rule]["corpora"] = results["corpora"].digest
    if "bound" in every:
        every["bound"] = _with_forecast(context, "decision", every["bound"])
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
    decisions = {}
    for rule, inputs in decision_inputs(context, results, corpus).items():
        with context.progress.stage("decision") as stage:
            made = context.build(stage, "decision", inputs, partial(_decide, context, rule, results, release))
            stage.text = decided(rule, made)
        decisions[f"decisions/{rule}"] = made
    return decisions


def decided(rule: str, decision: Artifact) -> str:
    """Say by which rule is decided and, once it is, the verdict."""
    return f"{rule}: {decision.facts['verdict']}" if decision.made else rule


def _notes(recipe: Recipe) -> list[str]:
    return [f"Replicates: {what_varies(recipe)}.", *recipe.release.limits[:1]]


def _decide(
    context: Context, rule: str, results: Mapping[str, Artifact], release: Artifact, out: Path
) -> dict[str, Any]:
    from toolkit.laws.curve.data import NoCurve
    from toolkit.reports.rules.decide import DecisionRequest, decide, write_decision
    from toolkit.reports.rules.verdict import CANNOT_TELL, NoAnswer
    from toolkit.reports.solutions import release_paths

    recipe = context.recipe
    labels = list(release_paths(release.path, recipe.ladder.ladder_questions)) if rule == "saturation" else []
    written = written_forecasts(results, recipe.law.confirm_budget or recipe.law.held_out) if rule == "law" else []
    request = DecisionRequest(rule, written=written, labels=labels, by=recipe.law.forecast, notes=_notes(recipe))
    experiment, every, compared = _read_results(rule, results)
    request = dataclasses.replace(request, **compared, baseline=recipe.arm or None)
    try:
        decision = decide(request, experiment, every, rules_of(recipe))
    except (NoAnswer, NoCurve) as error:  # that these results do not allow the rule is an answer, and costs no other
        answer = {"verdict": CANNOT_TELL, "sentence": f"The rule does not apply to these results: {error}"}
        write_atomic(out / f"{rule}.json", to_json({"rule": rule, "experiment": experiment, **answer}))
        return answer
    write_decision(out, decision, every, recipe.title)
    return {"verdict": decision.verdict, "sentence": decision.sentence}


def _read_results(rule: str, results: Mapping[str, Artifact]) -> "tuple[str, Sequence[Series], dict[str, Any]]":
    """Read the experiment's name, its series, and for a rule that compares arms these and their corpora instead."""
    from toolkit.reports.arms import read_arms
    from toolkit.reports.corpora import read_corpora
    from toolkit.reports.results import read_results

    folder = results["curves"].path
    tables = folder / "curves.parquet", folder / "items.parquet"
    if rule not in OF_ARMS:
        return *read_results(*tables), {}
    experiment, arms = read_arms(*tables)
    corpora = read_corpora(results["corpora"].path / "corpora.parquet", experiment)
    return experiment, [], {"arms": arms, "corpora": corpora}
