"""The table of corpora beside the results of arms: what each arm's corpus looks like, and what it cost.

One row per arm, way of matching, budget, corpus draw and metric. Metrics of the corpus are those of
`toolkit.corpora.metrics`, with bounds; those of `LEDGER` are counted. Reads and writes Parquet only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.statistics.metric import Metric

TABLE = "corpora.parquet"
SAMPLES, PROMPT, COMPLETION, KEPT = "samples", "prompt_tokens", "completion_tokens", "accepted rows"
STEPS = "steps"  # optimiser steps of each of the arm's students, both stages of a training in two stages
# what the student's base model answered, for an arm whose protocol asks it: none of it is in the three above
STUDENT_SAMPLES, STUDENT_PROMPT, STUDENT_COMPLETION = (f"student {name}" for name in (SAMPLES, PROMPT, COMPLETION))
UNUSED = tuple(f"unused {name}" for name in (SAMPLES, PROMPT, COMPLETION))  # asked for, and in no corpus of the run
FLOPS = "flops"  # of the teacher: 2 x its parameters for each token of prompts and completions
LEDGER = (SAMPLES, PROMPT, COMPLETION, KEPT, STEPS, FLOPS, STUDENT_SAMPLES, STUDENT_PROMPT, STUDENT_COMPLETION, *UNUSED)
NOT_TESTED = "not tested"  # the metric of an arm that has no students on purpose; its unit says why
NOT_AT_NANO = "not testable at nano"

CORPORA = pa.schema(
    [
        ("experiment", pa.string()),
        ("arm", pa.string()),
        ("protocol", pa.string()),
        ("match", pa.string()),
        ("budget", pa.int64()),
        ("corpus_draw", pa.int64()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("unit", pa.string()),
        ("count", pa.int64()),
    ]
)


@dataclass(frozen=True)
class CorpusKey:
    """Whose corpus it is; `match` is None where one corpus serves every comparison.

    An arm without a corpus has no budget and no draw.
    """

    experiment: str
    arm: str
    protocol: str
    match: str | None = None
    budget: int | None = None
    corpus_draw: int | None = None


@dataclass(frozen=True)
class CorpusValue:
    """One metric of a corpus, a row of the table; what is counted has neither bounds nor the `count` of a `Metric`."""

    corpus: CorpusKey
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    count: int | None = None


def measured(corpus: CorpusKey, metrics: Mapping[str, Metric]) -> list[CorpusValue]:
    """Give the metrics of a corpus (`toolkit.corpora.metrics.describe`) as rows.

    Raises:
        ValueError: for a metric that has the name of something counted.
    """
    taken = metrics.keys() & {*LEDGER, NOT_TESTED}
    if taken:
        raise ValueError(f"{min(taken)!r} is counted, not measured: give it to `counted`")
    return [
        CorpusValue(corpus, name, metric.value, metric.low, metric.high, metric.unit, metric.count)
        for name, metric in metrics.items()
    ]


def counted(corpus: CorpusKey, ledger: Mapping[str, int]) -> list[CorpusValue]:
    """Give what a corpus cost and holds, by names of `LEDGER`, as rows; ValueError for another name."""
    unknown = ledger.keys() - set(LEDGER)
    if unknown:
        raise ValueError(f"a ledger has no {min(unknown)!r}; it has {', '.join(LEDGER)}")
    return [CorpusValue(corpus, name, float(count), unit="count") for name, count in ledger.items()]


def untested(corpus: CorpusKey, why: str = NOT_AT_NANO) -> CorpusValue:
    """Give the row that says why an arm has no students."""
    return CorpusValue(corpus, NOT_TESTED, None, unit=why)


def write_corpora(out: Path, values: Iterable[CorpusValue]) -> None:
    """Write `corpora.parquet` into `out`, an existing folder."""
    rows = [asdict(value) for value in values]
    pq.write_table(pa.Table.from_pylist([row | row.pop("corpus") for row in rows], schema=CORPORA), out / TABLE)


def read_corpora(path: Path, experiment: str | None = None) -> list[CorpusValue]:
    """Read the rows of a table of corpora, those of one experiment where it is named; ValueError for another table."""
    rows: Sequence[dict[str, object]] = pq.read_table(path).to_pylist()
    absent = set(CORPORA.names) - set(pq.read_schema(path).names)
    if absent:
        raise ValueError(f"{path.name}: it has no column {min(absent)!r}; it needs {', '.join(CORPORA.names)}")
    values = [_value(row) for row in rows]
    return [value for value in values if experiment in (None, value.corpus.experiment)]


def _value(row: Mapping[str, object]) -> CorpusValue:
    keys, facts = (
        CorpusKey.__dataclass_fields__,
        [name for name in CorpusValue.__dataclass_fields__ if name != "corpus"],
    )
    corpus = CorpusKey(**{name: row[name] for name in keys})  # type: ignore[arg-type]
    return CorpusValue(corpus, **{name: row[name] for name in facts})  # type: ignore[arg-type]
