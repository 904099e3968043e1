"""Every request that can be made, against TGI's own OpenAPI document."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.openapi import checker
from toolkit.prompt import user_turn
from toolkit.recipe.sections import Sampling
from toolkit.teachers.completion import TeacherError
from toolkit.teachers.request import RequestForm, cut_at_stop, encode_prompt, make_form, wire_seed

SCHEMAS = {"/v1/chat/completions": "ChatRequest", "/generate": "GenerateRequest"}
SAMPLINGS = st.builds(
    Sampling,
    temperature=st.floats(0, 5, exclude_min=True),
    top_p=st.floats(0, 1, exclude_min=True),
    max_tokens=st.integers(1, 10**9),
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


def send(form: RequestForm, api: str, prompt: str, seed: int):
    return json.loads(form.body(encode_prompt(api, user_turn(prompt)), wire_seed(seed, "tgi", None)))


@given(SAMPLINGS, st.sampled_from(["chat", "generate"]), st.booleans(), st.text(), SEEDS)
def test_every_request_to_tgi_validates_against_its_own_document(checkers, sampling, api, greedy, prompt, seed):
    form = make_form("tgi", api, "tgi", sampling, greedy=greedy)
    body = send(form, api, prompt, seed)
    checkers[form.path].validate(body)
    assert body.get("inputs", None) == prompt or body["messages"] == [{"role": "user", "content": prompt}]


@given(SAMPLINGS, st.sampled_from(["chat", "generate"]), st.booleans(), SEEDS)
def test_a_request_to_tgi_holds_nothing_that_its_router_refuses_or_ignores(sampling, api, greedy, seed):
    body = send(make_form("tgi", api, "tgi", sampling, greedy=greedy), api, "one", seed)
    parameters = body.get("parameters", body)
    assert "n" not in parameters
    assert 0 < parameters.get("top_p", 0.5) < 1
    assert parameters.get("max_tokens", parameters.get("max_new_tokens")) == sampling.max_tokens
    assert parameters["seed"] == max(seed, 1)


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
    body = send(form, api, prompt, seed)
    assert form.path == {"chat": "/v1/chat/completions", "generate": "/v1/completions"}[api]
    assert body["model"] == "org/model"
    assert "n" not in body
    assert body.get("prompt") == prompt or body["messages"][0]["content"] == prompt


@given(SEEDS)
def test_seeds_lie_where_each_server_takes_them(seed):
    assert 0 < wire_seed(seed, "tgi", None) < 2**63
    assert wire_seed(seed, "openai", None) == seed
    assert 0 < wire_seed(seed, "openai", "together") < 2**31


def test_a_stop_text_is_no_part_of_the_answer():
    assert cut_at_stop("one END two STOP", ("STOP", "END")) == "one "
    assert cut_at_stop("one", ("STOP",)) == "one"


TURNS = [{"role": role, "content": text} for role, text in [("system", "Be brief."), ("user", "1 + 1?")]]


def test_chat_sends_every_message_and_nothing_else():
    form = make_form("openai", "chat", "org/model", Sampling())
    body = json.loads(form.body(encode_prompt("chat", [{**turn, "note": "ours"} for turn in TURNS]), 3))
    assert body["messages"] == TURNS


def test_a_request_has_these_bytes():
    form = make_form("tgi", "chat", "tgi", Sampling(stop=("END",)))
    body = (
        '{"model":"tgi","messages":[{"role":"user","content":"2 × 3?"}],"max_tokens":64,"stop":["END"],'
        '"temperature":0.8,"seed":7}'
    )
    assert form.body(encode_prompt("chat", user_turn("2 × 3?")), 7) == body.encode()


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_reaches_the_server_even_half_a_surrogate_pair(text):
    assert json.loads(encode_prompt("chat", user_turn(text))) == [{"role": "user", "content": text}]


@pytest.mark.parametrize("messages", [TURNS, [*user_turn("a"), *user_turn("b")], TURNS[:1], []])
def test_what_the_bare_form_cannot_say_is_refused(messages):
    with pytest.raises(TeacherError, match=r"api: generate sends one text without a chat template.*set `api: chat`"):
        encode_prompt("generate", messages)
