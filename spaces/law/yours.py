"""Somebody's table as one more experiment: columns guessed by their names, read as `fss fit` reads them."""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pandas as pd

import table as tables
from data import COLUMNS, MISSING, REFERENCES, YOURS, Experiment
from table import Table
from toolkit.reports.curves import Columns, as_ladders

PAIR, ARM = "your pair", "yours"
# A column is taken for what the first fitting name says; whole words, so that "seed" is no "see".
NAMES = {
    "budget": r"r|k|budget|responses?|responses per question|samples|samples per question|rollouts|x|tokens",
    "value": r"error|err|error rate|test error|accuracy|acc|score|correct|pass|pass rate|em|exact match|y",
    "seed": r"seed|train seed|run|replicate",
    "sd": r"sd|std|stdev|stddev|standard deviation",
    "n": r"n|items|test items|test size|n test",
    "questions": r"questions|m|prompts|n questions",
    "group": r"group|arm|method|model",
}
WHOLE = ("budget", "n", "questions")
ACCURACY = r"acc.*|score|correct|pass.*|em|exact match"


class Meaning(NamedTuple):
    """What the columns of a table mean; None where there is no such column, or nobody said.

    `quantity`: "error" or "accuracy"; `unit`: "fraction" or "percent"; `control`: "steps", "epochs" or unknown
    ("nan"); `counting`: "sampled", "accepted" or unknown.
    """

    budget: str | None
    value: str | None
    quantity: str
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
    found: dict[str, str | None] = {}
    for role, pattern in NAMES.items():
        fitting = [name for name in table.names if re.fullmatch(pattern, _words(name))]
        fitting = [name for name in fitting if name not in found.values()]
        kept = [name for name in fitting if role not in ("sd", "n", "questions") or tables.are_numbers(table, name)]
        found[role] = next(iter(kept), None)
    value = _words(found["value"] or "")
    return Meaning(**found, quantity="accuracy" if re.fullmatch(ACCURACY, value) else "error")


def _words(name: str) -> str:
    """A column's name without what separates or ends its words: `Error_rate (%)` is an "error rate"."""
    return re.sub(r"[\W_]+", " ", name.lower()).strip()


def unit(table: Table, value: str) -> str | None:
    """ "percent" where a value exceeds 1, or value or name has the sign; None where only its owner can tell."""
    signed = "%" in value or any(cell.endswith("%") for cell in table.cells(value))
    return "percent" if signed or max(tables.numbers(table, value)) > 1 else None


def experiment(table: Table, meaning: Meaning) -> Experiment:
    """The table as an experiment with a ladder per group and number of questions.

    ValueError says what is not answered yet, or which row and column are wrong and the mend.
    """
    _check(meaning)
    rows, notes = _fractions(table, meaning)
    columns = Columns("budget", "value", *(name if name in rows else None for name in ("sd", "seed", "n")))
    curves = pd.concat(_ladders(rows, columns, notes), ignore_index=True)
    curves = curves.assign(
        experiment=_name(table, meaning), pair=PAIR, control=meaning.control, counting=meaning.counting
    )
    return Experiment(_name(table, meaning), YOURS, curves[[*COLUMNS, "sd"]], notes=tuple(dict.fromkeys(notes)))


def _check(meaning: Meaning) -> None:
    if not meaning.budget or not meaning.value:
        raise ValueError("say which column holds the budget and which the error or accuracy")
    if meaning.control is None:
        raise ValueError("say how students were trained: with matched steps or with equal epochs (or: not known)")
    if meaning.counting is None:
        raise ValueError("say what the budget counts: responses sampled or responses accepted (or: not known)")
    named = [name for name in meaning[:2] + meaning[4:9] if name]
    twice = [name for name in named if named.count(name) > 1]
    if twice:
        raise ValueError(f"column {twice[0]!r} is taken for two things: choose another one")


