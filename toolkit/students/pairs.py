"""Pairs of an accepted and a rejected response to the same prompt, and their token rows."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from transformers import PreTrainedTokenizerBase

from toolkit.prompt import Messages
from toolkit.students.rows import Row, StudentError, refuse_missing, tokenize

COLUMNS = ["question_id", "question", "response", "messages", "response_index", "verdict"]
MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
PAIRS = pa.schema(
    [("question_id", pa.string()), ("prompt", pa.list_(MESSAGE)), ("chosen", pa.string()), ("rejected", pa.string())]
)
ROWS = 1_000  # of a corpus file in memory at once


class Pair(NamedTuple):
    """Two responses to the messages of `prompt`, of which `chosen` is the better one."""

    question_id: str
    prompt: Messages
    chosen: str
    rejected: str


@dataclass(frozen=True)
class TokenPairs:
    """Token rows of pairs under the names that TRL reads, each side with its end of sequence; none is cut."""

    prompt_ids: list[list[int]]
    chosen_ids: list[list[int]]
    rejected_ids: list[list[int]]
    unreadable: int = 0  # pairs left out, since the tokenizer cannot read one side

    def __len__(self) -> int:
        return len(self.prompt_ids)

    @property
    def ids(self) -> Iterator[list[int]]:
        """Yield the token rows of all prompts and responses."""
        return itertools.chain(self.prompt_ids, self.chosen_ids, self.rejected_ids)


def write_pairs(file: Path, pairs: Iterable[tuple[str, Messages, str, str]]) -> None:
    """Write pairs as parquet, in their order: question_id, prompt (its messages), chosen, rejected."""
    rows = [dict(zip(Pair._fields, pair, strict=True)) for pair in pairs]
    pq.write_table(pa.Table.from_pylist(rows, schema=PAIRS), file)


def read_pairs(file: Path) -> list[Pair]:
    """Read what `write_pairs` wrote.

    Raises:
        StudentError: for a file without these columns, or without any pair.
    """
    refuse_missing(file, pq.read_schema(file).names, PAIRS.names)
    rows = pq.read_table(file, columns=PAIRS.names).to_pylist()
    if not rows:
        raise StudentError(f"{file}: holds no pair, so that there is nothing to compare")
    return [Pair(**row) for row in rows]


def corpus_pairs(
    accepted: Sequence[Path],
    rejected: Sequence[Path],
    negatives: Sequence[str],
    leaks: Callable[[str], bool] = lambda text: False,
) -> list[Pair]:
    """Pair, for each question with both, the first accepted and the first rejected response by index, as REDI does.

    Both have the same prompt: a rejected response that a protocol put behind other messages is passed over. At most two
    responses of each question are in memory, whatever the budget.

    Source: arXiv 2505.24850.

    Args:
        accepted, rejected: the corpus files of both sides.
        negatives: verdicts of the rows of `rejected` that count.
        leaks: whether a text contains a held-out question; such a rejected response is passed over.

    Returns:
        Pairs in the order of the accepted responses in their files; maybe none.

    Raises:
        StudentError: for a file without the columns of a corpus.
    """
    chosen = _first(_rows(accepted, ["accepted"]))

    def compares(row: Row) -> bool:
        other = chosen.get(row["question_id"])
        return other is not None and _prompt(row) == _prompt(other) and not leaks(row["response"])

    worse = _first(filter(compares, _rows(rejected, negatives)))
    return [
        Pair(question, _prompt(row), row["response"], worse[question]["response"])
        for question, row in chosen.items()
        if question in worse
    ]


def _rows(files: Sequence[Path], verdicts: Sequence[str]) -> Iterator[Row]:
    """Yield the rows with one of `verdicts`, a piece of a file at a time."""
    known = pa.array(verdicts)
    for file in files:
        with pq.ParquetFile(file) as rows:
            refuse_missing(file, rows.schema_arrow.names, COLUMNS)
            for batch in rows.iter_batches(ROWS, columns=COLUMNS):
                yield from batch.filter(pc.is_in(batch["verdict"], known)).to_pylist()


def _first(rows: Iterable[Row]) -> Mapping[str, Row]:
    """Give the row of the lowest index for each question."""
    first: dict[str, Row] = {}
    for row in rows:
        held = first.setdefault(row["question_id"], row)
        if row["response_index"] < held["response_index"]:
            first[row["question_id"]] = row
    return first


def _prompt(row: Row) -> Messages:
    messages: Messages = row["messages"]
    return messages[:-1]


def tokenize_pairs(tokenizer: PreTrainedTokenizerBase, pairs: Iterable[Pair], max_length: int) -> TokenPairs:
    """Give the token rows of both sides as `tokenize` makes them; a pair with an unreadable side is left out.

    Args:
        max_length: tokens of prompt and response of either side.

    Raises:
        StudentError: as `tokenize`, for a pair whose sides are equal, or without any pair to learn from.
    """
    pairs = list(pairs)
    for pair in pairs:
        if pair.chosen == pair.rejected:
            raise StudentError(f"question {pair.question_id}: both sides of its pair are one text; remove the pair")
    chosen, rejected = (
        tokenize(tokenizer, [_row(pair, side) for pair in pairs], max_length, trusted=side == "chosen")
        for side in ("chosen", "rejected")
    )
    both = [(better, worse) for better, worse in zip(chosen, rejected, strict=True) if better and worse]
    if not both:
        raise StudentError(
            f"no pair to learn from, of {len(pairs):,} made: a question needs an accepted and a rejected response that "
            "the base model's tokenizer can read. Raise the budget or the temperature, name more verdicts in "
            "`negatives`, or set `objective: sft`"
        )
    return TokenPairs(
        prompt_ids=[better.prompt for better, _ in both],
        chosen_ids=[better.response for better, _ in both],
        rejected_ids=[worse.response for _, worse in both],
        unreadable=len(pairs) - len(both),
    )


def _row(pair: Pair, side: str) -> Row:
    return {"question_id": pair.question_id, "prompt": pair.prompt, "response": getattr(pair, side)}
