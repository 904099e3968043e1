"""What an embedded teacher of several formats can do, format by format, on questions that it never read.

It is asked as the protocols ask it, at the default temperature, and read as they read it. Reviews are of its own first
answers, since those are what the protocols have it review: how they differ from the mistakes of its training is part of
the result. Every number is a share; one of nothing is left out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from toolkit.boxed import extract_boxed
from toolkit.domains import DOMAINS
from toolkit.domains.stream import Question
from toolkit.nano.formats import EXAMPLES, FORMATS, prompt
from toolkit.nano.pretrain import NanoSettings
from toolkit.prompt import user_turn
from toolkit.protocols.critique_guided import conclusion
from toolkit.protocols.reading import numbered, numbered_items, tagged
from toolkit.protocols.self_refine import is_satisfied, rewritten
from toolkit.recipe.sections import Sampling
from toolkit.teachers.backends.local import LocalTeacher
from toolkit.teachers.completion import Completion

QUESTIONS = 500  # of the dev split
LONGEST = 128  # tokens of an answer
Skills = dict[str, dict[str, float]]  # format -> what -> share
Ask = Callable[[Sequence[str]], list[Completion]]


class Attempt(NamedTuple):
    """A question, the teacher's first answer to it, and whether that is right."""

    question: Question
    text: str
    right: bool


def measure_skills(folder: Path, settings: NanoSettings) -> Skills:
    """Measure the skills of a teacher that was trained into `folder` with these settings; the same at every call."""
    dev = DOMAINS[settings.domain].generate("dev", settings.seed, settings.families, settings.largest)
    questions = list(islice(dev, QUESTIONS))
    teacher = LocalTeacher(folder, Sampling(max_tokens=LONGEST), model="teacher")

    def ask(prompts: Sequence[str]) -> list[Completion]:
        return teacher.generate([user_turn(text) for text in prompts], range(len(prompts)))

    answers = ask([question.text for question in questions])
    tried = [
        Attempt(question, answer.text, _is_right(question, answer.text))
        for question, answer in zip(questions, answers, strict=True)
    ]
    skills = {"solve": {"right": _share(attempt.right for attempt in tried)}}
    for name in FORMATS:
        if name in settings.formats:
            skills |= MEASURES[name](ask, tried, settings)
    return {name: {what: value for what, value in of.items() if value >= 0} for name, of in skills.items()}


def _review(ask: Ask, tried: Sequence[Attempt], _: NanoSettings) -> Skills:
    reviews = ask([prompt("review", question=one.question.text, attempt=one.text, exchange="") for one in tried])
    rewrites = [rewritten(review) for review in reviews]
    after = [rewrite.text if rewrite else one.text for rewrite, one in zip(rewrites, tried, strict=True)]
    found = [not is_satisfied(review.text) for review in reviews]
    return {"review": _judged(tried, found, after)}


def _refine(ask: Ask, tried: Sequence[Attempt], _: NanoSettings) -> Skills:
    texts = [{"question": one.question.text, "attempt": one.text} for one in tried]
    critiques = [critique.text for critique in ask([prompt("critique", **both) for both in texts])]
    refined = ask([prompt("refine", **both, critique=said) for both, said in zip(texts, critiques, strict=True)])
    found = [conclusion(critique) != "right" for critique in critiques]
    return {"refine": _judged(tried, found, [answer.text for answer in refined])}


def _judged(tried: Sequence[Attempt], found: Sequence[bool], after: Sequence[str]) -> dict[str, float]:
    """Say what was found wrong, and what became of it: of right attempts and of wrong ones."""
    rows = [
        (one.right, fault, _is_right(one.question, text)) for one, fault, text in zip(tried, found, after, strict=True)
    ]
    return {
        "right left alone": _share(not fault for right, fault, _ in rows if right),
        "right spoilt": _share(not mended for right, _, mended in rows if right),
        "wrong found": _share(fault for right, fault, _ in rows if not right),
        "wrong corrected": _share(mended for right, _, mended in rows if not right),
        "right after": _share(mended for _, _, mended in rows),
    }


def _vary(ask: Ask, tried: Sequence[Attempt], settings: NanoSettings) -> Skills:
    texts = [one.question.text for one in tried]
    varied = [tagged(answer, "question") for answer in ask([prompt("similar", question=text) for text in texts])]
    number = str(EXAMPLES + 1)
    lists = [numbered([texts[place - back] for back in range(EXAMPLES)]) for place in range(len(texts))]
    answers = ask([prompt("continue", examples=shown, first=number, last=number) for shown in lists])
    further = [
        items[0] if answer.finish_reason == "stop" and (items := numbered_items(answer.text, int(number))) else None
        for answer in answers
    ]
    seeds = [one.question for one in tried]
    return {
        "vary": _made([text if not reason else None for text, reason in varied], seeds, settings.domain),
        "continue": _made(further, seeds, settings.domain),
    }


def _made(texts: Sequence[str | None], seeds: Sequence[Question], domain: str) -> dict[str, float]:
    """Say which new questions can be read, which have an answer, and which of those nobody asked before."""
    learner = getattr(DOMAINS[domain], "learner", None)
    questions: list[Question | None] = [learner.parse(text) if learner and text else None for text in texts]
    seen = {(seed.family, seed.numbers) for seed in seeds}
    new = 0
    for question in filter(None, questions):
        problem = question.family, question.numbers
        new += problem not in seen
        seen.add(problem)
    return {
        "readable": _share(text is not None for text in texts),
        "solvable": _share(question is not None for question in questions),
        "new": new / len(texts) if texts else -1,
    }


MEASURES: Mapping[str, Callable[[Ask, Sequence[Attempt], NanoSettings], Skills]] = {
    "review": _review,
    "refine": _refine,
    "vary": _vary,
}


def _is_right(question: Question, text: str) -> bool:
    return extract_boxed(text) == question.answer


def _share(found: Iterable[bool]) -> float:
    """Give the share of what is true; -1 for nothing at all."""
    values = list(found)
    return sum(values) / len(values) if values else -1
