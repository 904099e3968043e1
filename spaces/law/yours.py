"""Read somebody's table as one more experiment: columns guessed by their names, read as `fss fit` does."""

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from data import COLUMNS, MISSING, REFERENCES, YOURS, Experiment
from toolkit.doors import OLDER
from toolkit.reports.curves import as_ladders
from toolkit.reports.reading.measurements import Measurements, check_roles, measure
from toolkit.reports.reading.numbers import Role, are_numbers, numbers
from toolkit.reports.reading.quantities import quantity_of, unit_of, words
from toolkit.reports.reading.table import Table

PAIR, ARM = "your pair", "yours"
# The role of a column is the first whose pattern matches its whole name, so that "seed" does not match "see".
NAMES = {
    "budget": r"r|k|budget|responses?|responses per question|samples|samples per question|rollouts|x|tokens",
    "seed": r"seed|train seed|run|replicate",
    "sd": r"sd|std|stdev|stddev|standard deviation",
    "n": r"n|items|test items|test size|n test",
    "questions": r"questions|m|prompts|n questions",
    "group": r"group|arm|method|model",
}
UNITS = {"fraction": "fractions", "percent": "percent"}
ROLES = ("budget", "value", "seed", "sd", "n", "questions", "group")


class Meaning(NamedTuple):
    """The meaning of a table's columns; None where there is no such column, or no answer.

    `quantity` is "error" or "accuracy", None where no name says it; `unit` "fraction" or "percent"; `control` "steps",
    "epochs" or unknown ("nan"); `counting` "sampled", "accepted" or unknown.
    """

    budget: str | None
    value: str | None
    quantity: str | None
    unit: str | None = None
    seed: str | None = None
    sd: str | None = None
    n: str | None = None
    questions: str | None = None
    group: str | None = None
    control: str | None = None
    counting: str | None = None


def guess(table: Table) -> Meaning:
    """Return the meaning that the columns' names suggest; optional columns must hold numbers."""
    roles: dict[str, str | None] = {"value": _value(table)}
    for role, pattern in NAMES.items():
        fitting = [name for name in table.names if re.fullmatch(pattern, words(name))]
        fitting = [name for name in fitting if name not in roles.values()]
        candidates = [name for name in fitting if role not in ("sd", "n", "questions") or are_numbers(table, name)]
        roles[role] = next(iter(candidates), None)
    quantity = quantity_of(roles["value"] or "")
    return Meaning(**roles, quantity=None if quantity == "loss" else quantity)


def _value(table: Table) -> str | None:
    """Return the column of errors or accuracies, by its name; numbers before text, and either before one called y."""
    candidates = [name for name in table.names if quantity_of(name) in ("error", "accuracy")]
    candidates += [name for name in table.names if words(name) == "y"]
    return next(iter([*(name for name in candidates if are_numbers(table, name)), *candidates]), None)


def unit(table: Table, value: str) -> str | None:
    """Return "percent" where all values exceed 1 or have the sign; None where only the table's owner knows."""
    try:
        column = numbers(table, {value: Role.SHARE})[0][value]
    except ValueError:  # reported by row and column when the table is used
        return None
    return "percent" if unit_of(value, column.values, column.signed) == "percent" else None


def experiment(table: Table, meaning: Meaning) -> Experiment:
    """Make an experiment of the table, with a ladder per group and number of questions.

    ValueError says what is not answered yet, or which row and column are wrong, and the remedy.
    """
    _check(table, meaning)
    actual_unit = unit(table, str(meaning.value)) or meaning.unit
    roles = {role: getattr(meaning, role) for role in ROLES}
    measurements = measure(table, roles, meaning.quantity, actual_unit)
    if "group" in measurements.rows:
        measurements.rows["group"] = measurements.rows["group"].map(_group)
    _check_copies(measurements.rows)
    notes = [f"column {meaning.value!r} is read as {meaning.quantity} in {UNITS[str(actual_unit)]}"]
    notes += measurements.notes
    curves = pd.concat(_ladders(measurements, notes), ignore_index=True)
    curves = curves.assign(
        experiment=_name(table, meaning), pair=PAIR, control=meaning.control, counting=meaning.counting, **OLDER
    )
    return Experiment(_name(table, meaning), YOURS, curves[[*COLUMNS, *OLDER, "sd"]], notes=tuple(dict.fromkeys(notes)))


