"""Read anybody's table with a budget and an error (or accuracy, or loss) column as ladders."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.reports.reading.measurements import Measurements, measure
from toolkit.reports.reading.selection import naming, read_selected


class CurveColumns(NamedTuple):
    """Names of a table's columns; only budget and value are needed."""

    x: str
    y: str
    sd: str | None = None
    seed: str | None = None
    n: str | None = None
    group: str | None = None


ROLES = ("budget", "value", "sd", "seed", "n", "group")  # the meaning of each field of `CurveColumns`


class MeasuredLadder(NamedTuple):
    """One curve, rows in order of budget: `budgets`, `values` (errors in [0, 1], or losses), `sd` and `n` where known.

    `quantity` is "error" or "loss"; `notes` say how the columns were read.
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
    columns: CurveColumns,
    quantity: str | None = None,
    where: Mapping[str, str] | None = None,
    unit: str | None = None,
) -> list[MeasuredLadder]:
    """Read the ladders in a table (`reading.table`), one per value of the group column; `where` keeps rows.

    Rows are runs, or single items: values that are all 0 or 1, several per run, which are averaged, with their number
    as n. `quantity` is "error", "accuracy" or "loss", by default what the column's name says; `unit` is "fraction" or
    "percent", by default what the values show. ValueError names the file, the row and column, the value and the remedy.
    """
    meaning = dict(zip(ROLES, columns, strict=True))
    with naming(path):
        table = read_selected(path, [name for name in columns if name], where)
        return as_ladders(measure(table, meaning, quantity, unit), path.stem)


def as_ladders(measurements: Measurements, name: str) -> list[MeasuredLadder]:
    """Build the ladders of rows in memory; `name` is that of the ladder where there are no groups."""
    groups = (
        measurements.rows.groupby("group", sort=False) if "group" in measurements.rows else [(name, measurements.rows)]
    )
    return [_ladder(str(group), rows, measurements) for group, rows in groups]


def _ladder(name: str, rows: pd.DataFrame, measurements: Measurements) -> MeasuredLadder:
    run, notes = [name_of for name_of in ("budget", "seed") if name_of in rows], measurements.notes
    repeated = rows[rows.duplicated(run)]
    items = len(repeated) and rows["value"].isin((0.0, 1.0)).all() and "n" not in rows
    if items:
        rows = rows.groupby(run, as_index=False).agg(value=("value", "mean"), n=("value", "size"))
        notes = (*notes, f"one row per item: averaged over {rows['n'].min()} or more items per run")
    elif len(repeated) and "seed" in rows:
        budget, seed = repeated[run].iloc[0]
        raise ValueError(
            f"{name}: two rows for budget {budget:g} and seed {seed} (the second is row {repeated.index[0]}): name the "
            "column that distinguishes them"
        )
    elif len(repeated):
        notes = (*notes, "several rows per budget are taken for runs that differ in their seed")
    rows = rows.sort_values("budget", kind="stable")
    sd, n = (rows[name_of].to_numpy(float) if name_of in rows else None for name_of in ("sd", "n"))
    return MeasuredLadder(
        name, rows["budget"].to_numpy(float), rows["value"].to_numpy(float), sd, n, measurements.quantity, notes
    )
