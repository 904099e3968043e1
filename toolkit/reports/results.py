"""Read results as arrays: the students of one experiment by cell and replicate, with the items that models share.

A cell is (questions, budget); a replicate is one (corpus_draw, train_seed): a new sampling seed with a new train seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.doors import OLDER
from toolkit.recipe.sections import DOUBLED
from toolkit.reports.reading.numbers import Role, numbers
from toolkit.reports.reading.selection import list_values, naming, read_selected
from toolkit.reports.reading.table import Table
from toolkit.reports.rules.verdict import NoAnswer

Array = NDArray[np.float64]
Cell = tuple[int, int]  # questions, responses per question
Replicate = tuple[int, int]  # corpus draw, train seed

LINES = ("teacher", "base")
MATCH = "match"  # what the arms of a table are equal in, where it compares arms
SERIES = ["pair", "counting", "control"]
STUDENT = ["questions", "budget", "corpus_draw", "train_seed"]
SHARES = ("error", "correct")
NUMBERS = dict.fromkeys([*STUDENT, "n"], Role.WHOLE) | dict.fromkeys(SHARES, Role.SHARE)


@dataclass(frozen=True)
class Series:
    """Students of one pair, counting and control.

    Attributes:
        wrong: share of wrong answers, in [0, 1], of each student to each item (I,); its error (1,) without items.
        lines: the same of teacher and base, by name, where they were scored.
        n: test items behind each error.
    """

    pair: str
    counting: str
    control: str
    wrong: Mapping[tuple[Cell, Replicate], Array]
    lines: Mapping[str, Array]
    n: int

    @cached_property
    def cells(self) -> list[Cell]:
        """List every (questions, budget) that has students, sorted."""
        return sorted({cell for cell, _ in self.wrong})

    @property
    def by_item(self) -> bool:
        """Say whether the answers to single items are known."""
        return all(len(wrong) > 1 for wrong in self.wrong.values())

    def replicates(self, cells: Sequence[Cell]) -> list[Replicate]:
        """Return the (corpus draw, train seed) that all of these cells have; NoAnswer where there is none."""
        common = set.intersection(*({replicate for other, replicate in self.wrong if other == cell} for cell in cells))
        if not common:
            raise NoAnswer(
                f"cells {', '.join(map(cell_name, cells))} of {self.pair}, control {self.control}, share no replicate "
                "(corpus_draw, train_seed): train them with the same seeds"
            )
        return sorted(common)

    def matrix(self, cells: Sequence[Cell]) -> Array:
        """Return wrong answers (cells, replicates, items) of the replicates that all of these cells have."""
        common = self.replicates(cells)
        return np.array([[self.wrong[cell, replicate] for replicate in common] for cell in cells])

    def students(self) -> Iterator[tuple[Cell, Replicate, float]]:
        """Yield cell, replicate and error of every student, sorted."""
        for cell, replicate in sorted(self.wrong):
            yield cell, replicate, float(self.wrong[cell, replicate].mean())

    def errors(self, cell: Cell) -> list[float]:
        """Return the errors of all students of a cell, fractions."""
        return [error for other, _, error in self.students() if other == cell]

    def ladder(self, questions: int | None = None) -> list[dict[str, Any]]:
        """Return one row per student of a question set (default: the smallest): budget, draw, seed, error, n."""
        size = self.cells[0][0] if questions is None else questions
        return [
            {"budget": cell[1], "corpus_draw": draw, "train_seed": seed, "error": error, "n": self.n}
            for cell, (draw, seed), error in self.students()
            if cell[0] == size
        ]


def select_control(all_series: Sequence[Series], control: str) -> list[Series]:
    """Select the series of this control or, where none has it, all but those of students trained twice as long."""
    return [series for series in all_series if series.control == control] or [
        series for series in all_series if series.control != DOUBLED
    ]


def cell_name(cell: Cell) -> str:
    """Return the name of a cell: `q256-r8`."""
    return f"q{cell[0]}-r{cell[1]}"


def read_results(
    curves: Path, items: Path | None = None, where: Mapping[str, str] | None = None
) -> tuple[str, list[Series]]:
    """Read the experiment's name and its series from tables of the results schema.

    Args:
        curves: a row per model: experiment, arm, protocol, pair, questions, budget, counting, control, train_seed,
            corpus_draw, benchmark, error, n, eval_key; without protocol or benchmark they are as in `OLDER`.
        items: the same keys with item_id and correct; without it intervals cover replicates only.
        where: keep the rows with these values, by column; rows of teacher and base belong to no arm and stay.

    Raises:
        ValueError: for several experiments, no students, missing columns or items, or scores that cannot be compared.
    """
    return series_of(*read_tables(curves, items, where))


def read_tables(
    curves: Path, items: Path | None = None, where: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Read both tables as `read_results` does, without building series from them."""
    keys = ["experiment", "arm", *SERIES, *STUDENT]
    others = dict(where or {})
    chosen = {name: others.pop(name) for name in ("arm", MATCH, *OLDER) if name in others}
    tables = [_read(curves, [*keys, "error", "n"], others)]
    tables += [_read(items, [*keys, "item_id", "correct"], others)] if items else []
    for name, value in chosen.items():
        if value not in set(tables[0][name]):
            raise ValueError(
                f"{curves.name}: no row has {name} = {value}; it holds {list_values(tables[0][name].dropna().tolist())}"
            )
        tables = [
            table[(table[name] == value) | (table["arm"].isin(LINES) & (name != "benchmark"))] for table in tables
        ]
    return tables[0], tables[1] if items else None


