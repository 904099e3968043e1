"""The real client against a real server that follows TGI's rules, and breaks them on demand."""

import asyncio
import contextlib
import pickle
import statistics
import time

import pytest
from aiohttp import web

from tests.fakes.answers import made_up
from tests.fakes.tgi import change, in_thread, stats, tgi
from tests.teachers.asking import MODEL, SHA, ask, ask_until_answered, endpoint
from toolkit.prompt import user_turn
from toolkit.teachers.completion import TeacherError, Transient

PAIRS = [(f"What is {number} + {number}?", 10**18 + number) for number in range(300)]
REQUESTS = [(user_turn(question), seed) for question, seed in PAIRS]


@pytest.mark.parametrize("dialect", ["tgi", "vllm", "sglang"])
@pytest.mark.parametrize("api", ["chat", "generate"])
def test_every_server_and_form_answers_each_question_from_its_seed(dialect, api):
    with tgi(dialect=dialect) as url:
        answers = ask(endpoint(url, teacher={"api": api}), *PAIRS[:20])
        counts = stats(url, pairs=True)
    assert [answer.text for answer in answers] == [made_up(*pair) for pair in PAIRS[:20]]
    assert {tuple(pair) for pair in counts["asked"]} == {(*pair, 1) for pair in PAIRS[:20]}
    revision = SHA if dialect == "tgi" else "unstated"
    assert answers[0][1:6] == ("stop", 5, len(answers[0].text.split()) + 1, f"{MODEL}@{revision}", "")


@pytest.mark.parametrize("api", ["chat", "generate"])
def test_settings_reach_the_server(api):
    with tgi() as url:
        sampling = {"max_tokens": 3, "stop": ("zzz",), "top_p": 1.0}
        answer = ask(endpoint(url, teacher={"api": api}, sampling=sampling), ("Q: one two\nA:", 5))[0]
        assert (answer.finish_reason, answer.completion_tokens) == ("length", 3)
        assert stats(url, pairs=True)["asked"] == [["Q: one two\nA:", 5, 1]]
        stopped = ask(endpoint(url, teacher={"api": api}, sampling={"stop": (" The",)}), ("one two", 5))[0]
    assert (stopped.text, stopped.finish_reason) == ("Step 5: take 5.", "stop")


@pytest.mark.parametrize("api", ["chat", "generate"])
def test_greedy_answers_do_not_depend_on_the_seed(api):
    with tgi() as url:
        answers = ask(endpoint(url, teacher={"api": api}, greedy=True), ("one", 1), ("one", 2))
    assert answers[0] == answers[1]


def test_a_question_of_any_unicode_arrives_as_it_is():
    question = 'é 数 😀 \u202e \x00 "quoted" \\ {{ not a template }}'
    with tgi() as url:
        ask(endpoint(url), (question, 7))
        assert stats(url, pairs=True)["asked"] == [[question, 7, 1]]


def test_the_129th_request_is_refused_and_the_limit_finds_its_place():
    # /info says more than the server bears, like one that shares its permits with others.
    pairs = [(f"What is {number}?", number) for number in range(1, 1201)]
    with tgi(permits=32, says=1000, latency=0.02) as url:
        opened, limits = endpoint(url, concurrency=400), []
        answers = ask_until_answered(opened, pairs, lambda: limits.append(opened.limits[0]))
        counts = stats(url)
    assert [answer.text for answer in answers] == [made_up(*pair) for pair in pairs]
    assert (counts["most_running"], counts["answered_twice"]) == (32, 0)
    assert 368 <= counts["statuses"]["429"] < len(pairs)  # the first burst, and a few after it
    assert 16 < statistics.median(limits[len(limits) // 2 :]) < 64


def test_refusals_whatever_the_load_leave_the_limit_where_it_is():
    pairs = [(f"What is {number}?", number) for number in range(1, 1501)]
    with tgi(permits=1000, refuse_every=7, latency=0.02) as url:
        opened = endpoint(url, concurrency=64)
        limits = []
        answers = ask_until_answered(opened, pairs, lambda: limits.append(opened.limits[0]))
        counts = stats(url)
    assert len(answers) == counts["statuses"]["200"] == len(pairs)
    assert statistics.median(limits) > 56


def test_a_refusal_names_itself_and_what_the_server_asks_for():
    with tgi(refuse_every=1) as url:
        refused = ask(endpoint(url), PAIRS[0])[0]
        change(url, retry_after=3)
        later = ask(endpoint(url), PAIRS[0])[0]
    assert isinstance(refused, Transient)
    assert (refused.reason, refused.after, refused.refused) == ("429", None, True)
    assert (later.after, later.refused) == (3, True)


def test_a_server_that_asks_for_a_pause_gets_one():
    with tgi(refuse_every=1, retry_after=1.0) as url:
        opened = endpoint(url)

        async def run():
            async with opened:
                with pytest.raises(Transient):
                    await opened.complete(*REQUESTS[0])
                before = stats(url)["requests"]
                waiting = asyncio.create_task(opened.complete(*REQUESTS[1]))
                await asyncio.sleep(0.05)
                during = stats(url)["requests"]
                await asyncio.gather(waiting, return_exceptions=True)
                return before, during, stats(url)["requests"]

        assert asyncio.run(run()) == (1, 1, 2)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_input_tokens": 3}, "422: Input validation error: `inputs` must have less than 3 tokens. Given: 10"),
        ({"max_total_tokens": 70}, "422: Input validation error: `inputs` tokens + `max_new_tokens` must be <= 70."),
        ({"dialect": "vllm", "max_total_tokens": 70}, "400: `inputs` tokens + `max_new_tokens` must be <= 70."),
    ],
)
def test_what_the_server_finds_wrong_is_doubtful_and_has_its_reason(limits, reason):
    with tgi(**limits) as url:
        fault = ask(endpoint(url), ("word " * 10, 1))[0]
    assert fault.doubtful and fault.reason.startswith(reason)


