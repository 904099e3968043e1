"""What is sent to an endpoint and what comes back: bodies of the chat, completions and generate forms.

A body is put together from parts that are encoded once, because thousands are sent per second. No form sends `n` (TGI
takes it and answers once), all send `max_tokens`, and `top_p` of 1 is left out (TGI refuses it).
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from toolkit.settings import Sampling
from toolkit.teachers.completion import Completion

ENDS = {"stop": "stop", "eos_token": "stop", "stop_sequence": "stop", "length": "length"}
SEED = 2**62 + 1  # stands for the seed while the parts are cut; no number of a recipe is as large
WHOLE = 1 - 1e-6  # a top_p from here on is 1 to a server that reads it as a 32-bit float
SHOWN = 200  # characters of a body that is not understood

Parse = Callable[[Any, Mapping[str, str]], Completion]


class Malformed(ValueError):
    """An answer that lacks what was asked for."""


class Form(NamedTuple):
    """One way to ask: the path, and the body's parts around the prompt and the seed."""

    path: str
    head: bytes
    middle: bytes
    end: bytes
    parse: Parse

    def body(self, prompt: bytes, seed: int) -> bytes:
        """The request for a prompt that is encoded as a JSON string."""
        return b"%b%b%b%d%b" % (self.head, prompt, self.middle, seed, self.end)


def make_form(dialect: str, api: str, model: str, sampling: Sampling, *, greedy: bool = False) -> Form:
    """How a server is asked.

    Args:
        dialect: `tgi`, or `openai` for vLLM, SGLang, `transformers serve` and the Providers.
        api: `chat` puts the prompt into one user message; `generate` sends it bare, without a chat template.
        model: what the server calls the model; TGI's answers are named after its /info, whatever is sent.
        sampling: temperature, top_p, max_tokens and stop texts.
        greedy: take the likeliest token instead, for scoring.
    """
    limits = {"max_tokens": sampling.max_tokens} | ({"stop": list(sampling.stop)} if sampling.stop else {})
    draws: dict[str, Any] = {"temperature": 0.0 if greedy else sampling.temperature}
    if sampling.top_p < WHOLE and not greedy:
        draws["top_p"] = sampling.top_p
    if api == "chat":
        messages = [{"role": "user", "content": ""}]
        body = {"model": model, "messages": messages, **limits, **draws, "seed": SEED}
        return _form("/v1/chat/completions", body, _chat)
    if dialect != "tgi":
        return _form("/v1/completions", {"model": model, "prompt": "", **limits, **draws, "seed": SEED}, _completions)
    limits["max_new_tokens"] = limits.pop("max_tokens")
    # /generate refuses a temperature of 0: greedy is to draw nothing.
    draws = {"do_sample": False} if greedy else {"do_sample": True, **draws}
    parameters = {**limits, **draws, "details": True, "seed": SEED}
    return _form("/generate", {"inputs": "", "parameters": parameters}, _generate)


def _form(path: str, body: dict[str, Any], parse: Parse) -> Form:
    """Cut at the one empty string, which is the prompt, and at the seed."""
    text = json.dumps(body, separators=(",", ":"))
    key = next(f'"{name}":' for name in ("content", "prompt", "inputs") if f'"{name}":""' in text)
    head, rest = text.split(f'{key}""', 1)
    middle, end = rest.rsplit(str(SEED), 1)
    return Form(path, f"{head}{key}".encode(), middle.encode(), end.encode(), parse)


def wire_seed(seed: int, dialect: str, provider: str | None) -> int:
    """What is sent for a recorded seed in [0, 2^63): the seed itself wherever the server takes it.

    TGI's document wants more than 0. Providers sit behind gateways that read numbers as doubles or 32-bit integers and
    get [1, 2^31).
    """
    if provider:
        return seed % (2**31 - 1) + 1
    return max(seed, 1) if dialect == "tgi" else seed


def read_answer(form: Form, raw: bytes, headers: Mapping[str, str], stop: tuple[str, ...], model: str) -> Completion:
    """The completion that a 200 body holds, or one whose error says what it holds instead.

    A body that is no JSON, lacks text, finish reason or token counts, or brings more than one choice, is malformed: it
    is recorded with its first characters and not guessed at. An end for any reason but `stop` and `length` (a content
    filter) is an error too.
    """
    try:
        answer = form.parse(json.loads(raw), headers)
    except (ValueError, RecursionError):
        shown = raw[: 4 * SHOWN].decode(errors="replace")[:SHOWN]
        return failed(f"malformed body: {shown}", model)
    reason = ENDS.get(answer.finish_reason)
    if reason is None:
        return failed(f"finish reason: {answer.finish_reason[:SHOWN]}", model)
    text = cut_at_stop(answer.text, stop) if stop else answer.text
    return answer._replace(text=text, finish_reason=reason, model=model)


def failed(reason: str, model: str) -> Completion:
    """No answer, for a reason that will not go away."""
    return Completion("", "error", 0, 0, model, reason)


def cut_at_stop(text: str, stop: tuple[str, ...]) -> str:
    """`text` up to the first stop text: TGI leaves it in, others take it out."""
    return text[: min((at for end in stop if (at := text.find(end)) >= 0), default=len(text))]


def _chat(body: Any, headers: Mapping[str, str]) -> Completion:
    match body:
        case {
            "choices": [{"message": {"content": str(text)}, "finish_reason": str(reason)}],
            "usage": {"prompt_tokens": int(prompt), "completion_tokens": int(completion)},
        }:
            return Completion(text, reason, prompt, completion, "")
    raise Malformed


def _completions(body: Any, headers: Mapping[str, str]) -> Completion:
    match body:
        case {
            "choices": [{"text": str(text), "finish_reason": str(reason)}],
            "usage": {"prompt_tokens": int(prompt), "completion_tokens": int(completion)},
        }:
            return Completion(text, reason, prompt, completion, "")
    raise Malformed


def _generate(body: Any, headers: Mapping[str, str]) -> Completion:
    """TGI tells the length of the prompt in a header only."""
    match body:
        case {
            "generated_text": str(text),
            "details": {"finish_reason": str(reason), "generated_tokens": int(completion)},
        }:
            return Completion(text, reason, int(headers.get("x-prompt-tokens", "")), completion, "")
    raise Malformed


def reason_of(raw: bytes) -> str:
    """What an error body says: its message where it is JSON with one, else its first characters."""
    text = raw.decode(errors="replace").strip()
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return text[:SHOWN]
    match body:
        case {"error": {"message": str(message)}} | {"error": str(message)}:
            return message[:SHOWN]
        case {"message": str(message)} | {"detail": str(message)}:
            return message[:SHOWN]
    return text[:SHOWN]


def seconds_asked(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After` asks for, a number of seconds or a date; None where it is absent or neither."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        after = float(value)
    except ValueError:
        try:
            after = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return max(after, 0.0) if math.isfinite(after) else None