def _read(path: Path, columns: Sequence[str], where: Mapping[str, str]) -> pd.DataFrame:
    """Read a table of the results schema as text and, in some columns, numbers, NaN where a cell is empty."""
    with naming(path):
        table = read_selected(path, None, where)
        absent = [name for name in columns if name not in table.names]
        if absent:
            raise ValueError(f"it has no column {absent[0]!r}; it has {', '.join(table.names)}")
        read = pd.DataFrame(
            {
                name: _numbers(table, name) if name in NUMBERS else [cell or None for cell in table.cells(name)]
                for name in table.names
            }
        )
        absent_as: dict[str, str | None] = {**OLDER, MATCH: None}
        return read.assign(**{name: older for name, older in absent_as.items() if name not in table.names})


def _numbers(table: Table, name: str) -> list[float]:
    """Read a column's numbers, each distinct text once, where it occurs first; NaN for empty cells."""
    cells = table.cells(name)
    first = dict(reversed([*zip(cells, table.numbers, strict=True)]))
    first.pop("", None)
    distinct = Table([name], [[cell] for cell in first], list(first.values()), table.separator)
    values = dict(zip(first, numbers(distinct, {name: NUMBERS[name]})[0][name].values, strict=True))
    wrong = [cell for cell, value in values.items() if name in SHARES and not 0 <= value <= 1]
    if wrong:
        cell = min(wrong, key=first.__getitem__)
        raise ValueError(f"row {first[cell]}, column {name!r}: {cell} is no fraction from 0 to 1")
    return [values.get(cell, float("nan")) for cell in cells]


def series_of(curves: pd.DataFrame, items: pd.DataFrame | None) -> tuple[str, list[Series]]:
    """Return the experiment's name and its series, as `read_results` does, from tables in memory."""
    experiments = sorted(set(curves["experiment"].astype(str)))
    if len(experiments) != 1:
        raise ValueError(f"results of {len(experiments)} experiments ({', '.join(experiments)}): choose one")
    students = _students(curves)
    if students.empty:
        raise ValueError("the results hold no students: no row has questions and budget")
    for name in OLDER:
        _refuse_several(students, name)
    _check(students)
    answers = None if items is None else (_students(items), items[items["arm"].isin(LINES)])
    models = students, curves[curves["arm"].isin(LINES)]
    return experiments[0], [_series(keys, models, answers) for keys in sorted(set(_keys(students, SERIES)))]


