"""How fast the sources of a workspace were sampled, as each notes it in `<journal>.rate.json`."""

from pathlib import Path
from typing import NamedTuple

from toolkit.pipeline.context import Context
from toolkit.pipeline.teacher import NANO, is_served
from toolkit.recipe.sections import Recipe
from toolkit.synthesis.tally import Tally
from toolkit.text_files import TextError, read_object
from toolkit.workspace import to_json, write_atomic


class Rate(NamedTuple):
    """What one run of the sampler took.

    Attributes:
        requests: of all steps; of an older file, which does not say so, as many as responses.
        made_by: the kind of teacher and the protocol; None of an older file.
    """

    seconds: float
    responses: float
    requests: float
    made_by: tuple[str, str] | None


def teacher_kind(recipe: Recipe) -> str:
    """Say of which kind a recipe's teacher is, as far as its speed goes: `embedded`, `local` or `served`."""
    if is_served(recipe):
        return "served"
    return "embedded" if recipe.teacher.teacher == NANO else "local"


def rate_file(journal: Path) -> Path:
    """Name the file with the rate of a journal."""
    return journal.with_suffix(".rate.json")


def remember_rate(recipe: Recipe, journal: Path, tally: Tally) -> None:
    """Note the rate for the next estimate, of the same source or another one like it."""
    if tally.sampled and tally.seconds:
        made_by = {"teacher": teacher_kind(recipe), "protocol": recipe.sampling.protocol}
        counts = {"responses": tally.sampled, "requests": max(tally.requests, tally.sampled)}
        write_atomic(rate_file(journal), to_json({**counts, "seconds": round(tally.seconds, 3), **made_by}))


def read_rate(path: Path) -> Rate | None:
    """Read a `.rate.json`; None where it is missing, damaged, or one of its numbers is not above 0."""
    try:
        known = read_object(path)
    except TextError:
        return None
    numbers = [known.get("seconds"), known.get("responses"), known.get("requests", known.get("responses"))]
    seconds, responses, requests = (value if isinstance(value, int | float) else 0 for value in numbers)
    if not all(0 < value < 1e15 for value in (seconds, responses, requests)):
        return None
    teacher, protocol = known.get("teacher"), known.get("protocol")
    made_by = (teacher, protocol) if isinstance(teacher, str) and isinstance(protocol, str) else None
    return Rate(float(seconds), float(responses), float(requests), made_by)


def rates_like(context: Context) -> list[Rate]:
    """Give the rates of the workspace's sources with a teacher of this kind and this protocol.

    Where there are none, those of older files stand in, which do not say what they are of.
    """
    known = list(filter(None, map(read_rate, context.workspace.root.glob("responses/*.rate.json"))))
    wanted = teacher_kind(context.recipe), context.recipe.sampling.protocol
    return [rate for rate in known if rate.made_by == wanted] or [rate for rate in known if rate.made_by is None]
