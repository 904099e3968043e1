"""How the frozen vocabulary is made: every piece that the wordings and the worked solutions can hold.

The file is only ever appended to, so that an edited wording never renumbers the tokens of a model already published.
"""

import json
import random
from collections.abc import Iterator

from toolkit.nano.diet import FACTS, LONG_STORIES, STORIES
from toolkit.nano.tokenizer import SPECIAL_TOKENS, VOCABULARY_FILE, splitter
from toolkit.nano.traces import STYLES, write
from toolkit.questions.mathematics import FAMILIES, NAMES, THINGS, Family


def pieces_needed() -> list[str]:
    """Every distinct piece of the questions, solutions and stories, sorted."""
    cut = splitter()
    texts = [*_wordings(), *_solutions(), "0123456789", *(f"{sign} {sign} 1 {sign}({sign} 1" for sign in "+-*/=()")]
    return sorted({piece for text in texts for piece, _ in cut.pre_tokenize_str(text)})


def _wordings() -> Iterator[str]:
    """Each wording with each name and thing in each of its places (the two lists are equally long)."""
    families: tuple[Family, ...] = (*FAMILIES.values(), *FACTS, *STORIES, *LONG_STORIES)
    numbers = dict.fromkeys(("a", "b", "c", "d", "answer", "work"), 1)
    for wording in (wording for family in families for wording in family.wordings):
        for name, things in zip(NAMES, THINGS, strict=True):
            yield wording.format(name=name, other=name, third=name, things=things, **numbers)


def _solutions() -> Iterator[str]:
    random_ = random.Random(0)
    for style in STYLES:
        for unknown in ("", "x"):
            yield write(("+", 2, ("-", 7, 3)), style, random_, unknown)


def write_vocabulary() -> None:
    """Append the pieces that the vocabulary file lacks (it is made when absent)."""
    known = json.loads(VOCABULARY_FILE.read_text(encoding="utf-8")) if VOCABULARY_FILE.exists() else [*SPECIAL_TOKENS]
    known += [piece for piece in pieces_needed() if piece not in known]
    VOCABULARY_FILE.write_text(json.dumps(known, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
