"""Where requests go and with which token, against a loopback Hub and a loopback provider."""

import contextlib
import json
from urllib.parse import quote, urlsplit

import pytest
from aiohttp import web
from huggingface_hub import constants
from huggingface_hub.inference._providers import _common

from tests.fakes.tgi import change, in_thread, stats, tgi
from tests.teachers.asking import MODEL, ask, endpoint
from toolkit.redaction import redacted
from toolkit.teachers.completion import TeacherError
from toolkit.teachers.routing import TOKEN_VARIABLE, plain_route, provider_route

TOKEN = "hf_secretsecretsecret"
MAPPING = {
    "together": {"providerId": "served/teacher-turbo", "status": "live", "task": "conversational"},
    "novita": {"providerId": "served/teacher", "status": "live", "task": "conversational"},
}


@contextlib.contextmanager
def hub():
    """Run a Hub that knows one model and who serves it."""

    async def model(request):
        if request.path != f"/api/models/{MODEL}":
            return web.json_response({"error": "Repository not found"}, status=404)
        return web.json_response({"id": MODEL, "inferenceProviderMapping": MAPPING})

    with in_thread(model) as url:
        yield url


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)


@pytest.fixture
def loopback_hub(monkeypatch, token):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    _common._fetch_inference_provider_mapping.cache_clear()
    with hub() as url:
        # What HF_ENDPOINT sets before the library is imported.
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", url)
        yield url
    _common._fetch_inference_provider_mapping.cache_clear()


def through_router(monkeypatch, url):
    """Put the Hub's router at a loopback address."""
    monkeypatch.setattr(constants, "INFERENCE_PROXY_TEMPLATE", url + "/{provider}")


def test_a_provider_is_asked_by_its_own_name_for_the_model(monkeypatch, loopback_hub):
    with tgi(dialect="vllm", model="served/teacher-turbo", prefix="/together", token=TOKEN) as url:
        through_router(monkeypatch, url)
        answer = ask(endpoint(provider="together", teacher={"teacher_revision": "main"}), ("one", 2**62))[0]
        requests = stats(url, pairs=True)["asked"]
    assert (answer.finish_reason, answer.model) == ("stop", f"{MODEL}@main")
    assert [(prompt, 0 < seed < 2**31) for prompt, seed, _ in requests] == [("one", True)]


def test_a_provider_keeps_its_own_path(monkeypatch, loopback_hub):
    through_router(monkeypatch, "http://router.test")
    assert urlsplit(str(provider_route("novita", MODEL).ask("/v1/chat/completions"))).path == (
        "/novita/v3/openai/chat/completions"
    )


@pytest.mark.parametrize(
    ("provider", "model", "reason"),
    [
        ("groq", MODEL, "is not supported by provider groq"),
        ("nobody", MODEL, "Provider 'nobody' not supported"),
        ("together", "org/unknown", "404"),
    ],
)
def test_a_provider_that_cannot_serve_the_model_is_refused(loopback_hub, provider, model, reason):
    with pytest.raises(TeacherError, match="provider: ") as refused:
        ask(endpoint(provider=provider, teacher={"teacher": model}), ("one", 1))
    assert reason in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_a_provider_needs_a_token(monkeypatch, loopback_hub, tmp_path):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(TeacherError, match="needs a token of the Hub: set HF_TOKEN or run `hf auth login`"):
        ask(endpoint(provider="together"), ("one", 1))


def test_a_provider_cannot_be_found_offline(monkeypatch, loopback_hub):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(TeacherError, match="unset HF_HUB_OFFLINE"):
        ask(endpoint(provider="together"), ("one", 1))


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://abc.us-east-1.aws.endpoints.huggingface.cloud", True),
        ("https://router.huggingface.co/v1", True),
        ("http://abc.endpoints.huggingface.cloud", False),
        ("https://huggingface.co.evil.example", False),
        ("https://nothuggingface.co", False),
        ("http://127.0.0.1:8080", False),
    ],
)
def test_the_hubs_token_goes_to_the_hubs_hosts_only(token, url, sent):
    route = plain_route(url)
    assert (TOKEN in str(route.headers)) is sent
    assert TOKEN not in f"{route} {route!r}"


