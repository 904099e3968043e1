"""Pairs of SuperCorrect's stage 2 (arXiv:2410.09008): two ways on from the first wrong step of a student's solution.

The prompt is the question with the steps before that one. Chosen is the teacher's correction of it, rejected the
student's own under the same prompt; each names the cause of the error and writes the step again.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from toolkit.prompt import Messages, user_turn
from toolkit.protocols.contract import Question
from toolkit.protocols.templates import write_step
from toolkit.verification.steps import false_equality

IsWrong = Callable[[str], bool]


class Correction(NamedTuple):
    """What somebody makes of a wrong step: the cause of the error, and the step as it should be."""

    cause: str
    step: str


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
) -> StepPair | None:
    """Pair two corrections of the first wrong step of a solution.

    Args:
        question: a seed question. The paper takes them from what it calls a test set; a held-out one must not be here.
        steps: of the student's solution, such as those of `read_template`.
        chosen, rejected: the teacher's and the student's correction of that step.
        is_wrong: as in `first_wrong_step`.

    Returns:
        None where no step is wrong, where the teacher's correction is wrong itself, or where both are the same.
    """
    number = first_wrong_step(steps, is_wrong)
    if number is None or chosen == rejected or is_wrong(chosen.step):
        return None
    before = [write_step(place, step) for place, step in enumerate(steps[: number - 1], 1)]
    prompt = user_turn("\n".join([question.text, *before]))
    return StepPair(question.question_id, prompt, _written(number, chosen), _written(number, rejected))


def _written(number: int, correction: Correction) -> str:
    return write_step(number, f"<cause>\n{correction.cause.strip()}\n</cause>\n{correction.step.strip()}")
