"""Somebody's table as one more experiment: columns guessed by their names, read as `fss fit` reads them."""

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
# A column is taken for what the first fitting name says; whole words, so that "seed" is no "see".
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
    """What the columns of a table mean; None where there is no such column, or nobody said.

    `quantity`: "error" or "accuracy", None where no name tells; `unit`: "fraction" or "percent"; `control`: "steps",
    "epochs" or unknown ("nan"); `counting`: "sampled", "accepted" or unknown.
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
    """The meaning that the columns' names suggest; what may be left out must hold numbers."""
    found: dict[str, str | None] = {"value": _value(table)}
    for role, pattern in NAMES.items():
        fitting = [name for name in table.names if re.fullmatch(pattern, words(name))]
        fitting = [name for name in fitting if name not in found.values()]
        kept = [name for name in fitting if role not in ("sd", "n", "questions") or are_numbers(table, name)]
        found[role] = next(iter(kept), None)
    quantity = quantity_of(found["value"] or "")
    return Meaning(**found, quantity=None if quantity == "loss" else quantity)


def _value(table: Table) -> str | None:
    """The column of errors or accuracies, by its name; numbers before text, and either before one called y."""
    named = [name for name in table.names if quantity_of(name) in ("error", "accuracy")]
    named += [name for name in table.names if words(name) == "y"]
    return next(iter([*(name for name in named if are_numbers(table, name)), *named]), None)


def unit(table: Table, value: str) -> str | None:
    """ "percent" where all values exceed 1 or have the sign; None where only its owner can tell."""
    try:
        found = numbers(table, {value: Role.SHARE})[0][value]
    except ValueError:  # told by row and column when the table is taken
        return None
    return "percent" if unit_of(value, found.values, found.signed) == "percent" else None


def experiment(table: Table, meaning: Meaning) -> Experiment:
    """The table as an experiment with a ladder per group and number of questions.

    ValueError says what is not answered yet, or which row and column are wrong and the mend.
    """
    _check(table, meaning)
    known = unit(table, str(meaning.value)) or meaning.unit
    roles = {role: getattr(meaning, role) for role in ROLES}
    found = measure(table, roles, meaning.quantity, known)
    if "group" in found.rows:
        found.rows["group"] = found.rows["group"].map(_group)
    _check_copies(found.rows)
    notes = [f"column {meaning.value!r} is read as {meaning.quantity} in {UNITS[str(known)]}"]
    notes += found.notes
    curves = pd.concat(_ladders(found, notes), ignore_index=True)
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
    """A row that repeats another would count as one more seed; rows per item (0 or 1) do repeat."""
    keys = [name for name in ("group", "questions", "budget", "seed") if name in rows]
    copies = rows[rows.duplicated(keys if "seed" in rows else None)]
    if len(copies) and not rows["value"].isin((0.0, 1.0)).all():
        same = keys if "seed" in rows else list(rows)
        first = rows.index[(rows[same] == copies[same].iloc[0]).all(axis=1)][0]
        what = "has the budget and seed of" if "seed" in rows else "repeats"
        raise ValueError(
            f"row {copies.index[0]} {what} row {first}: delete one, or name a column that tells them apart"
        )


def _ladders(found: Measurements, notes: list[str]) -> Iterator[pd.DataFrame]:
    """Each ladder's students in the schema of results; `notes` learns what the reading made of them."""
    rows = found.rows
    keys = [name for name in ("group", "questions") if name in rows]
    repeated = rows.duplicated([*keys, "budget"]).any()
    if "sd" in rows and repeated:
        notes.append("budgets repeat, so the spread over seeds is the noise and the column of sds is not used")
        rows = rows.drop(columns="sd")
    if not repeated and not {"seed", "n", "sd"} & set(rows):
        notes.append("one row per budget and no sd: nothing is known of the noise, so there is no interval")
    for _, group in rows.groupby(keys, sort=False) if keys else [((), rows)]:
        run = group.iloc[0]
        ladder = as_ladders(found._replace(rows=group, notes=()), ARM)[0]
        notes.extend(ladder.notes)
        students = pd.DataFrame(
            {"budget": ladder.budgets, "error": ladder.values, "sd": ladder.sd, "n": ladder.n}, dtype=float
        )
        students["train_seed"] = students.groupby("budget").cumcount().astype(float)
        yield students.assign(arm=ladder.name, questions=float(run.get("questions", MISSING)))


def _name(table: Table, meaning: Meaning) -> str:
    """A name that tells one table, or one reading of it, from another."""
    return f"table {hashlib.sha256(repr((table, meaning)).encode()).hexdigest()[:8]}"


def _group(cell: str) -> str:
    """A group's name as text that no spreadsheet takes for a formula, and that is not that of a reference line."""
    name = cell.lstrip("=+-@ ") or "unnamed"
    return f"{name} (yours)" if name in REFERENCES else name
