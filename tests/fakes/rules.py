"""The rules by which TGI, vLLM and SGLang take or refuse a request, and the words of their answers.

One token is one word here. TGI's rules are those of its router: shape (plain text, 422), then a permit (429), then
validation (422 with `error` and `error_type`).
"""

import dataclasses
import functools
import json
from typing import Any

CHAT, GENERATE, COMPLETIONS = "/v1/chat/completions", "/generate", "/v1/completions"


class Refused(Exception):
    """A request that is not answered; carries status and body."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body if isinstance(body, str) else json.dumps(body)


@dataclasses.dataclass
class Limits:
    """What the server says it is and can do."""

    dialect: str = "tgi"  # or vllm, sglang
    model: str = "org/teacher"
    sha: str = "0123456789abcdef0123456789abcdef01234567"
    permits: int = 128
    says: int = 0  # permits that /info tells of, when it is another number
    max_input_tokens: int = 4095
    max_total_tokens: int = 4096
    max_stop: int = 4
    prefix: str = ""  # of every path, such as a provider's


@dataclasses.dataclass(slots=True)
class Asked:
    """What of a request bears on its answer."""

    prompt: str
    seed: int
    max_tokens: int
    stop: list[str]
    path: str


@functools.lru_cache(maxsize=100_000)
def words(text: str) -> int:
    return len(text.split())


def parse(path: str, raw: bytes) -> tuple[str, dict[str, Any]]:
    """(prompt, parameters) of a request's bytes, or the plain-text refusal of one without the right shape."""
    try:
        body = json.loads(raw)
        prompt, parameters = SHAPES[path](body)
        seed = parameters.get("seed")
        if seed is not None and (type(seed) is not int or not 0 <= seed < 2**64):
            raise TypeError(f"seed: invalid value {seed!r}, expected u64")
        stop = parameters.get("stop")
        if stop is not None and not (isinstance(stop, list) and all(isinstance(text, str) for text in stop)):
            raise TypeError("stop: invalid type, expected a sequence")
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise Refused(422, f"Failed to deserialize the JSON body into the target type: {error}") from error
    return prompt, parameters


def _chat_shape(body: Any) -> tuple[str, dict[str, Any]]:
    content = body["messages"][-1]["content"]
    if not isinstance(content, str):
        raise TypeError("messages: invalid type")
    return content, body


