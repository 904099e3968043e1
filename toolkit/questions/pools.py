"""One door to every pool of questions: procedural, a local file, or a Hub dataset."""

import os
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit import recipe
from toolkit.domains import DOMAINS
from toolkit.domains.stream import Question, question_id

if TYPE_CHECKING:
    import pandas as pd

READERS = {".jsonl": "json", ".json": "json", ".parquet": "parquet"}
COLUMNS = ("question_id", "position", "question", "answer", "family")
BOXED = "boxed"
SPLIT_FILES = ("questions", "test", "dev")

LeakFinder = Callable[[Mapping[str, str]], Callable[[str], bool]]  # held-out questions by id -> whether a text has any


class PoolError(ValueError):
    """A pool that cannot be used as it is; the message names the place, the value and the mend."""


@dataclass(frozen=True)
class Pool:
    """Seed questions in their fixed order (prefixes are the nested subsets), and held-out test and dev questions.

    `dropped` candidates for seeds were too near a held-out question.
    """

    questions: tuple[Question, ...]
    test: tuple[Question, ...]
    dev: tuple[Question, ...]
    dropped: int = 0


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
    families: Sequence[str] = (),
    largest: int | None = None,
    leak_finder: LeakFinder | None = None,
) -> Pool:
    """The pool of `source`: a name in `DOMAINS`, a path to a .jsonl, .json or .parquet file, or a Hub dataset's name.

    `answer_pattern` is a regular expression with one group, "boxed" for the last `\\boxed{...}`, or None for the whole
    column; the text of `unit_column`, which may be blank, is written behind it.

    The order is a shuffle seeded by `seed`; a smaller `size` gives a prefix. The test questions come from
    `test_source` (default: `source`) and `test_split` when either is named, else from the end of that order; the dev
    questions from the end of what remains. Test questions that are in `source` too, and seeds that `leak_finder` finds
    too near a held-out question, are left out. `families` and `largest` narrow the procedural pool alone.

    Raises PoolError (a ValueError) naming the file, row, column, value and mend when answers do not parse, questions
    repeat, a column is missing, or fewer questions are there than asked.
    """
    _check_sizes(size, test_size, dev_size)
    if source in DOMAINS:
        return _procedural(source, size, test_size, dev_size, seed, tuple(families), largest)
    columns = (question_column, answer_column, unit_column, family_column)
    own = _shuffled(_read(_table(source, subset, split, revision), source, columns, answer_pattern), seed)
    if test_source is None and test_split is None:
        _enough(source, "pool + test + dev", len(own), size + test_size + dev_size)
        own, test = _split_end(own, test_size)
    else:
        held_out = test_source or source
        table = _table(held_out, subset, test_split or split, revision)
        test = _shuffled(_read(table, held_out, columns, answer_pattern), seed)[:test_size]
        _enough(held_out, "test", len(test), test_size)
        asked = {question.text for question in test}
        own = tuple(question for question in own if question.text not in asked)
        _enough(source, "pool + dev, without the test questions,", len(own), size + dev_size)
    own, dev = _split_end(own, dev_size)
    seeds = _clean(own, test + dev, leak_finder)
    _enough(source, "pool, without what is near a held-out question,", len(seeds), size)
    return Pool(seeds[:size], test, dev, len(own) - len(seeds))


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


def _enough(source: str, what: str, have: int, need: int) -> None:
    if have < need:
        raise PoolError(f"{source} holds {have} questions, {what} asks for {need}: ask for fewer or name a larger one")


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


def _read(
    frame: "pd.DataFrame", source: str, columns: tuple[str, str, str | None, str | None], pattern: str | None
) -> list[Question]:
    """Every question of a table, checked; `source` is named in messages."""
    for column in filter(None, columns):
        if column not in frame.columns:
            there = ", ".join(frame.columns)
            raise PoolError(f"{source} has no column {column!r}, only {there}: set the column names of the pool")
    question_column, answer_column, unit_column, family_column = columns
    found: dict[str, int] = {}
    questions = []
    for row, record in enumerate(frame.to_dict("records")):
        text = _text(source, row, question_column, record[question_column])
        answer = parse_answer(_text(source, row, answer_column, record[answer_column]), pattern)
        if answer is None:
            raise PoolError(
                f"{source}, row {row}, column {answer_column!r}: {str(record[answer_column])[-80:]!r} has no answer "
                f"under the pattern {pattern!r}: mend the row or the answer pattern"
            )
        if text in found:
            raise PoolError(
                f"{source}, row {row}, column {question_column!r}: {text[:80]!r} stands in row {found[text]} already: "
                "remove one of them"
            )
        found[text] = row
        answer = f"{answer} {_unit(record[unit_column])}".strip() if unit_column else answer
        questions.append(Question(text, answer, str(record[family_column]) if family_column else "", ()))
    return questions


