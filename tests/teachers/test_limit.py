"""The limit against simulated servers: a clock, an event queue, no sockets."""

import heapq
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.teachers.limit import Limit


def simulate(ceiling, permits, *, share=0.0, every=0, hang=0.0, turnovers=60, start=None, later=None, refusal=0.001):
    """Ask without pause; an answer takes about a second, a request that hangs is cut after 50.

    Gives (time, limit, answers, refusals), second by second.
    """
    chance, limit, number = random.Random(0), Limit(start or ceiling, ceiling), itertools.count()
    events: list[tuple[float, int, bool, int]] = []
    running = answers = refusals = requests = 0
    now, history = 0.0, []
    while now < turnovers:
        while limit.free:
            requests += 1
            refused = running >= permits or chance.random() < share or (every and requests % every == 0)
            running += not refused
            hangs = not refused and chance.random() < hang
            takes = refusal if refused else 50 if hangs else chance.uniform(0.7, 1.3)
            outcome = "refused" if refused else "failed" if hangs else "accepted"
            heapq.heappush(events, (now + takes, next(number), outcome, limit.take(now)))
        now, _, outcome, ticket = heapq.heappop(events)
        if outcome == "refused":
            refusals += 1
            limit.refused(ticket, now)
        elif outcome == "failed":
            running -= 1
            limit.failed(now)
        else:
            answers, running = answers + 1, running - 1
            limit.accepted(ticket, now)
        if later and now > turnovers / 2:
            permits = later
        if now >= len(history):
            history.append((now, limit.size, answers, refusals))
    return history


def late(history):
    """Give (answers per second, share of refusals) in the last quarter."""
    first, last = history[3 * len(history) // 4], history[-1]
    seconds, answers, refusals = last[0] - first[0], last[2] - first[2], last[3] - first[3]
    return answers / seconds, refusals / (answers + refusals)


@pytest.mark.parametrize(("ceiling", "permits"), [(1000, 128), (256, 128), (1000, 512), (128, 16)])
def test_a_hard_limit_is_found_and_hardly_ever_passed(ceiling, permits):
    history = simulate(ceiling, permits)
    rate, refused = late(history)
    assert rate > 0.9 * permits
    assert refused < 0.03
    assert history[2][3] < 2 * ceiling  # one burst finds it


@pytest.mark.parametrize("ceiling", [256, 1000])
def test_refusals_whatever_the_load_do_not_lower_the_limit(ceiling):
    history = simulate(ceiling, 10**9, every=7)
    assert late(history)[0] > 0.93 * ceiling
    # The first burst is refused before anything is answered; from then on only probes show.
    assert min(size for _, size, _, _ in history[5:]) > 0.75 * ceiling


@pytest.mark.parametrize("refusal", [0.3, 1.0])
def test_refusals_that_take_as_long_as_answers_do_not_hide_a_hard_limit(refusal):
    rate, refused = late(simulate(1000, 128, refusal=refusal))
    assert rate > 0.9 * 128
    assert refused < 0.03


def test_requests_that_hang_are_being_served_too():
    history = simulate(256, 10**9, every=7, hang=0.02, turnovers=200)
    assert min(size for _, size, _, _ in history[5:]) > 0.75 * 256


def test_two_fifths_of_refusals_whatever_the_load_are_borne():
    assert late(simulate(256, 10**9, share=0.4))[0] > 0.85 * 256


def test_both_kinds_of_refusals_at_once():
    rate, refused = late(simulate(1000, 128, every=7))
    assert rate > 0.85 * 128
    assert refused < 0.4


def test_a_server_that_takes_more_later_is_used_and_one_that_takes_less_is_spared():
    more = simulate(1000, 128, later=512, turnovers=120)
    less = simulate(1000, 512, later=128, turnovers=120)
    assert late(more)[0] > 0.9 * 512
    assert late(less)[0] > 0.9 * 128
    assert late(less)[1] < 0.03


def test_a_server_that_says_too_little_of_itself_is_found_out():
    assert late(simulate(1000, 10**9, start=128))[0] > 0.95 * 1000


def test_without_refusals_the_limit_never_moves():
    assert {size for _, size, _, _ in simulate(64, 64)} == {64}


@given(st.integers(1, 300), st.lists(st.sampled_from(["accepted", "refused", "failed"]), max_size=2000))
def test_it_stays_between_one_and_the_ceiling(ceiling, outcomes):
    limit = Limit(ceiling, ceiling)
    for now, outcome in enumerate(outcomes):
        assert limit.free
        ticket = limit.take(now)
        if outcome == "failed":
            limit.failed(now + 0.5)
        elif outcome == "refused":
            limit.refused(ticket, now + 0.5)
        else:
            limit.accepted(ticket, now + 0.5)
        assert 1 <= limit.size <= ceiling
        assert limit.taken == 0
