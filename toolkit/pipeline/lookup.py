"""What earlier runs left, named by what it is made from and looked up: nothing is made, asked or said."""

from collections.abc import Sequence

from toolkit.pipeline.cells import Cell, cells_of, drawn_by, single_runs
from toolkit.pipeline.context import Context
from toolkit.pipeline.stages.corpus import Corpus, find_corpus
from toolkit.pipeline.stages.law import (
    Measured,
    Results,
    decision_inputs,
    forecast_inputs,
    held_rungs,
    law_inputs,
    law_place,
    laws_of,
)
from toolkit.pipeline.stages.models import find_models
from toolkit.pipeline.stages.pool import find_pool
from toolkit.pipeline.stages.responses import find_source
from toolkit.pipeline.stages.scores import Scored, references, score_inputs
from toolkit.pipeline.stages.students import Replicate, student_inputs
from toolkit.workspace import Artifact


def find_replicates(context: Context) -> list[Replicate]:
    """Look up every pair in every replicate up to its corpus; pairs with the same teacher have the same corpora."""
    models, found, replicates = find_models(context, ["teacher", "base"]), {}, []
    for run in single_runs(context.run):
        single, drawn = context.part(run), drawn_by(run)
        if drawn not in found:
            pool = find_pool(single)
            source = find_source(single, pool, models["teacher", drawn[0]])
            found[drawn] = pool, source, find_corpus(single, source)
        pool, source, corpus = found[drawn]
        base = models["base", run.recipe.pair.split(">")[1]]
        replicates.append(Replicate(single, pool, source.teacher, base, source, corpus))
    return replicates


def find_measured(replicates: Sequence[Replicate]) -> Measured:
    """Look up the score of every teacher, base and student of a run."""
    scores = {name: _score(scored, name) for name, scored in references(replicates).items()}
    cells = {
        cell: _student_score(replicate, cell) for replicate in replicates for cell in cells_of(replicate.context.run)
    }
    recipe = replicates[0].context.recipe
    return Measured(recipe, scores, {}).with_cells(cells)


def _student_score(replicate: Replicate, cell: Cell) -> Artifact:
    student = replicate.context.workspace.planned("student", student_inputs(replicate, cell))
    return _score(Scored(replicate, student), cell)


def _score(scored: Scored, label: tuple[str, str] | Cell) -> Artifact:
    return scored.replicate.context.workspace.planned("score", score_inputs(scored, label))


def find_laws(context: Context, measured: Measured) -> Results:
    """Look up the law of every held-out rung that has one, by where it lies among a run's results."""
    results: Results = {}
    early = measured.without(held_rungs(context.run))
    for held in laws_of(context.run):
        if early.points(held.pair, context.run.budgets) and measured.points(held.pair, [held.budget]):
            forecast = context.workspace.planned("forecast", forecast_inputs(context, early, held))
            inputs = law_inputs(context, measured, held, forecast)
            results[law_place(held, results)] = context.workspace.planned("law", inputs)
    return results


def find_decisions(context: Context, results: Results, corpus: Corpus) -> Results:
    """Look up what was decided from results, by where it lies among them."""
    rules = decision_inputs(context, results, corpus)
    return {f"decisions/{rule}": context.workspace.planned("decision", inputs) for rule, inputs in rules.items()}