def _check(table: Table, meaning: Meaning) -> None:
    if not meaning.budget or not meaning.value:
        raise ValueError("say which column holds the budget and which the error or accuracy")
    if meaning.quantity is None:
        raise ValueError("say if the values are errors or accuracies (losses: use fss fit --quantity loss)")
    if meaning.control is None:
        raise ValueError("say how students were trained: with matched steps or with equal epochs (or: not known)")
    if meaning.counting is None:
        raise ValueError("say what the budget counts: responses sampled or responses accepted (or: not known)")
    check_roles({role: getattr(meaning, role) for role in ROLES})
    numbers(table, {meaning.budget: Role.WHOLE, meaning.value: Role.SHARE})  # cells before the question of their unit
    if meaning.unit is None and unit(table, meaning.value) is None:
        raise ValueError(_unclear(table, meaning.value))


def _unclear(table: Table, value: str) -> str:
    most = max(numbers(table, {value: Role.SHARE})[0][value].values)
    message = (
        "all values of column {!r} are 1 or less"
        if most <= 1
        else "some values of column {!r} are 1 or less, others not"
    )
    return f"{message.format(value)}: say if they are fractions or percent"


def _check_copies(rows: pd.DataFrame) -> None:
    """Refuse a row that repeats another and would count as one more seed, unless rows are items (0 or 1)."""
    keys = [name for name in ("group", "questions", "budget", "seed") if name in rows]
    copies = rows[rows.duplicated(keys if "seed" in rows else None)]
    if len(copies) and not rows["value"].isin((0.0, 1.0)).all():
        same = keys if "seed" in rows else list(rows)
        first = rows.index[(rows[same] == copies[same].iloc[0]).all(axis=1)][0]
        what = "has the budget and seed of" if "seed" in rows else "repeats"
        raise ValueError(
            f"row {copies.index[0]} {what} row {first}: delete one, or name a column that distinguishes them"
        )


def _ladders(measurements: Measurements, notes: list[str]) -> Iterator[pd.DataFrame]:
    """Yield each ladder's students in the schema of results; `notes` receives notes on how they were read."""
    rows = measurements.rows
    keys = [name for name in ("group", "questions") if name in rows]
    repeated = rows.duplicated([*keys, "budget"]).any()
    if "sd" in rows and repeated:
        notes.append("budgets repeat, so the spread over seeds is the noise and the column of sds is not used")
        rows = rows.drop(columns="sd")
    if not repeated and not {"seed", "n", "sd"} & set(rows):
        notes.append("one row per budget and no sd: the noise is unknown, so the law has no interval")
    for _, group in rows.groupby(keys, sort=False) if keys else [((), rows)]:
        run = group.iloc[0]
        ladder = as_ladders(measurements._replace(rows=group, notes=()), ARM)[0]
        notes.extend(ladder.notes)
        students = pd.DataFrame(
            {"budget": ladder.budgets, "error": ladder.values, "sd": ladder.sd, "n": ladder.n}, dtype=float
        )
        students["train_seed"] = students.groupby("budget").cumcount().astype(float)
        yield students.assign(arm=ladder.name, questions=float(run.get("questions", MISSING)))


def _name(table: Table, meaning: Meaning) -> str:
    """Return a name that distinguishes one table, or one reading of it, from another."""
    return f"table {hashlib.sha256(repr((table, meaning)).encode()).hexdigest()[:8]}"


def _group(cell: str) -> str:
    """Return a group's name as text that no spreadsheet takes for a formula, and that is not a reference line's."""
    name = cell.lstrip("=+-@ ") or "unnamed"
    return f"{name} (yours)" if name in REFERENCES else name
