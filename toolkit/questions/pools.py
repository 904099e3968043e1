"""Pools of questions from every source: a procedural domain, a local file, or a Hub dataset."""

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
from toolkit.domains.sample import families_of
from toolkit.domains.stream import Question, question_id
from toolkit.patterns import Pattern
from toolkit.questions.files import PoolError, TableSource, optional_text, read_rows, text_of
from toolkit.recipe import sections
from toolkit.records.reading import SUFFIXES

READERS = SUFFIXES  # last suffixes of the files that a pool can be read from
COLUMNS = ("question_id", "position", "question", "answer", "family")
BOXED = "boxed"
SPLIT_FILES = ("questions", "test", "dev")
SIZES = {"pool": "pool_sizes", "test": "test_size", "dev": "dev_size"}  # part of a pool -> the key that sets its size

Questions = tuple[Question, ...]
LeakFinder = Callable[[Mapping[str, str]], Callable[[str], bool]]  # held-out questions by id -> whether a text has any
GoldProblem = Callable[[str], str | None]  # why an answer cannot be compared with; None: it can be


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns, and the pattern that cuts the answer out of its own (see `parse_answer`)."""

    question: str
    answer: str
    unit: str | None
    pattern: str | None


@dataclass(frozen=True)
class LeftOut:
    """The number of questions left out because their answers cannot be read, and the first one's row and fault."""

    count: int = 0
    example: str = ""


@dataclass(frozen=True)
class LoadedPool:
    """Seed questions in their fixed order (prefixes are the nested subsets), and held-out test and dev questions.

    Attributes:
        dropped: number of candidates for seeds that were too near a held-out question.
        left_out: the questions whose answers cannot be read.
    """

    questions: Questions
    test: Questions
    dev: Questions
    dropped: int = 0
    left_out: LeftOut = LeftOut()


@dataclass(frozen=True)
class PoolTable:
    """The readable questions of a file or dataset in the pool's seeded order, and what was left out of it."""

    name: str
    questions: Questions
    left_out: LeftOut


def load_pool(
    settings: sections.Pool, leak_finder: LeakFinder | None = None, gold_problem: GoldProblem | None = None
) -> LoadedPool:
    """Load the pool of `settings.pool`: a name in `DOMAINS`, a file with a suffix in `READERS`, or a Hub dataset.

    Numbers are taken as they were written. `answer_pattern` is a regular expression with one group, "boxed" for the
    last `\\boxed{...}`, or None for the whole column; the text of `unit_column`, which may be blank, is written
    behind it.

    The order is a shuffle seeded by `pool_seed`; a smaller size gives a prefix. The test questions come from
    `test_pool` (default: `pool`) and `test_split` when either is named (then in the columns `test_...`, where
    these are named), else from the end of that order; the dev questions from the end of what remains. Test questions
    that are in `pool` too, and seeds that `leak_finder` finds too near a held-out question, are left out; so are
    questions whose answer the pattern does not find or in which `gold_problem` sees a problem, and they are counted.
    `families` and `largest_number` narrow the procedural pool alone.

    Raises PoolError (a ValueError) naming the file, row, column, value and remedy where most answers cannot be read,
    cells are blank, questions repeat, a column is missing, or fewer questions are there than asked for.
    """
    if settings.pool in DOMAINS:
        return _procedural(settings)
    source = _read_source(settings, gold_problem)
    if settings.test_pool is None and settings.test_split is None:
        rest, test = _cut_test(source, settings)
    else:
        separate = _read_test(settings, gold_problem)
        source = replace(source, left_out=_both(source.left_out, separate.left_out))
        rest, test = _without_test(source, separate, settings)
    rest, dev = _split_end(rest, settings.dev_size)
    seeds = _clean(rest, test + dev, leak_finder)
    _enough(replace(source, questions=seeds), settings, ["pool"], ", without what is near a held-out question,")
    return LoadedPool(seeds[: max(settings.pool_sizes)], test, dev, len(rest) - len(seeds), source.left_out)


def _read_source(settings: sections.Pool, gold_problem: GoldProblem | None) -> PoolTable:
    place = TableSource(settings.pool, settings.pool_config, settings.pool_split, settings.pool_revision)
    columns = Columns(settings.question_column, settings.answer_column, settings.unit_column, settings.answer_pattern)
    return _read_table(place, columns, settings.pool_seed, gold_problem)