@pytest.mark.parametrize(("status", "doubtful"), [(424, True), (413, True), (403, True), (500, False), (503, False)])
def test_refusals_and_faults_are_told_apart(status, doubtful):
    with tgi() as url:
        opened = endpoint(url)

        async def run():
            async with opened:
                change(url, status=status)
                return await asyncio.gather(opened.complete(*REQUESTS[0]), return_exceptions=True)

        outcome = asyncio.run(run())[0]
    assert (outcome.reason, outcome.doubtful) == (f"{status}: as told" if doubtful else str(status), doubtful)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_without_the_right_to_ask_the_run_ends_with_the_remedy(status):
    with tgi() as url:
        opened = endpoint(url)

        async def run():
            async with opened:
                change(url, status=status)
                for pair in REQUESTS[:8]:
                    with contextlib.suppress(Transient):
                        await opened.complete(*pair)

        with pytest.raises(TeacherError, match=f"answers {status} .*: (set HF_TOKEN|the token|nothing answers)"):
            asyncio.run(run())


def test_one_question_that_is_forbidden_ends_nothing():
    with tgi() as url:
        opened = endpoint(url)

        async def run():
            async with opened:
                change(url, status=403)
                return await asyncio.gather(
                    *(opened.complete(user_turn("one"), seed) for seed in range(20)), return_exceptions=True
                )

        assert {type(outcome) for outcome in asyncio.run(run())} == {Transient}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [({"cut": 1.0}, "connection: ClientPayloadError"), ({"hang": 1.0}, "timed out"), ({"fail": 1.0}, "500")],
)
def test_faults_of_the_connection_may_be_tried_again(fault, reason):
    with tgi(**fault) as url:
        outcome = ask(endpoint(url, timeout=1.0), PAIRS[0])[0]
    assert isinstance(outcome, Transient)
    assert (outcome.reason, outcome.refused) == (reason, False)


def test_a_request_that_hangs_gives_its_permit_back():
    with tgi(hang=1.0, permits=2) as url:
        opened = endpoint(url, timeout=1.0, concurrency=2)

        async def run():
            async with opened:
                await asyncio.gather(*(opened.complete(*pair) for pair in REQUESTS[:2]), return_exceptions=True)
                change(url, hang=0.0)
                return await asyncio.gather(*(opened.complete(*pair) for pair in REQUESTS[:2]))

        assert [answer.finish_reason for answer in asyncio.run(run())] == ["stop", "stop"]


def test_a_slow_body_is_waited_for():
    with tgi(slow=1.0, slow_seconds=0.3) as url:
        assert ask(endpoint(url), PAIRS[0])[0].text == made_up(*PAIRS[0])


@pytest.mark.parametrize("fault", ["garbage", "html"])
def test_a_malformed_body_is_sent_again_and_never_an_answer_ends_the_run(fault):
    beginning = "malformed body: " + {"garbage": '{"object":"chat', "html": "<html>"}[fault]
    with tgi(**{fault: 1.0}) as url:
        assert ask(endpoint(url), PAIRS[0])[0].reason.startswith(beginning)
        outcomes = ask(endpoint(url), *PAIRS[:8])
    assert any(isinstance(outcome, TeacherError) and beginning in str(outcome) for outcome in outcomes)


