"""Read rows of measured errors, accuracies or losses: columns by meaning, in one unit, checked row by row."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from toolkit.reports.reading.numbers import Numbers, Role, numbers
from toolkit.reports.reading.quantities import UNITS, quantity, unit_of
from toolkit.reports.reading.table import Table

COUNTS, VALUES, TEXTS = ("budget", "n", "questions"), ("value", "sd"), ("seed", "group")
MOST = 1e12  # largest count
LEAST_SD = 0.05  # points: a smaller sd of a value in percent is a fraction that was not converted


class Measurements(NamedTuple):
    """Rows of measured values, as a table.

    Attributes:
        rows: a column per meaning (budget, value, sd, seed, n, questions, group), indexed by the rows' numbers in the
            file; values and sds are fractions, or losses.
        quantity: "error" or "loss".
        notes: how the columns were read.
    """

    rows: pd.DataFrame
    quantity: str
    notes: tuple[str, ...]


def measure(
    table: Table, meaning: Mapping[str, str | None], declared: str | None = None, unit: str | None = None
) -> Measurements:
    """Read the measurements in a table's columns.

    Args:
        meaning: column names by their meaning: budget and value and, where they exist, sd, seed, n, questions, group.
        declared: "error", "accuracy" or "loss"; None: by the name of the value's column.
        unit: "fraction" or "percent" of errors and accuracies; None: by the values and their percent signs.

    Raises:
        ValueError: naming the row, the column, the value and the remedy.
    """
    roles = check_roles(meaning)
    kind, kind_notes = quantity(roles["value"], declared)
    of_values = Role.OPEN if kind == "loss" else Role.SHARE
    number_roles = {
        name: of_values if role in VALUES else Role.WHOLE for role, name in roles.items() if role not in TEXTS
    }
    read, marks = numbers(table, number_roles)
    columns = {role: read[name].values if name in read else _texts(table, name) for role, name in roles.items()}
    rows = pd.DataFrame(columns, index=table.numbers)
    _check_counts(rows, roles)
    if kind == "loss":
        _check_range(rows, "value", roles, 0, float("inf"), "losses are above 0", above=True)
        return Measurements(rows, "loss", (*kind_notes, *marks))
    notes = _as_fractions(rows, roles, read, unit)
    if kind == "accuracy":
        rows["value"] = 1 - rows["value"]
    return Measurements(rows, "error", (*notes, *kind_notes, *marks))


def check_roles(meaning: Mapping[str, str | None]) -> dict[str, str]:
    """Return the meanings that have a column; ValueError for a column that is named for two of them."""
    roles = {role: name for role, name in meaning.items() if name}
    names = list(roles.values())
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"column {twice[0]!r} is named for two things: choose another one")
    return roles


def _texts(table: Table, name: str) -> list[str]:
    """Return groups and seeds as text; None, NA and null are names like any other, an empty cell gets one."""
    return [cell or f"no {name}" for cell in table.cells(name)]


def _check_counts(rows: pd.DataFrame, roles: Mapping[str, str]) -> None:
    for role in COUNTS:
        if role == "budget":
            _check_range(rows, role, roles, 0, MOST, f"budgets are above 0 and at most {MOST:g}", above=True)
        elif role in rows:
            _check_range(rows, role, roles, 1, MOST, "")


def _check_range(
    rows: pd.DataFrame, role: str, roles: Mapping[str, str], low: float, high: float, remedy: str, above: bool = False
) -> None:
    wrong = rows[(rows[role] < low) | (rows[role] > high) | (above & (rows[role] == low))]
    if len(wrong):
        worst = wrong[role].iloc[0]
        remedy = remedy or f"it should lie from {low:g} to {high:g}"
        kind = f"an {role}" if role in ("sd", "n") else f"a {role}"
        raise ValueError(f"row {wrong.index[0]}, column {roles[role]!r}: {worst:g} cannot be {kind}: {remedy}")


def _as_fractions(
    rows: pd.DataFrame, roles: Mapping[str, str], read: Mapping[str, Numbers], unit: str | None
) -> list[str]:
    """Convert percent to fractions, in place, and return notes on where."""
    _check_unit(rows, roles, read, unit)
    name = roles["value"]
    actual = unit or unit_of(name, rows["value"].tolist(), read[name].signed)
    if actual is None:
        raise ValueError(_unclear(rows["value"], name))
    most = 100 if actual == "percent" else 1
    for role in VALUES:
        if role in rows:
            signed = role == "sd" and read[roles[role]].signed
            _check_range(rows, role, roles, 0, 100 if signed else most, "")
            rows[role] = rows[role] / (100 if signed else most)
    if "sd" in rows and actual == "percent" and not read[roles["sd"]].signed and rows["sd"].max() < LEAST_SD / 100:
        raise ValueError(
            f"column {name!r} is in percent, and column {roles['sd']!r} is below {LEAST_SD:g} everywhere: write "
            "both as fractions, or both with percent signs"
        )
    return [f"column {name!r} reaches {max(read[name].values):g}: read as percent"] if most > 1 else []


def _check_unit(rows: pd.DataFrame, roles: Mapping[str, str], read: Mapping[str, Numbers], unit: str | None) -> None:
    if unit is not None and unit not in UNITS:
        raise ValueError(f"unit is {unit!r}: use one of {', '.join(UNITS)}")
    name = roles["value"]
    if unit == "fraction" and read[name].signed:
        raise ValueError(f"column {name!r} has percent signs: it cannot hold fractions")
    most = 1 if rows["value"].max() <= 1 else 100
    _check_range(rows, "value", roles, 0, most, f"it should lie from 0 to {most} (a loss? say so)")


def _unclear(values: "pd.Series[float]", name: str) -> str:
    small, large = values[(values > 0) & (values <= 1)], values[values > 1]
    if large.empty:
        return (
            f"column {name!r} is named percent and holds no more than {values.max():g}: say --unit percent or fraction"
        )
    return (
        f"column {name!r} holds {large.iloc[0]:g} in row {large.index[0]} and {small.iloc[0]:g} in row "
        f"{small.index[0]}: percent, fractions or both? Write them alike, or say --unit percent"
    )
