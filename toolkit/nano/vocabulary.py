"""The vocabularies of the embedded models: what is frozen in files, then what a newer domain needs beyond it.

Files are only appended to, so that an edited wording never renumbers the tokens of a published model. The wide
vocabulary begins with that of mathematics, so one model may read several domains.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tokenizers import Regex, pre_tokenizers

from toolkit.domains import DOMAINS
from toolkit.nano import formats as pages
from toolkit.nano.formats import SOLVE

PAD, UNKNOWN, USER, ASSISTANT, END = SPECIAL_TOKENS = ("<pad>", "<unk>", "<|user|>", "<|assistant|>", "<|end|>")
PIECE = r" ?(?:\\boxed\{|[A-Za-z]+|[^\sA-Za-z0-9])(?: (?=[0-9]))?|[0-9]|\n"
# Mathematics keeps its own file, because its models are published; later domains share one, with the same first ids.
VOCABULARY_FILE = Path(__file__).with_name("vocabulary.json")
WIDE_VOCABULARY_FILE = Path(__file__).with_name("vocabulary-wide.json")


def splitter() -> pre_tokenizers.PreTokenizer:
    """Make the splitter that cuts text into words, single digits and signs, each with the space before it."""
    return pre_tokenizers.Split(Regex(PIECE), behavior="isolated")


@cache
def vocabulary(domain: str, formats: tuple[str, ...] = (SOLVE,)) -> tuple[str, ...]:
    """Give the pieces that models of a domain read, in the order of their ids; those of more formats come last."""
    frozen = frozen_pieces(domain)
    known = (*frozen, *sorted(set(pieces_needed(domain)) - set(frozen)))
    return (*known, *sorted(pieces_of(pages.texts(domain, formats)) - set(known)))


def frozen_pieces(domain: str) -> tuple[str, ...]:
    """Give the pieces that a domain's models read, whatever its texts are today."""
    file = VOCABULARY_FILE if domain == "mathematics" else WIDE_VOCABULARY_FILE
    return tuple(json.loads(file.read_text(encoding="utf-8")))


@cache
def pieces_needed(domain: str) -> tuple[str, ...]:
    """Give every distinct piece of a domain's questions, solutions and pages, sorted."""
    return tuple(sorted(pieces_of(DOMAINS[domain].texts())))


def pieces_of(texts: Iterable[str]) -> set[str]:
    """Give the distinct pieces of some texts."""
    split = splitter()
    return {piece for text in texts for piece, _ in split.pre_tokenize_str(text)}