def _read_test(settings: sections.Pool, gold_problem: GoldProblem | None) -> PoolTable:
    place = TableSource(
        settings.test_pool or settings.pool,
        settings.pool_config,
        settings.test_split or settings.pool_split,
        settings.pool_revision,
    )
    columns = Columns(
        settings.test_question_column or settings.question_column,
        settings.test_answer_column or settings.answer_column,
        settings.test_unit_column or settings.unit_column,
        settings.test_answer_pattern or settings.answer_pattern,
    )
    table = _read_table(place, columns, settings.pool_seed, gold_problem)
    _enough(table, settings, ["test"])
    return replace(table, questions=table.questions[: settings.test_size])


def _cut_test(source: PoolTable, settings: sections.Pool) -> tuple[Questions, Questions]:
    """Cut the test questions off the end of the source's order."""
    _enough(source, settings, ["pool", "test", "dev"])
    return _split_end(source.questions, settings.test_size)


def _without_test(source: PoolTable, separate: PoolTable, settings: sections.Pool) -> tuple[Questions, Questions]:
    """Leave out of the source what is among the test questions of a table of their own; give both."""
    texts = {question.text for question in separate.questions}
    rest = tuple(question for question in source.questions if question.text not in texts)
    _enough(replace(source, questions=rest), settings, ["pool", "dev"], ", without the test questions,")
    return rest, separate.questions


def _both(first: LeftOut, second: LeftOut) -> LeftOut:
    return LeftOut(first.count + second.count, first.example or second.example)


def _split_end(questions: Questions, count: int) -> tuple[Questions, Questions]:
    cut = max(0, len(questions) - count)
    return questions[:cut], questions[cut:]


def _clean(questions: Questions, held_out: Questions, leak_finder: LeakFinder | None) -> Questions:
    if leak_finder is None:
        return questions
    leaks = leak_finder({question_id(question.text): question.text for question in held_out})
    return tuple(question for question in questions if not leaks(question.text))


def _sizes(settings: sections.Pool) -> dict[str, int]:
    return {"pool": max(settings.pool_sizes), "test": settings.test_size, "dev": settings.dev_size}


def _enough(table: PoolTable, settings: sections.Pool, parts: Sequence[str], without: str = "") -> None:
    """Refuse a table with fewer questions than these parts of a pool ask for.

    Raises:
        PoolError: naming the keys, and values of them that fit.
    """
    wanted = {part: _sizes(settings)[part] for part in parts}
    have, need, left_out = len(table.questions), sum(wanted.values()), table.left_out
    if have >= need:
        return
    unread = f" beside {left_out.count} without a readable answer ({left_out.example})" if left_out.count else ""
    asked = " + ".join(f"{SIZES[part]} ({size})" for part, size in wanted.items())
    raise PoolError(
        f"{table.name} holds {have} questions{unread}, {asked}{without} asks for {need}: "
        f"{_fitting(wanted, have)}name a larger pool"
    )


