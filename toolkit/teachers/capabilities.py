"""What a server says of itself, read once, and what is refused because of it before anything is spent."""

import json
import re
from typing import Any, NamedTuple

import aiohttp

from toolkit.settings import Sampling, Teacher
from toolkit.teachers.completion import TeacherError, Transient
from toolkit.teachers.request import Form, reason_of
from toolkit.teachers.routing import TOKEN_VARIABLE, Route

MOUNTED = "/repository"  # where an Inference Endpoint has its model, whatever it is called
COMMIT = re.compile(r"[0-9a-f]{40}")
DENIED = {
    401: f"set HF_TOKEN (for the Hub's hosts) or {TOKEN_VARIABLE} (for other servers)",
    402: "the account's credits are spent",
    403: f"the token has no right to it; set HF_TOKEN or {TOKEN_VARIABLE} to one that has",
    404: "nothing answers there: check `urls`, `api` and `teacher`",
    405: "it takes no such request: check `urls` and `api`",
}


class Capabilities(NamedTuple):
    """A server's dialect (`tgi`, `openai`), its model, and its limits; None where it does not say."""

    dialect: str
    served: str  # what the model is called in requests
    model: str  # name@revision
    context: int | None = None  # tokens of prompt and response together
    stop: int | None = None  # stop texts
    permits: int | None = None  # requests at once


async def read_capabilities(session: aiohttp.ClientSession, route: Route, teacher: Teacher) -> Capabilities:
    """What the server at `route` can do; TGI has /info, vLLM, SGLang and `transformers serve` list their models.

    Raises:
        TeacherError: when it serves another model or revision than the recipe's, or may not be asked.
        Transient: when it does not answer now.
    """
    stated = f"{teacher.teacher}@{teacher.teacher_revision or 'unstated'}"
    if route.model:
        return Capabilities("openai", route.model, stated)
    info = await _get(session, route, "/info")
    if info and "max_total_tokens" in info:
        return _of_tgi(info, route, teacher)
    listed = (await _get(session, route, "/v1/models") or {}).get("data", [])
    named = [entry for entry in listed if teacher.teacher in (entry.get("id"), entry.get("root"))]
    if not named and len(listed) == 1:
        # SGLang under another name still tells the path that it was started with.
        path = (await _get(session, route, "/get_model_info") or {}).get("model_path")
        named = listed if path == teacher.teacher else []
    if not named and any("max_model_len" in entry for entry in listed):
        names = ", ".join(str(entry.get("id")) for entry in listed)
        raise TeacherError(f"{route.name} serves {names}, not {teacher.teacher!r}: mend `urls` or `teacher`")
    # `transformers serve` lists its cache only and loads what it is asked for.
    entry: dict[str, Any] = named[0] if named else {"id": teacher.teacher}
    return Capabilities("openai", str(entry["id"]), stated, entry.get("max_model_len"))


def _of_tgi(info: dict[str, Any], route: Route, teacher: Teacher) -> Capabilities:
    sha, revision = info.get("model_sha"), teacher.teacher_revision
    served = teacher.teacher if info["model_id"] == MOUNTED else info["model_id"]
    if served != teacher.teacher:
        raise TeacherError(f"{route.name} serves {served!r}, not {teacher.teacher!r}: mend `urls` or `teacher`")
    if sha and revision and COMMIT.fullmatch(revision) and sha != revision:
        raise TeacherError(
            f"{route.name} serves {served} at commit {sha}, not {revision}: "
            "mend `teacher_revision` or start the server with it"
        )
    return Capabilities(
        "tgi",
        "tgi",  # any other name would be looked up as an adapter, and silently not found
        f"{served}@{sha or revision or 'unstated'}",
        info["max_total_tokens"],
        info.get("max_stop_sequences"),
        info.get("max_concurrent_requests"),
    )


def refuse_settings(able: Capabilities, sampling: Sampling, route: Route) -> None:
    """Refuse a recipe that the server would refuse request by request.

    Raises:
        TeacherError: naming the recipe key.
    """
    if able.stop is not None and len(sampling.stop) > able.stop:
        raise TeacherError(f"stop: {route.name} takes {able.stop} stop texts at most, not {len(sampling.stop)}")
    if able.context is not None and sampling.max_tokens >= able.context:
        raise TeacherError(
            f"max_tokens: {sampling.max_tokens} leaves no room for a prompt at {route.name}, whose context is "
            f"{able.context} tokens: lower it, or start the server with a longer context"
        )


async def refuse_long_prompt(
    session: aiohttp.ClientSession, route: Route, able: Capabilities, form: Form, prompt: str, sampling: Sampling
) -> None:
    """Refuse a prompt that with its response is longer than the context, where the server counts tokens for us.

    Raises:
        TeacherError: naming prompt and recipe key.
        Transient: when the server does not answer now.
    """
    length = await _count_tokens(session, route, able, form, prompt)
    if length is not None and able.context is not None and length + sampling.max_tokens > able.context:
        raise TeacherError(
            f"max_tokens: a prompt of {length} tokens and a response of {sampling.max_tokens} are longer than the "
            f"context of {route.name}, {able.context} tokens: lower it, or start the server with a longer context. "
            f"The prompt: {prompt[:200]!r}"
        )


async def _count_tokens(
    session: aiohttp.ClientSession, route: Route, able: Capabilities, form: Form, prompt: str
) -> int | None:
    """Tokens of a prompt as the server reads it; None where it has no route for that."""
    if able.context is None:
        return None
    body = json.loads(form.body(json.dumps(prompt).encode(), 1))
    chat = "messages" in body
    if able.dialect == "tgi":
        answer = await _get(session, route, "/chat_tokenize" if chat else "/tokenize", body)
        tokens = answer.get("tokenize_response") if isinstance(answer, dict) else answer
        return len(tokens) if tokens else None
    asked = {key: body[key] for key in ("model", "messages", "prompt") if key in body}
    answer = await _get(session, route, "/tokenize", asked)
    return answer.get("count") if answer else None


async def _get(session: aiohttp.ClientSession, route: Route, path: str, body: Any = None) -> Any:
    """The JSON at a path (asked by POST where there is a body), None where the server has no such path."""
    method = "GET" if body is None else "POST"
    try:
        async with session.request(method, route.ask(path), json=body, headers=route.headers) as response:
            raw = await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Transient(f"connection: {type(error).__name__}") from error
    if response.status == 200:
        try:
            return json.loads(raw)
        except ValueError:
            return None
    if response.status in (401, 402, 403):
        raise denied(route, response.status, raw)
    if response.status in (429, 502, 503, 504):
        raise Transient(str(response.status))
    return None


def denied(route: Route, status: int, raw: bytes) -> TeacherError:
    """The error for an answer after which no request will succeed."""
    mend = DENIED.get(status, "name the address that answers in `urls`")
    return TeacherError(f"{route.name} answers {status} ({route.hide(reason_of(raw))}): {mend}")
