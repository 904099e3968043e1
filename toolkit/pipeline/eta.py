"""How long what lies ahead will take: by what this workspace has measured, else by a guess that is called one."""

import dataclasses
import statistics
from collections.abc import Iterable

from toolkit.pipeline.context import Ahead, Context

LONGER = {"physics": 1.8, "stem": 1.6}  # pools whose rows are longer, against those of mathematics


def expect(
    context: Context, ahead: Ahead, seen: Iterable[tuple[float, float]], guess: float | None, *, alone: bool = False
) -> None:
    """Note what a dry run finds to be ahead of a stage, with the time that it takes.

    Args:
        ahead: kind, number and unit.
        seen: (seconds, units) of everything of the kind that the workspace has measured.
        guess: seconds of one core per unit, on rows of mathematics; None where nothing is known.
        alone: whether the stage is one piece of work, however many workers there are.
    """
    rates = [seconds / units for seconds, units in seen if units]
    measured = statistics.median(rates) if rates else None
    guessed = guess and guess * LONGER.get(context.recipe.pool.pool, 1.0)
    rate, workers = measured or guessed, 1 if alone else context.workers.jobs
    seconds = None if rate is None else ahead.units * rate / workers
    source = "rate measured here" if measured else "rate guessed" * bool(guessed)
    context.ahead.append(dataclasses.replace(ahead, seconds=seconds, source=source))


def projection(context: Context) -> str:
    """Tell in a sentence the time of what a dry run has found to be ahead; empty when there is nothing."""
    kinds = _by_kind(context.ahead)
    if not kinds:
        return ""
    text = ", ".join(f"{one.kind} {one.units:,.0f} {one.unit}" + f" ({one.source})" * bool(one.source) for one in kinds)
    unknown = [one.kind for one in kinds if one.seconds is None]
    if unknown:
        return (
            f"\nAhead: {text}. How long {' and '.join(unknown)} will take cannot be told before some of it is measured."
        )
    seconds = sum(one.seconds or 0 for one in kinds)
    return f"\nAhead: {text}. About {seconds / 60:,.0f} min with {context.workers.jobs} workers on idle cores."


def _by_kind(ahead: Iterable[Ahead]) -> list[Ahead]:
    """What there is of each kind, in the order in which stages have met them."""
    kinds: dict[str, Ahead] = {}
    for one in ahead:
        known = kinds.get(one.kind)
        kinds[one.kind] = known + one if known else one
    return [one for one in kinds.values() if one.units]
