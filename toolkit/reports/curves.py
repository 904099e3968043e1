"""Anybody's numbers as ladders: a table with a budget and an error (or accuracy, or loss) column becomes arrays."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": pd.read_csv,
    ".tsv": lambda path: pd.read_csv(path, sep="\t"),
    ".jsonl": lambda path: pd.read_json(path, lines=True),
    ".ndjson": lambda path: pd.read_json(path, lines=True),
    ".json": pd.read_json,
    ".parquet": pd.read_parquet,
}
QUANTITIES = ("error", "accuracy", "loss")
ACCURACY_NAMES = ("acc", "correct", "pass", "score", "em")


class Columns(NamedTuple):
    """Names of a table's columns; only budget and value are needed."""

    x: str
    y: str
    sd: str | None = None
    seed: str | None = None
    n: str | None = None
    group: str | None = None


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
    path: Path, columns: Columns, quantity: str | None = None, where: Mapping[str, str] | None = None
) -> list[Ladder]:
    """The ladders in a CSV, TSV, JSON, JSONL or Parquet table, one per value of the group column; `where` keeps rows.

    Rows are runs, or single items (values all 0 or 1, several per run: averaged, and their number is n). `quantity`
    None reads accuracies where the column's name says so, errors otherwise. Percent is taken for granted only when a
    value exceeds 1. ValueError for an unknown file type, a missing column, text where numbers should be, or values out
    of range.
    """
    table = read_table(path, [name for name in columns if name], where)
    return as_ladders(table, columns, quantity, path.name)


def as_ladders(table: pd.DataFrame, columns: Columns, quantity: str | None = None, file: str = "table") -> list[Ladder]:
    """`read_ladders` of a table that is in memory already; `file` names it in messages, and a ladder without group."""
    table = table.copy()
    for name in (columns.x, columns.y, columns.sd, columns.n):
        if name:
            table[name] = _numeric(table[name], file)
    quantity, told = _quantity(columns.y, quantity)
    table, scaled = _as_fractions(table, columns, quantity)
    default = file.rpartition(".")[0] or file
    return [_ladder(name, rows, columns, quantity, (*told, *scaled)) for name, rows in _groups(table, columns, default)]


def read_table(path: Path, columns: Sequence[str], where: Mapping[str, str] | None = None) -> pd.DataFrame:
    """A CSV, TSV, JSON, JSONL or Parquet table; `where` keeps the rows that have these values as text.

    ValueError for another file, one without these columns, or a value that no row has.
    """
    where = where or {}
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"{path.name}: cannot read {path.suffix or 'a file without suffix'}; use {', '.join(READERS)}")
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    table = reader(path)
    missing = [name for name in (*columns, *where) if name not in table.columns]
    if missing:
        raise ValueError(f"{path.name} has no column {missing[0]!r}; it has {', '.join(map(str, table.columns))}")
    for name, value in where.items():
        values = table[name].astype(str)
        if not (values == value).any():
            raise ValueError(f"{path.name}: no row has {name} = {value}; it holds {', '.join(sorted(set(values))[:8])}")
        table = table[values == value]
    return table


def _numeric(column: "pd.Series[float]", file: str) -> "pd.Series[float]":
    values = pd.to_numeric(column, errors="coerce")
    if values.isna().any():
        row = int(np.flatnonzero(values.isna())[0])
        found = column.tolist()[row]
        raise ValueError(f"{file}: column {column.name!r} holds {found!r} in row {row + 1}, not a number")
    return values.astype(float)


def _quantity(name: str, given: str | None) -> tuple[str, tuple[str, ...]]:
    if given is not None and given not in QUANTITIES:
        raise ValueError(f"quantity is {given!r}: use one of {', '.join(QUANTITIES)}")
    if given is not None:
        return given, ()
    if any(name.lower().startswith(part) for part in ACCURACY_NAMES):
        return "accuracy", (f"column {name!r} is read as an accuracy: error = 1 - {name}",)
    return "error", ()


def _as_fractions(table: pd.DataFrame, columns: Columns, quantity: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    y = table[columns.y]
    if quantity == "loss":
        return table, ()
    table, notes = table.copy(), []
    if len(y) and (y.min() < 0 or y.max() > 100):
        worst = y.min() if y.min() < 0 else y.max()
        raise ValueError(f"column {columns.y!r} holds {worst:g}: neither a fraction nor a percentage (a loss? say so)")
    if len(y) and y.max() > 1:
        notes.append(f"column {columns.y!r} reaches {y.max():g}: read as percent")
        for name in (columns.y, columns.sd):
            if name:
                table[name] = table[name] / 100
    if quantity == "accuracy":
        table[columns.y] = 1 - table[columns.y]
    return table, tuple(notes)


def _groups(table: pd.DataFrame, columns: Columns, default: str) -> Iterator[tuple[str, pd.DataFrame]]:
    if table.empty:
        raise ValueError("the table has no rows")
    if columns.group is None:
        yield default, table
        return
    for name, rows in table.groupby(columns.group, sort=False):
        yield str(name), rows


def _ladder(name: str, rows: pd.DataFrame, columns: Columns, quantity: str, notes: tuple[str, ...]) -> Ladder:
    run = [columns.x, *([columns.seed] if columns.seed else [])]
    items = rows[columns.y].isin((0.0, 1.0)).all() and rows.duplicated(run).any() and columns.n is None
    if items:
        rows = rows.groupby(run, as_index=False).agg(**{columns.y: (columns.y, "mean"), "items": (columns.y, "size")})
        notes = (*notes, f"one row per item: averaged over {rows['items'].min()} or more items per run")
    elif columns.seed and rows.duplicated(run).any():
        budget, seed = rows.loc[rows.duplicated(run), run].iloc[0]
        raise ValueError(
            f"{name}: two rows for budget {budget:g} and seed {seed}: name the column that tells them apart"
        )
    elif not columns.seed and rows.duplicated(run).any():
        notes = (*notes, "several rows per budget are taken for runs that differ in their seed")
    rows = rows.sort_values(columns.x, kind="stable")
    n_column = "items" if items else columns.n
    sd, n = (None if column is None else rows[column].to_numpy(float) for column in (columns.sd, n_column))
    kind = "loss" if quantity == "loss" else "error"
    return Ladder(name, rows[columns.x].to_numpy(float), rows[columns.y].to_numpy(float), sd, n, kind, notes)
