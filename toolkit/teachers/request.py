"""The bodies that are sent to an endpoint, in the chat, completions and generate forms.

A body is put together from parts that are encoded once, because thousands are sent per second. No form sends `n` (TGI
accepts it and answers once), all send `max_tokens`, and `top_p` of 1 is left out (TGI refuses it).
"""

import json
from typing import Any, NamedTuple

import orjson

from toolkit.prompt import Messages
from toolkit.recipe.sections import Sampling
from toolkit.teachers.completion import TeacherError

CHAT, COMPLETIONS, GENERATE = "/v1/chat/completions", "/v1/completions", "/generate"
SEED = 2**62 + 1  # stands for the seed while the parts are cut; no number in a recipe is as large
WHOLE = 1 - 1e-6  # a server that reads top_p as a 32-bit float takes anything from here on for 1


class RequestForm(NamedTuple):
    """One way to ask: the path, and the body's parts around the prompt and the seed."""

    path: str
    head: bytes
    middle: bytes
    end: bytes

    def body(self, prompt: bytes, seed: int) -> bytes:
        """Give the body of the request for a prompt that `encode_prompt` wrote."""
        return b"%b%b%b%d%b" % (self.head, prompt, self.middle, seed, self.end)


def make_form(dialect: str, api: str, model: str, sampling: Sampling, *, greedy: bool = False) -> RequestForm:
    """Make the form in which a server is asked.

    Args:
        dialect: `tgi`, or `openai` for vLLM, SGLang, `transformers serve` and the Providers.
        api: `chat` sends messages; `generate` sends one text bare, without a chat template.
        model: what the server calls the model; TGI's answers are named after its /info, whatever is sent.
        sampling: temperature, top_p, max_tokens and stop texts.
        greedy: whether to take the likeliest token instead of sampling, for scoring.
    """
    limits = {"max_tokens": sampling.max_tokens} | ({"stop": list(sampling.stop)} if sampling.stop else {})
    sampler: dict[str, Any] = {"temperature": 0.0 if greedy else sampling.temperature}
    if sampling.top_p < WHOLE and not greedy:
        sampler["top_p"] = sampling.top_p
    if api == "chat":
        return _form(CHAT, {"model": model, "messages": "", **limits, **sampler, "seed": SEED})
    if dialect != "tgi":
        return _form(COMPLETIONS, {"model": model, "prompt": "", **limits, **sampler, "seed": SEED})
    limits["max_new_tokens"] = limits.pop("max_tokens")
    # /generate refuses a temperature of 0, so greedy means not to sample.
    sampler = {"do_sample": False} if greedy else {"do_sample": True, **sampler}
    parameters = {**limits, **sampler, "details": True, "seed": SEED}
    return _form(GENERATE, {"inputs": "", "parameters": parameters})


def _form(path: str, body: dict[str, Any]) -> RequestForm:
    """Cut at the one empty string, which is the prompt, and at the seed."""
    text = json.dumps(body, separators=(",", ":"))
    key = next(f'"{name}":' for name in ("messages", "prompt", "inputs") if f'"{name}":""' in text)
    head, rest = text.split(f'{key}""', 1)
    middle, end = rest.rsplit(str(SEED), 1)
    return RequestForm(path, f"{head}{key}".encode(), middle.encode(), end.encode())


def encode_prompt(api: str, messages: Messages) -> bytes:
    """Encode the messages as JSON: a list for `chat`, the text of the only one for `generate`.

    Raises:
        TeacherError: for messages that `generate` cannot send.
    """
    if api == "chat":
        turns = [{"role": message["role"], "content": message["content"]} for message in messages]
        return _encoded(turns)
    if [message["role"] for message in messages] != ["user"]:
        roles = ", ".join(message["role"] for message in messages)
        raise TeacherError(
            f"api: generate sends one text without a chat template, not the messages of {roles or 'nobody'}: "
            "set `api: chat`, or a protocol that asks with one message of a user"
        )
    return _encoded(messages[0]["content"])


def _encoded(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # half of a surrogate pair, which no UTF-8 can hold: sent as an escape
        return json.dumps(value, separators=(",", ":")).encode()


def wire_seed(seed: int, dialect: str, provider: str | None) -> int:
    """Give the seed to send for a recorded seed in [0, 2^63): the same wherever the server takes it.

    TGI's documentation requires more than 0. Providers sit behind gateways that read numbers as doubles or 32-bit
    integers, and get a seed in [1, 2^31).
    """
    if provider:
        return seed % (2**31 - 1) + 1
    return max(seed, 1) if dialect == "tgi" else seed


def cut_at_stop(text: str, stop: tuple[str, ...]) -> str:
    """Cut `text` at the first stop text: TGI leaves it in, other servers take it out."""
    return text[: min((at for end in stop if (at := text.find(end)) >= 0), default=len(text))]
