"""The Space's modules, as `python app.py` sees them, and one page served on the loopback address."""

import sys
from pathlib import Path

import pytest

SPACE = Path(__file__).parents[2] / "spaces" / "law"
sys.path.insert(0, str(SPACE))


@pytest.fixture(scope="session")
def curves():
    """The bundled example's `curves.parquet`."""
    return next(SPACE.glob("example/math/data/curves-*.parquet"))


@pytest.fixture(scope="session")
def address():
    """Of the Space, running in this process."""
    import app

    page = app.build()
    _, url, _ = page.launch(**app.LAUNCH, prevent_thread_lock=True, quiet=True)
    yield url
    page.close()
