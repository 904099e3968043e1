"""Fits as strict JSON: arrays as lists, NaN as null, nothing executable."""

import json
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """`value` with arrays and tuples as lists, named tuples as dicts and NaN as None."""
    if hasattr(value, "_asdict"):
        return {key: plain(item) for key, item in value._asdict().items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def arrays(saved: dict[str, Any]) -> dict[str, Any]:
    """`saved` with every list as a float array (null as NaN)."""
    return {key: np.array(item, float) if isinstance(item, list) else item for key, item in saved.items()}


def read_kind(text: str, kind: str) -> dict[str, Any]:
    """The object in `text`, written as `kind`; ValueError for anything else."""
    try:
        saved = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not a saved {kind}: {error}") from error
    if not isinstance(saved, dict) or saved.get("kind") != kind:
        found = saved.get("kind") if isinstance(saved, dict) else type(saved).__name__
        raise ValueError(f"not a saved {kind}: this is {found!r}")
    return saved
