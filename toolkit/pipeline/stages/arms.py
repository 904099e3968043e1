"""What the corpora of an experiment's arms look like, at an equal number of rows, and what they took of the teacher."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.pipeline.cells import Cell, cells_of
from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import PlannedStage
from toolkit.pipeline.stages.students import Replicate, student_settings
from toolkit.progress import Stage
from toolkit.workers import Tick
from toolkit.workspace import Artifact

if TYPE_CHECKING:
    from toolkit.corpora.metrics.interval import Metric
    from toolkit.reports.corpora import CorpusValue
    from toolkit.reports.step_costs import StepCost

TABLE, LEDGER = "corpora", "ledger"  # where the tables lie among a run's results
MOST_ROWS = 500  # of a corpus that are compared: more of them would narrow the intervals little and take long
Row = dict[str, Any]


class Measuring(NamedTuple):
    """What the metrics of a corpus are computed from.

    Attributes:
        accepted, rejected: files of its rows.
        rows: how many of the accepted ones are compared.
        draws: responses per question.
        plain: files of the accepted and of the rejected rows of plain rejection sampling on the same questions.
    """

    accepted: Sequence[Path]
    rejected: Sequence[Path]
    rows: int
    draws: int
    plain: tuple[Sequence[Path], Sequence[Path]]


def find_arms(context: Context, replicates: Sequence[Replicate]) -> dict[str, Artifact]:
    """Look up the tables of arms, by where they lie among a run's results; none for an experiment without arms."""
    if not context.recipe.arms:
        return {}
    planned = context.workspace.planned
    return {
        TABLE: planned("arms", _inputs(context, replicates)),
        LEDGER: planned("ledger", _ledger_inputs(context, replicates)),
    }


def plan_arms(results: Mapping[str, Artifact]) -> list[PlannedStage]:
    """Say what is compared beside the students."""
    made = [results[name] for name in (TABLE, LEDGER) if name in results]
    return [PlannedStage("arms", made, "corpora of the arms, and what each took by step")] if made else []


def arms_stage(context: Context, replicates: Sequence[Replicate]) -> dict[str, Artifact]:
    """Measure the corpus of each arm in each replicate (`corpora.parquet`), and count by step what each arm took of its
    teacher (`ledger.parquet`); give both by where they lie among a run's results."""
    own = _of_first_base(replicates)

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.corpora import write_corpora

        rows = _equal_rows(own)
        values = context.each(lambda replicate: list(_values(context, stage, replicate, own, rows)), own)
        write_corpora(out, [value for of_one in values for value in of_one])
        return {"rows": rows, "corpora": len(own)}

    with context.progress.stage("arms") as stage:
        stage.expect(len(own), "corpus")
        table = context.build(stage, "arms", _inputs(context, replicates), make)
        ledger = context.build(stage, "ledger", _ledger_inputs(context, replicates), partial(_write, context, own))
        stage.text = f"{table.facts['corpora']} corpora compared at {table.facts['rows']:,} rows each"
    return {TABLE: table, LEDGER: ledger}


def _inputs(context: Context, replicates: Sequence[Replicate]) -> dict[str, Any]:
    corpora = [
        [*_named(context, one), _steps(one), *(part.digest for part in one.corpus.parts.values())]
        for one in _of_first_base(replicates)
    ]
    return {"corpora": corpora, "base": replicates[0].base.digest, "most_rows": MOST_ROWS}


def _ledger_inputs(context: Context, replicates: Sequence[Replicate]) -> dict[str, Any]:
    own, serving = _of_first_base(replicates), context.recipe.serving
    corpora = [[*_named(context, one), *(part.digest for part in one.corpus.parts.values())] for one in own]
    calls = [one.source.made.digest for one in own if one.source.made]
    return {"corpora": corpora, "calls": calls, "prices": [serving.price_prompt, serving.price_completion]}


def _write(context: Context, replicates: Sequence[Replicate], out: Path) -> dict[str, Any]:
    """Write what each corpus took of its teacher, a row per step."""
    from toolkit.reports.step_costs import write_step_costs

    costs = [cost for one in replicates for cost in _step_costs(context, one)]
    write_step_costs(out, costs)
    return {"rows": len(costs)}


def _step_costs(context: Context, replicate: Replicate) -> "Iterator[StepCost]":
    from toolkit.reports.step_costs import COUNTS, StepCost

    serving, (experiment, arm, protocol, match, _, draw) = context.recipe.serving, _named(context, replicate)
    priced = serving.price_prompt or serving.price_completion
    for questions, budget in replicate.corpus.corpora:
        for step, counts in replicate.ledger(questions, budget).items():
            took = {name: float(counts[name]) for name in COUNTS}
            cost = took["prompt_tokens"] * serving.price_prompt + took["tokens"] * serving.price_completion
            money = cost / 1e6 if priced else None
            yield StepCost(experiment, arm, protocol, match, questions, budget, draw, step, **took, cost=money)


