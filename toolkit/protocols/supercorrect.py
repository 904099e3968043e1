"""SuperCorrect, stage 1 (arXiv:2410.09008): a solution becomes a hierarchical template, which an inspector checks.

What differs from the paper: it makes templates of ground-truth solutions, and here the teacher's own solution is the
source, since only some pools have others; the verdict on the template's answer stands in for the truth. The student
reads the question alone in training, as it does at test time, where the paper's prompt asks for the format. Stage 2,
DPO on first wrong steps, needs errors of a student and is no protocol of the teacher: `pairs: mistakes` of a recipe.
"""

from typing import Annotated

from pydantic import Field

from toolkit.protocols.contract import LONGEST, Ask, Draft, Protocol, Question, Respond
from toolkit.protocols.prompts import load_prompts, question_prompt
from toolkit.protocols.reading import CUT
from toolkit.protocols.templates import TemplateError, read_template
from toolkit.teachers.completion import Completion

SATISFIED = "Nothing to change."  # the prompt asks for this line where a template is right
NO_TEMPLATE = "No template"  # begins the response that is none; the judge finds no answer in it


def protocol(prompt: str, *, revisions: Annotated[int, Field(ge=1, lt=LONGEST // 2)] = 3) -> Protocol:
    """Give the protocol with the steps `solve`, `template`, `inspect` and `revise`.

    Args:
        revisions: at most, of one template. The inspector is asked before each; a template that cannot be read is
            revised for that reason, and nobody is asked.
    """
    made_of = {"question": 0, "solution": 1}
    shown = made_of | {"template": 1}
    prompts = load_prompts(__file__, {"template": made_of, "inspect": shown, "revise": shown | {"critique": 1}})
    most = {"inspect": revisions, "revise": revisions}
    return Protocol({"solve": question_prompt(prompt), **prompts}, _respond(revisions), most)


def _respond(revisions: int) -> Respond:
    async def respond(ask: Ask, question: Question, index: int) -> Draft:
        solution = await ask("solve", question=question.text)
        if solution.finish_reason != "stop":  # half a solution is not worth a template
            return Draft(solution.text, solution.finish_reason)
        texts = {"question": question.text, "solution": solution.text}
        templates = [await ask("template", solution, **texts)]
        while len(templates) <= revisions:
            last, critics = templates[-1], list[Completion]()
            texts["template"] = last.text
            if reason := fault(last):
                critique = f"It is not in the form that was asked for: {reason}."
            else:
                critics.append(await ask("inspect", solution, last, **texts))
                critique = critics[0].text
                if is_satisfied(critique):
                    break
            templates.append(await ask("revise", solution, last, *critics, **texts, critique=critique))
        return last_good(templates)

    return respond


def fault(template: Completion) -> str:
    """Say why a completion is no template; empty where it is one."""
    if template.finish_reason != "stop":
        return CUT
    try:
        read_template(template.text)
    except TemplateError as error:
        return str(error)
    return ""


def is_satisfied(inspection: str) -> bool:
    """Say whether an inspector finds nothing to change."""
    return any(line.strip() == SATISFIED for line in inspection.splitlines())


def last_good(templates: list[Completion]) -> Draft:
    """Hand over the last template that can be read; else why the last one cannot.

    The text of a broken template could have an answer in it, and a student would learn the broken form.
    """
    for template in reversed(templates):
        if not fault(template):
            return Draft(template.text)
    return Draft(f"{NO_TEMPLATE}: {fault(templates[-1])}")
