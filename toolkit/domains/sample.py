"""A look at what a domain makes: enough of everything to see a fault, and that it is not what it was."""

import contextlib
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from toolkit.domains.domain import Domain, Mixture, Page
from toolkit.domains.stream import Question

QUESTIONS, PAGES = 20, 100  # of each family, and of each kind
# Of the domains whose pools and models were first known by the domain's name alone. Never add to it.
FIRST = {
    "mathematics": "502abd64ee82d8ff",
    "physics": "acc3606c9e557dcd",
}


class DomainError(ValueError):
    """A domain that does not keep its contract; the message names it, what is wrong, and the remedy."""


class Sample(NamedTuple):
    """Questions of every family with a solution each, pages by kind, and the domain's own `texts`."""

    solved: tuple[tuple[Question, str], ...]
    pages: tuple[tuple[str, Page], ...]
    texts: tuple[str, ...]


def parts_of(name: str, domain: Domain | Mixture) -> dict[str, Domain]:
    """Give the domains that questions come from, by name: a mixture's parts, or the domain itself."""
    return dict(domain.parts) if isinstance(domain, Mixture) else {name: domain}


def families_of(domain: Domain | Mixture) -> list[str]:
    """List the families of a domain or of all of a mixture's parts."""
    return [family for part in parts_of("", domain).values() for family in part.families]


def sample_of(name: str, domain: Domain) -> Sample:
    """Draw some of each of a domain's questions and pages, the same every time.

    Raises:
        DomainError: where one of its functions raises or gives nothing.
    """
    functions = domain.generate, domain.solve, domain.page, domain.texts
    return _sample(name, tuple(domain.families), tuple(domain.shares), functions)


@cache  # by the functions: a domain itself has tables in it, which cannot be hashed
def _sample(
    name: str, families: tuple[str, ...], kinds: tuple[str, ...], functions: tuple[Callable[..., Any], ...]
) -> Sample:
    generate, solve, page, texts = functions
    rng = random.Random(0)
    with _naming(name, "generate"):
        questions = [list(islice(generate("train", 0, (family,)), QUESTIONS)) for family in families]
    for family, drawn in zip(families, questions, strict=True):
        strange = [question.family for question in drawn if question.family != family]
        if strange or not drawn:
            gave = f"one of {strange[0]!r}" if strange else "none"
            raise DomainError(f"the domain {name!r}: `generate` was asked for the family {family!r} and gave {gave}")
    with _naming(name, "solve"):
        solved = tuple((question, solve(question, rng)) for drawn in questions for question in drawn)
    with _naming(name, "page"):
        pages = tuple((kind, page(kind, (), rng, None)) for kind in kinds if kind != "answers" for _ in range(PAGES))
    with _naming(name, "texts"):
        return Sample(solved, pages, tuple(texts()))


@contextlib.contextmanager
def _naming(name: str, function: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise DomainError(f"the domain {name!r}: `{function}` raised {type(error).__name__}: {error}") from error


def domain_digest(name: str, domain: Domain | Mixture) -> str | None:
    """Give what the texts of a domain are known by in keys, beside its name: another after an edit that changes them.

    None stands for the domains of `FIRST` as they are there, so that what was made of them keeps its keys.

    Raises:
        DomainError: as `sample_of` does.
    """
    digests = {part: _digest(part, of) for part, of in parts_of(name, domain).items()}
    if all(FIRST.get(part) == digest for part, digest in digests.items()):
        return None
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()[:16]


def _digest(name: str, domain: Domain) -> str:
    known = [*sample_of(name, domain), dict(domain.shares), domain.facts]
    return hashlib.sha256(json.dumps(known, default=repr).encode()).hexdigest()[:16]