def _named(context: Context, replicate: Replicate) -> tuple[str, str, str, str | None, int, int]:
    """Name a corpus as the table does: experiment, arm, protocol, match, budget and draw."""
    recipe, cell = replicate.context.recipe, _cell(replicate)
    return context.recipe.name, recipe.arm, recipe.sampling.protocol, recipe.ladder.match, cell.budget, cell.replicate


def _steps(replicate: Replicate) -> int | None:
    """Give the optimiser steps of the arm's students; None where they depend on the corpus."""
    settings = student_settings(replicate, _cell(replicate))
    return settings.steps if settings.control == "steps" else None


def _of_first_base(replicates: Sequence[Replicate]) -> list[Replicate]:
    """Give one replicate for each corpus: pairs with the same teacher share theirs."""
    base = replicates[0].context.recipe.pair.split(">")[1]
    return [one for one in replicates if one.context.recipe.pair.split(">")[1] == base]


def _cell(replicate: Replicate) -> Cell:
    return cells_of(replicate.context.run)[-1]


def _equal_rows(replicates: Sequence[Replicate]) -> int:
    """Give how many rows every corpus has."""
    counts = [one.corpus.statistics[_cell(one)[1:3]]["accepted"] for one in replicates]
    return int(min([MOST_ROWS, *counts]))


def _values(
    context: Context, stage: Stage, replicate: Replicate, every: Sequence[Replicate], rows: int
) -> "Iterator[CorpusValue]":
    from toolkit.reports.corpora import COMPLETION, KEPT, PROMPT, SAMPLES, STEPS, CorpusKey, counted, measured

    cell, key = _cell(replicate), CorpusKey(*_named(context, replicate))
    asked = Measuring(*_files(replicate), rows, cell.budget, _files(_plain(replicate, every)))
    metrics = context.work(stage, f"{key.arm} s{cell.replicate}", measure_corpus, asked, replicate.base.path)
    yield from measured(key, metrics)
    steps = replicate.ledger(*cell[1:3]).values()
    took = {name: sum(step[field] for step in steps) for name, field in TOOK.items()}
    kept = replicate.corpus.statistics[cell[1:3]]["accepted"]
    named = {SAMPLES: took["samples"], PROMPT: took["prompt"], COMPLETION: took["completion"], KEPT: kept}
    steps_taken = _steps(replicate)
    yield from counted(key, named | ({STEPS: steps_taken} if steps_taken is not None else {}))


TOOK = {"samples": "samples", "prompt": "prompt_tokens", "completion": "tokens"}


def _plain(replicate: Replicate, every: Sequence[Replicate]) -> Replicate:
    """Give the first arm of the same teacher in the same replicate."""
    teacher, own = replicate.context.recipe.pair, replicate.context.run.replicates
    return next(one for one in every if (one.context.recipe.pair, one.context.run.replicates) == (teacher, own))


def _files(replicate: Replicate) -> tuple[list[Path], list[Path]]:
    accepted = [part.path / name for part, name in replicate.corpus.accepted(*_cell(replicate)[1:3])]
    return accepted, [Path(str(path).replace("/data/accepted/", "/data/rejected/")) for path in accepted]


def measure_corpus(asked: Measuring, base: Path, tick: Tick) -> "dict[str, Metric]":
    """Compute the metrics of one corpus; runs in a worker."""
    from toolkit.corpora.metrics.describe import Beside, LoadedBase, describe
    from toolkit.models.chat import load_tokenizer
    from toolkit.models.networks import load_network

    draws = list(_read([*asked.accepted, *asked.rejected], ["question_id", "response", "verdict"]))
    plain = _read([file for side in asked.plain for file in side], ["question_id", "verdict"])
    beside = Beside(draws, asked.draws, difficulty=_acceptance(plain))
    columns = ["question_id", "question", "response", "response_index", "messages", "wrong_step"]
    with_base = LoadedBase(load_network(base).eval(), load_tokenizer(base))
    return describe(_read(asked.accepted, columns), asked.rows, beside, with_base)


def _read(files: Sequence[Path], columns: list[str]) -> Iterator[Row]:
    import pyarrow.parquet as pq

    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=10_000, columns=columns):
                yield from batch.to_pylist()


def _acceptance(rows: Iterator[Row]) -> Mapping[str, float]:
    """Give the share of accepted responses of each question."""
    counts: dict[str, list[bool]] = {}
    for row in rows:
        counts.setdefault(row["question_id"], []).append(row["verdict"] == "accepted")
    return {question: sum(right) / len(right) for question, right in counts.items()}
