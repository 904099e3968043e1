"""The students of an experiment, question subset x budget, and which draws of which questions train them."""

import dataclasses
import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.corpora.budgets import Shell, cell_name, increments, shells
from toolkit.recipe.load import Run, one_arm, one_pair
from toolkit.recipe.sections import DOUBLED, Recipe, Sampling

SEEDED = {"orca": "style_seed"}  # protocol -> its option that each replicate has another value of, unless it is set


class Cell(NamedTuple):
    """One student: its pair, what it is trained on and how, and the replicate that seeds it."""

    pair: str
    questions: int
    budget: int
    control: str
    replicate: int
    arm: str = ""

    @property
    def name(self) -> str:
        """Name the student within its pair and control."""
        return f"{self.arm}-" * bool(self.arm) + f"q{self.questions}-r{self.budget}-s{self.replicate}"

    @property
    def task(self) -> str:
        """Name the student on the screen, as no other."""
        return f"{self.pair} {self.control} {self.name}"


class Drawn(NamedTuple):
    """What responses are of: a teacher, in a replicate, by an arm of the experiment."""

    teacher: str
    replicate: int
    arm: str = ""

    def __str__(self) -> str:
        return f"teacher {self.teacher}, replicate {self.replicate}" + f", arm {self.arm}" * bool(self.arm)


def single_runs(run: Run) -> list[Run]:
    """Split a run into runs of one pair, arm and replicate each, plain recipes with fields replaced, pair by pair.

    The first arm comes first: what others may take can depend on it.
    """
    ways = itertools.product(run.recipe.teachers, run.recipe.bases, run.recipe.arms or [""], run.replicates)
    return [
        dataclasses.replace(run, recipe=_drawn(one_arm(one_pair(run.recipe, *pair), arm), own), replicates=(own,))
        for *pair, arm, own in ways
    ]


def drawn_by(run: Run) -> Drawn:
    """Say what a single run's responses are of, whatever its base."""
    (replicate,) = run.replicates
    return Drawn(run.recipe.pair.split(">")[0], replicate, run.recipe.arm)


def _drawn(recipe: Recipe, replicate: int) -> Recipe:
    """Give the recipe the draws of a replicate: its sampling seed and, where asked for, its order of the questions."""
    order = recipe.pool.pool_order + replicate * recipe.experiment.reorder
    return dataclasses.replace(
        recipe,
        pool=dataclasses.replace(recipe.pool, pool_order=order),
        sampling=_seeded(recipe.sampling, replicate),
        plain=recipe.plain and recipe.plain._replace(sampling=_seeded(recipe.plain.sampling, replicate)),
    )


def corpus_draw(recipe: Recipe, replicate: int) -> int:
    """Give the sampling seed of an experiment's replicate."""
    return _seeded(recipe.sampling, replicate).sampling_seed


def _seeded(sampling: Sampling, replicate: int) -> Sampling:
    """Give sampling the seeds of a replicate; replicate 0 keeps the options of its protocol, and so its key."""
    drawn = dataclasses.replace(sampling, sampling_seed=sampling.sampling_seed + replicate)
    option = SEEDED.get(sampling.protocol)
    if not option or not replicate or option in sampling.protocol_options:
        return drawn
    return dataclasses.replace(drawn, protocol_options=sampling.protocol_options | {option: replicate})


def cells_of(run: Run) -> list[Cell]:
    """List every student of a run of one pair and one replicate; the costliest budgets last, as the ladder grows."""
    (replicate,), recipe = run.replicates, run.recipe
    return [
        Cell(recipe.pair, questions, budget, control, replicate, recipe.arm)
        for budget in run.budgets
        for questions in recipe.subsets
        for control in _controls(recipe, questions, budget)
        if recipe.holds(questions, budget)
    ]


def _controls(recipe: Recipe, questions: int, budget: int) -> tuple[str, ...]:
    again = questions == recipe.ladder.ladder_questions and budget in recipe.experiment.double_steps_at
    return (*recipe.controls, DOUBLED) if again else recipe.controls


def corpora_of(run: Run) -> list[tuple[int, int]]:
    """List (questions, budget) of every corpus that can be told apart, with the rungs below the run's own."""
    rungs = [budget for budget in run.recipe.ladder.budgets if budget <= max(run.budgets)]
    return [
        (questions, budget)
        for questions in run.recipe.subsets
        for budget in rungs
        if run.recipe.holds(questions, budget)
    ]


def corpus_name(recipe: Recipe, questions: int, budget: int) -> str:
    """Name the configuration that holds a corpus: `r16`, `a16` or `s16` of the ladder's questions, else `q4-r16`."""
    ladder = recipe.ladder
    return cell_name(questions, budget, recipe.pool.pool_sizes, ladder.ladder_questions, ladder.counting)


def parts_of(run: Run) -> list[tuple[Shell, tuple[int, int]]]:
    """List the shells x increments that the run's corpora are made of, increment-major."""
    corpora, known = corpora_of(run), shells(run.recipe.pool.pool_sizes, max(run.recipe.subsets))
    return [
        (shell, rung)
        for rung in increments(run.recipe.ladder.budgets)
        for shell in known
        if any(shell.stop <= questions and rung[1] <= budget for questions, budget in corpora)
    ]


def most_draws(run: Run) -> NDArray[np.int64]:
    """Give (questions,) the largest budget that each question is drawn for."""
    most = np.zeros(max(run.recipe.subsets), np.int64)
    for questions, budget in corpora_of(run):
        most[:questions] = np.maximum(most[:questions], budget)
    return most
