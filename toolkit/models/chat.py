"""Prompts of a model: by its own chat template, with the tokens that end an answer, and in padded batches.

Sampler, trainer and scorer share these functions, so that a student is trained and scored with the same prompt.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from toolkit.models.files import ModelFilesError, listed_ends
from toolkit.prompt import Message, Messages, user_turn

# Stands before a template that prints the date, which would change the prompts, and so the source, every day.
ONE_DAY = "{% macro strftime_now(format) %}26 Jul 2024{% endmacro %}"
MARK = "QUESTION"  # stands where the question will
TAG = re.compile(r"<[^<>\s]{1,40}>|\[[A-Z_]{1,40}\]")  # opens a part of an answer: <think>, [THINK]
OPEN_TAGS = re.compile(rf"(?:(?:{TAG.pattern})\s*)+\Z")


def load_tokenizer(folder: Path, named: str | None = None) -> PreTrainedTokenizerBase:
    """Load the tokenizer in `folder`; code that comes with it is never run.

    Raises:
        ModelFilesError: for a tokenizer that cannot be read; the message calls it `named`, or by its folder.
    """
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # the Rust library raises no narrower class
        lines = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise ModelFilesError(
            f"{named or folder}: its tokenizer cannot be read: {lines[0][:300]}; download it again"
        ) from error


def mute(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Say why the tokenizer's chat template cannot be used to ask a question; None where it can."""
    if not tokenizer.chat_template:
        return "no chat template to ask questions with; add chat_template.jinja"
    try:
        shows_question = MARK in prompt_text(tokenizer, MARK)
    except ModelFilesError as error:
        return str(error)
    return None if shows_question else "its chat template does not show the question; correct chat_template.jinja"


def prompt_text(tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    """Give what the model reads when a user says `text`; see `chat_text`."""
    return chat_text(tokenizer, user_turn(text))


def chat_text(tokenizer: PreTrainedTokenizerBase, messages: Messages) -> str:
    """Give what the model reads for these messages, up to where its answer begins; it is the same on every day.

    Raises:
        ModelFilesError: for a template that cannot write them.
    """
    turns = [dict(message) for message in messages]
    try:
        options: dict[str, Any] = {
            "add_generation_prompt": True,
            "tokenize": False,
            "chat_template": _undated(tokenizer),
        }
        return str(tokenizer.apply_chat_template(turns, **options))
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        kind = "a single question of a user" if len(turns) == 1 else f"turns of {', '.join(map(_role, turns))}"
        raise ModelFilesError(
            f"its chat template cannot write {kind} ({error}); correct chat_template.jinja"
        ) from error


def prompt_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Give the token ids of `prompt_text`; see `chat_ids`."""
    return chat_ids(tokenizer, user_turn(text))


def chat_ids(tokenizer: PreTrainedTokenizerBase, messages: Messages) -> list[int]:
    """Give the token ids of `chat_text`; control tokens come from the template only, in a message they are plain text.

    Nothing is added in front: a template writes its own beginning of sequence.
    """
    written = chat_text(tokenizer, messages)
    texts = [message["content"] for message in messages]
    if not any(token in text for token in _control_texts(tokenizer) for text in texts):
        return _ids(tokenizer, written)
    before, *fixed = _around(tokenizer, messages)
    ids, rest = _ids(tokenizer, before), written.removeprefix(before)
    for text, after in zip(texts, fixed, strict=True):
        inner = _inner(rest, text, after, last=after is fixed[-1])
        if inner is None or not written.startswith(before):
            raise ModelFilesError(f"the chat template rewrites a question with control tokens in it: {text[:200]!r}")
        ids += plain_ids(tokenizer, inner) + _ids(tokenizer, after)
        rest = rest[len(inner) + len(after) :]
    return ids


def _around(tokenizer: PreTrainedTokenizerBase, messages: Messages) -> list[str]:
    """Give what the template writes before the first message's text, between two messages, and after the last."""
    marks = [MARK] if len(messages) == 1 else [f"{MARK}{number}." for number in range(len(messages))]
    marked = [{**message, "content": mark} for message, mark in zip(messages, marks, strict=True)]
    parts, rest = [], chat_text(tokenizer, marked)
    for mark in marks:
        part, _, rest = rest.partition(mark)
        parts.append(part)
    return [*parts, rest]


def _inner(rest: str, text: str, after: str, *, last: bool) -> str | None:
    """Give a message's text as it stands at the start of `rest`, before `after`; None where it is not there."""
    if last:
        return rest[: len(rest) - len(after)] if rest.endswith(after) else None
    return next((own for own in (text, text.strip()) if rest.startswith(own + after)), None)


def _role(message: Message) -> str:
    return message["role"]


def plain_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Give the token ids of text that is data: what looks like a control token in it is split."""
    return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


def unread(tokenizer: PreTrainedTokenizerBase, text: str) -> bool:
    """Say whether the tokenizer reads part of `text` only with its unknown token."""
    return tokenizer.unk_token_id is not None and tokenizer.unk_token_id in plain_ids(tokenizer, text)


def without_opened(prompt: str, response: str) -> str:
    """Give `response` without the tags that the prompt has already opened, such as a reasoning model's `<think>`."""
    opening = OPEN_TAGS.search(prompt[-400:])
    tags = TAG.findall(opening[0]) if opening else []
    for first in range(len(tags)):
        again = re.match(r"\s*" + r"\s*".join(map(re.escape, tags[first:])) + r"\s*", response)
        if again:
            return response[again.end() :]
    return response


def ends_of(folder: Path, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Give the token ids that end an answer, ascending: those in the model's files, and the one that students learn.

    Args:
        folder: the model's folder, or that of an adapter's base.
    """
    learned = set() if tokenizer.eos_token_id is None else {tokenizer.eos_token_id}
    return sorted(learned | listed_ends(folder))


def left_padded(prompts: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Give token ids (rows, longest) with `pad` on the left, and a mask of the same shape that is 0 on the padding.

    Any token will do, so a tokenizer need not have one for padding.
    """
    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(row)) + list(row) for row in prompts])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts])
    return ids, mask


def _undated(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Give the chat template with a fixed date where it asks for today's; None for the tokenizer's own."""
    template = tokenizer.chat_template
    return ONE_DAY + template if isinstance(template, str) and "strftime_now" in template else None


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _control_texts(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    return [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
