"""Read the arms of a comparison: students of one pair and pool whose training rows came about in different ways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from toolkit.reports.results import LINES, MATCH, Series, check_scored_alike, read_tables, series_of

RESPONSES = "responses"  # how a table without a value in `match` compares its arms
MATCHES = {
    "samples": "matched samples",
    "tokens": "matched tokens",
    "compute": "matched compute",
    "money": "matched cost",
    RESPONSES: "the same number of responses per question",
}


@dataclass(frozen=True)
class ComparedArm:
    """Students of one arm that are compared in one way.

    Attributes:
        name: as in the column `arm`.
        protocol: how its training rows came about.
        match: a key of `MATCHES`, what the arms compared with it have the same of.
        series: one per pair and control.
    """

    name: str
    protocol: str
    match: str
    series: Sequence[Series]


def read_arms(
    curves: Path, items: Path | None = None, where: Mapping[str, str] | None = None
) -> tuple[str, list[ComparedArm]]:
    """Read the experiment's name and its arms, by name, from tables of the results schema; see `read_results`.

    Raises:
        ValueError: as `read_results` does, for another value of `match`, and for arms scored on different items.
    """
    return arms_of(*read_tables(curves, items, where))


def arms_of(curves: pd.DataFrame, items: pd.DataFrame | None) -> tuple[str, list[ComparedArm]]:
    """Return the experiment's name and its arms, as `read_arms` does, from tables in memory."""
    curves, answers = _matched(curves), None if items is None else _matched(items)
    students = curves[curves["questions"].notna()]
    if students.empty:
        raise ValueError("the results hold no students: no row has questions and budget")
    check_scored_alike(students)
    if answers is not None:
        _check_items(answers)
    groups = sorted({(match, arm) for match, arm in zip(students[MATCH], students["arm"], strict=True)})
    experiments = sorted(set(curves["experiment"]))
    if len(experiments) != 1:
        raise ValueError(f"results of {len(experiments)} experiments ({', '.join(experiments)}): choose one")
    return experiments[0], [_arm(curves, answers, *group) for group in groups]


def match_name(value: str | float | None) -> str:
    """Return the key of `MATCHES` that a cell of the column `match` means; ValueError for another value."""
    if not isinstance(value, str) or value in ("", "none"):  # a cell without a text is None or NaN
        return RESPONSES
    if value not in MATCHES:
        raise ValueError(f"column 'match': {value!r} is not known; use {', '.join(MATCHES)}, or leave it empty")
    return value


def _matched(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a key of `MATCHES` in every row."""
    values = table[MATCH] if MATCH in table else pd.Series(None, table.index, dtype=object)
    names = {value: match_name(value) for value in values.unique()}
    return table.assign(**{MATCH: [names.get(value, RESPONSES) for value in values]})


def _check_items(answers: pd.DataFrame) -> None:
    """Refuse arms with different test items, of which no item can be paired."""
    sets = {str(arm): frozenset(rows["item_id"]) for arm, rows in answers.groupby("arm")}
    first, known = next(iter(sets.items()))
    for arm, others in sets.items():
        if others != known:
            raise ValueError(f"arms {first} and {arm} were scored on different items ({min(known ^ others)!r} is one)")


def _arm(curves: pd.DataFrame, answers: pd.DataFrame | None, match: str, name: str) -> ComparedArm:
    def of_arm(table: pd.DataFrame) -> pd.DataFrame:
        own = (table["arm"] == name) & (table[MATCH] == match)
        return table[own | table["arm"].isin(LINES)]

    rows = of_arm(curves)
    _, series = series_of(rows, None if answers is None else of_arm(answers))
    twice = {(each.pair, each.control) for each in series}
    if len(twice) < len(series):
        raise ValueError(f"arm {name} counts its budget in several ways: choose one counting")
    protocols = set(rows.loc[rows["arm"] == name, "protocol"])
    return ComparedArm(name, str(protocols.pop()), match, series)
