"""From corpus files to token rows: the chat prompt, the response, the end of sequence; loss on the response alone."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from transformers import PreTrainedTokenizerBase

from toolkit.models.chat import chat_ids, chat_text, mute, plain_ids, without_opened
from toolkit.prompt import contents, user_turn
from toolkit.recipe.sections import Student

COLUMNS = ["question_id", "question", "response"]
Row = dict[str, Any]
Turns = tuple[tuple[str, str], ...]  # role and content of each message
IGNORED = -100  # label of a token without loss
UNREADABLE = 0.01  # share of the responses that may be left out (one always may)


class StudentError(ValueError):
    """A student that cannot be trained; the message names the file or question and the remedy."""


@dataclass(frozen=True)
class Rows:
    """Token rows in corpus order: prompt and response ids, and labels of equal lengths (`IGNORED` on the prompt)."""

    input_ids: list[list[int]]
    labels: list[list[int]]
    unreadable: int = 0  # responses left out, see `tokenize_rows`

    def __len__(self) -> int:
        return len(self.input_ids)

    @property
    def tokens(self) -> int:
        """Count the tokens of prompts and responses."""
        return sum(map(len, self.input_ids))


def read_responses(files: Sequence[Path]) -> list[Row]:
    """Read the rows of the parquet `files` in the given order, each with question_id, question and response.

    A row whose `messages` begin with more than the question also has a `prompt`: these messages but the last.

    Raises:
        StudentError: a file without these columns, or no rows at all.
    """
    rows: list[Row] = []
    for file in files:
        names = pq.read_schema(file).names
        refuse_missing(file, names, COLUMNS)
        columns = [*COLUMNS, *(["messages"] if "messages" in names else [])]
        rows += map(_with_prompt, pq.read_table(file, columns=columns).to_pylist())
    if not rows:
        raise StudentError(f"no responses to train on in {len(files)} files: accept more, or raise the budget")
    return rows


def refuse_missing(file: Path, names: Iterable[str], columns: Sequence[str]) -> None:
    """Raise StudentError when `names`, the columns of a file, lack one of `columns`."""
    missing = set(columns) - set(names)
    if missing:
        raise StudentError(f"{file}: no column {', '.join(sorted(missing))}; a corpus file has {', '.join(columns)}")


def _with_prompt(row: Row) -> Row:
    """Keep of a row's messages only what comes before the response, and only where that is not the question alone."""
    *prompt, _ = row.pop("messages", None) or [None]
    return row | ({"prompt": prompt} if prompt and prompt != user_turn(row["question"]) else {})


def _prompt_of(row: Row) -> Turns:
    """Give what is read before a response, as (role, content) of each message."""
    messages = row.get("prompt") or user_turn(row["question"])
    return tuple((message["role"], message["content"]) for message in messages)


class Tokens(NamedTuple):
    """The token ids of a prompt, and of a response with its end of sequence."""

    prompt: list[int]
    response: list[int]


def tokenize_rows(tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], max_length: int) -> Rows:
    """Give token rows with loss on the response and its end alone; see `tokenize`.

    A row whose response, or what is read beside the question, the tokenizer cannot read is left out and counted: a
    garbled completion may join pieces in a way that a small vocabulary lacks.

    Raises:
        StudentError: as `tokenize`, or for more than `UNREADABLE` of the rows that the tokenizer cannot read.
    """
    tokens = tokenize(tokenizer, rows, max_length)
    readable = [each for each in tokens if each]
    unreadable, total = len(tokens) - len(readable), len(tokens)
    if unreadable > max(1, UNREADABLE * total) or not readable:
        raise StudentError(
            f"the base model's tokenizer cannot read {unreadable:,} of {total:,} rows; choose a base that can"
        )
    return Rows(
        input_ids=[prompt + response for prompt, response in readable],
        labels=[[IGNORED] * len(prompt) + response for prompt, response in readable],
        unreadable=unreadable,
    )


