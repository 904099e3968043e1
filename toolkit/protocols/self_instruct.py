"""Self-Instruct (arXiv:2212.10560) for questions: the teacher goes on with a list of examples, and what is new is kept.

Each call shows 8 questions, up to 2 of them made before, and asks for 8 more. The paper's steps that classify tasks and
write instances have no counterpart here: answers are sampled and voted on later. So that mathematics survives, formulas
may begin a question, words are counted with signs as words, and the keyword filter is an option.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from toolkit.protocols.chance import chosen_places
from toolkit.protocols.contract import (
    Ask,
    Filter,
    MadeQuestion,
    NewQuestion,
    Question,
    QuestionProtocol,
    Seeds,
    Synthesise,
)
from toolkit.protocols.prompts import load_prompts
from toolkit.protocols.reading import CUT, UNREADABLE, numbered, numbered_items
from toolkit.protocols.similarity import is_similar, stock_filter, words

Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
STOCK = 0.7  # above which the paper's filter drops
BEYOND = "beyond the list"  # items after the last that was asked for
FEWEST, MOST = 4, 150  # words of a question
KEYWORDS = re.compile(r"\b(images?|pictures?|graphs?|maps?|draw|plots?|files?|videos?|audio)\b|^write a program", re.I)
# Marks that end or close something. Signs, brackets that open, and letters of any script may begin a question.
CLOSING = re.compile(r"[,;:!?)\]}#]|\.(?!\d)")


def protocol(
    prompt: str,
    prompts: Mapping[str, str] | None = None,
    *,
    examples: Count = 8,
    machine: Number = 2,
    asked: Count = 8,
    max_similarity: Share = STOCK,
    same_values: bool = True,
    keywords: bool = False,
    calls_per_round: Count = 32,
    draw_seed: Number = 0,
) -> QuestionProtocol:
    """Give the protocol with the single step `continue`.

    Args:
        prompt: unused: no answer is asked for.
        examples: questions that a call shows; `machine` of them at most were made before.
        asked: questions that a call asks for.
        max_similarity: ROUGE-L F1 with a known question above which a new one is dropped.
        same_values: whether only questions with the same numbers and signs are compared; the paper compares all.
        keywords: whether questions about images, files, programs and such are dropped, as in the paper.
        calls_per_round: the paper's pool grows after each call.
        draw_seed: of the choice of examples.
    """
    variables = {"examples": min(machine, examples), "first": 0, "last": 0}
    steps = load_prompts(__file__, {"continue": variables}, prompts)
    filters: dict[str, Filter] = {"length": _has_odd_length, "beginning": _begins_badly}
    filters |= {"keyword": _has_keyword} if keywords else {}
    filters["similar"] = is_similar(max_similarity, same_values=same_values)
    audits = {f"stock ROUGE-L above {STOCK}": stock_filter(STOCK)}
    synthesise = _synthesise(examples, machine, asked, draw_seed)
    return QuestionProtocol(steps, synthesise, filters, {}, audits, calls_per_round)


def _synthesise(examples: int, machine: int, asked: int, draw_seed: int) -> Synthesise:
    async def synthesise(ask: Ask, seeds: Seeds, index: int) -> list[NewQuestion]:
        ids, texts = examples_of(seeds, examples, machine, f"{draw_seed}:{index}")
        first = len(texts) + 1
        numbers = {"first": str(first), "last": str(len(texts) + asked)}
        completion = await ask("continue", examples=numbered(texts), **numbers)
        items = numbered_items(completion.text, first)
        if not items:
            return [NewQuestion(completion.text, ids, UNREADABLE)]
        if completion.finish_reason != "stop":  # the last item is half of one, and nobody knows of the others
            return [NewQuestion(item, ids, CUT) for item in items]
        return [NewQuestion(item, ids, BEYOND * (place >= asked)) for place, item in enumerate(items)]

    return synthesise


def examples_of(seeds: Seeds, count: int, machine: int, key: str) -> tuple[tuple[str, ...], list[str]]:
    """Choose examples by a key; give their ids and texts in the order in which a call shows them."""
    made = [seeds.made[place] for place in chosen_places(f"{key}:made", len(seeds.made), min(machine, count))]
    given = [seeds.given[place] for place in chosen_places(f"{key}:given", len(seeds.given), count - len(made))]
    both: list[Question | MadeQuestion] = [*made, *given]
    shown = [both[place] for place in chosen_places(f"{key}:order", len(both), len(both))]
    return tuple(question.question_id for question in shown), [question.text for question in shown]


def _has_odd_length(text: str, known: Sequence[str]) -> bool:
    """Count signs as words where a question may be too short, so that a bare 3 + 4 = ? is none."""
    return len(words(text)) < FEWEST or len(text.split()) > MOST


def _begins_badly(text: str, known: Sequence[str]) -> bool:
    return CLOSING.match(text) is not None


def _has_keyword(text: str, known: Sequence[str]) -> bool:
    return KEYWORDS.search(text) is not None
