"""Evol-Instruct (WizardLM, arXiv:2304.12244): the teacher rewrites each question, one of six operations at equal odds.

A round of calls evolves every question once. An evolution that is eliminated is in no later round: its question is
evolved again as it was. The paper's four rules are reasons of their own; the leak is looked for first, since it costs
nothing, and two rules need an answer to the new question, which is asked for once and thrown away.
"""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from toolkit.protocols.chance import chosen
from toolkit.protocols.contract import (
    Ask,
    MadeQuestion,
    NewQuestion,
    Question,
    QuestionProtocol,
    Seeds,
    Synthesise,
    Writer,
)
from toolkit.protocols.prompts import load_prompts, question_prompt
from toolkit.protocols.reading import tagged
from toolkit.protocols.similarity import says_something, words

BREADTH = "breadth"
OPERATIONS = ("constrain", "deepen", "concretise", "reason", "complicate", BREADTH)
EQUAL, REFUSED, EMPTY, LEAKED = "equal", "refused", "empty answer", "leaked prompt"  # the paper's rules 1 to 4
UNJUDGED = "unjudged"  # the judge's last line is neither of its two
VERDICT = re.compile(r"^Verdict: (equal|different)\W*\Z", re.MULTILINE)
SORRY_WORDS = 80  # an answer of that many words may say sorry
LEAK = re.compile(
    r"\b(given|rewritten|created|evolved|new) (prompt|question|instruction)\b|\bas an ai\b|</?question>", re.I
)
STOP_WORDS = {  # none that may be an answer: no letter, no "no"
    *("an", "the", "and", "or", "but", "if", "of", "in", "on", "at", "to", "by", "for", "from", "with", "as", "is"),
    *("are", "was", "were", "be", "been", "it", "its", "this", "that", "these", "those", "you", "he", "she", "we"),
    *("they", "do", "does", "did", "has", "have", "had", "will", "would", "can", "could", "may", "there", "then"),
}


def protocol(
    prompt: str,
    prompts: Mapping[str, str] | None = None,
    *,
    attempt: bool = True,
    calls_per_round: Annotated[int, Field(ge=1)] | None = None,
    draw_seed: Annotated[int, Field(ge=0)] = 0,
) -> QuestionProtocol:
    """Give the protocol with the steps `evolve`, `judge` and `attempt`.

    Args:
        prompt: asks for the answer of `attempt`.
        attempt: whether the new question is answered once, for the rules 2 and 3; without, they are left out.
        calls_per_round: null is the paper's: as many as there are seeds. At most that many leaves the order of things.
        draw_seed: of the choice of operations.
    """
    variables = {"evolve": {"question": 1, "operation": 0}, "judge": {"question": 1, "evolved": 1}}
    steps: dict[str, Writer] = {**load_prompts(__file__, variables, prompts)}
    if attempt:
        steps["attempt"] = question_prompt(prompt)
    return QuestionProtocol(steps, _synthesise(attempt, draw_seed), calls_per_round=calls_per_round)


def _synthesise(attempt: bool, draw_seed: int) -> Synthesise:
    async def synthesise(ask: Ask, seeds: Seeds, index: int) -> list[NewQuestion]:
        parent = evolved_so_far(seeds, index % len(seeds.given))
        operation = operation_of(draw_seed, parent.question_id, index)
        evolution = await ask("evolve", question=parent.text, operation=operation)
        text, reason = tagged(evolution, "question")
        new = NewQuestion(text, (parent.question_id,), reason or leak(text), operation)
        if new.dropped:
            return [new]
        verdict = await ask("judge", evolution, question=parent.text, evolved=text)
        new = new._replace(dropped=judged(verdict.text))
        if attempt and not new.dropped:
            answer = await ask("attempt", evolution, question=text)
            new = new._replace(dropped=no_answer(answer.text))
        return [new]

    return synthesise


def evolved_so_far(seeds: Seeds, place: int) -> Question | MadeQuestion:
    """Give the last evolution of the seed at a place that was kept; the seed itself before the first."""
    question: Question | MadeQuestion = seeds.given[place]
    while following := seeds.successors.get(question.question_id):
        question = following
    return question


def operation_of(draw_seed: int, question_id: str, index: int) -> str:
    """Choose the operation of a call."""
    return OPERATIONS[chosen(f"{draw_seed}:{question_id}:{index}:operation", len(OPERATIONS))]


def leak(text: str) -> str:
    """Say whether a new question repeats words of its prompt (rule 4)."""
    return LEAKED if LEAK.search(text) else ""


def judged(verdict: str) -> str:
    """Say whether a judge found the questions equal (rule 1), or cannot be read."""
    found = VERDICT.search(verdict.strip())
    return UNJUDGED if found is None else EQUAL * (found[1] == "equal")


def no_answer(answer: str) -> str:
    """Say whether an answer is an apology of few words (rule 2), or nothing but stop words and marks (rule 3)."""
    if "sorry" in answer.lower() and len(answer.split()) < SORRY_WORDS:
        return REFUSED
    return EMPTY * all(word in STOP_WORDS or not says_something(word) for word in words(answer))
