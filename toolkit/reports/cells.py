"""A table of runs over two axes, questions and responses per question, as the arrays that a surface is fitted to."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.reports.reading.kept import naming, read_kept
from toolkit.reports.reading.measured import measured

Array = NDArray[np.float64]


class Cells(NamedTuple):
    """One row per run, arrays (rows,): errors are fractions; `sd` or `n` (test items) where the table has them; `notes`
    say what was made of the columns."""

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
    """Runs of a table (`reading.table`), by column names; `where` keeps the rows with these values.

    `quantity`: "error" or "accuracy", None: by the name of the error column. `unit`: "fraction" or "percent", None: by
    the values. Notes say what was assumed. ValueError names the file, the row and column, what is there and the mend.
    """
    meaning = {"questions": questions, "budget": budget, "value": error, "sd": sd, "n": n}
    with naming(path):
        table = read_kept(path, [name for name in meaning.values() if name], where)
        found = measured(table, meaning, quantity, unit)
        if found.quantity == "loss":
            raise ValueError(f"column {error!r} holds losses: a plan is made from errors or accuracies")
    sds, items = (found.rows[name].to_numpy(float) if name in found.rows else None for name in ("sd", "n"))
    counts, budgets, errors = (found.rows[name].to_numpy(float) for name in ("questions", "budget", "value"))
    return Cells(counts, budgets, errors, sds, items, found.notes)
