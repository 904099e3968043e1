"""The Space's modules, as `python app.py` sees them, and one page served on the loopback address."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

SPACE = Path(__file__).parents[2] / "spaces" / "law"
sys.path.insert(0, str(SPACE))


@pytest.fixture(scope="session")
def curves():
    """The bundled example's `curves.parquet`."""
    return next(SPACE.glob("example/math/data/curves-*.parquet"))


@pytest.fixture(scope="session")
def ladder(curves):
    """The students of the example's ladder: rows of its arm at matched steps."""
    rows = pd.read_parquet(curves)
    return rows[(rows["arm"] == "FSS") & (rows["control"] == "steps")]


@pytest.fixture(scope="session")
def forecast(curves):
    """The example's forecast of the farthest rung that its recipe named before the fit."""
    found = (json.loads(path.read_text()) for path in curves.parents[1].glob("laws/**/forecast.json"))
    return max(found, key=lambda output: output["held_out"])


@pytest.fixture(scope="session")
def address():
    """Of the Space, running in this process."""
    import app

    page = app.build()
    _, url, _ = page.launch(**app.LAUNCH, prevent_thread_lock=True, quiet=True)
    yield url
    page.close()
