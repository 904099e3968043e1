"""MAmmoTH2 (arXiv:2405.03548): questions that documents from the web ask and answer. **This is source expansion**.

The seeds are documents, not questions of the pool: what is learnt from them is new to the source, and a comparison with
a fixed one says so. One call extracts the pairs of a document, and one more refines each pair. What differs from the
paper: documents come from a folder, not from recall over a crawl; one refiner instead of two, which may not change the
answer; and a pair counts only where most of the teacher's own answers agree with the extracted one
(`toolkit.synthesis.labels.verified_label`), where the paper trusts the extraction.
"""

import re
from typing import Annotated

from pydantic import Field

from toolkit.boxed import extract_boxed
from toolkit.protocols.contract import LONGEST, Ask, NewQuestion, Question, QuestionProtocol, Seeds, Synthesise
from toolkit.protocols.prompts import load_prompts
from toolkit.protocols.reading import CUT, UNREADABLE, collapsed
from toolkit.teachers.completion import Completion

VOID = "void"  # what a document without a pair is answered with, and a pair that is none
BEYOND = "beyond the list"  # pairs after the last that was asked for
NO_QUESTION, FIGURE, NO_ANSWER = "no question mark", "needs a figure", "no boxed answer"
CHANGED = "another answer after refinement"

Pair = tuple[str, str]  # question and answer
PAIR = re.compile(r"\s*Question:(.*?)\nAnswer:(.*)</pair>", re.DOTALL)
SEEN = re.compile(
    r"\b(?:figure|fig\.|diagram|picture|photo|screenshot)|"
    r"\b(?:see|shown|given|drawn|listed)\b[^.?!]{0,20}\b(?:above|below|image|graph|table)\b",
    re.IGNORECASE,
)


def protocol(
    prompt: str,
    *,
    documents: str = "",
    pairs: Annotated[int, Field(ge=1, lt=LONGEST)] = 4,
    calls_per_round: Annotated[int, Field(ge=1)] = 64,
) -> QuestionProtocol:
    """Give the protocol with the steps `extract` and `refine`; its seeds are documents.

    Args:
        prompt: unused: no answer is asked for.
        documents: names what the seeds are, for the identity of the source. In a recipe it is a folder of text files,
            which is known by its digest; see `toolkit.recipe.documents`.
        pairs: of one document, at most.
        calls_per_round: they take the documents in turn.
    """
    variables = {"extract": {"document": 0, "pairs": 0}, "refine": {"question": 1, "answer": 1}}
    steps = load_prompts(__file__, variables)
    return QuestionProtocol(steps, _synthesise(pairs), calls_per_round=calls_per_round, most={"refine": pairs})


def _synthesise(pairs: int) -> Synthesise:
    async def synthesise(ask: Ask, seeds: Seeds, index: int) -> list[NewQuestion]:
        document = seeds.given[index % len(seeds.given)]
        extracted = await ask("extract", document=document.text, pairs=str(pairs))
        found, reason = read_pairs(extracted)
        if reason:
            return [NewQuestion(extracted.text, (document.question_id,), reason)] * (reason != VOID)
        made = [await _refined(ask, extracted, pair, document) for pair in found[:pairs]]
        return made + [_new(pair, document, BEYOND) for pair in found[pairs:]]

    return synthesise


async def _refined(ask: Ask, extracted: Completion, pair: Pair, document: Question) -> NewQuestion:
    """Refine a pair; one that is void is not worth a call."""
    if reason := void_reason(pair):
        return _new(pair, document, reason)
    completion = await ask("refine", extracted, question=pair[0], answer=pair[1])
    found, reason = read_pairs(completion)
    if reason or len(found) != 1:
        return _new(pair, document, reason or UNREADABLE)
    is_changed = collapsed(extract_boxed(found[0][1]) or "") != collapsed(extract_boxed(pair[1]) or "")
    return _new(found[0], document, void_reason(found[0]) or CHANGED * is_changed)


def read_pairs(completion: Completion) -> tuple[list[Pair], str]:
    """Give the pairs that a completion consists of, and why there are none: `void`, or it cannot be read."""
    text = completion.text.strip()
    if completion.finish_reason != "stop":
        return [], CUT
    if text.strip(".").lower() == VOID:
        return [], VOID
    blocks = text.split("<pair>")[1:]
    found = [PAIR.match(block) for block in blocks if block.count("</pair>") == 1]
    pairs = [(match[1].strip(), match[2].strip()) for match in found if match]
    return (pairs, "") if pairs and len(pairs) == len(blocks) else ([], UNREADABLE)


def void_reason(pair: Pair) -> str:
    """Say why a pair is void; empty where it is not."""
    question, answer = pair
    if "?" not in question:
        return NO_QUESTION
    if SEEN.search(question):
        return FIGURE
    return "" if extract_boxed(answer) else NO_ANSWER


def _new(pair: Pair, document: Question, dropped: str) -> NewQuestion:
    return NewQuestion(pair[0], (document.question_id,), dropped, extracted=extract_boxed(pair[1]) or "")
