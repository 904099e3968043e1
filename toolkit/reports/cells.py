"""A table of runs over two axes, questions and responses per question, as the arrays that a surface is fitted to."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.reports.curves import read_table

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
) -> Cells:
    """Runs of a CSV, TSV, JSON, JSONL or Parquet table, by column names; `where` keeps the rows with these values.

    Errors above 1 are read as percent, and a note says so. ValueError for an unknown file type, a missing column, a
    value that no row has, and what is not a number.
    """
    table = read_table(path, [name for name in (questions, budget, error, sd, n) if name], where)
    columns = {name: None if name is None else _numbers(table[name], path.name) for name in (sd, n)}
    errors, noise, notes = _fractions(_numbers(table[error], path.name), columns[sd], error)
    axes = _numbers(table[questions], path.name), _numbers(table[budget], path.name)
    return Cells(*axes, errors, noise, columns[n], notes)


def _numbers(column: "pd.Series[float]", file: str) -> Array:
    values = pd.to_numeric(column, errors="coerce").to_numpy(float)
    if not np.isfinite(values).all():
        bad = column.iloc[int(np.flatnonzero(~np.isfinite(values))[0])]
        raise ValueError(f"{file}: column {column.name!r} holds {bad!r}, not a number")
    return values


def _fractions(errors: Array, sd: Array | None, name: str) -> tuple[Array, Array | None, tuple[str, ...]]:
    if errors.max(initial=0) <= 1:
        return errors, sd, ()
    note = f"column {name!r} reaches {errors.max():g}: read as percent"
    return errors / 100, None if sd is None else sd / 100, (note,)