def _table(source: str, subset: str | None, split: str, revision: str | None) -> "pd.DataFrame":
    """A file by its suffix, else a Hub dataset's split."""
    import pandas as pd

    path = Path(source)
    reader = READERS.get(path.suffix)
    if reader is None:
        return _hub_table(source, subset, split, revision)
    if not path.is_file():
        raise PoolError(f"no pool file at {source}: check the path")
    try:
        if reader == "parquet":
            return pd.read_parquet(path)
        return pd.read_json(path, lines=path.suffix == ".jsonl", dtype=False, convert_dates=False)
    except (ValueError, OSError) as error:
        raise PoolError(f"{source} is no readable {path.suffix} file: {error}") from error


def _hub_table(source: str, subset: str | None, split: str, revision: str | None) -> "pd.DataFrame":
    from datasets import load_dataset

    return load_dataset(source, subset, split=split, revision=revision).to_pandas()


def _text(source: str, row: int, column: str, value: object) -> str:
    """A cell as text: strings that are not blank, and numbers."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value:
        return str(value)
    raise PoolError(f"{source}, row {row}, column {column!r} holds {value!r}: it must be text or a number, not blank")


def _unit(value: object) -> str:
    """A unit's cell; blank, or missing as pandas has it, where the answer has none."""
    return value.strip() if isinstance(value, str) else ""


def parse_answer(text: str, pattern: str | None) -> str | None:
    """The answer in `text` (None: there is none), without the thousands separators of a number.

    `pattern` None takes the whole text, "boxed" the content of the last `\\boxed{...}` with its braces balanced, and a
    regular expression its one group in the last match.
    """
    if pattern is None:
        found: str | None = text
    elif pattern == BOXED:
        found = last_boxed(text)
    else:
        matches = re.findall(pattern, text)
        found = matches[-1] if matches else None
    if found is None or not found.strip():
        return None
    plain = found.strip()
    return plain.replace(",", "") if re.fullmatch(r"[-+]?\$?\d{1,3}(,\d{3})+(\.\d+)?", plain) else plain


def last_boxed(text: str) -> str | None:
    """The content of the last `\\boxed{...}` whose braces balance, or None."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for place in range(start + len("\\boxed"), len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + len("\\boxed{") : place]
    return None


def write_pool(settings: recipe.Pool, folder: Path, leak_finder: LeakFinder | None = None) -> dict[str, int]:
    """Load the pool that a recipe's settings describe, save it in `folder`, and return its counts by part."""
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
        families=settings.families or (),
        largest=settings.largest_number,
        leak_finder=leak_finder,
    )
    save_pool(reordered(pool, settings.pool_order), folder)
    return {"pool": len(pool.questions), "test": len(pool.test), "dev": len(pool.dev), "dropped": pool.dropped}


def reordered(pool: Pool, order: int) -> Pool:
    """The pool with the same seed questions in another seeded order, so with other nested subsets; 0 keeps it."""
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


def read_pool(folder: Path) -> Pool:
    """The pool that `save_pool` wrote, without the questions' numbers. Raises PoolError where a file is missing."""
    import pandas as pd

    parts = []
    for name in SPLIT_FILES:
        path = folder / f"{name}.parquet"
        if not path.exists() and name != "dev":
            raise PoolError(f"no {path.name} in {folder}: make the pool first")
        rows = pd.read_parquet(path).to_dict("records") if path.exists() else []
        parts.append(tuple(Question(row["question"], row["answer"], row["family"], ()) for row in rows))
    questions, test, dev = parts
    return Pool(questions, test, dev)
