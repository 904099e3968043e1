import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.synthesis.echo import Echo, fill, rung
from toolkit.prompt import user_turn
from toolkit.synthesis.journal import Journal, Usage
from toolkit.synthesis.spending import Prices, estimate
from toolkit.synthesis.tally import Tally, describe
from toolkit.teachers.completion import Transient

PRICES = Prices(prompt=1.0, completion=10.0, max_tokens=1000)


@given(
    st.floats(0.0, 0.5),
    st.integers(1, 1000),
    st.integers(1, 8),
    st.sampled_from([0, 3]),
)
def test_the_cost_stays_below_its_limit_and_stops_only_when_the_next_response_might_not(
    tmp_path_factory, limit, tokens, concurrency, fails_every
):
    path = tmp_path_factory.mktemp("journal") / "rows"

    def fault(question, attempt):
        return Transient("429", after=0.0001, refused=True) if fails_every and attempt % fails_every == 1 else None

    teacher = Echo(fault, concurrency=concurrency, tokens=tokens)
    tally, _ = fill(path, rung(["q"], 0, 60), teacher, prices=PRICES, max_cost=limit)
    with Journal(path) as journal:
        cost = PRICES.of(*journal.ledger.get("answer", (0, 0, 0))[1:])
        assert journal.responses == tally.sampled
    assert cost == pytest.approx(tally.cost) and cost <= limit
    assert (tally.sampled < 60) == bool(tally.stopped)
    if tally.stopped:
        assert cost + PRICES.most(user_turn("q")) > limit
        rest, _ = fill(path, rung(["q"], 0, 60), Echo())
        assert rest.sampled == 60 - tally.sampled


def test_why_it_stopped_is_said_in_numbers(tmp_path):
    tally, _ = fill(tmp_path / "rows", rung(["q"], 0, 9), Echo(tokens=1000), prices=PRICES, max_cost=0.0205)
    assert tally.sampled == 2
    assert tally.stopped == "0.02 of at most 0.0205 spent; the next response could cost 0.01026"


@pytest.mark.parametrize("prices", [None, Prices(0.0, 0.0, 10)])
def test_a_limit_without_prices_is_refused_before_anything_is_asked(tmp_path, prices):
    teacher = Echo()
    with pytest.raises(ValueError, match="price_prompt"):
        fill(tmp_path / "rows", rung(["q"], 0, 9), teacher, prices=prices, max_cost=1.0)
    assert not teacher.asked


def test_an_estimate_without_experience_gives_limits():
    ahead = estimate([user_turn("four" * 5)] * 100, max_tokens=50, prices=PRICES)
    assert ahead == (100, 500, None, 5000, None, None, pytest.approx(0.0505))
    assert str(ahead) == (
        "100 requests, about 500 prompt tokens, at most 5,000 completion tokens, at most 0.0505 to pay"
    )


def test_an_estimate_expects_what_the_journal_showed():
    ahead = estimate([user_turn("q")] * 100, max_tokens=50, seen=Usage(10, 70, 300), prices=PRICES, rate=0.5)
    assert ahead[:4] == (100, 700, 3000, 5000) and ahead.seconds == 200
    assert ahead.price == pytest.approx(0.0307) and ahead.most_price == pytest.approx(0.0507)
    assert str(ahead).endswith("3,000 expected, about 3.3 min, at most 0.0507 to pay, 0.0307 expected")


def test_what_is_free_has_no_price():
    assert estimate([user_turn("q")] * 9, max_tokens=5, prices=Prices(0, 0, 5)).most_price is None
    assert estimate([], max_tokens=5).requests == 0


def test_a_run_is_described_by_what_it_has():
    assert describe(Tally()) == ""
    tally = Tally(in_flight=256, completion_tokens=12_000, seconds=10, retries=3, judged=50, accepted=30, cost=0.01234)
    tally.errors.update({"422": 2, "malformed body": 1})
    assert describe(tally) == (
        "256 in flight, 1,200 tokens/s, 3 sent again, without a response: 2 x 422, 1 x malformed body, "
        "accepted 60.0%, cost 0.01234"
    )
    assert describe(Tally(stopped="enough")) == "stopped: enough"
