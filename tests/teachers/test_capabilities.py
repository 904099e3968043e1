"""What is refused before anything is spent, and the words of the refusal."""

import asyncio

import pytest

from tests.fakes.tgi import change, stats, tgi
from tests.teachers.asking import MODEL, SHA, ask, endpoint
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
        "mend `urls` or `teacher`"
    )


def test_another_commit_is_refused_and_a_branch_is_resolved():
    with tgi() as url:
        message = refusal(endpoint(url, teacher={"teacher_revision": "f" * 40}))
        assert f"at commit {SHA}, not {'f' * 40}: mend `teacher_revision`" in message
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
    assert message == (f"{url} does not answer (connection: ClientConnectorError): start the teacher or mend `urls`")


def test_a_server_that_wakes_up_is_waited_for():
    with tgi(status=503) as url:

        async def run():
            opened = endpoint(url, patience=30)
            asyncio.get_running_loop().call_later(0.3, change_soon)
            async with opened:
                return await opened.complete("one", 1)

        def change_soon():
            asyncio.get_running_loop().run_in_executor(None, lambda: change(url, status=0))

        assert asyncio.run(run()).finish_reason == "stop"


def test_no_address_at_all_is_refused():
    assert refusal(endpoint()).startswith("urls: name where the teacher answers")


def test_more_connections_than_open_files_are_refused():
    with tgi() as url:
        assert refusal(endpoint(url, concurrency=10**8)).startswith("concurrency: ")