def tokenize(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], max_length: int, *, trusted: bool = True
) -> list[Tokens | None]:
    """Give prompt ids as the sampler makes them, then the ids of the response and the end of sequence.

    Question and response are data: what looks like a special token in them is read as plain text, or refused. A tag
    that the prompt has opened, such as `<think>`, is not written again where the response begins with it.

    Args:
        max_length: tokens of prompt, response and end together.
        trusted: whether a special token in a response is an error; else that response cannot be read.

    Returns:
        Tokens of each row, in order; None where the tokenizer cannot read the response, or a completion before it.

    Raises:
        StudentError: for a base without chat template or end-of-sequence token, a row beyond `max_length` tokens, a
            question that the tokenizer cannot read, or a special token inside a response.
    """
    _refuse_mute(tokenizer)
    turns = [_prompt_of(row) for row in rows]
    prompts = {asked: _prompt(tokenizer, asked) for asked in set(turns)}
    texts = [without_opened(prompts[asked].text, row["response"]) for row, asked in zip(rows, turns, strict=True)]
    responses = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"] if texts else []
    unknown = {tokenizer.unk_token_id}
    special = set(tokenizer.all_special_ids) - unknown
    tokens: list[Tokens | None] = []
    for row, asked, response in zip(rows, turns, responses, strict=True):
        prompt = prompts[asked]._replace(readable=prompts[asked].readable or "prompt" in row)
        complaint = _complaint(prompt, response, max_length, special if trusted else set())
        if complaint:
            raise StudentError(f"question {row['question_id']}: {complaint}")
        readable = prompts[asked].readable and (unknown if trusted else unknown | special).isdisjoint(response)
        tokens.append(Tokens(prompts[asked].ids, [*response, tokenizer.eos_token_id]) if readable else None)
    return tokens


def _refuse_mute(tokenizer: PreTrainedTokenizerBase) -> None:
    complaint = mute(tokenizer)
    if complaint:
        raise StudentError(f"the base model: {complaint}")
    if tokenizer.eos_token_id is None:
        raise StudentError("the base model's tokenizer has no end-of-sequence token: set eos_token")


class _Prompt(NamedTuple):
    text: str
    ids: list[int]
    readable: bool


def _prompt(tokenizer: PreTrainedTokenizerBase, turns: Turns) -> _Prompt:
    """Give a prompt as the base reads it; for some tokenizers unknown text and the ends of turns are one token."""
    messages = [{"role": role, "content": content} for role, content in turns]
    ids, unknown = chat_ids(tokenizer, messages), tokenizer.unk_token_id
    written = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}  # a template may write these
    checked = plain_ids(tokenizer, contents(messages)) if unknown in written else ids
    return _Prompt(chat_text(tokenizer, messages), ids, unknown is None or unknown not in checked)


def _complaint(prompt: _Prompt, response: list[int], max_length: int, special: set[int]) -> str | None:
    length = len(prompt.ids) + len(response) + 1
    if length > max_length:
        return f"prompt and response have {length} tokens, max_length is {max_length}; raise it"
    if not prompt.readable:
        return "the base model's tokenizer cannot read all of it; choose a base that can"
    if not special.isdisjoint(response):
        return "its response holds a special token of the base model; reject that response"
    return None


def training_order(rows: int, settings: Student, seed: int) -> np.ndarray:
    """Give row indices in the order of training: whole shuffled passes, one after the other, cut at the end.

    A batch may span two passes, so that every optimiser step sees `batch_size` rows, however small the corpus (the last
    step of `control: epochs` sees the rows that are left).
    """
    rows_read = max(1, round(settings.epochs * rows))
    total = rows_read if settings.control == "epochs" else settings.steps * settings.batch_size
    passes = math.ceil(total / rows)
    generator = np.random.default_rng(seed)
    return np.concatenate([generator.permutation(rows) for _ in range(passes)])[:total]
