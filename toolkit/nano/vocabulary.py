"""How the frozen vocabularies are made: every piece that the wordings and the worked solutions can hold.

A file is only ever appended to, so that an edited wording never renumbers the tokens of a model already published. The
wide vocabulary begins with that of mathematics, so one model may read both domains.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from toolkit.nano import mathematics_diet, physics_diet, traces, workings
from toolkit.nano.exercises import EXERCISES
from toolkit.nano.stories import FACTS
from toolkit.nano.tokenizer import SPECIAL_TOKENS, VOCABULARY_FILE, WIDE_VOCABULARY_FILE, splitter
from toolkit.questions import physics
from toolkit.questions.mathematics import FAMILIES, NAMES, THINGS, Family
from toolkit.questions.physics_families import WORDS


def pieces_needed() -> list[str]:
    """Every distinct piece of the questions, solutions and stories of mathematics, sorted."""
    signs = (f"{sign} {sign} 1 {sign}({sign} 1" for sign in "+-*/=()")
    return _pieces([*_wordings(), *_solutions(), "0123456789", *signs])


def wide_pieces_needed() -> list[str]:
    """Every distinct piece of mathematics and physics, sorted."""
    return sorted({*pieces_needed(), *_pieces([*_physics_wordings(), *_workings()])})


def _pieces(texts: list[str]) -> list[str]:
    cut = splitter()
    return sorted({piece for text in texts for piece, _ in cut.pre_tokenize_str(text)})


def _wordings() -> Iterator[str]:
    """Each wording with each name and thing in each of its places (the two lists are equally long)."""
    stories = (*FACTS, *mathematics_diet.STORIES, *mathematics_diet.LONG_STORIES)
    families: tuple[Family, ...] = (*FAMILIES.values(), *stories)
    numbers = dict.fromkeys(("a", "b", "c", "d", "answer", "work"), 1)
    for wording in (wording for family in families for wording in family.wordings):
        for name, things in zip(NAMES, THINGS, strict=True):
            yield wording.format(name=name, other=name, third=name, things=things, **numbers)


def _solutions() -> Iterator[str]:
    random_ = random.Random(0)
    for style in traces.STYLES:
        for unknown in ("", "x"):
            yield traces.write(("+", 2, ("-", 7, 3)), style, random_, unknown)


def _physics_wordings() -> Iterator[str]:
    for family in (*physics_diet.STORIES, *physics_diet.LONG_STORIES):
        for wording in family.wordings:
            yield from (wording.format(a=1, b=1, c=1, d=1, work=work) for work in ("1", "(1"))
    for drill in EXERCISES.values():
        yield from (wording.format(**dict.fromkeys(drill.stated, 1)) for wording in drill.wordings)
    for question in physics.FAMILIES.values():
        for wording in question.wordings:
            for place in range(max(map(len, WORDS.values()))):
                words = {slot: choices[place % len(choices)] for slot, choices in WORDS.items()}
                yield wording.format(**words, **dict.fromkeys(question.stated, 1))


def _workings() -> Iterator[str]:
    """Every path in every style; each step first once, so that its symbol stands at the beginning of a line, too."""
    random_ = random.Random(0)
    for family in (*physics.FAMILIES.values(), *EXERCISES.values()):
        given = physics.draw_numbers(family, random_)
        while len(physics.open_paths(family, given)) < len(family.paths):
            given = physics.draw_numbers(family, random_)
        for path in family.paths:
            for style in workings.STYLES:
                yield workings.write(path, given, style, random_)
            yield from (f"{step.symbol} = 1 First {step.symbol} = 1. Then {step.symbol} = 1" for step in path)


def write_vocabularies() -> None:
    """Append the pieces that the vocabulary files lack (a wide one is made when absent)."""
    known = json.loads(VOCABULARY_FILE.read_text(encoding="utf-8")) if VOCABULARY_FILE.exists() else [*SPECIAL_TOKENS]
    _append(known, pieces_needed(), VOCABULARY_FILE)
    wide = json.loads(WIDE_VOCABULARY_FILE.read_text(encoding="utf-8")) if WIDE_VOCABULARY_FILE.exists() else known
    _append(wide, wide_pieces_needed(), WIDE_VOCABULARY_FILE)


def _append(known: list[str], needed: list[str], file: Path) -> None:
    whole = known + [piece for piece in needed if piece not in known]
    file.write_text(json.dumps(whole, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
