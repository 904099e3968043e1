"""Every request that can be made, against TGI's own OpenAPI document; every answer, whatever its shape."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.openapi import checker
from toolkit.settings import Sampling
from toolkit.teachers.request import Form, cut_at_stop, make_form, read_answer, reason_of, seconds_asked, wire_seed

SCHEMAS = {"/v1/chat/completions": "ChatRequest", "/generate": "GenerateRequest"}
SAMPLINGS = st.builds(
    Sampling,
    temperature=st.floats(0, 5, exclude_min=True),
    top_p=st.floats(0, 1, exclude_min=True),
    max_tokens=st.integers(1, 2**31 - 1),
    stop=st.lists(st.text(min_size=1), max_size=4).map(tuple),
)
SEEDS = st.integers(0, 2**63 - 1)


@pytest.fixture(scope="module")
def document(shared_data):
    path = shared_data / "tgi-openapi.json"
    if not path.is_file():
        pytest.skip(f"TGI's OpenAPI document not found at {path}")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def checkers(document):
    closed = ("ChatRequest", "GenerateRequest", "GenerateParameters")
    return {path: checker(document, name, closed) for path, name in SCHEMAS.items()}


def send(form: Form, prompt: str, seed: int):
    return json.loads(form.body(json.dumps(prompt).encode(), wire_seed(seed, "tgi", None)))


@given(SAMPLINGS, st.sampled_from(["chat", "generate"]), st.booleans(), st.text(), SEEDS)
def test_every_request_to_tgi_validates_against_its_own_document(checkers, sampling, api, greedy, prompt, seed):
    form = make_form("tgi", api, "tgi", sampling, greedy=greedy)
    body = send(form, prompt, seed)
    checkers[form.path].validate(body)
    asked = body.get("parameters", body)
    # What the document leaves open and the router refuses, or takes and does not do.
    assert "n" not in asked
    assert 0 < asked.get("top_p", 0.5) < 1
    assert asked.get("max_tokens", asked.get("max_new_tokens")) == sampling.max_tokens
    assert asked["seed"] == max(seed, 1)
    assert body.get("inputs", None) == prompt or body["messages"] == [{"role": "user", "content": prompt}]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": "hi"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": 1}]}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}], "max_tokens": "many"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}], "seed": -1}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}], "max_new_tokens": 5}),
        ("/generate", {"inputs": "hi", "parameters": {"temperature": 0}}),
        ("/generate", {"inputs": "hi", "parameters": {"seed": 0}}),
        ("/generate", {"inputs": "hi", "parameters": {"stop": ["a"] * 5}}),
        ("/generate", {"inputs": "hi", "parameters": {"top_p": 1.5}}),
        ("/generate", {"prompt": "hi"}),
    ],
)
def test_the_check_itself_rejects_bad_requests(checkers, path, body):
    assert not checkers[path].is_valid(body)


@given(SAMPLINGS, st.sampled_from(["chat", "generate"]), st.text(), SEEDS)
def test_other_servers_are_asked_by_name(sampling, api, prompt, seed):
    form = make_form("openai", api, "org/model", sampling)
    body = send(form, prompt, seed)
    assert form.path == {"chat": "/v1/chat/completions", "generate": "/v1/completions"}[api]
    assert body["model"] == "org/model"
    assert "n" not in body
    assert body.get("prompt") == prompt or body["messages"][0]["content"] == prompt


@given(SEEDS)
def test_seeds_lie_where_each_server_takes_them(seed):
    assert 0 < wire_seed(seed, "tgi", None) < 2**63
    assert wire_seed(seed, "openai", None) == seed
    assert 0 < wire_seed(seed, "openai", "together") < 2**31


CHAT = make_form("tgi", "chat", "tgi", Sampling())
GENERATE = make_form("tgi", "generate", "tgi", Sampling())
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def chat_answer(content="four", reason="stop", usage=USAGE, choices=1):
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": reason}
    return json.dumps({"choices": [choice] * choices} | ({"usage": usage} if usage else {})).encode()


@pytest.mark.parametrize(
    ("reason", "kept"), [("stop", "stop"), ("eos_token", "stop"), ("stop_sequence", "stop"), ("length", "length")]
)
def test_finish_reasons_of_every_server(reason, kept):
    answer = read_answer(CHAT, chat_answer(reason=reason), {}, (), "m@1")
    assert answer == ("four", kept, 3, 4, "m@1", "")
    body = json.dumps({"generated_text": "four", "details": {"finish_reason": reason, "generated_tokens": 4}}).encode()
    assert read_answer(GENERATE, body, {"x-prompt-tokens": "3"}, (), "m@1") == answer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        chat_answer()[:-9],
        chat_answer(content=None),
        chat_answer(usage=None),
        chat_answer(usage={"prompt_tokens": "3", "completion_tokens": 4}),
        chat_answer(choices=0),
        chat_answer(choices=2),
        chat_answer(reason=None),
    ],
)
def test_a_malformed_body_is_recorded_and_not_guessed_at(body):
    answer = read_answer(CHAT, body, {}, (), "m@1")
    assert (answer.text, answer.finish_reason) == ("", "error")
    assert answer.error.startswith("malformed body: ")
    assert len(answer.error) <= len("malformed body: ") + 200


def test_an_answer_of_generate_without_its_prompt_length_is_malformed():
    body = json.dumps({"generated_text": "a", "details": {"finish_reason": "length", "generated_tokens": 4}}).encode()
    assert read_answer(GENERATE, body, {}, (), "m@1").error.startswith("malformed body: ")


def test_an_end_for_another_reason_is_an_error():
    answer = read_answer(CHAT, chat_answer(reason="content_filter"), {}, (), "m@1")
    assert (answer.finish_reason, answer.error) == ("error", "finish reason: content_filter")


@given(st.binary())
def test_no_bytes_make_it_fail(raw):
    for form in (CHAT, GENERATE):
        assert read_answer(form, raw, {"x-prompt-tokens": "1"}, (), "m@1").finish_reason == "error"


def test_a_stop_text_is_no_part_of_the_answer():
    assert cut_at_stop("one END two STOP", ("STOP", "END")) == "one "
    assert cut_at_stop("one", ("STOP",)) == "one"
    assert read_answer(CHAT, chat_answer("4\nQ:"), {}, ("\nQ:",), "m@1").text == "4"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error":"Input validation error: x","error_type":"validation"}', "Input validation error: x"),
        (b'{"error":{"message":"too long","code":400}}', "too long"),
        (b'{"detail":"Not found"}', "Not found"),
        (b"Failed to deserialize", "Failed to deserialize"),
        (b"x" * 1000, "x" * 200),
        (b"{}", "{}"),
    ],
)
def test_reasons_of_every_server(body, reason):
    assert reason_of(body) == reason


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3), ("0.5", 0.5), ("-1", 0), ("nan", None), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_how_long_a_server_asks_to_wait(value, seconds):
    assert seconds_asked({"Retry-After": value}) == seconds
    assert seconds_asked({}) is None