def _fractions(table: Table, meaning: Meaning) -> tuple[pd.DataFrame, list[str]]:
    """Columns by what they mean, values as fractions; and what was made of them."""
    roles = {role: getattr(meaning, role) for role in NAMES if getattr(meaning, role)}
    rows = pd.DataFrame(
        {
            role: TEXTS[role](table, name) if role in TEXTS else tables.numbers(table, name, role in WHOLE)
            for role, name in roles.items()
        },
        index=table.numbers,
    )
    _check_signs(table, roles["value"])
    known = unit(table, roles["value"])
    if known is None and meaning.unit is None:
        raise ValueError(f"all values of column {roles['value']!r} are 1 or less: say if they are fractions or percent")
    percent = "percent" in (known, meaning.unit)
    _check_range(rows, roles, 100 if percent else 1)
    notes = [f"column {roles['value']!r} is read as {meaning.quantity} in {'percent' if percent else 'fractions'}"]
    for name in {"value", "sd"} & set(rows):
        rows[name] = rows[name] / 100 if percent else rows[name]
    rows["value"] = 1 - rows["value"] if meaning.quantity == "accuracy" else rows["value"]
    _check_copies(rows)
    return rows, notes


def _check_signs(table: Table, value: str) -> None:
    """Percent and fractions in one column are told apart by nobody."""
    signed = {row: cell.endswith("%") for row, cell in zip(table.numbers, table.cells(value), strict=True)}
    bare = [row for row, sign in signed.items() if not sign]
    if bare and any(signed.values()):
        raise ValueError(f"row {bare[0]}, column {value!r} has no percent sign, others have: write all of them alike")


def _check_range(rows: pd.DataFrame, roles: dict[str, str], most: float) -> None:
    """Signs and limits, told by row."""
    limits = {"budget": (0, 1e12), "value": (0, most), "sd": (0, most), "n": (1, 1e12), "questions": (1, 1e12)}
    for role in limits.keys() & roles.keys():
        low, high = limits[role]
        wrong = rows[(rows[role] < low) | (rows[role] > high) | ((role == "budget") & (rows[role] == 0))]
        if len(wrong):
            mend = "budgets are above 0" if role == "budget" else f"it should lie from {low:g} to {high:g}"
            raise ValueError(
                f"row {wrong.index[0]}, column {roles[role]!r}: {wrong[role].iloc[0]:g} cannot be a {role}: {mend}"
            )


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


def _ladders(rows: pd.DataFrame, columns: Columns, notes: list[str]) -> Iterator[pd.DataFrame]:
    """Each ladder's students in the schema of results; `notes` learns what the reading made of them."""
    keys = [name for name in ("group", "questions") if name in rows]
    if "sd" in rows and rows.duplicated([*keys, "budget"]).any():
        notes.append("budgets repeat, so the spread over seeds is the noise and the column of sds is not used")
        columns = columns._replace(sd=None)
    if columns.seed is None and "n" not in rows and columns.sd is None and not rows.duplicated([*keys, "budget"]).any():
        notes.append("one row per budget and no sd: nothing is known of the noise, so there is no interval")
    for _, group in rows.groupby(keys, sort=False) if keys else [((), rows)]:
        told = group.iloc[0]
        ladder = as_ladders(group, columns, "error", str(told.get("group", ARM)))[0]
        notes.extend(ladder.notes)
        students = pd.DataFrame(
            {"budget": ladder.budgets, "error": ladder.values, "sd": ladder.sd, "n": ladder.n}, dtype=float
        )
        students["train_seed"] = students.groupby("budget").cumcount().astype(float)
        yield students.assign(arm=str(told.get("group", ARM)), questions=float(told.get("questions", MISSING)))


def _name(table: Table, meaning: Meaning) -> str:
    """A name that tells one table, or one reading of it, from another."""
    return f"table {hashlib.sha256(repr((table, meaning)).encode()).hexdigest()[:8]}"


def _groups(table: Table, name: str) -> list[str]:
    """Names of groups as text that no spreadsheet takes for a formula; none is that of a reference line."""
    names = [cell.lstrip("=+-@ ") or "unnamed" for cell in table.cells(name)]
    return [f"{each} (yours)" if each in REFERENCES else each for each in names]


TEXTS: dict[str, Callable[[Table, str], list[str]]] = {"group": _groups, "seed": Table.cells}
