"""What a run still has to do, and how long it takes: by what this workspace has measured, else by a guess so called."""

import dataclasses
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from toolkit.pipeline.context import Context
from toolkit.workspace import Artifact

LONGER = {"physics": 1.8, "stem": 1.6}  # pools whose rows are longer, against those of mathematics


@dataclasses.dataclass(frozen=True)
class Ahead:
    """Work of a kind that is to be done, such as 1,000 optimiser steps of students.

    Attributes:
        seconds: that it takes with the workers of the run; None where nobody can tell.
        source: where that is known from.
    """

    kind: str
    units: float
    unit: str
    seconds: float | None = None
    source: str = ""

    def __add__(self, other: "Ahead") -> "Ahead":
        known = self.seconds is not None and other.seconds is not None
        seconds = (self.seconds or 0) + (other.seconds or 0) if known else None
        return dataclasses.replace(self, units=self.units + other.units, seconds=seconds)


class PlannedStage(NamedTuple):
    """A stage before it runs: its artifacts, as they are or only named, and the work that is ahead of it."""

    name: str
    artifacts: Sequence[Artifact] = ()
    text: str = ""
    ahead: Sequence[Ahead] = ()


def timed(
    context: Context, ahead: Ahead, known: Iterable[tuple[float, float]], guess: float | None, *, alone: bool = False
) -> Ahead:
    """Give work with the time that it takes.

    Args:
        ahead: kind, number and unit.
        known: (seconds, units) of everything of the kind that the workspace has measured.
        guess: seconds of one core per unit, on rows of mathematics; None where nothing is known.
        alone: whether it is one piece of work, however many workers there are.
    """
    rates = [seconds / units for seconds, units in known if units]
    measured = statistics.median(rates) if rates else None
    guessed = guess and guess * LONGER.get(context.recipe.pool.pool, 1.0)
    rate, workers = measured or guessed, 1 if alone else context.workers.jobs
    seconds = None if rate is None else ahead.units * rate / workers
    source = "rate measured here" if measured else "rate guessed" * bool(guessed)
    return dataclasses.replace(ahead, seconds=seconds, source=source)


def projection(ahead: Iterable[Ahead], workers: int) -> str:
    """Say in a sentence how long the work takes that is ahead; empty when there is none."""
    kinds = _by_kind(ahead)
    if not kinds:
        return ""
    text = ", ".join(f"{one.kind} {one.units:,.0f} {one.unit}" + f" ({one.source})" * bool(one.source) for one in kinds)
    unknown = [one.kind for one in kinds if one.seconds is None]
    if unknown:
        return (
            f"\nAhead: {text}. How long {' and '.join(unknown)} will take cannot be told before some of it is measured."
        )
    seconds = sum(one.seconds or 0 for one in kinds)
    return f"\nAhead: {text}. About {seconds / 60:,.0f} min with {workers} workers on idle cores."


def _by_kind(ahead: Iterable[Ahead]) -> list[Ahead]:
    """Add up the work of each kind, in the order in which the stages come."""
    kinds: dict[str, Ahead] = {}
    for one in ahead:
        so_far = kinds.get(one.kind)
        kinds[one.kind] = so_far + one if so_far else one
    return [one for one in kinds.values() if one.units]
