"""Pairs of SuperCorrect's stage 2 (arXiv:2410.09008): two ways on from the first wrong step of a student's solution.

The prompt is the question with the steps before that one. Chosen is the teacher's correction of it, rejected the
student's own under the same prompt; each names the cause of the error and writes the step again. `correcting` is how
a teacher is asked for the step and, like the student, for its correction.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from toolkit.prompt import Messages, user_turn
from toolkit.protocols.contract import Ask, Draft, Protocol, Question
from toolkit.protocols.prompts import load_prompts
from toolkit.protocols.templates import TAG, write_step
from toolkit.verification.steps import false_equality

LOCATE, CORRECT = "locate", "correct"  # steps of `correcting`
IsWrong = Callable[[str], bool]
LOCATION = re.compile(r"^\W*step\W{0,4}(\d{1,3})\W*$", re.IGNORECASE | re.MULTILINE)
CORRECTION = re.compile(r"\s*<cause>(.+?)</cause>(.+)", re.DOTALL)


class Correction(NamedTuple):
    """What somebody makes of a wrong step: the cause of the error, and the step as it should be."""

    cause: str
    step: str


class Mistake(NamedTuple):
    """A student's solution that came to a wrong answer, and the number of its first wrong step, from 1 on."""

    steps: tuple[str, ...]
    number: int | None = None  # None where nobody has found it yet


class StepPair(NamedTuple):
    """A pair with the fields of `toolkit.students.pairs.Pair`, which is made of it by `Pair(*pair)`."""

    question_id: str
    prompt: Messages
    chosen: str
    rejected: str


def first_wrong_step(steps: Sequence[str], is_wrong: IsWrong = false_equality) -> int | None:
    """Give the number of the first wrong step, from 1 on; None where none is.

    Args:
        is_wrong: by default whether the step shows a false equality, as `check_steps` reads them. Where steps are
            no arithmetic, somebody who can tell, such as a teacher.
    """
    return next((number for number, step in enumerate(steps, 1) if is_wrong(step)), None)


def step_pair(
    question: Question,
    steps: Sequence[str],
    chosen: Correction,
    rejected: Correction,
    is_wrong: IsWrong = false_equality,
    number: int | None = None,
) -> StepPair | None:
    """Pair two corrections of the first wrong step of a solution.

    Args:
        question: a seed question. The paper takes them from what it calls a test set; a held-out one must not be here.
        steps: of the student's solution, such as those of `read_template`.
        chosen, rejected: the teacher's and the student's correction of that step.
        is_wrong: as in `first_wrong_step`.
        number: of the first wrong step, where somebody else has found it.

    Returns:
        None where no step is wrong, where the teacher's correction is wrong itself, or where both are the same.
    """
    number = first_wrong_step(steps, is_wrong) if number is None else number
    if number is None or chosen == rejected or is_wrong(chosen.step):
        return None
    prompt = user_turn("\n".join([question.text, *_written_steps(steps[: number - 1])]))
    return StepPair(question.question_id, prompt, _written(number, chosen), _written(number, rejected))


def correcting(mistakes: Mapping[str, Mistake]) -> Protocol:
    """Give the protocol that asks for a correction of the wrong step of a mistake, by question id; `read_correction`.

    Where nobody has found that step yet, it is asked for first; what is no location ends the response. Teacher and
    student are asked alike for the correction.
    """

    async def respond(ask: Ask, question: Question, index: int) -> Draft:
        steps, number = mistakes[question.question_id]
        located = []
        if number is None:
            solution = "\n".join(_written_steps(steps))
            located.append(await ask(LOCATE, question=question.text, solution=solution))
            number = read_location(located[0].text, len(steps))
        if number is None:
            return Draft(located[0].text, located[0].finish_reason)
        before = "\n".join(_written_steps(steps[: number - 1]))
        step = write_step(number, steps[number - 1])
        said = await ask(CORRECT, *located, question=question.text, before=before, step=step)
        return Draft(said.text, said.finish_reason)

    asked = {LOCATE: {"question": 0, "solution": 1}, CORRECT: {"question": 0, "before": 1, "step": 1}}
    return Protocol(load_prompts(__file__, asked), respond, name="step_pairs.correcting")


def read_location(text: str, steps: int) -> int | None:
    """Read the number that `locate` asks for, the last one; None where there is none, or no step of that number."""
    found = LOCATION.findall(text)
    return int(found[-1]) if found and 1 <= int(found[-1]) <= steps else None


def read_correction(text: str) -> Correction | None:
    """Read what `correcting` asks for: a cause between its tags, then the step; None for anything else."""
    found = CORRECTION.fullmatch(text)
    parts = [part.strip() for part in found.groups()] if found else []
    if not all(parts) or len(parts) < 2 or any(map(TAG.search, parts)):
        return None
    return Correction(*parts)


def _written_steps(steps: Sequence[str]) -> list[str]:
    return [write_step(place, step) for place, step in enumerate(steps, 1)]


def _written(number: int, correction: Correction) -> str:
    return write_step(number, f"<cause>\n{correction.cause.strip()}\n</cause>\n{correction.step.strip()}")
