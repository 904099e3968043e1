"""Critique-guided distillation (arXiv:2505.11628): the teacher answers, criticises the answer, and refines it by that.

A student answers first, as in the original (`probe: student`), or the teacher does (a *teacher probe*), as it must
where the student's base answers nothing that can be read. The student is trained to write the refined answer from
question, first answer and critique; at test time it reads the question alone.
"""

from collections.abc import Mapping
from typing import Literal

from toolkit.protocols.contract import Ask, Draft, Protocol, Question, Respond, Writer
from toolkit.protocols.prompts import load_prompts, question_prompt

CONCLUSION = "Conclusion:"  # begins the last line of a critique, before `right` or `wrong`
READING = ("critique",)  # options that change nothing that is asked, so that sources may share what was answered


def protocol(
    prompt: str,
    prompts: Mapping[str, str] | None = None,
    *,
    critique: Literal["shown", "shuffled", "none"] = "shown",
    probe: Literal["teacher", "student"] = "teacher",
) -> Protocol:
    """Give the protocol with the steps `probe`, `critique` and `refine`.

    Args:
        critique: what the student's training prompt has beside the question: the first answer and its critique; the
            first answer and the critique of another question, the control of what is specific to this one; or nothing,
            the control that isolates the critique. All have the same steps.
        probe: who writes the first answer.
    """
    variables = {"question": 0, "attempt": 1}
    steps = load_prompts(__file__, {"critique": variables, "refine": variables | {"critique": 1}}, prompts)
    respond = _respond(None if critique == "none" else steps["refine"])
    made = Protocol({"probe": question_prompt(prompt), **steps}, respond)
    swapped = "critique" if critique == "shuffled" else ""
    return made._replace(swapped=swapped, by_student=("probe",) if probe == "student" else ())


def _respond(shown: Writer | None) -> Respond:
    async def respond(ask: Ask, question: Question, index: int) -> Draft:
        probe = await ask("probe", question=question.text)
        texts = {"question": question.text, "attempt": probe.text}
        critique = await ask("critique", probe, **texts)
        texts["critique"] = critique.text
        refined = await ask("refine", probe, critique, **texts)
        return Draft(refined.text, refined.finish_reason, shown(**texts) if shown else None)

    return respond


def conclusion(critique: str) -> str | None:
    """Give what a critique concludes of the answer, `right` or `wrong`; None where its last line does not say."""
    lines = critique.strip().splitlines() or [""]
    said = lines[-1].strip().removeprefix(CONCLUSION).strip(" .*").lower()
    return said if lines[-1].strip().startswith(CONCLUSION) and said in ("right", "wrong") else None
