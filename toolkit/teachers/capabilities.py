"""Reads once what a server can do, and refuses, before anything is spent, a recipe that it cannot serve."""

import functools
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from toolkit.prompt import contents
from toolkit.recipe.sections import Sampling, Teacher
from toolkit.teachers.answer import whole
from toolkit.teachers.completion import TeacherError, Transient
from toolkit.teachers.failure import reason_of, shown
from toolkit.teachers.request import RequestForm
from toolkit.teachers.routing import TOKEN_VARIABLE, Route

MOUNTED = "/repository"  # where an Inference Endpoint has its model, whatever it is called
CONTEXTS = (
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
)  # of vLLM, SGLang, OpenRouter, ...
CACHED = {"id", "object", "created", "owned_by"}  # all that `transformers serve` says about a model
NAMED = 5  # models of a long list that an error names
LARGEST_PAGE = 16 * 2**20  # bytes of a list of models, or of the tokens of a prompt
SAME = re.compile(r"([@:].*|-\d{4}[\d-]*)?", re.DOTALL)  # what may follow a model's name
COMMIT = re.compile(r"[0-9a-f]{40}")
DENIED = {
    401: f"set HF_TOKEN (for the Hub's hosts) or {TOKEN_VARIABLE} (for other servers)",
    402: "the account's credits are spent",
    403: f"the token has no right to it; set HF_TOKEN or {TOKEN_VARIABLE} to one that has",
    404: "nothing answers there: check `urls`, `api` and `teacher`",
    405: "it does not take such a request: check `urls` and `api`",
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
    """Read what the server at `route` can do; TGI has /info, the others list their models.

    Raises:
        TeacherError: when it serves another model or revision than the recipe's, or may not be asked.
        Transient: when it does not answer now.
    """
    stated = f"{teacher.teacher}@{teacher.teacher_revision or 'unstated'}"
    if route.model:
        return Capabilities("openai", route.model, stated)
    info = await _get(session, route, "/info")
    if isinstance(info, dict) and "max_total_tokens" in info:
        return _of_tgi(info, route, teacher)
    listed = _listed(await _get(session, route, "/v1/models"))
    named = [entry for entry in listed if _is_named(teacher.teacher, entry)]
    if not named and len(listed) == 1:
        # SGLang, served under another name, still gives the path that it was started with.
        running = await _get(session, route, "/get_model_info")
        path = running.get("model_path") if isinstance(running, dict) else None
        named = listed if path == teacher.teacher else []
    if not named and listed and not all(map(_is_cached, listed)):
        raise TeacherError(
            f"{route.name} serves {_names(listed)}, not {teacher.teacher!r}: correct `urls` or `teacher`"
        )
    entry: dict[str, Any] = named[0] if named else {"id": teacher.teacher}
    contexts = (whole(entry.get(key)) for key in CONTEXTS)
    return Capabilities("openai", str(entry["id"]), stated, next(filter(None, contexts), None))


def _listed(page: Any) -> list[dict[str, Any]]:
    """Give the models that a list of any shape names."""
    entries = page.get("data") if isinstance(page, dict) else page
    known = entries if isinstance(entries, list) else []
    return [entry for entry in known if isinstance(entry, dict) and isinstance(entry.get("id"), str) and entry["id"]]


def _is_named(name: str, entry: dict[str, Any]) -> bool:
    """Say whether a listed model is `name`: by its id, by what it was loaded from, or by the name without its owner."""
    known = entry["id"]
    bare = name.rpartition("/")[2].casefold()
    return name in (known, entry.get("root")) or known in (f"{name}:latest", f"{name}@main") or known.casefold() == bare


def _is_cached(entry: dict[str, Any]) -> bool:
    """Say whether an entry may be of `transformers serve`, which lists its cache and loads what it is asked for."""
    return entry.keys() <= CACHED and entry.get("owned_by") == entry["id"].rpartition("/")[0]


def _names(listed: Sequence[dict[str, Any]]) -> str:
    names = [shown(entry["id"]) for entry in listed]
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def is_asked(able: Capabilities, teacher: Teacher) -> Callable[[str], bool]:
    """Make a function that says whether a name in an answer is that of the model asked for.

    The name may have a date, a tag or a revision behind it.
    """
    known = {name.casefold() for name in (able.served, teacher.teacher, MOUNTED, Path(teacher.teacher).name) if name}
    known |= {able.model.rpartition("@")[0].casefold()}

    @functools.lru_cache(64)
    def is_known(name: str) -> bool:
        text = name.casefold()
        return any(text.startswith(one) and SAME.fullmatch(text.removeprefix(one)) for one in known)

    return is_known


def _of_tgi(info: dict[str, Any], route: Route, teacher: Teacher) -> Capabilities:
    name, sha, revision = info.get("model_id"), info.get("model_sha"), teacher.teacher_revision
    served = name if isinstance(name, str) and name not in ("", MOUNTED) else teacher.teacher
    if served != teacher.teacher:
        raise TeacherError(
            f"{route.name} serves {shown(served)!r}, not {teacher.teacher!r}: correct `urls` or `teacher`"
        )
    sha = sha if isinstance(sha, str) and sha else None
    if sha and revision and COMMIT.fullmatch(revision) and sha != revision:
        raise TeacherError(
            f"{route.name} serves {served} at commit {shown(sha)}, not {revision}: "
            "correct `teacher_revision` or start the server with it"
        )
    return Capabilities(
        "tgi",
        "tgi",  # any other name would be looked up as an adapter, and silently not found
        f"{served}@{shown(sha or revision or 'unstated')}",
        whole(info.get("max_total_tokens")),
        whole(info.get("max_stop_sequences")),
        whole(info.get("max_concurrent_requests")),
    )


def refuse_settings(able: Capabilities, sampling: Sampling, route: Route) -> None:
    """Refuse a recipe that the server would refuse request by request.

    Raises:
        TeacherError: for a setting beyond the server's limits; it names the recipe key.
    """
    if able.stop is not None and len(sampling.stop) > able.stop:
        raise TeacherError(f"stop: {route.name} takes {able.stop} stop texts at most, not {len(sampling.stop)}")
    if able.context is not None and sampling.max_tokens >= able.context:
        raise TeacherError(
            f"max_tokens: {sampling.max_tokens} leaves no room for a prompt at {route.name}, whose context is "
            f"{able.context} tokens: lower it, or start the server with a longer context"
        )


async def refuse_long_prompt(
    session: aiohttp.ClientSession,
    route: Route,
    able: Capabilities,
    form: RequestForm,
    prompt: bytes,
    sampling: Sampling,
) -> None:
    """Refuse an encoded prompt that with its response exceeds the context, where the server can count its tokens.

    Raises:
        TeacherError: for such a prompt; it names the prompt and the recipe key.
        Transient: when the server does not answer now.
    """
    length = await _count_tokens(session, route, able, form, prompt)
    if length is not None and able.context is not None and length + sampling.max_tokens > able.context:
        raise TeacherError(
            f"max_tokens: a prompt of {length} tokens and a response of {sampling.max_tokens} are longer than the "
            f"context of {route.name}, {able.context} tokens: lower it, or start the server with a longer context. "
            f"The prompt: {_shown(prompt)[:200]!r}"
        )


def _shown(prompt: bytes) -> str:
    read = json.loads(prompt)
    return read if isinstance(read, str) else contents(read)


async def _count_tokens(
    session: aiohttp.ClientSession, route: Route, able: Capabilities, form: RequestForm, prompt: bytes
) -> int | None:
    """Count the tokens of a prompt as the server reads it; None where it has no route for that."""
    if able.context is None:
        return None
    body = json.loads(form.body(prompt, 1))
    chat = "messages" in body
    if able.dialect == "tgi":
        answer = await _get(session, route, "/chat_tokenize" if chat else "/tokenize", body)
        tokens = answer.get("tokenize_response") if isinstance(answer, dict) else answer
        return len(tokens) if isinstance(tokens, list) and tokens else None
    parts = {key: body[key] for key in ("model", "messages", "prompt") if key in body}
    answer = await _get(session, route, "/tokenize", parts)
    return whole(answer.get("count")) if isinstance(answer, dict) else None


async def _get(session: aiohttp.ClientSession, route: Route, path: str, body: Any = None) -> Any:
    """Ask for the JSON at a path (by POST where there is a body); None where the server has no such path."""
    method = "GET" if body is None else "POST"
    try:
        async with session.request(
            method, route.ask(path), json=body, headers=route.headers, allow_redirects=False
        ) as response:
            raw = await read_body(response, LARGEST_PAGE)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Transient(f"connection: {type(error).__name__}") from error
    if response.status == 200:
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            return None
    if response.status in (401, 402, 403):
        raise denied(route, response.status, reason_of(raw))
    if response.status in (429, 502, 503, 504):
        raise Transient(str(response.status))
    return None


async def read_body(response: aiohttp.ClientResponse, largest: int) -> bytes:
    """Read the body, or its first `largest` bytes where it is larger; the connection is closed then."""
    if 0 <= (response.content_length or -1) <= largest:
        return await response.read()  # all at once, where the server says beforehand that it is small enough
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > largest:
            response.close()
            break
    return b"".join(parts)[:largest]


def denied(route: Route, status: int, reason: str) -> TeacherError:
    """Make the error for an answer after which no request will succeed."""
    remedy = DENIED.get(status, "name the address that answers in `urls`")
    return TeacherError(f"{route.name} answers {status} ({route.hide(reason)}): {remedy}")
