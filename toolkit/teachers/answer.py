"""Reads the body of a 200: the text, why it ended, the reasoning, the tokens used, and the name of the model.

Nothing is guessed: a body without an answer is an error that names what came instead. What may be a passing fault (half
a body, a page of a proxy, an end that the server forced) is raised, so that the request is sent again; what the model
itself did is recorded. The tokens that the server reports count either way.
"""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

import orjson

from toolkit.teachers.completion import Completion, Transient
from toolkit.teachers.failure import message_of, shown
from toolkit.teachers.reasoning import reasoning_of, split_parts, split_tags, with_reasoning
from toolkit.teachers.request import CHAT, COMPLETIONS, GENERATE, cut_at_stop

# Finish reasons of all servers, reduced to lower-case letters.
ENDS = dict.fromkeys(
    [
        "stop",
        "eos",
        "eostoken",
        "eosfound",
        "eot",
        "endoftext",
        "endofturn",
        "endturn",
        "endofsequence",
        "stopsequence",
        "stopstring",
        "stopstringfound",
        "stoptoken",
        "stopword",
        "word",
        "complete",
        "completed",
        "finish",
        "finished",
    ],
    "stop",
) | dict.fromkeys(
    [
        "length",
        "limit",
        "lengthlimit",
        "maxlength",
        "modellength",
        "maxtokens",
        "maxtokensreached",
        "maxnewtokens",
        "maxoutputtokens",
        "tokenlimit",
        "maxpredictedtokensreached",
        "contextlength",
        "contextlengthreached",
        "contextlengthexceeded",
        "maxcontextlength",
        "modelcontextwindowexceeded",
        "truncated",
    ],
    "length",
)
# Ends that the server forced: the same request may go through later.
PASSING = frozenset(
    [
        "abort",
        "aborted",
        "cancel",
        "canceled",
        "cancelled",
        "error",
        "servererror",
        "internalerror",
        "internalservererror",
        "networkerror",
        "engineerror",
        "timeout",
        "timedout",
        "interrupted",
        "overloaded",
        "unavailable",
        "insufficientsystemresource",
        "insufficientsystemresources",
        "load",
        "unload",
        "other",
        "unknown",
        "null",
        "none",
    ]
)
LARGEST_COUNT = 2**31 - 1  # tokens of one request; the corpus stores them in 32 bits
TOKENS = ("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens")


class Malformed(ValueError):
    """A body that lacks a part of an answer, or has it in another form."""


class Unanswered(Exception):
    """A 200 whose body is an error after all, with the status that it should have had."""

    def __init__(self, status: int, reason: str, used: "ReportedUsage") -> None:
        super().__init__(reason)
        self.status, self.reason, self.used = status, reason, used


class OtherModel(Exception):
    """An answer of another model than the one asked; the message is its name."""


class ReportedUsage(NamedTuple):
    """Tokens that a request took; `counted` is False where the server worked and does not report them."""

    prompt: int = 0
    completion: int = 0
    counted: bool = True

    @property
    def fields(self) -> dict[str, Any]:
        """Give the tokens as keyword arguments of `Transient`."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "uncounted": not self.counted,
        }


class Reply(NamedTuple):
    """The model's reply; without a text, `text` is None. `reason` is the finish reason in the server's words."""

    text: str | None
    reason: str
    reasoning: str = ""
    instead: str = ""  # what came in place of a text, such as a call of a tool


class Reader(NamedTuple):
    """How one server's answers are read.

    Attributes:
        path: the path of the form in which it is asked.
        stop: texts that end an answer and are not part of it.
        keep: whether reasoning stays in front of the answer.
        model: the name@revision to record.
        is_asked: whether a model of this name is the one asked for.
    """

    path: str
    stop: tuple[str, ...]
    keep: bool
    model: str
    is_asked: Callable[[str], bool] = lambda name: True

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Completion:
        """Read the completion in a body, or make one whose error says what the model did instead.

        Raises:
            Transient: for a body that is no answer, and an answer that the server cut short.
            Unanswered: for an error in a body.
            OtherModel: for another model's answer.
        """
        body = _loaded(raw)
        self._refuse_other(body)
        try:
            used = usage_of(body, headers)
        except Malformed as error:
            return self._failed(f"usage: {error}", ReportedUsage(counted=False))
        _refuse_error(body, used)
        try:
            reply = PARSE[self.path](body)
        except (ValueError, RecursionError):
            raise Transient(f"malformed body: {_beginning(raw)}", **used.fields) from None
        if not used.counted:
            raise Transient("malformed body: no usage, so that its tokens cannot be counted", uncounted=True)
        return self._judged(reply, used)

    def _refuse_other(self, body: Any) -> None:
        name = body.get("model") if isinstance(body, dict) else None
        if isinstance(name, str) and name and not self.is_asked(name):
            raise OtherModel(shown(name))

    def _judged(self, reply: Reply, used: ReportedUsage) -> Completion:
        plain = _plain(reply.reason)
        if not plain:
            raise Transient("malformed body: no finish reason", **used.fields)
        if plain in PASSING:
            raise Transient(f"finish reason: {shown(reply.reason)}", **used.fields)
        end = ENDS.get(plain)
        if end is None:
            return self._failed(f"finish reason: {shown(reply.reason)}", used)
        if reply.text is None and reply.instead:
            return self._failed(f"no text: {reply.instead}", used)
        if reply.text is None and end == "stop" and not reply.reasoning:
            raise Transient("malformed body: no text", **used.fields)
        return self._kept(reply, end, used)

    def _kept(self, reply: Reply, end: str, used: ReportedUsage) -> Completion:
        inside, answer = split_tags(reply.text or "")
        reasoning = "\n".join(filter(None, (reply.reasoning.strip(), inside)))
        answer = cut_at_stop(answer, self.stop) if self.stop else answer
        text = with_reasoning(reasoning, answer, bool(answer) or end == "stop") if self.keep and reasoning else answer
        return Completion(text, end, used.prompt, used.completion, self.model, reasoned=bool(reasoning))

    def _failed(self, reason: str, used: ReportedUsage) -> Completion:
        return failed(reason, self.model)._replace(
            prompt_tokens=used.prompt, completion_tokens=used.completion, uncounted=not used.counted
        )


def failed(reason: str, model: str) -> Completion:
    """Make a completion without an answer, for a reason that will not go away."""
    return Completion("", "error", 0, 0, model, reason)


def whole(value: Any) -> int | None:
    """Read a count as servers write it: a whole number, or its digits as text; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.strip().isdecimal() and len(value) < 20:
        return int(value)
    return value if type(value) is int else None


