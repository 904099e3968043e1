"""One door to every pool of questions: procedural, a local file, or a Hub dataset."""

import os
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from toolkit.boxed import extract_boxed
from toolkit.domains import DOMAINS
from toolkit.domains.stream import Question, question_id
from toolkit.patterns import Pattern
from toolkit.questions.files import Place, PoolError, optional_text, read_rows, text_of
from toolkit.recipe import sections
from toolkit.records.reading import SUFFIXES

READERS = SUFFIXES  # of the files that a pool is read from
COLUMNS = ("question_id", "position", "question", "answer", "family")
BOXED = "boxed"
SPLIT_FILES = ("questions", "test", "dev")

LeakFinder = Callable[[Mapping[str, str]], Callable[[str], bool]]  # held-out questions by id -> whether a text has any
GoldProblem = Callable[[str], str | None]  # why an answer cannot be compared with; None: it can be


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns, and the pattern that cuts the answer out of its own (see `parse_answer`)."""

    question: str = "question"
    answer: str = "answer"
    unit: str | None = None
    family: str | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """How many questions were left out since their answers cannot be read, and the first one's row and fault."""

    count: int = 0
    example: str = ""


@dataclass(frozen=True)
class Pool:
    """Seed questions in their fixed order (prefixes are the nested subsets), and held-out test and dev questions.

    `dropped` candidates for seeds were too near a held-out question; the answers of those `left_out` cannot be read.
    """

    questions: tuple[Question, ...]
    test: tuple[Question, ...]
    dev: tuple[Question, ...]
    dropped: int = 0
    left_out: LeftOut = LeftOut()


def load_pool(
    source: str,
    size: int,
    test_size: int,
    dev_size: int = 0,
    *,
    seed: int = 0,
    question_column: str = "question",
    answer_column: str = "answer",
    answer_pattern: str | None = None,
    unit_column: str | None = None,
    family_column: str | None = None,
    subset: str | None = None,
    split: str = "train",
    revision: str | None = None,
    test_source: str | None = None,
    test_split: str | None = None,
    test_question_column: str | None = None,
    test_answer_column: str | None = None,
    test_answer_pattern: str | None = None,
    test_unit_column: str | None = None,
    families: Sequence[str] = (),
    largest: int | None = None,
    leak_finder: LeakFinder | None = None,
    gold_problem: GoldProblem | None = None,
) -> Pool:
    """Give the pool of `source`: a name in `DOMAINS`, the path of a file with a suffix in `READERS`, or a Hub dataset.

    Numbers are taken as they were written. `answer_pattern` is a regular expression with one group, "boxed" for the
    last `\\boxed{...}`, or None for the whole column; the text of `unit_column`, which may be blank, is written
    behind it.

    The order is a shuffle seeded by `seed`; a smaller `size` gives a prefix. The test questions come from
    `test_source` (default: `source`) and `test_split` when either is named (then in the columns `test_...`, where
    these are named), else from the end of that order; the dev questions from the end of what remains. Test questions
    that are in `source` too, and seeds that `leak_finder` finds too near a held-out question, are left out; so are
    questions whose answer the pattern does not find or in which `gold_problem` sees a problem, and they are counted.
    `families` and `largest` narrow the procedural pool alone.

    Raises PoolError (a ValueError) naming the file, row, column, value and mend where most answers cannot be read,
    cells are blank, questions repeat, a column is missing, or fewer questions are there than asked.
    """
    _check_sizes(size, test_size, dev_size)
    if source in DOMAINS:
        return _procedural(source, size, test_size, dev_size, seed, tuple(families), largest)
    columns = Columns(question_column, answer_column, unit_column, family_column, answer_pattern)
    read, left_out = _read(Place(source, subset, split, revision), columns, gold_problem)
    own = _shuffled(read, seed)
    if test_source is None and test_split is None:
        _enough(source, "pool + test + dev", len(own), size + test_size + dev_size, left_out)
        own, test = _split_end(own, test_size)
    else:
        held_out = test_source or source
        own_columns = Columns(
            test_question_column or question_column,
            test_answer_column or answer_column,
            test_unit_column or unit_column,
            family_column,
            test_answer_pattern or answer_pattern,
        )
        read, more = _read(Place(held_out, subset, test_split or split, revision), own_columns, gold_problem)
        test = _shuffled(read, seed)[:test_size]
        _enough(held_out, "test", len(test), test_size, more)
        left_out = LeftOut(left_out.count + more.count, left_out.example or more.example)
        asked = {question.text for question in test}
        own = tuple(question for question in own if question.text not in asked)
        _enough(source, "pool + dev, without the test questions,", len(own), size + dev_size, left_out)
    own, dev = _split_end(own, dev_size)
    seeds = _clean(own, test + dev, leak_finder)
    _enough(source, "pool, without what is near a held-out question,", len(seeds), size, left_out)
    return Pool(seeds[:size], test, dev, len(own) - len(seeds), left_out)