def test_an_endpoint_with_a_token_of_its_own(monkeypatch, token):
    monkeypatch.setenv(TOKEN_VARIABLE, "own-key")
    with tgi(token="own-key") as url:
        assert ask(endpoint(url), ("one", 1))[0].finish_reason == "stop"
        change(url, token="other")
        with pytest.raises(TeacherError, match=f"answers 401 .*set HF_TOKEN .* or {TOKEN_VARIABLE}") as refused:
            ask(endpoint(url), ("one", 1))
    assert "own-key" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/chat/completions"])
def test_every_way_to_write_an_address_means_the_same(url):
    assert str(plain_route(url).ask("/v1/chat/completions")) == "http://h:1/v1/chat/completions"
    assert str(plain_route(url).ask("/info")) == "http://h:1/info"


def test_the_token_is_in_no_answer_that_is_kept_or_shown(monkeypatch, token):
    """Hide it even where a server repeats it in an error."""
    monkeypatch.setenv(TOKEN_VARIABLE, "own-key")
    texts = []
    for status in (422, 403, 500, 200):
        with echo(status) as url:
            try:
                texts += map(repr, ask(endpoint(url, teacher={"api": "generate"}), ("one", 1)))
            except TeacherError as error:
                texts.append(repr(error))
    assert ["422" in texts[0], "403" in texts[1], "500" in texts[2], "500" in texts[3]] == [True] * 4
    assert not [text for text in texts if "own-key" in text]
    assert "***" in texts[0]


@contextlib.contextmanager
def echo(status):
    """Run a server that answers requests for text with the header that brought the token."""

    async def answer(request):
        if request.method == "GET":
            return web.json_response({}, status=404)
        return web.Response(status=status, text=json.dumps({"error": request.headers["Authorization"]}))

    with in_thread(answer) as url:
        yield url


SECRET = "tok-en/with+signs"


def with_secret(url, place):
    """Put the secret into the query of an address, or into its password."""
    quoted = quote(SECRET, safe="")
    return f"{url}?token={quoted}" if place == "query" else url.replace("://", f"://user:{quoted}@")


@contextlib.contextmanager
def indiscreet():
    """Run a server that refuses every question and repeats the secret; give its URL and the requests that came."""
    requests = []

    async def handle(request):
        requests.append((request.path, dict(request.query), request.headers.get("Authorization")))
        if request.method == "GET":
            return web.json_response({}, status=404)
        return web.json_response({"error": f"no {request.raw_path} {request.url} {SECRET}"}, status=400)

    with in_thread(handle) as url:
        yield url, requests


@pytest.mark.parametrize("place", ["query", "password"])
def test_credentials_in_an_address_reach_the_server_without_the_token(place, token):
    with indiscreet() as (url, requests):
        ask(endpoint(with_secret(url, place)), ("one", 1))
    path, query, authorization = requests[-1]
    assert path == "/v1/chat/completions"
    assert query == ({"token": SECRET} if place == "query" else {}) and TOKEN not in repr(requests)
    assert (authorization or "").startswith("Basic ") == (place == "password")


@pytest.mark.parametrize("place", ["query", "password"])
def test_credentials_in_an_address_are_hidden_in_what_the_server_says(place, token):
    with indiscreet() as (url, _):
        fault = ask(endpoint(with_secret(url, place)), ("one", 1))[0]
    assert SECRET not in repr(fault) and quote(SECRET, safe="") not in repr(fault) and "***" in repr(fault)


@pytest.mark.parametrize("place", ["query", "password"])
def test_credentials_in_an_address_are_hidden_in_the_error_of_a_server_that_is_gone(place, token):
    with indiscreet() as (url, _):
        pass
    with pytest.raises(TeacherError) as refused:
        ask(endpoint(with_secret(url, place), patience=0.1), ("one", 1))
    assert SECRET not in str(refused.value) and quote(SECRET, safe="") not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@h:1/x?token=abc#f and more", "http://***@h:1/x?*** and more"),
        ("'https://h?key=1'", "'https://h?***'"),
        ("is a?b@c fine", "is a?b@c fine"),
        ("HTTPS://U@h", "HTTPS://***@h"),
    ],
)
def test_a_message_shows_no_credentials_of_any_address(text, shown):
    assert redacted(text) == shown


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://h:99999999", "http://u:tok@[?key=tok"])
def test_what_is_no_address_is_refused_without_its_credentials(url):
    with pytest.raises(TeacherError, match="is not an address") as refused:
        plain_route(url)
    assert "tok" not in str(refused.value)
