"""What an embedded teacher may learn beside solving: to review, to criticise and refine, and to vary questions.

Each page is made from a question of the `train` split, its worked solution and, in half of the reviews, a wrong attempt
with one mistake (`toolkit.domains.mistakes`). A review works out the steps again before it says whether they are right:
nobody of this size sees it at a glance. All of it is procedural. The teacher never sees an attempt of its own
here: it learns to find mistakes of these kinds, and how far that carries over to its own is measured, not assumed.

The forms are those that the protocols read (`self_refine`, `critique_guided`, `question_augmentation` with `style:
similar`, `self_instruct` with `examples: 3, asked: 1`), under `PROMPTS`, which a recipe sets as its `protocol_prompts`.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import NamedTuple

from toolkit.domains import DOMAINS
from toolkit.domains.domain import Domain, Learner
from toolkit.domains.mistakes import Mistake
from toolkit.domains.stream import Question
from toolkit.prompt import template_writer

SOLVE = "solve"
PROMPTS: Mapping[str, str] = {  # step of a protocol -> what the teacher reads in it
    "review": "Review:\n{{ question }}\n{{ attempt }}{% if exchange %}{% endif %}",  # it reads no earlier reviews
    "critique": "Critique:\n{{ question }}\n{{ attempt }}",
    "refine": "Refine:\n{{ question }}\n{{ attempt }}\n{{ critique }}",
    "similar": "Vary:\n{{ question }}",
    "continue": "Continue:\n{{ examples }}\n{{ first }} to {{ last }}",
}
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "review": ("question", "attempt", "exchange"),
    "critique": ("question", "attempt"),
    "refine": ("question", "attempt", "critique"),
    "similar": ("question",),
    "continue": ("examples", "first", "last"),
}
# Fixed phrases that the protocols look for; a test compares them, since this room knows no protocols.
SATISFIED, SOLUTION, CONCLUSION = "Every step is right.", "Solution:", "Conclusion:"
SOLVED = 0.5  # share of worked solutions among the texts; the other formats have equal shares of the rest
RIGHT = 0.5  # share of right attempts that are reviewed, criticised or refined
EXAMPLES = 3  # questions that a list goes on from
SAMPLE = 1000  # pages of each format, from which the vocabulary is derived

Page = tuple[str, str]  # a prompt and its answer


class Reading(NamedTuple):
    """What a page is made from: a question of a domain, and the bounds of others beside it (see `teacher_texts`)."""

    domain: Domain
    learner: Learner
    question: Question
    families: tuple[str, ...]
    largest: int | None


def prompt(step: str, **texts: str) -> str:
    """Fill the prompt of a step."""
    return _writers()[step](**texts)


@cache
def _writers() -> Mapping[str, Callable[..., str]]:
    return {step: template_writer(text, VARIABLES[step], step) for step, text in PROMPTS.items()}


def lacking(domain: str, formats: tuple[str, ...]) -> list[str]:
    """List those of `formats` that a domain cannot have: all but solving, where it has no `Learner`."""
    known = DOMAINS[domain]
    able = isinstance(known, Domain) and known.learner
    return [] if able else [name for name in formats if name != SOLVE]


def page(
    domain: Domain,
    question: Question,
    formats: tuple[str, ...],
    rng: random.Random,
    families: tuple[str, ...] = (),
    largest: int | None = None,
) -> Page:
    """Write a page of one of `formats`, drawn by their shares; solving alone draws nothing, as it never did."""
    others = [name for name in FORMATS if name in formats]
    if not others or not domain.learner or rng.random() < SOLVED:
        return question.text, domain.solve(question, rng)
    return FORMATS[rng.choice(others)](Reading(domain, domain.learner, question, families, largest), rng)


def texts(domain: str, formats: tuple[str, ...]) -> Iterator[str]:
    """Yield pages of all `formats` but solving, prompt and answer apart; the vocabulary is derived from them."""
    known = DOMAINS[domain]
    others = [FORMATS[name] for name in FORMATS if name in formats]
    if not others or not isinstance(known, Domain) or not known.learner:
        return
    rng = random.Random(0)
    for question in islice(known.generate("train", 0), SAMPLE):
        for write in others:
            yield from write(Reading(known, known.learner, question, (), None), rng)


def _review(reading: Reading, rng: random.Random) -> Page:
    """Write a review; one that finds nothing ends there, since the protocol keeps the attempt to the letter then."""
    made = _attempt(reading, rng)
    read = prompt("review", question=reading.question.text, attempt=made.attempt, exchange="")
    return read, f"{made.check}\n" + (f"{made.fault}\n{SOLUTION}\n{made.solution}" if made.fault else SATISFIED)


def _refine(reading: Reading, rng: random.Random) -> Page:
    """Write one of two pages at equal odds: the critique of an attempt, or what is made of both."""
    made = _attempt(reading, rng)
    both = {"question": reading.question.text, "attempt": made.attempt}
    critique = f"{made.check}\n{made.fault or SATISFIED}\n{CONCLUSION} {'wrong' if made.fault else 'right'}"
    if rng.random() < 0.5:
        return prompt("critique", **both), critique
    return prompt("refine", **both, critique=critique), made.solution


def _vary(reading: Reading, rng: random.Random) -> Page:
    """Write one of two pages at equal odds: a variation of the question, or a list of questions that goes on."""
    if rng.random() < 0.5:
        varied = reading.learner.vary(reading.question, _near(reading, rng), rng, reading.largest)
        return prompt("similar", question=reading.question.text), f"<question>{varied.text}</question>"
    stream = reading.domain.generate("train", rng.getrandbits(32), reading.families, reading.largest)
    shown = [reading.question.text, *(question.text for question in islice(stream, EXAMPLES))]
    examples = "\n".join(f"{number}. {text}" for number, text in enumerate(shown[:EXAMPLES], 1))
    following = str(EXAMPLES + 1)
    read = prompt("continue", examples=examples, first=following, last=following)
    return read, f"{following}. {shown[EXAMPLES]}"


def _attempt(reading: Reading, rng: random.Random) -> Mistake:
    """Write a wrong attempt, or a right one: without a fault, and its own solution."""
    wrong = reading.learner.fail(reading.question, rng)
    return wrong._replace(attempt=wrong.right, fault="", solution=wrong.right) if rng.random() < RIGHT else wrong


def _near(reading: Reading, rng: random.Random) -> str:
    """Draw the family of the question, or as often one beside it in the domain's order."""
    names = [name for name in reading.domain.families if not reading.families or name in reading.families]
    place = names.index(reading.question.family)
    beside = names[max(place - 1, 0) : place] + names[place + 1 : place + 2]
    return rng.choice(beside) if beside and rng.random() < 0.5 else reading.question.family


FORMATS: Mapping[str, Callable[[Reading, random.Random], Page]] = {
    "review": _review,
    "refine": _refine,
    "vary": _vary,
}
