"""What is refused before anything is spent, and the words of the refusal."""

import asyncio

import pytest
from aiohttp import web

from tests.fakes.tgi import change, in_thread, stats, tgi
from tests.teachers.asking import MODEL, SHA, ask, endpoint
from toolkit.prompt import user_turn
from toolkit.teachers.completion import TeacherError

LONG = "word " * 100


def refusal(opened):
    with pytest.raises(TeacherError) as refused:
        ask(opened, ("one", 1))
    return str(refused.value)


@pytest.mark.parametrize("dialect", ["tgi", "vllm", "sglang"])
def test_another_model_is_refused(dialect):
    with tgi(dialect=dialect, model="org/other") as url:
        message = refusal(endpoint(url))
        assert stats(url)["requests"] == 0
    assert message == f"{url} serves {'org/other' if dialect != 'tgi' else repr('org/other')}, not {MODEL!r}: " + (
        "correct `urls` or `teacher`"
    )


def test_another_commit_is_refused_and_a_branch_is_resolved():
    with tgi() as url:
        message = refusal(endpoint(url, teacher={"teacher_revision": "f" * 40}))
        assert f"at commit {SHA}, not {'f' * 40}: correct `teacher_revision`" in message
        for revision in ("main", SHA, None):
            answer = ask(endpoint(url, teacher={"teacher_revision": revision}), ("one", 1))[0]
            assert answer.model == f"{MODEL}@{SHA}"


def test_a_revision_is_kept_as_stated_where_the_server_does_not_tell():
    with tgi(dialect="vllm") as url:
        answer = ask(endpoint(url, teacher={"teacher_revision": "main"}), ("one", 1))[0]
    assert answer.model == f"{MODEL}@main"


def test_a_server_is_asked_once_what_it_can_do_and_its_limit_stays_known():
    with tgi(says=64) as url:
        opened = endpoint(url, concurrency=100)
        for seed in (1, 2):
            assert ask(opened, ("one", seed))[0].finish_reason == "stop"
            assert opened.limits == [64 + seed]  # one more with each answer
        assert stats(url)["read"]["/info"] == 1


def test_an_inference_endpoint_calls_its_model_by_its_place():
    with tgi(model="/repository", sha="") as url:
        answer = ask(endpoint(url, teacher={"teacher_revision": "main"}), ("one", 1))[0]
    assert answer.model == f"{MODEL}@main"


def test_too_many_stop_texts_are_refused():
    with tgi(max_stop=2) as url:
        assert refusal(endpoint(url, sampling={"stop": ("a", "b", "c")})).startswith("stop: ")


@pytest.mark.parametrize("dialect", ["tgi", "vllm"])
def test_responses_longer_than_the_context_are_refused(dialect):
    with tgi(dialect=dialect, max_total_tokens=64) as url:
        assert refusal(endpoint(url, sampling={"max_tokens": 64})).startswith("max_tokens: 64 leaves no room")


@pytest.mark.parametrize("dialect", ["tgi", "vllm"])
@pytest.mark.parametrize("api", ["chat", "generate"])
def test_the_longest_prompt_is_measured_beforehand(dialect, api):
    with tgi(dialect=dialect, max_total_tokens=150) as url:
        opened = endpoint(url, teacher={"api": api}, sampling={"max_tokens": 64}, questions=["one", LONG, "two"])
        message = refusal(opened)
        assert stats(url)["requests"] == 0
        assert "a prompt of 100 tokens and a response of 64 are longer than the context" in message
        fits = endpoint(url, teacher={"api": api}, sampling={"max_tokens": 50}, questions=["one", LONG, "two"])
        assert ask(fits, ("one", 1))[0].finish_reason == "stop"


def test_urls_that_serve_different_commits_are_refused():
    with tgi() as one, tgi(sha="e" * 40) as other:
        assert refusal(endpoint(one, other)).startswith("urls: they serve different models: ")


def test_a_server_that_is_not_there_is_named():
    with tgi() as url:
        pass
    message = refusal(endpoint(url, patience=0.6))
    assert message == (f"{url} does not answer (connection: ClientConnectorError): start the teacher or correct `urls`")


def test_a_server_that_wakes_up_is_waited_for():
    with tgi(status=503) as url:

        async def run():
            opened = endpoint(url, patience=30)
            asyncio.get_running_loop().call_later(0.3, change_soon)
            async with opened:
                return await opened.complete(user_turn("one"), 1)

        def change_soon():
            asyncio.get_running_loop().run_in_executor(None, lambda: change(url, status=0))

        assert asyncio.run(run()).finish_reason == "stop"


