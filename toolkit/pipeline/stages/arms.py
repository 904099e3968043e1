"""What the corpora of an experiment's arms look like, at an equal number of rows, and what they took of the teacher."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.pipeline.cells import Cell, cells_of
from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import PlannedStage
from toolkit.pipeline.stages.students import Replicate, student_settings
from toolkit.pipeline.token_costs import flops_of
from toolkit.progress import Stage
from toolkit.workers import Tick
from toolkit.workspace import Artifact

if TYPE_CHECKING:
    from toolkit.corpora.metrics.interval import Metric
    from toolkit.reports.corpora import CorpusValue

TABLE = "corpora"  # where the table lies among a run's results
MOST_ROWS = 500  # of a corpus that are compared: more of them would narrow the intervals little and take long
Row = dict[str, Any]


class Measuring(NamedTuple):
    """What the metrics of a corpus are computed from.

    Attributes:
        accepted, rejected: files of its rows.
        rows: how many of the accepted ones are compared.
        draws: responses per question at which all corpora are compared.
        fewest: responses that any question of this one has.
        plain: files of the accepted and of the rejected rows of plain rejection sampling on the same questions.
    """

    accepted: Sequence[Path]
    rejected: Sequence[Path]
    rows: int
    draws: int
    fewest: int
    plain: tuple[Sequence[Path], Sequence[Path]]


def find_arms(context: Context, replicates: Sequence[Replicate]) -> dict[str, Artifact]:
    """Look up the table of corpora, by where it lies among a run's results; none for an experiment without arms."""
    return {TABLE: context.workspace.planned("arms", _inputs(context, replicates))} if context.recipe.arms else {}


def plan_arms(results: Mapping[str, Artifact]) -> list[PlannedStage]:
    """Say what is compared beside the students."""
    return [PlannedStage("arms", [results[TABLE]], "corpora of the arms")] if TABLE in results else []


def arms_stage(context: Context, replicates: Sequence[Replicate]) -> Artifact:
    """Measure the corpus of each arm in each replicate and write `corpora.parquet`."""
    own = _of_first_base(replicates)
    draws = min(map(_fewest_draws, own))

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.corpora import write_corpora

        rows = _equal_rows(own)
        values = context.each(lambda replicate: list(_values(context, stage, replicate, own, (rows, draws))), own)
        write_corpora(out, [value for of_one in values for value in of_one])
        return {"rows": rows, "corpora": len(own)}

    with context.progress.stage("arms") as stage:
        stage.expect(len(own), "corpus")
        table = context.build(stage, "arms", _inputs(context, replicates), make)
        stage.text = f"{table.facts['corpora']} corpora compared at {table.facts['rows']:,} rows each"
    return table


def _inputs(context: Context, replicates: Sequence[Replicate]) -> dict[str, Any]:
    corpora = [
        [*_named(context, one), _steps(one), *(part.digest for part in one.corpus.parts.values())]
        for one in _of_first_base(replicates)
    ]
    return {"corpora": corpora, "base": replicates[0].base.digest, "most_rows": MOST_ROWS}


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


def _fewest_draws(replicate: Replicate) -> int:
    """Give how many responses any question of a corpus has; arms that are matched draw index by index."""
    cell = _cell(replicate)
    sampled = replicate.corpus.statistics[cell[1:3]]["sampled"] // max(1, len(replicate.source.questions))
    return int(sampled) if replicate.context.recipe.ladder.match else cell.budget


def _values(
    context: Context, stage: Stage, replicate: Replicate, every: Sequence[Replicate], equal: tuple[int, int]
) -> "Iterator[CorpusValue]":
    from toolkit.reports.corpora import COMPLETION, KEPT, PROMPT, SAMPLES, CorpusKey, counted, measured

    cell, key = _cell(replicate), CorpusKey(*_named(context, replicate))
    asked = Measuring(*_files(replicate), *equal, _fewest_draws(replicate), _files(_plain(replicate, every)))
    metrics = context.work(stage, f"{key.arm} s{cell.replicate}", measure_corpus, asked, replicate.base.path)
    yield from measured(key, metrics)
    steps = replicate.ledger(*cell[1:3]).values()
    took = {name: sum(step[field] for step in steps) for name, field in TOOK.items()}
    kept = replicate.corpus.statistics[cell[1:3]]["accepted"]
    named = {SAMPLES: took["samples"], PROMPT: took["prompt"], COMPLETION: took["completion"], KEPT: kept}
    yield from counted(key, named | _known(replicate, took["prompt"] + took["completion"]))


def _known(replicate: Replicate, tokens: int) -> dict[str, int]:
    """Give what is counted only where it is known."""
    from toolkit.reports.corpora import FLOPS, STEPS

    counts = {STEPS: _steps(replicate), FLOPS: flops_of(replicate.context, replicate.teacher, tokens)}
    return {name: count for name, count in counts.items() if count is not None}


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
    beside = Beside(draws, asked.draws, fewest=asked.fewest, difficulty=_acceptance(plain))
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
