"""Store fits as strict JSON: arrays as lists, numbers that JSON lacks as null, nothing executable."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.laws.curve.checks import Misfit
from toolkit.laws.curve.noise import Noise


def plain(value: Any) -> Any:
    """Return `value` with arrays and tuples as lists, named tuples as dicts, NaN and infinity as None."""
    if hasattr(value, "_asdict"):
        return {key: plain(item) for key, item in value._asdict().items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def arrays(saved: dict[str, Any]) -> dict[str, Any]:
    """Return `saved` with every list as a float array (null as NaN)."""
    return {key: np.array(item, float) if isinstance(item, list) else item for key, item in saved.items()}


def dump_kind(kind: str, values: dict[str, Any]) -> str:
    """Return JSON text of `values`, marked as a `kind` for `read_kind`."""
    return json.dumps({"kind": kind, **{name: plain(value) for name, value in values.items()}}, allow_nan=False)


def read_kind(text: str, kind: str, names: Sequence[str]) -> dict[str, Any]:
    """Read the object in `text`, written as `kind` with the fields `names`; ValueError for anything else."""
    try:
        saved = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not a saved {kind}: {error}") from error
    if not isinstance(saved, dict) or saved.get("kind") != kind:
        actual = saved.get("kind") if isinstance(saved, dict) else type(saved).__name__
        raise ValueError(f"not a saved {kind}: this is {actual!r}")
    absent = [name for name in names if name not in saved]
    if absent:
        raise ValueError(f"not a whole saved {kind}: it lacks {', '.join(absent)}")
    return saved


def read_noise(saved: dict[str, Any]) -> Noise:
    """Build a `Noise` from its dict."""
    level, slope, centre = (float("nan") if value is None else value for value in saved["trend"])
    return Noise(**{**arrays(saved), "trend": (level, slope, centre)})


def read_misfit(saved: dict[str, Any]) -> Misfit:
    """Build a `Misfit` from its dict; only its limit can be infinite."""
    return Misfit(**saved | {"limit": np.inf if saved["limit"] is None else saved["limit"]})