def _split_end(questions: tuple[Question, ...], count: int) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    cut = max(0, len(questions) - count)
    return questions[:cut], questions[cut:]


def _clean(
    questions: tuple[Question, ...], held_out: tuple[Question, ...], leak_finder: LeakFinder | None
) -> tuple[Question, ...]:
    if leak_finder is None:
        return questions
    leaks = leak_finder({question_id(question.text): question.text for question in held_out})
    return tuple(question for question in questions if not leaks(question.text))


def _check_sizes(size: int, test_size: int, dev_size: int) -> None:
    for name, value, least in (("size", size, 1), ("test_size", test_size, 1), ("dev_size", dev_size, 0)):
        if value < least:
            raise PoolError(f"{name} is {value}: a pool needs at least {least}")


def _enough(source: str, what: str, have: int, need: int, left_out: LeftOut = LeftOut()) -> None:
    if have < need:
        unread = f" beside {left_out.count} without a readable answer ({left_out.example})" if left_out.count else ""
        raise PoolError(
            f"{source} holds {have} questions{unread}, {what} asks for {need}: ask for fewer or name a larger one"
        )


def _procedural(
    domain: str, size: int, test: int, dev: int, seed: int, families: tuple[str, ...], largest: int | None
) -> Pool:
    generate = DOMAINS[domain].generate
    wanted = {"pool": size, "test": test, "dev": dev}
    made = {name: tuple(islice(generate(name, seed, families, largest), count)) for name, count in wanted.items()}
    for name, count in wanted.items():
        _enough(f"{domain} ({name})", name, len(made[name]), count)
    return Pool(made["pool"], made["test"], made["dev"])


def _shuffled(questions: list[Question], seed: int) -> tuple[Question, ...]:
    return tuple(random.Random(f"pool:{seed}").sample(questions, len(questions)))


def _read(place: Place, columns: Columns, gold_problem: GoldProblem | None) -> tuple[list[Question], LeftOut]:
    """Give every question at a place whose answer can be read, and what was left out; PoolError where that is most."""
    names = filter(None, (columns.question, columns.answer, columns.unit, columns.family))
    rows = read_rows(place, list(dict.fromkeys(names)))
    questions, found, unread = [], dict[str, int](), list[str]()
    for number, row in enumerate(rows):
        where = f"{place.source}, row {number}"
        text = text_of(row, columns.question, where)
        if text in found:
            raise PoolError(
                f"{where}, column {columns.question!r}: {text[:80]!r} stands in row {found[text]} already: "
                "remove one of them"
            )
        found[text] = number
        answer, problem = _answer(row, columns, where, gold_problem)
        if problem:
            unread.append(f"{place.name}, row {number}, column {columns.answer!r}: {problem}")
        else:
            questions.append(Question(text, answer, optional_text(row, columns.family, where), ()))
    if 2 * len(unread) > len(rows):
        raise PoolError(
            f"{place.source}: {len(unread):,} of {len(rows):,} answers cannot be read; {unread[0]}; mend the answer "
            "column, the answer pattern or `answer_kind`"
        )
    return questions, LeftOut(len(unread), unread[0] if unread else "")