def test_no_address_at_all_is_refused():
    assert refusal(endpoint()).startswith("urls: name where the teacher answers")


def test_more_connections_than_open_files_are_refused():
    with tgi() as url:
        assert refusal(endpoint(url, concurrency=10**8)).startswith("concurrency: ")


GOOD = {"choices": [{"message": {"content": "four"}, "finish_reason": "stop"}]}
GOOD |= {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}


def serving(models=None, info=None, reports=None, raw=None):
    """Run a server that lists and answers as set; `raw` is the list of models as bytes."""

    async def handle(request):
        if request.method == "GET":
            if request.path == "/v1/models" and raw is not None:
                return web.Response(body=raw, content_type="application/json")
            page = {"/v1/models": models, "/info": info}.get(request.path)
            return web.json_response(page, status=404 if page is None else 200)
        return web.json_response(GOOD | ({"model": reports} if reports else {}))

    return in_thread(handle)


@pytest.mark.parametrize(
    "models",
    [
        {"data": None},
        {},
        [],
        [None],
        "models",
        7,
        {"data": [None, {"id": None}, {"id": 3}, []]},
        [{"id": MODEL}],
        {"data": {"id": MODEL}},
        {"data": [{"id": MODEL, "max_model_len": "4096"}]},
        {"data": [{"id": MODEL, "max_model_len": None, "root": []}]},
        {"data": [{"id": MODEL, "max_model_len": -1.5}]},
        {"data": [{"id": "teacher"}]},
        {"data": [{"id": f"{MODEL}:latest"}]},
        {"data": [{"id": "other", "root": MODEL}, {"id": "more"}]},
    ],
)
@pytest.mark.parametrize("info", [None, 1, [], {"max_total_tokens": "4096"}, {"max_total_tokens": None, "model_id": 3}])
def test_lists_of_any_shape_are_read_as_far_as_they_go(models, info):
    with serving(models, info) as url:
        opened = endpoint(url, teacher={"api": "chat"})
        assert ask(opened, ("one", 1))[0].text == "four"


@pytest.mark.parametrize("raw", [b"[" * 100_000, b"\xff\xfe", b"", b"<html>", b" " * (17 * 2**20)])
def test_a_list_that_is_none_is_passed_over(raw):
    with serving(raw=raw) as url:
        assert ask(endpoint(url), ("one", 1))[0].text == "four"


@pytest.mark.parametrize("context", [64, "64"])
@pytest.mark.parametrize("key", ["max_model_len", "context_length", "context_window"])
def test_the_context_is_known_by_every_name(key, context):
    with serving({"data": [{"id": MODEL, key: context}]}) as url:
        assert refusal(endpoint(url, sampling={"max_tokens": 64})).startswith("max_tokens: 64 leaves no room")


@pytest.mark.parametrize(
    "names", [["org/other"], ["llama3:8b", "qwen"], ["other/teacher"], [f"org/other{number}" for number in range(400)]]
)
def test_another_model_in_a_list_of_any_server_is_refused(names):
    listed = {"data": [{"id": name, "object": "model", "owned_by": "library"} for name in names]}
    with serving(listed, reports=names[0]) as url:
        message = refusal(endpoint(url))
    assert message.startswith(f"{url} serves {names[0]}") and f"not {MODEL!r}: correct `urls` or `teacher`" in message
    assert len(message) < 300


@pytest.mark.parametrize("reports", ["org/other", "other/teacher", f"{MODEL}-instruct", "\x1b[31mother", "gpt-4o"])
@pytest.mark.parametrize("listed", [None, {"data": [{"id": MODEL}]}, {"data": [{"id": "x/y", "owned_by": "x"}]}])
def test_an_answer_of_another_model_ends_the_run(listed, reports):
    with serving(listed, reports=reports) as url:
        error = ask(endpoint(url), ("one", 1))[0]
    assert isinstance(error, TeacherError)
    assert f"not {MODEL!r}: correct `urls` or `teacher`" in str(error) and "\x1b" not in str(error)


@pytest.mark.parametrize(
    "reports", [MODEL, "ORG/Teacher", f"{MODEL}@main", f"{MODEL}:free", f"{MODEL}-2026-01-01", "teacher"]
)
def test_a_model_that_answers_under_a_dated_or_tagged_name_is_the_same(reports):
    with serving({"data": [{"id": MODEL}]}, reports=reports) as url:
        assert ask(endpoint(url), ("one", 1))[0].text == "four"
