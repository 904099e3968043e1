"""How likely a base model finds the responses: perplexity, and how much a question helps (IFD).

Tokens are made as for training: prompt and response apart, the end of sequence after them. What is scored is chosen by
its place among these tokens and never by tokenizing a part of the text again, which would shift the boundary.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.corpora.metrics.sample import Row
from toolkit.prompt import user_turn

Array = NDArray[np.float64]


class Spans(NamedTuple):
    """Token ids of a row: the prompt, what the template writes after any question, the response with its end token."""

    prompt: list[int]
    header: list[int]
    response: list[int]


class Likelihood(NamedTuple):
    """Log-probabilities (natural) of a response's tokens and its end token, with and without the question."""

    given: Array
    alone: Array
    characters: int


def perplexity(rows: Sequence[Likelihood]) -> float:
    """Give exp of the mean negative log-likelihood per token of all responses, at least 1; end tokens count.

    Every token weighs the same (Jelinek et al. 1977, J. Acoust. Soc. Am. 62:S63): the mean of the rows' own
    perplexities would be led by short ones. Comparable only under one tokenizer.

    Raises:
        ValueError: for no tokens.
    """
    return math.exp(_total_nll(rows) / _positive(sum(len(row.given) for row in rows), "tokens"))


def bits_per_character(rows: Sequence[Likelihood]) -> float:
    """Give the negative log-likelihood in bits per character of all responses, at least 0; end tokens count.

    It is comparable between models with different tokenizers.

    Raises:
        ValueError: for no characters.
    """
    return _total_nll(rows) / math.log(2) / _positive(sum(row.characters for row in rows), "characters")


def _total_nll(rows: Sequence[Likelihood]) -> float:
    return -float(sum(row.given.sum() for row in rows))


def _positive(count: int, named: str) -> int:
    if count < 1:
        raise ValueError(f"the likelihood of no {named} has no mean: the corpus is empty; keep at least one response")
    return count


def ifd_loss(given: ArrayLike, alone: ArrayLike) -> float:
    """Give a response's mean token loss with its question over that without, above 0; above 1 the question misleads.

    Instruction-following difficulty of Li et al. 2023, arXiv 2308.12032, as its code computes it.

    Args:
        given, alone: log-probabilities of the response's tokens with and without the question; no end token.

    Raises:
        ValueError: for no tokens, or a response that is certain without its question.
    """
    without = _loss(alone)
    if without == 0:
        raise ValueError("a response is certain without its question, so nothing can help: IFD divides by its loss")
    return _loss(given) / without


def ifd_ppl(given: ArrayLike, alone: ArrayLike) -> float:
    """Give a response's perplexity with its question over that without, above 0; above 1 the question misleads.

    The ratio that Superfiltering takes for IFD (Li et al. 2024, arXiv 2402.00530); arguments as in `ifd_loss`.
    """
    return math.exp(_loss(given) - _loss(alone))


def _loss(logps: ArrayLike) -> float:
    values = np.asarray(logps, float)
    if not values.size:
        raise ValueError("IFD of a response without tokens: leave empty responses out")
    return -float(values.mean())


def token_spans(tokenizer: Any, row: Row) -> Spans:
    """Give the token ids of a row with question, response and, where a student reads more than that, messages.

    A tag such as `<think>` that the prompt has opened is not read again where the response begins with it. What the
    tokenizer cannot read is its unknown token here.

    Raises:
        ValueError: for a tokenizer without end-of-sequence token, or a chat template that opens no answer.
        ModelFilesError: for a chat template that cannot write the prompt.
    """
    from toolkit.models.chat import MARK, chat_ids, chat_text, plain_ids, prompt_text, without_opened

    if tokenizer.eos_token_id is None:
        raise ValueError("the base model's tokenizer has no end-of-sequence token: set eos_token")
    messages = list(row.get("messages") or ())[:-1] or user_turn(row["question"])
    header = prompt_text(tokenizer, MARK).rpartition(MARK)[2]
    if not header:
        raise ValueError("the chat template writes nothing between question and answer; correct chat_template.jinja")
    response = without_opened(chat_text(tokenizer, messages), row["response"])
    return Spans(
        chat_ids(tokenizer, messages),
        list(tokenizer(header, add_special_tokens=False)["input_ids"]),
        [*plain_ids(tokenizer, response), tokenizer.eos_token_id],
    )


def likelihoods(model: Any, tokenizer: Any, rows: Sequence[Row], batch: int = 16) -> Iterator[Likelihood]:
    """Yield the likelihood of each row's response, in order; without the question, only the template's header is read.

    Memory is that of a forward pass over `batch` rows: about 12 bytes x batch x longest row in tokens x vocabulary.

    Args:
        model: a Transformers causal language model in evaluation mode, with its `tokenizer`.
        rows: each with question and response, see `token_spans`.

    Raises:
        ValueError: see `token_spans`, `padded`, `token_logps`.
    """
    for start in range(0, len(rows), batch):
        some = rows[start : start + batch]
        spans = [token_spans(tokenizer, row) for row in some]
        given = token_logps(model, [(row.prompt, row.response) for row in spans])
        alone = token_logps(model, [(row.header, row.response) for row in spans])
        for row, logps, without in zip(some, given, alone, strict=True):
            yield Likelihood(logps, without, len(row["response"]))


def token_logps(model: Any, rows: Sequence[tuple[list[int], list[int]]]) -> list[Array]:
    """Give the log-probability (natural) of each token of each row's second part, after its first part, in one batch.

    Raises:
        ValueError: for a model whose logits are not finite; see `padded` for others.
    """
    import torch

    from toolkit.corpora.metrics.batches import padded

    ids, mask = padded(model, [first + second for first, second in rows])
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
        picked = logits.log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0].double().cpu().numpy()
    logps = [picked[place, len(first) - 1 : len(first) - 1 + len(second)] for place, (first, second) in enumerate(rows)]
    if not all(np.isfinite(row).all() for row in logps):
        raise ValueError("the base model's logits are not finite: it diverged, or its weights are damaged")
    return logps
