"""Read measured results by experiments, pairs and ladders.

They come from a `<name>-results` dataset, as `fss release` publishes it: `data/curves-*.parquet` with one row per model
(errors are fractions), `data/items-*.parquet` with one row per model and question, and `laws/forecast.json` with the
forecast that was written before the held-out rung was trained. The bundled example has such a folder per experiment.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

import hub
from toolkit.doors import OLDER
from toolkit.laws.surface.fit import MIN_CELLS
from toolkit.reports.folder import ResultTables, result_tables
from toolkit.reports.rules.verdict import OF_ARMS

EXAMPLE, YOURS = "example", "your data"
# Results that this Space offers besides its examples, names with revisions: bundled with it, or set by its host.
BUNDLED = Path(__file__).parent / "results.txt"
OFFERED = BUNDLED.read_text(encoding="utf-8") if BUNDLED.is_file() else ""
SOURCES = [EXAMPLE, *OFFERED.split(), *os.environ.get("FSS_RESULTS", "").split()]
FOLDER = Path(__file__).parent / "example"
COLUMNS = ("experiment", "arm", "pair", "questions", "budget", "counting", "control", "train_seed", "error", "n")
NUMBERS = ("questions", "budget", "train_seed", "error", "n")
REFERENCES = ("teacher", "base")
AXES = ("FSS", "SE")  # arms that differ only in questions and budgets
MIN_RUNGS = 4  # for a law
MISSING = "nan"  # a key that a table does not have
CONTROLS = {"steps": "matched steps", "epochs": "equal epochs", "doubled": "twice the steps"}


class Declared(NamedTuple):
    """A forecast as the recipe declared it before the fit.

    Attributes:
        fit_max: the largest budget that was fitted.
        held_out: the budget that was forecast.
        exploratory: whether students of that budget existed before the forecast was written.
        students: the students that it was fitted to, as (budget, seed, error).
        by: what forecast: `averaged` over forms, or a form.
        law: the numbers of the forecast by name; none where no law could be fitted.
    """

    fit_max: float
    held_out: float
    exploratory: bool
    students: frozenset[tuple[float, float, float]]
    by: str
    law: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Experiment:
    """One experiment's rows of `curves.parquet`, their `origin`, and the `folder` of the results with them."""

    name: str
    origin: str
    curves: pd.DataFrame
    declared: tuple[Declared, ...] = ()
    folder: Path | None = None
    notes: tuple[str, ...] = field(default=())
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def items(self) -> Path | None:
        """Return the file of answers to single test items, where the results have one."""
        return None if self.folder is None else next(iter(sorted(self.folder.glob("data/items-*.parquet"))), None)

    @property
    def tables(self) -> ResultTables | None:
        """Return where the tables of the results lie; None for a table of one's own."""
        return None if self.folder is None else result_tables(self.folder)

    @property
    def arms(self) -> bool:
        """Say whether arms are compared: the results have the table of their corpora."""
        return self.tables is not None and self.tables.corpora is not None

    @property
    def rule(self) -> str:
        """Return the rule by which the run decided on its arms; empty where no decision is recorded."""
        folder = self.tables and self.tables.decisions
        return next((rule for rule in OF_ARMS if folder and (folder / f"{rule}.json").is_file()), "")

    @property
    def pairs(self) -> list[str]:
        """List the pairs of teacher > base that have students."""
        return sorted(self.students["pair"].unique())

    @property
    def students(self) -> pd.DataFrame:
        """Return the rows of trained students."""
        return self.curves[~self.curves["arm"].isin(REFERENCES)]

    def lines(self, pair: str) -> dict[str, float]:
        """Return the errors of teacher and base, where they were scored."""
        rows = self.curves[(self.curves["pair"] == pair) & self.curves["arm"].isin(REFERENCES)]
        return {str(arm): float(error) for arm, error in rows.groupby("arm")["error"].mean().items()}

    def ladders(self, pair: str) -> dict[str, pd.DataFrame]:
        """Return ladders by name, students that differ only in budget, seed and draw.

        They are those with enough rungs for a law or, where there are none, those that are cells of a plan. Of arms at
        one budget it is the first, whose responses are published.
        """
        rows = self.students[self.students["pair"] == pair]
        groups = rows.groupby(["arm", "questions", "control", "counting", "protocol"], sort=False, dropna=False)
        by_name = {_ladder_name(*map(str, keys)): ladder for keys, ladder in groups}
        long = {name: ladder for name, ladder in by_name.items() if ladder["budget"].nunique() >= MIN_RUNGS}
        planned = {name: ladder for name, ladder in by_name.items() if self._in_plan(pair, ladder)}
        return long or planned or (dict([*by_name.items()][:1]) if self.arms else {})

    def forecasts(self, pair: str, ladder: str) -> list[Declared]:
        """Return the forecasts that were fitted to students of a ladder, the strictest test of the law first.

        That is the farthest of those whose rung had no students before the forecast.
        """
        rows = self.ladders(pair)[ladder]
        students = {*zip(rows["budget"], rows["train_seed"], rows["error"], strict=True)}
        mine = [forecast for forecast in self.declared if forecast.students <= students]
        return sorted(mine, key=lambda forecast: (forecast.exploratory, -forecast.held_out))

    def published(self, pair: str) -> bool:
        """Say whether the responses behind these results are of this pair's teacher."""
        return self.manifest.get("teacher") in (None, "", pair.split(">")[0])

    @property
    def plannable(self) -> bool:
        """Say whether some students differ in questions and in budget, so that a plan can be made from them."""
        return any(self._in_plan(pair, ladder) for pair in self.pairs for ladder in self.ladders(pair).values())

    def cells(self, pair: str, ladder: str) -> pd.DataFrame:
        """Return the students that a plan may use together: the ladder's, and those of the other axis."""
        return self._like(pair, self.ladders(pair)[ladder])

    def _in_plan(self, pair: str, ladder: pd.DataFrame) -> bool:
        cells = self._like(pair, ladder)[["questions", "budget"]].drop_duplicates()
        several = ladder["budget"].nunique() > 1 and (cells.nunique() > 1).all()
        return bool(several and len(cells) >= MIN_CELLS)

    def _like(self, pair: str, ladder: pd.DataFrame) -> pd.DataFrame:
        """Return students of the ladder's arm (or axes), control and counting, whatever their questions and budget."""
        first = ladder.iloc[0]
        arms = AXES if first["arm"] in AXES else (first["arm"],)
        rows = self.students[(self.students["pair"] == pair) & self.students["arm"].isin(arms)]
        return rows[(rows["control"] == first["control"]) & (rows["counting"] == first["counting"])]