def _answer(
    row: Mapping[str, object], columns: Columns, where: str, gold_problem: GoldProblem | None
) -> tuple[str, str | None]:
    """Give the answer with its unit, and what is wrong with it."""
    whole = text_of(row, columns.answer, where)
    answer = parse_answer(whole, columns.pattern)
    if answer is None:
        return "", f"{whole[-80:]!r} has no answer under the pattern {columns.pattern!r}"
    answer = f"{answer} {optional_text(row, columns.unit, where)}".strip()
    return answer, gold_problem(answer) if gold_problem else None


def parse_answer(text: str, pattern: str | None) -> str | None:
    """Give the answer in `text` (None: there is none), without the thousands separators of a number.

    `pattern` None takes the whole text, "boxed" the content of the last `\\boxed{...}` with its braces balanced, and a
    regular expression its one group in the last match.
    """
    if pattern is None:
        found: str | None = text
    elif pattern == BOXED:
        found = extract_boxed(text)
    else:
        found = _compiled(pattern).last(text)
    if found is None or not found.strip():
        return None
    plain = found.strip()
    return plain.replace(",", "") if re.fullmatch(r"[-+]?\$?\d{1,3}(,\d{3})+(\.\d+)?", plain) else plain


@lru_cache
def _compiled(pattern: str) -> Pattern:
    return Pattern(pattern, "answer_pattern")


def write_pool(
    settings: sections.Pool,
    folder: Path,
    leak_finder: LeakFinder | None = None,
    gold_problem: GoldProblem | None = None,
) -> dict[str, int | str]:
    """Load the pool that a recipe's settings describe, save it in `folder`, and return its counts by part.

    Where questions were left out since their answers cannot be read, `unread` is their number and `unread_example` the
    first of them.
    """
    pool = load_pool(
        settings.pool,
        max(settings.pool_sizes),
        settings.test_size,
        settings.dev_size,
        seed=settings.pool_seed,
        question_column=settings.question_column,
        answer_column=settings.answer_column,
        answer_pattern=settings.answer_pattern,
        unit_column=settings.unit_column,
        subset=settings.pool_config,
        split=settings.pool_split,
        revision=settings.pool_revision,
        test_source=settings.test_pool,
        test_split=settings.test_split,
        test_question_column=settings.test_question_column,
        test_answer_column=settings.test_answer_column,
        test_answer_pattern=settings.test_answer_pattern,
        test_unit_column=settings.test_unit_column,
        families=settings.families or (),
        largest=settings.largest_number,
        leak_finder=leak_finder,
        gold_problem=gold_problem,
    )
    save_pool(reordered(pool, settings.pool_order), folder)
    counts: dict[str, int | str] = {"pool": len(pool.questions), "test": len(pool.test), "dev": len(pool.dev)}
    counts["dropped"] = pool.dropped
    if pool.left_out.count:
        counts |= {"unread": pool.left_out.count, "unread_example": pool.left_out.example}
    return counts


def reordered(pool: Pool, order: int) -> Pool:
    """Give the pool with the same seed questions in another seeded order, so with other nested subsets; 0 keeps it."""
    if not order:
        return pool
    shuffled = random.Random(f"order:{order}").sample(pool.questions, len(pool.questions))
    return replace(pool, questions=tuple(shuffled))


def save_pool(pool: Pool, folder: Path) -> None:
    """Write `questions.parquet`, `test.parquet` and, when there are any, `dev.parquet` (`COLUMNS`), each atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, questions in zip(SPLIT_FILES, (pool.questions, pool.test, pool.dev), strict=True):
        if questions:
            _write_parquet(questions, folder / f"{name}.parquet")


def _write_parquet(questions: Sequence[Question], path: Path) -> None:
    import pandas as pd

    rows = [(question_id(q.text), place, q.text, q.answer, q.family) for place, q in enumerate(questions)]
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_parquet(file, index=False)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_questions(folder: Path, name: str = "questions") -> list[dict[str, Any]]:
    """Read the rows (`COLUMNS`) of a saved pool's file, in pool order. Raises PoolError where the file is missing."""
    import pyarrow.parquet as pq

    path = folder / f"{name}.parquet"
    if not path.exists():
        raise PoolError(f"no {path.name} in {folder}: make the pool first")
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows
