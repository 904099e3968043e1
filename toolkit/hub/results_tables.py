"""What a run's laws and decisions say, from the files that it left, as tables of one schema whatever was fitted."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

LAWS = pa.schema(
    [
        ("experiment", pa.string()),
        ("pair", pa.string()),
        ("held_out", pa.int64()),  # the rung that this law did not see
        ("exploratory", pa.bool_()),  # students of that rung existed before the forecast
        ("kind", pa.string()),  # parameter, forecast, baseline, observed, or refused: no law, and `name` says why
        ("name", pa.string()),
        ("budget", pa.int64()),  # of a forecast, a baseline and what was observed
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("level", pa.float64()),  # of low and high
    ]
)
DECISIONS = pa.schema([(name, pa.string()) for name in ("experiment", "rule", "verdict", "sentence")])


def laws_table(files: Mapping[str, Path]) -> pa.Table:
    """A row for each number of every law; see `LAWS`.

    Args:
        files: of laws, by name: `forecast.json` and `law.json`, of further laws each in a folder of its own.
    """
    rows = [
        {name: told.get(name) for name in ("experiment", "pair", "held_out", "exploratory")} | row
        for told, law in _read(files)
        for row in law_rows(told, law)
    ]
    return pa.Table.from_pylist(rows, schema=LAWS)


def decisions_table(files: Mapping[str, Path]) -> pa.Table:
    """A row per decision, from the files `<rule>.json` among these."""
    told = [_json(path) for name, path in sorted(files.items()) if name.endswith(".json")]
    return pa.Table.from_pylist([{key: each[key] for key in DECISIONS.names} for each in told], schema=DECISIONS)


def _read(files: Mapping[str, Path]) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Each forecast, as its law repeats it where there is one, with that law."""
    for name in sorted(files, key=lambda name: (name.count("/"), name)):
        if PurePosixPath(name).name == "forecast.json":
            beside = files.get(str(PurePosixPath(name).with_name("law.json")))
            law = _json(beside) if beside else None
            yield law["forecast"] if law else _json(files[name]), law


def law_rows(forecast: Mapping[str, Any], law: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The numbers of a fitted law, a row each (see `LAWS`): parameters, forecast, its baselines, what was observed."""
    level, budget, told = forecast["level"], forecast["held_out"], forecast["law"]
    for name, found in forecast["parameters"].items():
        yield {"kind": "parameter", "name": name, "level": level, **found}
    at = {"budget": budget, "level": level}
    if told is None:
        yield {"kind": "refused", "name": "; ".join(forecast["notes"]), "budget": budget}
    else:
        span = {name: told[name] for name in ("low", "high")}
        yield {"kind": "forecast", "name": "mean of students", **at, "value": told["mean"], **span}
        new = {"low": told["low_new"], "high": told["high_new"]}
        yield {"kind": "forecast", "name": "one student", **at, "value": told["mean"], **new}
    for name, value in forecast["baselines"].items():
        yield {"kind": "baseline", "name": name, "budget": budget, "value": value}
    if law:
        yield {"kind": "observed", "name": "mean of students", "budget": budget, "value": law["observed"]["mean"]}


def brief_laws(table: pa.Table) -> list[dict[str, Any]]:
    """A line per law for people, from its rows in `laws_table`: forecast, two baselines, what was observed."""
    laws: dict[tuple[Any, Any], dict[str, Any]] = {}
    for row in table.to_pylist():
        line = laws.setdefault((row["pair"], row["held_out"]), {"exploratory": row["exploratory"]})
        line[f"{row['kind']} {row['name']}" if row["kind"] != "refused" else "refused"] = row
    empty = {"value": None, "low": None, "high": None, "level": None}
    return [
        {
            "pair": pair or "",
            "held_out": held_out,
            "exploratory": line["exploratory"],
            "refused": line["refused"]["name"] if "refused" in line else "",
            "forecast": line.get("forecast one student", empty),
            "log_linear": line.get("baseline log-linear", empty)["value"],
            "last_value": line.get("baseline last value", empty)["value"],
            "observed": line.get("observed mean of students", empty)["value"],
        }
        for (pair, held_out), line in laws.items()
    ]


def _json(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told