def _students(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of students, keys as integers; a file without corpus draws or seeds has one of each, 0."""
    rows = table[table["questions"].notna()]
    return rows.assign(**{name: rows[name].fillna(0).astype(int) for name in STUDENT})


def _refuse_several(students: pd.DataFrame, name: str) -> None:
    values = sorted(set(students[name].dropna())) if name in students else []
    if len(values) > 1:
        raise ValueError(f"the students are of {len(values)} {name}s ({', '.join(values)}): choose one {name}")


def check_scored_alike(rows: pd.DataFrame) -> None:
    """Raise ValueError for students that were not all scored in the same way."""
    keys = sorted(set(rows["eval_key"].dropna())) if "eval_key" in rows else []
    if len(keys) > 1:
        raise ValueError(f"the students were scored in {len(keys)} ways (eval_key {', '.join(keys)}): score them alike")


def _check(rows: pd.DataFrame) -> None:
    check_scored_alike(rows)
    different = rows.drop_duplicates([*SERIES, *STUDENT, "error"])  # a cell may serve two arms
    twice = different[different.duplicated([*SERIES, *STUDENT])]
    if len(twice):
        first = {name: twice.iloc[0][name] for name in [*SERIES, *STUDENT]}
        raise ValueError(f"two students have the same cell and replicate ({first}): choose one arm")


def _keys(rows: pd.DataFrame, names: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(rows[list(names)].itertuples(index=False, name=None))


def _series(
    keys: tuple[Any, ...],
    models: tuple[pd.DataFrame, pd.DataFrame],
    answers: tuple[pd.DataFrame, pd.DataFrame] | None,
) -> Series:
    """Build one series from the rows of students and of lines and, where known, from their answers to items."""
    rows, line_rows = _where(models[0], SERIES, keys), _where(models[1], SERIES[:1], keys)
    if answers is None:
        wrong, lines = _by_error(rows, STUDENT), _by_error(line_rows, ["arm"])
    else:
        wrong = _by_item(_where(answers[0], SERIES, keys), STUDENT)
        lines = _by_item(_where(answers[1], SERIES[:1], keys), ["arm"])
        absent = set(_keys(rows, STUDENT)) - set(wrong)
        if absent:
            raise ValueError(f"no answers to items for the student (questions, budget, draw, seed) {min(absent)}")
    arrays = _aligned({**wrong, **lines})
    pair, counting, control = map(str, keys)
    return Series(
        pair,
        counting,
        control,
        wrong={((m, r), (draw, seed)): arrays[m, r, draw, seed] for m, r, draw, seed in _keys(rows, STUDENT)},
        lines={name: arrays[name,] for name in LINES if (name,) in arrays},
        n=int(rows["n"].min()),
    )


def _where(table: pd.DataFrame, names: Sequence[str], keys: Sequence[Any]) -> pd.DataFrame:
    chosen = pd.Series(True, table.index)
    for name, value in zip(names, keys, strict=False):
        chosen &= table[name] == value
    return table[chosen]


def _by_error(rows: pd.DataFrame, names: Sequence[str]) -> dict[tuple[Any, ...], "pd.Series[float]"]:
    return {key: pd.Series([error]) for key, error in zip(_keys(rows, names), rows["error"], strict=True)}


def _by_item(answers: pd.DataFrame, names: Sequence[str]) -> dict[tuple[Any, ...], "pd.Series[float]"]:
    single = answers.drop_duplicates([*names, "item_id"])
    groups = single.groupby(list(names), sort=False)
    return {key: 1 - rows.set_index("item_id")["correct"].sort_index() for key, rows in groups}


def _aligned(wrong: Mapping[tuple[Any, ...], "pd.Series[float]"]) -> dict[tuple[Any, ...], Array]:
    model = next(iter(wrong.values())).index
    for key, answers in wrong.items():
        odd = set(model) ^ set(answers.index)
        if odd:
            raise ValueError(f"item {min(odd)!r} was not answered by every model (see {key}): score all on the same")
    return {key: np.asarray(answers, float) for key, answers in wrong.items()}
