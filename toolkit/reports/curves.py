"""Anybody's numbers as ladders: a table with a budget and an error (or accuracy, or loss) column becomes arrays."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.reports.reading.kept import naming, read_kept
from toolkit.reports.reading.measured import Measured, measured


class Columns(NamedTuple):
    """Names of a table's columns; only budget and value are needed."""

    x: str
    y: str
    sd: str | None = None
    seed: str | None = None
    n: str | None = None
    group: str | None = None


ROLES = ("budget", "value", "sd", "seed", "n", "group")  # what `Columns` name, in their order


class Ladder(NamedTuple):
    """One curve, rows in order of budget: `budgets`, `values` (errors in [0, 1], or losses), `sd` and `n` where known.

    `quantity` is "error" or "loss"; `notes` say what was made of the columns.
    """

    name: str
    budgets: NDArray[np.float64]
    values: NDArray[np.float64]
    sd: NDArray[np.float64] | None
    n: NDArray[np.float64] | None
    quantity: str
    notes: tuple[str, ...]


def read_ladders(
    path: Path,
    columns: Columns,
    quantity: str | None = None,
    where: Mapping[str, str] | None = None,
    unit: str | None = None,
) -> list[Ladder]:
    """Read the ladders in a table (`reading.table`), one per value of the group column; `where` keeps rows.

    Rows are runs, or single items (values all 0 or 1, several per run: averaged, and their number is n). `quantity`:
    "error", "accuracy" or "loss", None: by the column's name. `unit`: "fraction" or "percent", None: by the values.
    ValueError names the file, the row and column, what is there and the mend.
    """
    meaning = dict(zip(ROLES, columns, strict=True))
    with naming(path):
        table = read_kept(path, [name for name in columns if name], where)
        return as_ladders(measured(table, meaning, quantity, unit), path.stem)


def as_ladders(found: Measured, name: str) -> list[Ladder]:
    """Build the ladders of rows in memory; `name` is that of a ladder without group."""
    groups = found.rows.groupby("group", sort=False) if "group" in found.rows else [(name, found.rows)]
    return [_ladder(str(group), rows, found) for group, rows in groups]


def _ladder(name: str, rows: pd.DataFrame, found: Measured) -> Ladder:
    run, notes = [each for each in ("budget", "seed") if each in rows], found.notes
    repeated = rows[rows.duplicated(run)]
    items = len(repeated) and rows["value"].isin((0.0, 1.0)).all() and "n" not in rows
    if items:
        rows = rows.groupby(run, as_index=False).agg(value=("value", "mean"), n=("value", "size"))
        notes = (*notes, f"one row per item: averaged over {rows['n'].min()} or more items per run")
    elif len(repeated) and "seed" in rows:
        budget, seed = repeated[run].iloc[0]
        raise ValueError(
            f"{name}: two rows for budget {budget:g} and seed {seed} (the second is row {repeated.index[0]}): name the "
            "column that tells them apart"
        )
    elif len(repeated):
        notes = (*notes, "several rows per budget are taken for runs that differ in their seed")
    rows = rows.sort_values("budget", kind="stable")
    sd, n = (rows[each].to_numpy(float) if each in rows else None for each in ("sd", "n"))
    return Ladder(name, rows["budget"].to_numpy(float), rows["value"].to_numpy(float), sd, n, found.quantity, notes)
