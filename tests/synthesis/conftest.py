import os

import pytest


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """Hundreds of small journals on a busy disk: what must outlive a kill is tested with processes of their own."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