def _fitting(wanted: Mapping[str, int], have: int) -> str:
    """Suggest sizes in the same proportion that `have` questions allow; nothing where there are too few for any."""
    need = sum(wanted.values())
    sizes = {part: max(int(part == "test"), size * have // need) for part, size in wanted.items()}
    if "pool" in sizes:
        sizes["pool"] = have - sum(size for part, size in sizes.items() if part != "pool")
    if min((size for part, size in sizes.items() if part != "dev"), default=0) < 1:
        return ""
    lines = {"pool": "pool_sizes: [{0}] and ladder_questions: {0}", "test": "test_size: {0}", "dev": "dev_size: {0}"}
    return f"set {', '.join(lines[part].format(size) for part, size in sizes.items())}, or "


def _procedural(settings: sections.Pool) -> LoadedPool:
    generate, families = DOMAINS[settings.pool].generate, settings.families or ()
    counts = _sizes(settings)
    streams = {name: generate(name, settings.pool_seed, families, settings.largest_number) for name in counts}
    questions = {name: tuple(islice(streams[name], count)) for name, count in counts.items()}
    for name, count in counts.items():
        if len(questions[name]) < count:
            raise PoolError(_ran_out(settings, name, count))
    return LoadedPool(questions["pool"], questions["test"], questions["dev"])


def _ran_out(settings: sections.Pool, part: str, count: int) -> str:
    """Say which family of a domain has too few questions for a part of the pool."""
    domain, key, seed = DOMAINS[settings.pool], SIZES[part], settings.pool_seed
    families = settings.families or families_of(domain)
    streams = {family: domain.generate(part, seed, (family,), settings.largest_number) for family in families}
    has = {family: sum(1 for _ in islice(stream, count)) for family, stream in streams.items()}
    family = min(has, key=lambda name: has[name])
    largest = ", raise largest_number" if settings.largest_number else ""
    return (
        f"{settings.pool}: {key} asks for {count} questions, and the family {family!r} runs out: its numbers give "
        f"{has[family]} different ones for this part. Lower {key}{largest}, leave the family out of `families`, or "
        "give it more numbers to draw"
    )


def _read_table(place: TableSource, columns: Columns, seed: int, gold_problem: GoldProblem | None) -> PoolTable:
    questions, left_out = _read(place, columns, gold_problem)
    shuffled = tuple(random.Random(f"pool:{seed}").sample(questions, len(questions)))
    return PoolTable(place.source, shuffled, left_out)


def _read(place: TableSource, columns: Columns, gold_problem: GoldProblem | None) -> tuple[list[Question], LeftOut]:
    """Give every question at a place whose answer can be read, and what was left out; PoolError where that is most."""
    names = filter(None, (columns.question, columns.answer, columns.unit))
    rows = read_rows(place, list(dict.fromkeys(names)))
    questions, places, unread = [], dict[str, int](), list[str]()
    for number, row in enumerate(rows):
        where = f"{place.source}, row {number}"
        text = text_of(row, columns.question, where)
        _refuse_repeat(text, places.setdefault(text, number), number, f"{where}, column {columns.question!r}")
        answer, problem = _answer(row, columns, where, gold_problem)
        if problem:
            unread.append(f"{place.name}, row {number}, column {columns.answer!r}: {problem}")
        else:
            questions.append(Question(text, answer, "", ()))
    _refuse_mostly_unread(place, unread, len(rows))
    return questions, LeftOut(len(unread), unread[0] if unread else "")


def _refuse_repeat(text: str, first: int, number: int, where: str) -> None:
    if first != number:
        raise PoolError(f"{where}: {text[:80]!r} stands in row {first} already: remove one of them")


def _refuse_mostly_unread(place: TableSource, unread: Sequence[str], rows: int) -> None:
    if 2 * len(unread) > rows:
        raise PoolError(
            f"{place.source}: {len(unread):,} of {rows:,} answers cannot be read; {unread[0]}; correct the answer "
            "column, the answer pattern or `answer_kind`"
        )


def _answer(
    row: Mapping[str, object], columns: Columns, where: str, gold_problem: GoldProblem | None
) -> tuple[str, str | None]:
    """Give the answer with its unit, and what is wrong with it (None: nothing)."""
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
        answer: str | None = text
    elif pattern == BOXED:
        answer = extract_boxed(text)
    else:
        answer = _compiled(pattern).last(text)
    if answer is None or not answer.strip():
        return None
    plain = answer.strip()
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

    Where questions were left out because their answers cannot be read, `unread` is their number and `unread_example`
    the first of them.
    """
    pool = load_pool(settings, leak_finder, gold_problem)
    save_pool(reordered(pool, settings.pool_order), folder)
    counts: dict[str, int | str] = {"pool": len(pool.questions), "test": len(pool.test), "dev": len(pool.dev)}
    counts["dropped"] = pool.dropped
    if pool.left_out.count:
        counts |= {"unread": pool.left_out.count, "unread_example": pool.left_out.example}
    return counts


def reordered(pool: LoadedPool, order: int) -> LoadedPool:
    """Give the pool with the same seed questions in another seeded order, so with other nested subsets; 0 keeps it."""
    if not order:
        return pool
    shuffled = random.Random(f"order:{order}").sample(pool.questions, len(pool.questions))
    return replace(pool, questions=tuple(shuffled))


def save_pool(pool: LoadedPool, folder: Path) -> None:
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
