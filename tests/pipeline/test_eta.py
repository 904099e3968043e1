"""The time that is ahead, where nothing was measured yet."""

import re
from types import SimpleNamespace

import pytest

from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import Ahead, projection, timed
from toolkit.pipeline.stages import models, scores, students
from toolkit.recipe.load import load_run
from toolkit.workspace import Workspace


def context_of(name, workspace):
    workers = SimpleNamespace(jobs=2)
    return Context(load_run(name), Workspace(workspace, pytest.fail), workers, None)


def minutes(name, workspace):
    context = context_of(name, workspace)
    ahead = [
        timed(context, Ahead(role, steps, "steps"), [], models.SECONDS[role])
        for role, steps in (("teacher", 4000), ("base", 5000))
    ]
    ahead.append(timed(context, Ahead("student", 36_000, "steps"), [], students.SECONDS))
    ahead.append(timed(context, Ahead("score", 80_000, "answers"), [], scores.SECONDS))
    sentence = projection(ahead, 2)
    assert "student 36,000 steps (rate guessed)" in sentence
    return int(re.search(r"About ([\d,]+) min", sentence).group(1))


def test_the_guess_knows_that_rows_of_physics_are_longer(tmp_path):
    short, longer = minutes("math", tmp_path), minutes("physics", tmp_path)
    assert longer == pytest.approx(1.8 * short, abs=1)
    assert short < minutes("stem", tmp_path) < longer


def test_what_two_sources_have_ahead_is_one_sum_and_nothing_is_left_out(tmp_path):
    context = context_of("math", tmp_path)
    assert projection([], 2) == ""
    ahead = [
        timed(context, Ahead("responses", units, "responses"), [(6.0, 100.0)], None, alone=True)
        for units in (1000, 0, 2000)
    ]
    ahead.append(timed(context, Ahead("score", 0, "answers"), [], None))
    sentence = "Ahead: responses 3,000 responses (rate measured here). About 3 min with 2 workers on idle cores."
    assert projection(ahead, 2).strip() == sentence


def test_a_time_that_nobody_can_know_is_said_so(tmp_path):
    context = context_of("math", tmp_path)
    ahead = [
        timed(context, Ahead("student", 10, "steps"), [], 0.05),
        timed(context, Ahead("score", 10, "answers"), [], None),
    ]
    assert projection(ahead, 2).strip() == (
        "Ahead: student 10 steps (rate guessed), score 10 answers. How long score will take cannot be told before some "
        "of it is measured."
    )
