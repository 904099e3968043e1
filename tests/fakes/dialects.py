"""The servers that a teacher may stand behind, each in its own words: what it lists, answers and refuses.

`with speaking("ollama") as server:` serves from a thread at `server.url`. A question of more than `CONTEXT` words is
too long; one that begins with `think` is reasoned about first, one with `endless` is cut at max_tokens; the first
`overloads` requests are refused for load. One token is one word. `docs/teachers.md` names the sources.
"""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from tests.fakes.tgi import in_thread

MODEL, CONTEXT, NOW = "org/teacher", 40, 1_700_000_000
THOUGHT, ANSWER = "let me see", "The answer is \\boxed{4}."


@dataclasses.dataclass(frozen=True)
class Words:
    """How one server says things. `reasoning` is the field of a message, empty where it stands inside the text."""

    entry: dict[str, Any]  # what it lists of its model beside the id
    reasoning: str
    overload: tuple[int, Any]
    too_long: tuple[int, Any]
    extras: dict[str, Any] = dataclasses.field(default_factory=dict)  # at the top of an answer
    choice: dict[str, Any] = dataclasses.field(default_factory=dict)  # in its choice
    empty: str | None = None  # content of an answer that was cut while it was reasoning
    reports: str = MODEL  # model of its answers


def error(message: str, kind: str, code: Any, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code} | more}


LONG = "This model's maximum context length is 40 tokens. However, you requested more."
BUSY = "server busy, please try again. maximum pending requests exceeded"
SERVERS = {
    "vllm": Words(
        {"owned_by": "vllm", "root": MODEL, "parent": None, "max_model_len": CONTEXT, "permission": [{"id": "p"}]},
        "reasoning",
        (503, error("The server is overloaded", "ServiceUnavailableError", 503)),
        (400, error(LONG, "BadRequestError", 400)),
        {"service_tier": None, "system_fingerprint": None, "prompt_logprobs": None, "kv_transfer_params": None},
        {"logprobs": None, "stop_reason": None, "token_ids": None},
    ),
    "sglang": Words(
        {"owned_by": "sglang", "root": MODEL, "max_model_len": CONTEXT},
        "reasoning_content",
        (503, {"object": "error", "message": "The request queue is full.", "type": "ServiceUnavailable", "code": 503}),
        (400, {"object": "error", "message": LONG, "type": "BadRequestError", "param": None, "code": 400}),
        {"metadata": {"weight_version": "default"}},
        {"logprobs": None, "matched_stop": 151645},
    ),
    "tgi": Words(
        {"owned_by": MODEL},
        "",
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}),
        (422, {"error": "Input validation error: `inputs` must have less than 40 tokens", "error_type": "validation"}),
        {"system_fingerprint": "3.3.7-native"},
        {"logprobs": None},
    ),
    "llama.cpp": Words(
        {"owned_by": "llamacpp", "meta": {"n_ctx_train": 131072, "n_vocab": 128256, "size": 4912898304}},
        "reasoning_content",
        (503, error("Loading model", "unavailable_error", 503)),
        (400, error("request (44 tokens) exceeds the available context size", "exceed_context_size_error", 400)),
        {"timings": {"cache_n": 0, "prompt_n": 1, "predicted_per_second": 52.9}, "system_fingerprint": "b7000"},
        empty="",
    ),
    "ollama": Words(
        {"owned_by": "library"},
        "reasoning",
        (503, error(BUSY, "api_error", None)),
        (400, error("the input is longer than the context", "invalid_request_error", None)),
        {"system_fingerprint": "fp_ollama"},
        empty="",
    ),
    "lmstudio": Words(
        {"owned_by": "organization_owner"},
        "reasoning_content",
        (500, {"error": "The model is busy"}),
        (400, {"error": "Trying to keep the first 44 tokens when context overflows"}),
        {"stats": {}, "system_fingerprint": MODEL},
        {"logprobs": None},
        empty="",
    ),
    "openrouter": Words(
        {"name": "Teacher", "context_length": CONTEXT, "architecture": {"modality": "text->text"}, "pricing": {}},
        "reasoning",
        (200, {"error": {"code": 502, "message": "Provider returned error", "metadata": {}}, "user_id": "u"}),
        (400, {"error": {"code": 400, "message": LONG, "metadata": {}}}),
        {"provider": "Somebody"},
        {"native_finish_reason": "STOP", "logprobs": None},
        reports=f"{MODEL}-2026-01-01",
    ),
    "transformers": Words(
        {"owned_by": "org"},
        "reasoning_content",
        (503, {"detail": "the queue is full"}),
        (400, {"detail": "Prompt is longer than the context"}),
        {"service_tier": None},
        reports=f"{MODEL}@main",
    ),
}


class Speaker:
    """A server's state and its one handler."""

    def __init__(self, words: Words, overloads: int) -> None:
        self.words, self.overloads, self.url = words, overloads, ""
        self.asked: list[dict[str, Any]] = []
        self.tokens = [0, 0]  # prompt and completion tokens that it told of

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/v1/models":
            listed = {"id": MODEL, "object": "model", "created": NOW} | self.words.entry
            return web.json_response({"object": "list", "data": [listed]})
        if request.path != "/v1/chat/completions":
            return web.json_response({"detail": "Not Found"}, status=404)
        body = json.loads(await request.read())
        self.asked.append(body)
        question = body["messages"][-1]["content"]
        refused = self._refused(question)
        return web.json_response(refused[1], status=refused[0]) if refused else self._answer(question, body)

    def _refused(self, question: str) -> tuple[int, Any] | None:
        if self.overloads > 0:
            self.overloads -= 1
            return self.words.overload
        return self.words.too_long if len(question.split()) > CONTEXT else None

    def _answer(self, question: str, body: dict[str, Any]) -> web.Response:
        words, endless = self.words, "endless" in question
        thought = (f"{THOUGHT} " * 50 if endless else THOUGHT) if question.startswith("think") else ""
        limit, text = body["max_tokens"], None if thought and endless else (ANSWER * 50 if endless else ANSWER)
        used = min(limit, len(thought.split()) + len((text or "").split()))
        self.tokens = [self.tokens[0] + len(question.split()), self.tokens[1] + used]
        message: dict[str, Any] = {"role": "assistant", "content": words.empty if text is None else text}
        if words.reasoning:
            message |= {words.reasoning: thought or None}
        elif thought:
            message["content"] = f"<think>\n{thought}" + ("" if text is None else f"\n</think>\n\n{text}")
        count = {"prompt_tokens": len(question.split()), "completion_tokens": used}
        reason = "length" if endless else "stop"
        return web.json_response(
            {"id": "chatcmpl-1", "object": "chat.completion", "created": NOW, "model": words.reports}
            | {"choices": [{"index": 0, "message": message, "finish_reason": reason} | words.choice]}
            | {"usage": count | {"total_tokens": sum(count.values())}}
            | words.extras
        )


@contextlib.contextmanager
def speaking(name: str, overloads: int = 0) -> Iterator[Speaker]:
    """One of `SERVERS`, in a thread of this process."""
    speaker = Speaker(SERVERS[name], overloads)
    with in_thread(speaker.handle) as speaker.url:
        yield speaker