def usage_of(body: Any, headers: Mapping[str, str]) -> ReportedUsage:
    """Give the tokens that the server says the request took; uncounted where it says nothing.

    Some servers count reasoning in the total only: then the rest of the total belongs to the completion.

    Raises:
        Malformed: for a value that cannot be a number of tokens.
    """
    match body:
        case {"usage": dict(usage)}:
            prompt, completion = (_first(usage, names) for names in TOKENS)
            total = usage.get("total_tokens")
        case {"details": {"generated_tokens": completion}}:
            # TGI reports the length of the prompt of /generate in a header only.
            prompt, total = whole(headers.get("x-prompt-tokens")), None
        case {"choices": _} | {"generated_text": _}:
            return ReportedUsage(counted=False)
        case _:
            return ReportedUsage()  # the body of an error: no model worked
    if prompt is None or completion is None:
        return ReportedUsage(counted=False)
    prompt, completion = _count("prompt_tokens", prompt), _count("completion_tokens", completion)
    if type(total) is int and prompt + completion < total <= LARGEST_COUNT:
        completion = total - prompt
    return ReportedUsage(prompt, completion)


def _first(usage: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((usage[name] for name in names if usage.get(name) is not None), None)


def _count(name: str, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value <= LARGEST_COUNT:
        raise Malformed(f"{name} is {shown(json.dumps(value))[:40]}, which is not a number of tokens")
    return value


def _loaded(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _loaded_slowly(raw)


def _loaded_slowly(raw: bytes) -> Any:
    """Read as `json.loads` does what the faster reader refuses, such as another encoding, or say what is wrong."""
    try:
        return _DECODE(raw.decode(json.detect_encoding(raw), "surrogatepass"))
    except (ValueError, RecursionError):
        raise Transient(f"malformed body: {_beginning(raw)}") from None


def _no_number(word: str) -> NoReturn:
    raise Malformed(f"{word} is not a JSON number")


_DECODE = json.JSONDecoder(parse_constant=_no_number).decode


@functools.lru_cache(64)
def _plain(reason: str) -> str:
    """Reduce a finish reason to the lower-case letters of its last part."""
    return "".join(character for character in reason.rpartition(".")[2].lower() if character.isalpha())


def _beginning(raw: bytes) -> str:
    return shown(raw[:1024].decode(errors="replace"))


def _refuse_error(body: Any, used: ReportedUsage) -> None:
    """Raise what a body says instead of an answer, at its top or in its choice."""
    match body:
        case {"choices": [{"error": error}]} if error:
            pass
        case {"error": error} if error:
            pass
        case {"object": "error"}:
            error = body
        case _:
            return
    code = whole(error.get("code")) if isinstance(error, dict) else None
    message = message_of(error) or message_of({"error": error}) or shown(json.dumps(error))
    spent = used if used.counted else ReportedUsage()
    raise Unanswered(code if code and 400 <= code < 600 else 500, message, spent)


def parse_chat(body: Any) -> Reply:
    """Read the one choice of a chat completion."""
    match body:
        case {"choices": [{"message": dict(message), "finish_reason": str() | None as reason}]}:
            return _message(message, reason or "")
        case {"choices": [{"message": dict(message)}]}:
            return _message(message, "")
    raise Malformed


def _message(message: dict[str, Any], reason: str) -> Reply:
    content, reasoning = message.get("content"), reasoning_of(message)
    if isinstance(content, list):
        part_reasoning, content = split_parts(content)
        reasoning = reasoning or part_reasoning
    if content is not None and not isinstance(content, str):
        raise Malformed
    refusal = message.get("refusal")
    instead = f"refusal: {shown(refusal)}" if isinstance(refusal, str) and refusal else ""
    if message.get("tool_calls") or message.get("function_call"):
        instead = instead or "a call of a tool"
    return Reply(content or (None if instead else content), reason, reasoning, instead)


def parse_completions(body: Any) -> Reply:
    """Read the one choice of a plain completion."""
    match body:
        case {"choices": [{"text": str(text), **rest}]}:
            reason = rest.get("finish_reason") or ""
            if isinstance(reason, str):
                return Reply(text, reason)
    raise Malformed


def parse_generate(body: Any) -> Reply:
    """Read an answer of TGI's own form."""
    match body:
        case {"generated_text": str(text), "details": {"finish_reason": str(reason)}}:
            return Reply(text, reason)
    raise Malformed


PARSE: Mapping[str, Callable[[Any], Reply]] = {
    CHAT: parse_chat,
    COMPLETIONS: parse_completions,
    GENERATE: parse_generate,
}
