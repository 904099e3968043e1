"""The table of what each arm took of its teacher, by step: completions, tokens and, with prices, money.

One row per arm, corpus and step, a table beside that of the corpora. Reads and writes Parquet only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.text import markdown_table

TABLE = "ledger.parquet"
COUNTS = ("samples", "kept", "prompt_tokens", "tokens")
HEADER = ("arm", "step", "samples", "kept", "prompt tokens", "completion tokens", "FLOPs", "cost")

LEDGER = pa.schema(
    [
        *((name, pa.string()) for name in ("experiment", "arm", "protocol", "match")),
        *((name, pa.int64()) for name in ("questions", "budget", "corpus_draw")),
        ("step", pa.string()),
        *((name, pa.float64()) for name in (*COUNTS, "cost", "flops")),
        ("by_student", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class StepCost:
    """What one step took of the teacher for one corpus.

    Attributes:
        match: a key of `toolkit.reports.arms.MATCHES`, or None.
        step: of the protocol; `unused` has completions that were asked for and that no corpus has.
        samples, kept: completions of the step, and those behind rows that train.
        prompt_tokens, tokens: read and written by the model that was asked.
        cost: in the currency of the recipe's prices; None without prices.
        flops: of the teacher; None where its size is not known.
        by_student: whether a student's base was asked, whose completions are no samples of the teacher.
    """

    experiment: str
    arm: str
    protocol: str
    match: str | None
    questions: int
    budget: int
    corpus_draw: int
    step: str
    samples: float
    kept: float
    prompt_tokens: float
    tokens: float
    cost: float | None = None
    flops: float | None = None
    by_student: bool = False


def write_step_costs(out: Path, costs: Iterable[StepCost]) -> None:
    """Write `ledger.parquet` into `out`, an existing folder."""
    pq.write_table(pa.Table.from_pylist([asdict(cost) for cost in costs], schema=LEDGER), out / TABLE)


def read_step_costs(path: Path, experiment: str | None = None) -> list[StepCost]:
    """Read the rows of the table, those of one experiment where it is named; ValueError for another table."""
    names = [field.name for field in fields(StepCost)]
    absent = set(names) - set(pq.read_schema(path).names)
    if absent:
        raise ValueError(f"{path.name}: it has no column {min(absent)!r}; it needs {', '.join(names)}")
    costs = [StepCost(**{name: row[name] for name in names}) for row in pq.read_table(path).to_pylist()]
    return [cost for cost in costs if experiment in (None, cost.experiment)]


def mean_costs(costs: Sequence[StepCost]) -> list[list[str]]:
    """Give rows of `HEADER` as text, means over corpus draws, in the order in which arms and steps come.

    A draw without a step counts as 0. The corpus is named beside the arm where arms have several.
    """
    groups: dict[tuple[str, int, int], dict[str, list[StepCost]]] = {}
    for cost in costs:
        groups.setdefault((cost.arm, cost.questions, cost.budget), {}).setdefault(cost.step, []).append(cost)
    several = len({group[1:] for group in groups}) > 1
    rows = []
    for (arm, questions, budget), steps in groups.items():
        draws = len({cost.corpus_draw for own in steps.values() for cost in own})
        name = f"{arm}, q{questions}-r{budget}" if several else arm
        rows += [[name, _of_whom(step, own), *_means(own, draws)] for step, own in steps.items()]
    return rows


def _of_whom(step: str, costs: Sequence[StepCost]) -> str:
    return f"{step} (by the student, no sample of the teacher)" if costs[0].by_student else step


def _means(costs: Sequence[StepCost], draws: int) -> list[str]:
    counts = [f"{sum(getattr(cost, name) for cost in costs) / draws:,.0f}" for name in COUNTS]
    spent = ([getattr(cost, name) for cost in costs if getattr(cost, name) is not None] for name in ("flops", "cost"))
    return [*counts, *(f"{sum(of_all) / draws:,.4g}" if of_all else "" for of_all in spent)]


def ledger_table(costs: Sequence[StepCost]) -> str:
    """Write the means as a Markdown table."""
    return markdown_table(HEADER, mean_costs(costs))
