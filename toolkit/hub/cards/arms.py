"""Tabulate for the card of results what each arm took of its teacher, and what its corpora look like."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

TOOK = {"samples": "samples", "kept": "kept", "prompt_tokens": "prompt tokens", "tokens": "completion tokens"}
LEDGER = ["arm", "questions", "budget", "step"]


def arms_tables(files: Mapping[str, Path]) -> list[dict[str, Any]]:
    """Return the tables of the card: title, words, header, names (how many columns are) and rows.

    Args:
        files: `ledger` and `corpora`, parquet files by the table's name; what is not there has no table.
    """
    makers = {"ledger": _ledger, "corpora": _corpora}
    return [make(pq.read_table(files[name]).to_pylist()) for name, make in makers.items() if name in files]


def _ledger(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Tabulate a row per arm, corpus and step; a draw without a step counts as 0."""
    draws: dict[tuple[Any, ...], set[Any]] = {}
    sums: dict[tuple[Any, ...], dict[str, float]] = {}
    for row in rows:
        key = tuple(row[name] for name in LEDGER)
        draws.setdefault(key[:3], set()).add(row["corpus_draw"])
        own = sums.setdefault(key, dict.fromkeys((*TOOK, "cost"), 0.0))
        for name in own:
            own[name] += row[name] or 0.0
    priced = any(row["cost"] is not None for row in rows)
    counted = [*TOOK, *(["cost"] if priced else [])]
    header = [*LEDGER, *TOOK.values(), *(["cost"] if priced else [])]
    return {
        "title": "What the arms took",
        "words": "Completions and tokens of the teacher by step: means over corpus draws.",
        "names": len(LEDGER),
        "header": header,
        "rows": [
            [*key, *(_rounded(name, own[name] / len(draws[key[:3]])) for name in counted)] for key, own in sums.items()
        ],
    }


def _rounded(name: str, mean: float) -> float | int:
    return mean if name == "cost" else round(mean)


def _corpora(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Tabulate a row per metric, a column per arm; dashes where an arm has no such metric."""
    values: dict[tuple[Any, ...], dict[str, list[float]]] = {}
    for row in rows:
        if row["value"] is not None:
            key = (row["metric"], row["unit"] or "", row["budget"])
            values.setdefault(key, {}).setdefault(row["arm"], []).append(row["value"])
    arms = list(dict.fromkeys(row["arm"] for row in rows if row["value"] is not None))
    means = {key: {arm: sum(own) / len(own) for arm, own in by_arm.items()} for key, by_arm in values.items()}
    return {
        "title": "What the corpora of the arms look like",
        "words": "Metrics at equal rows, and what was counted: means over corpus draws. The configuration corpora has "
        "every draw with its interval.",
        "names": 3,
        "header": ["metric", "unit", "budget", *arms],
        "rows": [[*key, *(by_arm.get(arm) for arm in arms)] for key, by_arm in means.items()],
    }
