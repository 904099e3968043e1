"""Read a table of runs over two axes, questions and responses per question, as the arrays of a surface."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.reports.reading.measurements import measure
from toolkit.reports.reading.selection import naming, read_selected

Array = NDArray[np.float64]


class Cells(NamedTuple):
    """Arrays (rows,) with one row per run: errors are fractions; `sd` or `n` (test items) where the table has them;
    `notes` say how the columns were read."""

    questions: Array
    budgets: Array
    errors: Array
    sd: Array | None
    n: Array | None
    notes: tuple[str, ...]


def read_cells(
    path: Path,
    *,
    questions: str = "questions",
    budget: str = "budget",
    error: str = "error",
    sd: str | None = None,
    n: str | None = None,
    where: Mapping[str, str] | None = None,
    quantity: str | None = None,
    unit: str | None = None,
) -> Cells:
    """Read the runs of a table (`reading.table`), by column names; `where` keeps the rows with these values.

    `quantity` is "error" or "accuracy", by default what the name of the error column says, and `unit` is "fraction" or
    "percent", by default what the values show. Notes say what was assumed. ValueError names the file, the row and
    column, the value and the remedy.
    """
    meaning = {"questions": questions, "budget": budget, "value": error, "sd": sd, "n": n}
    with naming(path):
        table = read_selected(path, [name for name in meaning.values() if name], where)
        runs = measure(table, meaning, quantity, unit)
        if runs.quantity == "loss":
            raise ValueError(f"column {error!r} holds losses: a plan is made from errors or accuracies")
    sds, items = (runs.rows[name].to_numpy(float) if name in runs.rows else None for name in ("sd", "n"))
    counts, budgets, errors = (runs.rows[name].to_numpy(float) for name in ("questions", "budget", "value"))
    return Cells(counts, budgets, errors, sds, items, runs.notes)
