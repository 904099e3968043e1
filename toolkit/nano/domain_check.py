"""Check a procedural domain before anything is made of it: its solutions, its shares, and the words of its texts."""

from collections.abc import Iterator

from toolkit.boxed import extract_boxed
from toolkit.domains import DOMAINS
from toolkit.domains.domain import Domain
from toolkit.domains.sample import DomainError, Sample, parts_of, sample_of
from toolkit.nano.vocabulary import frozen_pieces, pieces_of


def check_domain(name: str) -> None:
    """Check some of everything that a domain of `DOMAINS` makes.

    Raises:
        DomainError: naming the domain, what is wrong and the remedy.
    """
    for part, domain in parts_of(name, DOMAINS[name]).items():
        problem = next(_problems(name, domain, sample_of(part, domain)), None)
        if problem:
            raise DomainError(f"the domain {part!r}: {problem}")


def _problems(name: str, domain: Domain, sample: Sample) -> Iterator[str]:
    total = sum(domain.shares.values())
    if total != 100:
        yield f"its shares ({', '.join(domain.shares)}) add up to {total}: they are hundredths, so let them give 100"
    for question, solution in sample.solved:
        if extract_boxed(solution) != question.answer:
            yield (
                f"`solve` gave {solution[-80:]!r} for {question.text[:80]!r}: a solution ends in "
                f"\\boxed{{{question.answer}}}"
            )
    known = {*frozen_pieces(name), *pieces_of(sample.texts)}
    for function, text in _read(sample):
        unknown = [piece for piece in pieces_of([text]) if piece not in known]
        if unknown:
            yield f"`{function}` gave {text[:80]!r}; {unknown[0]!r} is in none of its `texts`: let them give it, too"


def _read(sample: Sample) -> Iterator[tuple[str, str]]:
    """Yield every text that a model reads, with the function that it is from."""
    for question, solution in sample.solved:
        yield "generate", question.text
        yield "solve", solution
    for _, page in sample.pages:
        for text in (page,) if isinstance(page, str) else page:
            yield "page", text