def load(source: str, yours: Experiment | None = None) -> dict[str, Experiment]:
    """Load experiments of the bundled example, of `org/name-results[@revision]`, or of this session's table (`yours`).

    ValueError says what cannot be read, and why.
    """
    if yours is not None and source == yours.origin:
        return {yours.name: yours}
    if source == YOURS:
        raise ValueError("a pasted table stays in its own session: paste it here again")
    if source == EXAMPLE:
        return _example()
    return _at_commit(*hub.resolve(source))


def read_results(folder: Path, origin: str) -> dict[str, Experiment]:
    """Read the experiments of one results folder; ValueError names a missing file or column."""
    table = _typed(pd.read_parquet(_only(folder, "curves")), origin)
    declared = tuple(_declared(path) for path in sorted((folder / "laws").rglob("forecast.json")))
    manifest = _manifest(folder / "manifest.json")
    return {
        str(name): Experiment(str(name), origin, rows.reset_index(drop=True), declared, folder, manifest=manifest)
        for name, rows in table.groupby(_experiment_names(table), sort=False)
    }


@lru_cache(maxsize=1)
def _example() -> dict[str, Experiment]:
    found = (path.parent.parent for path in FOLDER.glob("*/data/curves-*.parquet"))
    # The page opens with the first one that is a ladder.
    folders = sorted(found, key=lambda folder: (result_tables(folder).corpora is not None, folder))
    return {name: experiment for folder in folders for name, experiment in read_results(folder, EXAMPLE).items()}


@lru_cache(maxsize=16)
def _at_commit(repo: str, commit: str) -> dict[str, Experiment]:
    return read_results(hub.download(repo, commit), f"{repo}@{commit}")


def _only(folder: Path, name: str) -> Path:
    files = sorted(folder.glob(f"data/{name}-*.parquet"))
    if len(files) != 1:
        raise ValueError(f"a results dataset has one data/{name}-*.parquet, this one has {len(files)}")
    return files[0]


def _typed(table: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Return the table with its columns as text and numbers; ValueError for another table."""
    absent = [name for name in COLUMNS if name not in table.columns]
    if absent:
        raise ValueError(f"{origin}: curves.parquet has no column {absent[0]!r}; is this a results dataset?")
    try:
        numbers = {name: pd.to_numeric(table[name]).astype(float) for name in NUMBERS}
    except (ValueError, TypeError) as error:
        raise ValueError(f"{origin}: curves.parquet holds something other than a number: {error}") from error
    older = {name: table.get(name, pd.Series(value, table.index)) for name, value in OLDER.items()}
    table = table.assign(**older)
    words = {name: table[name].fillna(MISSING).astype(str) for name in (*COLUMNS, *OLDER) if name not in NUMBERS}
    return table.assign(**numbers, **words)


def _declared(path: Path) -> Declared:
    try:
        forecast: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        students = frozenset(
            (float(point["budget"]), float(point["train_seed"]), float(point["error"])) for point in forecast["fitted"]
        )
        return Declared(
            max(budget for budget, *_ in students),
            float(forecast["held_out"]),
            bool(forecast.get("exploratory")),
            students,
            str(forecast.get("by", forecast.get("form", "rectified"))),
            {name: float(value) for name, value in (forecast.get("law") or {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"laws/forecast.json is not a forecast as `fss run` writes it: {error!r}") from error


def _manifest(path: Path) -> dict[str, Any]:
    """Read the manifest of results, empty where they have none.

    It has `embedded`, the pairs with a model that was trained on the spot, and `teacher`, the name of the one whose
    responses were published.
    """
    manifest = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if not isinstance(manifest, dict) or not isinstance(manifest.get("embedded", []), list):
        raise ValueError("manifest.json is not one of a results dataset")
    return manifest


def _experiment_names(table: pd.DataFrame) -> "pd.Series[str]":
    """Return each row's experiment, with its benchmark where that is not the recipe's own test questions."""
    own = table["benchmark"] == OLDER["benchmark"]
    return table["experiment"].where(own, table["experiment"] + " on " + table["benchmark"])


def _ladder_name(arm: str, questions: str, control: str, counting: str, protocol: str) -> str:
    question_part = [] if questions == MISSING else [f"{float(questions):,.0f} questions"]
    control_part = [] if control == MISSING else [CONTROLS.get(control, control)]
    counting_part = [] if counting in ("sampled", MISSING) else [f"{counting} responses"]
    protocol_part = [] if protocol in (OLDER["protocol"], MISSING) else [protocol.replace("_", " ")]
    return ", ".join([arm, *question_part, *control_part, *counting_part, *protocol_part])
