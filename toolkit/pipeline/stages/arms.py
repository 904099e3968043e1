"""What the corpora of an experiment's arms look like, at an equal number of rows, and what they took of the teacher."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.pipeline.cells import Cell, Drawn, cells_of, drawn_by
from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import PlannedStage
from toolkit.pipeline.stages.arm_ledger import ledger_inputs, mistakes_of, write_ledger
from toolkit.pipeline.stages.critics import find_critics, shares_of
from toolkit.pipeline.stages.students import Replicate, student_settings
from toolkit.pipeline.token_costs import flops_of
from toolkit.pipeline.unused import unused
from toolkit.progress import Stage
from toolkit.synthesis.journal import Usage
from toolkit.workers import Tick
from toolkit.workspace import Artifact

if TYPE_CHECKING:
    from toolkit.reports.corpora import CorpusValue
    from toolkit.statistics.metric import Metric

TABLE, LEDGER = "corpora", "ledger"  # where the tables lie among a run's results
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
    """Look up the tables of arms, by where they lie among a run's results; none for an experiment without arms."""
    if not context.recipe.arms:
        return {}
    planned = context.workspace.planned
    return {
        TABLE: planned("arms", _inputs(context, replicates)),
        LEDGER: planned("ledger", ledger_inputs(_of_first_base(replicates))),
    }


def plan_arms(results: Mapping[str, Artifact]) -> list[PlannedStage]:
    """Say what is compared beside the students."""
    made = [results[name] for name in (TABLE, LEDGER) if name in results]
    return [PlannedStage("arms", made, "corpora of the arms, and what each took by step")] if made else []


def arms_stage(context: Context, replicates: Sequence[Replicate]) -> dict[str, Artifact]:
    """Measure the corpus of each arm in each replicate (`corpora.parquet`), and count by step what each arm took of its
    teacher (`ledger.parquet`); give both by where they lie among a run's results."""
    own = _of_first_base(replicates)
    draws = min(map(_fewest_draws, own))

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.corpora import write_corpora

        rows, left = _equal_rows(own), unused(own)
        values = context.each(lambda replicate: list(_values(context, stage, replicate, own, (rows, draws))), own)
        took = (counted for replicate in own for counted in _counted(context, replicate, left))
        write_corpora(out, [*(value for of_one in values for value in of_one), *took])
        return {"rows": rows, "corpora": len(own)}

    with context.progress.stage("arms") as stage:
        stage.expect(len(own), "corpus")
        table = context.build(stage, "arms", _inputs(context, replicates), make)
        ledger = context.build(stage, "ledger", ledger_inputs(own), partial(write_ledger, own))
        stage.text = f"{table.facts['corpora']} corpora compared at {table.facts['rows']:,} rows each"
    return {TABLE: table, LEDGER: ledger}


def _inputs(context: Context, replicates: Sequence[Replicate]) -> dict[str, Any]:
    corpora = [
        [*_named(context, one), _steps(one), *(part.digest for part in one.corpus.parts.values())]
        for one in _of_first_base(replicates)
    ]
    critics = [found.digest for one in _of_first_base(replicates) if (found := find_critics(one))]
    more = ({"critics": critics} if critics else {}) | mistakes_of(_of_first_base(replicates))
    return {"corpora": corpora, "base": replicates[0].base.digest, "most_rows": MOST_ROWS, **more}


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
    from toolkit.reports.corpora import CorpusKey, measured

    cell, key = _cell(replicate), CorpusKey(*_named(context, replicate))
    asked = Measuring(*_files(replicate), *equal, _fewest_draws(replicate), _files(_plain(replicate, every)))
    metrics = context.work(stage, f"{key.arm} s{cell.replicate}", measure_corpus, asked, replicate.base.path)
    yield from measured(key, metrics)
    yield from measured(key, {name: share.metric() for name, share in shares_of([replicate]).items()})


def _counted(context: Context, replicate: Replicate, left: Mapping[Drawn, Usage]) -> "Iterator[CorpusValue]":
    """Count what a corpus took and holds, and what was asked for beside it.

    The last is in no key: it depends on how much was asked at once, and the corpora are the same whatever is left.
    """
    from toolkit.reports.corpora import KEPT, UNUSED, CorpusKey, counted

    took = _took(replicate)
    kept = replicate.corpus.statistics[_cell(replicate)[1:3]]["accepted"]
    unused_here = zip(UNUSED, left[drawn_by(replicate.context.run)], strict=True)
    named = took | {KEPT: kept} | _known(replicate, took) | dict(unused_here)
    yield from counted(CorpusKey(*_named(context, replicate)), named)


def _known(replicate: Replicate, took: Mapping[str, int]) -> dict[str, int]:
    """Give what is counted only where it is known."""
    from toolkit.reports.corpora import COMPLETION, FLOPS, PROMPT, STEPS

    flops = flops_of(replicate.context, replicate.teacher, took[PROMPT] + took[COMPLETION])
    counts = {STEPS: _steps(replicate), FLOPS: flops}
    return {name: count for name, count in counts.items() if count is not None}


def _took(replicate: Replicate) -> dict[str, int]:
    """Count samples and tokens of a corpus, those of the teacher and those of a student that was asked apart."""
    from toolkit.reports import corpora as names

    teacher = {names.SAMPLES: "samples", names.PROMPT: "prompt_tokens", names.COMPLETION: "tokens"}
    students = zip(
        (names.STUDENT_SAMPLES, names.STUDENT_PROMPT, names.STUDENT_COMPLETION), teacher.values(), strict=True
    )
    ledger, own = replicate.took(*_cell(replicate)[1:3]), replicate.by_student
    took = {name: sum(ledger[step][field] for step in ledger if step not in own) for name, field in teacher.items()}
    if not own:
        return took
    return took | {name: sum(ledger[step][field] for step in ledger if step in own) for name, field in students}


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
