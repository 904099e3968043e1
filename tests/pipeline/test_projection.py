"""The time that is ahead, where nothing was measured yet."""

import re
from types import SimpleNamespace

import pytest

from toolkit.pipeline.summary import projection
from toolkit.recipe.load import load_run

AHEAD = {"teacher": 4000, "base": 5000, "student": 36_000, "score": 80_000}


def minutes(name, workspace):
    job = SimpleNamespace(
        recipe=load_run(name).recipe,
        ahead=AHEAD,
        workspace=SimpleNamespace(root=workspace),
        workers=SimpleNamespace(jobs=2),
    )
    told = projection(job)
    assert "student 36,000 steps (rate guessed)" in told
    return int(re.search(r"About ([\d,]+) min", told).group(1))


def test_the_guess_knows_that_rows_of_physics_are_longer(tmp_path):
    short, longer = minutes("math", tmp_path), minutes("physics", tmp_path)
    assert longer == pytest.approx(1.8 * short, abs=1)
    assert short < minutes("stem", tmp_path) < longer