@pytest.mark.parametrize("faults", [{}, {"refuse_every": 7}, {"fail": 0.1}, {"cut": 0.1}, {"slow": 0.1}])
def test_whatever_happens_every_question_gets_its_own_answer_once(faults):
    with tgi(slow_seconds=0.02, **faults) as url:
        answers = ask_until_answered(endpoint(url, concurrency=32), PAIRS)
        counts = stats(url)
    assert [answer.text for answer in answers] == [made_up(*pair) for pair in PAIRS]
    assert (counts["pairs_answered"], counts["answered_twice"]) == (len(PAIRS), 0)


def test_a_body_larger_than_any_answer_is_cut_off():
    sent = []

    async def flood(request):
        if request.method == "GET":
            return web.json_response({}, status=404)
        response = web.StreamResponse()  # without a length
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for number in range(1000):
                await response.write(b" " * 1_000_000)
                sent.append(number)
        return response

    with in_thread(flood) as url:
        answer = ask(endpoint(url), PAIRS[0])[0]
    assert answer.reason.startswith("malformed body: ")
    assert len(sent) < 100


def test_a_redirect_is_not_followed():
    async def elsewhere(request):
        if request.method == "GET":
            return web.json_response({}, status=404)
        raise web.HTTPTemporaryRedirect("http://127.0.0.1:1/v1/chat/completions")

    with in_thread(elsewhere) as url:
        error = ask(endpoint(url), PAIRS[0])[0]
    assert isinstance(error, TeacherError)
    assert f"{url} answers 307" in str(error)
    assert str(error).endswith("name the address that answers in `urls`")


def test_several_urls_share_the_load_by_what_they_have_in_flight():
    with tgi(latency=0.001) as fast, tgi(latency=0.2) as slow:
        answers = ask_until_answered(endpoint(fast, slow, concurrency=4), PAIRS)
        quick, lame = stats(fast), stats(slow)
    assert len(answers) == quick["requests"] + lame["requests"]
    assert quick["requests"] > 2 * lame["requests"] > 0


def test_a_failing_endpoint_rests_and_is_tried_again():
    with tgi() as good, tgi() as bad:
        opened = endpoint(good, bad, concurrency=4)

        async def insist(question, seed):
            while True:
                try:
                    return await opened.complete(user_turn(question), seed)
                except Transient:
                    await asyncio.sleep(0)

        async def run():
            async with opened:
                change(bad, status=500)
                first = await asyncio.gather(*(insist(*pair) for pair in PAIRS))
                failing = stats(bad)["requests"]
                change(bad, status=0)
                start = time.monotonic()
                while stats(bad)["pairs_answered"] == 0 and time.monotonic() - start < 10:
                    await asyncio.gather(*(insist(*pair) for pair in PAIRS[:8]))
                return first, failing, stats(bad)

        first, failing, later = asyncio.run(run())
    assert [answer.text for answer in first] == [made_up(*pair) for pair in PAIRS]
    assert 8 <= failing < 20  # it rests after eight faults in a row; a few more were on their way, or trials
    assert later["pairs_answered"] > 0


def test_when_nothing_answers_any_more_the_run_ends_with_the_remedy():
    with tgi() as url:
        opened = endpoint(url, patience=1.0)

        async def run():
            async with opened:
                change(url, status=503)
                while True:
                    await asyncio.gather(*(opened.complete(*pair) for pair in REQUESTS[:20]), return_exceptions=True)
                    await opened.complete(*REQUESTS[0])

        async def until_it_ends():
            while True:
                try:
                    await run()
                except Transient:
                    continue

        with pytest.raises(
            TeacherError, match=r"no teacher has answered for 1 s: .* \(503: as told\). Start it again or correct"
        ):
            asyncio.run(until_it_ends())


def test_a_request_that_is_called_off_leaves_no_trace():
    with tgi(latency=0.2, permits=4) as url:
        opened = endpoint(url, concurrency=4)

        async def run():
            async with opened:
                tasks = [asyncio.create_task(opened.complete(*pair)) for pair in REQUESTS[:12]]
                await asyncio.sleep(0.1)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                return await asyncio.gather(*(opened.complete(*pair) for pair in REQUESTS[:4]))

        assert len(asyncio.run(run())) == 4


def test_a_client_that_was_not_entered_can_be_sent_to_another_process():
    with tgi() as url:
        sent = pickle.loads(pickle.dumps(endpoint(url, questions=["one"], greedy=True)))  # noqa: S301  # our own bytes
        assert ask(sent, PAIRS[0])[0] == ask(endpoint(url, greedy=True), PAIRS[0])[0]
