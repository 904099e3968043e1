"""Find the tables of a folder of results: a run's, with plain names, or a results dataset, with digests in them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.recipe.decision_rules import DecisionRules

NAMES = ("curves", "items", "corpora", "ledger")


@dataclass(frozen=True)
class ResultTables:
    """Where the tables of results lie; None for one that is not there.

    Attributes:
        decisions: the folder of decisions, which may not be there.
    """

    curves: Path
    items: Path | None
    corpora: Path | None
    ledger: Path | None
    decisions: Path

    def recorded(self, rule: str) -> tuple[str | None, dict[str, Any]]:
        """Return the baseline and the settings of the rules by which the run decided; None and no setting without it.

        Raises:
            ValueError: for a decision that is not one of a rule.
        """
        path = self.decisions / f"{rule}.json"
        if not path.is_file():
            return None, {}
        try:
            decision: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            settings = {name: decision["rules"][name] for name in vars(DecisionRules()) if name in decision["rules"]}
            baseline = decision["numbers"]["baseline"]
        except KeyError:  # the rule could not be applied, and its file says only why
            return None, {}
        except (ValueError, TypeError) as error:
            raise ValueError(f"decisions/{path.name}: it is no decision as `fss run` writes it: {error!r}") from error
        return str(baseline), {name: value for name, value in settings.items() if isinstance(value, float | str)}


def result_tables(place: Path) -> ResultTables:
    """Find the tables in a folder of a run or of a results dataset, or beside a file of curves.

    Raises:
        ValueError: for a results dataset with several tables of one name, or without curves.
    """
    if place.is_dir() and not (place / "curves.parquet").exists() and (place / "data").is_dir():
        found = {name: _only(place, name) for name in NAMES}
        if found["curves"] is None:
            raise ValueError(f"{place}: it has no data/curves-*.parquet, so it is no results dataset")
        return ResultTables(found["curves"], found["items"], found["corpora"], found["ledger"], place / "decisions")
    curves = place / "curves.parquet" if place.is_dir() else place
    items, corpora, ledger = (_if_there(curves.with_name(f"{name}.parquet")) for name in NAMES[1:])
    return ResultTables(curves, items, corpora, ledger, curves.parent / "decisions")


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _only(folder: Path, name: str) -> Path | None:
    files = sorted(folder.glob(f"data/{name}-*.parquet"))
    if len(files) > 1:
        raise ValueError(f"{folder}: a results dataset has one data/{name}-*.parquet, this one has {len(files)}")
    return files[0] if files else None
