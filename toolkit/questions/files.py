"""Rows of any user's file or Hub dataset, with every number as it was written there."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.domains import DOMAINS
from toolkit.records.cells import CellError, arrow_records, cell_text
from toolkit.records.parquet_limits import FileLimits
from toolkit.records.reading import format_of, read_records

REMEDY = ": set the column names of the pool (question_column, answer_column, unit_column; test_question_column, ...)"
_BATCH = 1024
_LIMITS = FileLimits(rows=5_000_000, bytes=2 * 2**30)  # a pool is kept in memory


class PoolError(ValueError):
    """A pool that cannot be used as it is; the message names the place, the value and the remedy."""


@dataclass(frozen=True)
class TableSource:
    """A file, or a Hub dataset with its configuration, split and revision."""

    source: str
    subset: str | None = None
    split: str = "train"
    revision: str | None = None

    @property
    def name(self) -> str:
        """Give the name that does not depend on the machine: a file's own name, or the dataset's."""
        return Path(self.source).name if format_of(self.source) else self.source


def read_rows(place: TableSource, columns: list[str]) -> list[dict[str, Any]]:
    """Read the rows at a place, cut to the columns, numbers as `toolkit.records.Number`; a row of JSON may lack one.

    Raises:
        PoolError: for a file or dataset that cannot be read or is beyond the limits, and a column that no row has.
    """
    names = dict[str, None]()
    rows = []
    for row in _explained(place, columns):
        names.update(dict.fromkeys(row))
        rows.append({name: row[name] for name in columns if name in row})
    if rows:
        _refuse_missing(place, columns, names)
    return rows


def _refuse_missing(place: TableSource, columns: Iterable[str], present: Iterable[str]) -> None:
    present = list(present)
    missing = [repr(name) for name in columns if name not in present]
    if missing:
        raise PoolError(f"{place.source} has no column {' and no '.join(missing)}, only {', '.join(present)}{REMEDY}")


def _records(place: TableSource, columns: list[str]) -> Iterable[dict[str, Any]]:
    path = Path(place.source)
    if path.suffix == ".py":
        raise PoolError(
            f"pool: {place.source}: code is no pool. A domain of your own is a file in toolkit/domains and is named "
            f"without path and suffix, `pool: {path.stem}`; docs/extending.md shows how"
        )
    if format_of(place.source) is None and not path.is_file():
        return _hub_records(place, columns)
    if not path.is_file():
        raise PoolError(f"no pool file at {place.source}: check the path")
    return read_records(path, columns, _LIMITS)


def _explained(place: TableSource, columns: list[str]) -> Iterator[dict[str, Any]]:
    try:
        yield from _records(place, columns)
    except PoolError:
        raise
    except ValueError as error:  # the errors of toolkit.records name file and line
        remedy = REMEDY if "has no column" in str(error) else ""
        raise PoolError(f"{error}{remedy}") from error


def _hub_records(place: TableSource, columns: list[str]) -> Iterator[dict[str, Any]]:
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    try:
        dataset = load_dataset(place.source, place.subset, split=place.split, revision=place.revision)
    except (DatasetsError, OSError, ValueError) as error:
        raise PoolError(
            f"{place.source}, split {place.split!r}, cannot be loaded: it is no file here, no procedural pool "
            f"({', '.join(DOMAINS)}), and no dataset that the Hub gives: {error}"
        ) from error
    if dataset.num_rows > _LIMITS.rows:
        raise PoolError(
            f"{place.source} holds {dataset.num_rows:,} rows, more than the {_LIMITS.rows:,} allowed: name a part, "
            f"such as the split '{place.split}[:10000]'"
        )
    present = [name for name in columns if name in dataset.column_names]
    _refuse_missing(place, columns, dataset.column_names)
    for table in dataset.select_columns(present).with_format("arrow").iter(_BATCH):
        for batch in table.to_batches():
            yield from arrow_records(batch)


def text_of(row: Mapping[str, Any], column: str, where: str) -> str:
    """Give the text of a cell. Raises PoolError, which begins with `where`, for a blank and for any other type."""
    try:
        return cell_text(row.get(column))
    except CellError as error:
        raise PoolError(f"{where}, column {column!r} {error}") from error


def optional_text(row: Mapping[str, Any], column: str | None, where: str) -> str:
    """Give the text of a cell that may be blank or missing. Raises PoolError where it is neither text nor number."""
    if column is None or row.get(column) is None or row[column] != row[column]:
        return ""
    try:
        return cell_text(row[column], blank=True)
    except CellError as error:
        raise PoolError(f"{where}, column {column!r} {error}") from error
