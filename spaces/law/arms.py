"""Compare the arms of results by the functions of `fss compare`, and write what is shown for downloading."""

from functools import lru_cache
from typing import Any

import pandas as pd

from data import Experiment
from selection import Choice
from toolkit.reports.arms_report import ArmsReport, report_arms
from toolkit.reports.transfer import ArmPoint, transfer

CSV = "arms.csv"


@lru_cache(maxsize=8)
def report(experiment: Experiment) -> ArmsReport:
    """Compare the arms as `fss compare` does; ValueError says why that is not possible."""
    if experiment.tables is None:
        raise ValueError("a table of results has no arms: a results dataset has the table of their corpora")
    first = experiment.curves.iloc[0]
    where = {"experiment": str(first["experiment"]), "benchmark": str(first["benchmark"])}
    return report_arms(experiment.tables, experiment.rule or "audit", where=where)


def metric_of(compared: ArmsReport, named: str | None) -> str:
    """Return the named metric or, where no corpus has it, the first one; ValueError where no corpus has any."""
    known = compared.found.ledger.metrics()
    if not known:
        raise ValueError("no metric of these corpora is known")
    return named if named in known else known[0]


def as_csv(choice: Choice, compared: ArmsReport, metric: str) -> str:
    """Write a row per arm and match: the metric of its corpus, error and gain (fractions), all with intervals."""
    level = 1 - 2 * compared.rules.alpha
    rows = [_row(point) for point in transfer(compared.found, metric, compared.rules)]
    result = "exploratory" if choice.why else "as declared"
    return str(pd.DataFrame(rows).assign(level=level, result=result).to_csv(index=False, lineterminator="\n"))


def _row(point: ArmPoint) -> dict[str, Any]:
    head = {
        "arm": point.label,
        "pair": point.pair,
        "match": point.match,
        "questions": point.cell[0],
        "budget": point.cell[1],
        "metric": point.metric,
        "unit": point.unit,
    }
    values = {"corpus": point.corpus, "error": point.error, "gain": point.gain}
    ends = {"": "estimate", "_low": "low", "_high": "high"}
    return head | {
        f"{name}{end}": None if interval is None else getattr(interval, field)
        for name, interval in values.items()
        for end, field in ends.items()
    }