def _generate_shape(body: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(body["inputs"], str):
        raise TypeError("inputs: invalid type")
    return body["inputs"], body.get("parameters") or {}


def _completions_shape(body: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(body["prompt"], str):
        raise TypeError("prompt: invalid type")
    return body["prompt"], body


SHAPES = {CHAT: _chat_shape, GENERATE: _generate_shape, COMPLETIONS: _completions_shape}


def validate(limits: Limits, path: str, prompt: str, parameters: dict[str, Any]) -> Asked:
    """The request as it will be answered (`n` is not looked at), or the refusal of its parameters."""
    openai = path != GENERATE
    temperature = parameters.get("temperature")
    top_p = parameters.get("top_p")
    stop = parameters.get("stop") or []
    length = words(prompt)
    room = limits.max_total_tokens - length
    max_tokens = parameters.get("max_tokens" if openai else "max_new_tokens")
    if max_tokens is None:
        max_tokens = room
    if limits.dialect == "tgi":
        if temperature is not None and (temperature < 0 or (temperature == 0 and not openai)):
            raise invalid(limits, "`temperature` must be strictly positive")
        if top_p is not None and not 0 < top_p < 1:
            raise invalid(limits, "`top_p` must be > 0.0 and < 1.0")
        if len(stop) > limits.max_stop:
            raise invalid(limits, f"`stop` supports up to {limits.max_stop} stop sequences. Given: {len(stop)}")
        if length > limits.max_input_tokens:
            raise invalid(limits, f"`inputs` must have less than {limits.max_input_tokens} tokens. Given: {length}")
    elif parameters.get("model") != limits.model:
        error = {"message": f"The model `{parameters.get('model')}` does not exist.", "type": "NotFoundError"}
        raise Refused(404, {"error": error | {"param": "model", "code": 404}})
    elif top_p is not None and not 0 < top_p <= 1:
        raise invalid(limits, f"top_p must be in (0, 1], got {top_p}.")
    if max_tokens <= 0:
        raise invalid(limits, "`max_new_tokens` must be strictly positive")
    if max_tokens > room:
        raise invalid(
            limits,
            f"`inputs` tokens + `max_new_tokens` must be <= {limits.max_total_tokens}. "
            f"Given: {length} `inputs` tokens and {max_tokens} `max_new_tokens`",
        )
    greedy = temperature == 0 or (temperature is None and not openai and not parameters.get("do_sample"))
    return Asked(prompt, 0 if greedy else parameters.get("seed") or 0, max_tokens, stop, path)


def invalid(limits: Limits, what: str) -> Refused:
    if limits.dialect == "tgi":
        return Refused(422, {"error": f"Input validation error: {what}", "error_type": "validation"})
    return Refused(400, {"error": {"message": what, "type": "BadRequestError", "param": None, "code": 400}})


def cut(text: str, asked: Asked, keeps_stop: bool) -> tuple[str, str, int]:
    """(text, finish reason, tokens): at the earliest stop text, which TGI leaves in, else at `max_tokens` words."""
    ends = [(text.index(stop), stop) for stop in asked.stop if stop in text]
    reason = "eos"
    if ends:
        at, stop = min(ends)
        text, reason = text[: at + len(stop) * keeps_stop], "stop"
    count = words(text) if len(text) < 10_000 else asked.max_tokens + 1
    if count > asked.max_tokens:
        return " ".join(text.split(maxsplit=asked.max_tokens)[: asked.max_tokens]), "length", asked.max_tokens
    return text, reason, count + (reason == "eos")


# TGI calls the end of a stop text by its own name in the chat form too.
REASONS = {
    "tgi": {"eos": ("stop", "eos_token"), "stop": ("stop_sequence", "stop_sequence"), "length": ("length", "length")},
    "openai": {"eos": ("stop", "stop"), "stop": ("stop", "stop"), "length": ("length", "length")},
}


class Wording:
    """Bodies of the answers of one server, put together from parts that are encoded once."""

    def __init__(self, limits: Limits) -> None:
        self.keeps_stop = limits.dialect == "tgi"
        self.reasons = REASONS["tgi" if limits.dialect == "tgi" else "openai"]
        name = json.dumps(limits.model)
        self._chat = (
            '{"object":"chat.completion","id":"","created":1700000000,"model":' + name + ',"system_fingerprint":"fake",'
            '"choices":[{"index":0,"message":{"role":"assistant","content":%s},"logprobs":null,"finish_reason":"%s"}],'
            '"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}'
        )
        self._completions = (
            '{"object":"text_completion","id":"","created":1700000000,"model":' + name + ',"system_fingerprint":"fake",'
            '"choices":[{"index":0,"text":%s,"logprobs":null,"finish_reason":"%s"}],'
            '"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}'
        )
        self._generate = (
            '{"generated_text":%s,"details":{"finish_reason":"%s","generated_tokens":%d,"seed":%d,'
            '"prefill":[],"tokens":[]}}'
        )

    def body(self, asked: Asked, text: str) -> bytes:
        """The 200 body of one answer."""
        text, reason, tokens = cut(text, asked, self.keeps_stop)
        length = words(asked.prompt)
        if asked.path == GENERATE:
            return (self._generate % (json.dumps(text), self.reasons[reason][1], tokens, asked.seed)).encode()
        values = (json.dumps(text), self.reasons[reason][0], length, tokens, length + tokens)
        return ((self._chat if asked.path == CHAT else self._completions) % values).encode()


def pages(limits: Limits) -> dict[str, Any]:
    """What GET answers by path: the limits, in the words of the dialect."""
    listed = {"id": limits.model, "object": "model", "created": 1700000000, "owned_by": limits.model}
    if limits.dialect == "tgi":
        info = {
            "model_id": limits.model,
            "model_sha": limits.sha,
            "model_pipeline_tag": "text-generation",
            "max_concurrent_requests": limits.says or limits.permits,
            "max_best_of": 2,
            "max_stop_sequences": limits.max_stop,
            "max_input_tokens": limits.max_input_tokens,
            "max_total_tokens": limits.max_total_tokens,
            "validation_workers": 2,
            "max_client_batch_size": 4,
            "router": "text-generation-router",
            "version": "3.3.7",
            "sha": None,
            "docker_label": None,
        }
        return {"/info": info, "/v1/models": {"object": "list", "data": [listed]}, "/health": {}}
    models = {"object": "list", "data": [listed | {"max_model_len": limits.max_total_tokens, "root": limits.model}]}
    own = {"/get_model_info": {"model_path": limits.model, "is_generation": True}} if limits.dialect == "sglang" else {}
    return {"/v1/models": models, "/health": {}} | own
