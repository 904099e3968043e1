import os

import pytest

from toolkit.synthesis import retries


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """Hundreds of small journals on a busy disk: what must outlive a kill is tested with processes of their own."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    for name in ("PAUSE", "REFUSED_PAUSE"):
        monkeypatch.setattr(retries, name, lambda state: 0.001 * state.attempt_number)
