"""The planner on small surfaces whose posterior is written down, and on the one fitted to real measurements."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.laws.curve.forms import n_eff, rectified
from toolkit.laws.planning.allocation import affordable, frontier, limits
from toolkit.laws.planning.crossover import crossover, divergence_total
from toolkit.laws.planning.design import better, smallest_experiment
from toolkit.laws.planning.plan import CANNOT_TELL, OUT_OF_REACH, RECOMMENDED, plan
from toolkit.laws.planning.prices import Prices


@dataclass(frozen=True)
class WrittenSurface:
    """Posterior draws (n, 5) of (E, B, D0, beta, kappa) and the sd of one new observation; cells 128-1024 x 1-32."""

    draws: np.ndarray
    sd: float = 0.02

    @property
    def questions(self) -> np.ndarray:
        return np.repeat([128.0, 256, 512, 1024], 6)

    @property
    def budgets(self) -> np.ndarray:
        return np.tile([1.0, 2, 4, 8, 16, 32], 4)

    def error(self, M, r):
        M, r = np.broadcast_arrays(np.asarray(M, float), np.asarray(r, float))
        E, B, D0, beta, kappa = self.draws.T.reshape(5, -1, *(1,) * M.ndim)
        return rectified(n_eff(M, r, kappa), E, B, D0, beta)

    def predict(self, M, r, level=0.9):
        tail = np.quantile(np.random.default_rng(0).standard_normal(100_000), (1 + level) / 2)
        low, high = np.quantile(self.error(M, r), [(1 - level) / 2, (1 + level) / 2], axis=0)
        centre, half = (low + high) / 2, (high - low) / 2
        new = np.sqrt(half**2 + (tail * self.sd) ** 2)
        return SimpleNamespace(low=low, high=high, low_new=centre - new, high_new=centre + new)


def surface(kappa=0.1, spread=0.0, count=400, sd=0.02, seed=0) -> WrittenSurface:
    """`spread` is the posterior sd of kappa (cut off to [0, 1]); the rest is known to a percent or so."""
    rng = np.random.default_rng(seed)
    columns = [
        np.clip(rng.normal(0.1, 0.01, count), 0, None),
        rng.normal(250, 5, count),
        rng.normal(300, 5, count),
        rng.normal(0.9, 0.01, count),
        np.clip(rng.normal(kappa, spread, count), 0, 1),
    ]
    return WrittenSurface(np.stack(columns, axis=1), sd)


PRICES = Prices(question=20, response=1, student=5)
price_lists = st.builds(
    Prices,
    question=st.floats(0.01, 1e3),
    response=st.floats(0.01, 10),
    tokens_per_response=st.floats(0, 1000),
    token=st.floats(0, 1e-3),
    student=st.floats(0, 100),
    student_response=st.one_of(st.just(0.0), st.floats(1e-3, 1)),
)


@settings(max_examples=30, deadline=None)
@given(price_lists, st.floats(0.001, 1), st.floats(0.001, 1), st.floats(0.01, 0.5))
def test_more_money_never_predicts_a_worse_optimum(prices, share, more, kappa):
    known = surface(kappa, spread=0.03, count=50)
    most = float(prices.cost(*limits(known, False)))
    least = float(prices.cost(1, 1)) * 1.001
    low, high = sorted([least + share * (most - least), least + more * (most - least)])
    poor, rich = frontier(known, prices, [low, high])
    assert rich.error <= poor.error + 1e-12
    assert poor.cost <= low * (1 + 1e-6) and rich.cost <= high * (1 + 1e-6)


@settings(max_examples=30, deadline=None)
@given(price_lists, st.floats(0.01, 1), st.sampled_from([1e-3, 0.01, 7.0, 1e4]))
def test_prices_scaled_together_change_nothing(prices, share, scale):
    known = surface(0.1, spread=0.03, count=50)
    money = ("question", "response", "token", "student", "student_response")
    scaled = replace(prices, **{name: getattr(prices, name) * scale for name in money})
    spend = float(prices.cost(1, 1)) * 1.001 + share * float(prices.cost(500, 8))
    one, other = plan(known, prices, spend=spend), plan(known, scaled, spend=spend * scale)
    assert (one.best.questions, one.best.budget) == (other.best.questions, other.best.budget)
    assert (one.verdict, one.probability, one.notes) == (other.verdict, other.probability, other.notes)
    assert other.best.cost == pytest.approx(one.best.cost * scale)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.02, 0.6), st.floats(1, 200))
def test_the_best_budget_is_kishs(kappa, price):
    """Known kappa: r = sqrt(q/c (1 - kappa)/kappa), up to whole responses and where neither end cuts it off."""
    best = np.sqrt(price * (1 - kappa) / kappa)
    prices = Prices(question=price, response=1)
    known = WrittenSurface(np.array([[0.1, 250, 300, 0.9, kappa]] * 2))
    found = plan(known, prices, spend=float(prices.cost(300, 8))).best
    if best < 63:
        whole = np.unique(np.clip([np.floor(best), np.ceil(best)], 1, 64))
        money, taken = ((price + r) / n_eff(1, r, kappa) for r in (whole, found.budget))  # per effective question
        assert taken <= money.min() * 1.01  # the rest of the limit that buys no whole question


@given(price_lists, st.integers(1, 3000), st.integers(1, 60), st.integers(1, 200), st.integers(1, 9))
def test_a_limit_buys_what_it_costs(prices, questions, budget, owned, owned_budget):
    prices = replace(prices, owned_questions=owned, owned_budget=owned_budget)
    limit = float(prices.cost(questions, budget))
    bought = float(prices.questions_for(limit, budget))
    assert bought >= questions
    assert float(prices.cost(bought, budget)) <= limit * (1 + 1e-6)
    assert float(prices.cost(bought + 1, budget)) > limit
    assert float(prices.cost(questions, prices.budget_for(limit, questions))) == pytest.approx(limit)


def test_costs_add_up():
    prices = Prices(
        question=2, response=0.1, tokens_per_response=500, token=1e-3, teacher_hour=3, responses_per_hour=30, student=7,
        student_response=0.01, owned_questions=100, owned_budget=2,
    )  # fmt: skip
    assert prices.sampling == pytest.approx(0.1 + 0.5 + 0.1)
    assert prices.cost(100, 2) == pytest.approx(7 + 0.01 * 200)
    assert prices.cost(150, 4) == pytest.approx(7 + 2 * 50 + 0.7 * (600 - 200) + 0.01 * 600)


def test_a_known_surface_is_recommended_and_says_what_to_do():
    found = plan(surface(0.1, spread=0.005), PRICES, spend=12_000)
    assert found.verdict == RECOMMENDED and found.probability >= 0.9 and found.experiment is None
    assert found.best.low < found.best.error < found.best.high
    text = found.sentence
    assert text.startswith(
        f"With 12,000 to spend, take {found.best.questions:,} questions with {found.best.budget} resp"
    )
    assert f"{100 * found.best.error:.1f} %" in text and "worse with probability 1.00" in text


def test_the_rivals_are_the_best_of_half_and_of_double_the_answers():
    known = surface(0.1, spread=0.005)
    found = plan(known, PRICES, spend=12_000)
    m, r = affordable(known, PRICES, 12_000, False)
    means = known.error(m, r).mean(axis=0)
    assert found.best.error == pytest.approx(means.min())
    few, many = found.rivals
    assert few.split.error == pytest.approx(means[r <= found.best.budget / 2].min())
    assert many.split.error == pytest.approx(means[r >= 2 * found.best.budget].min())
    for rival in found.rivals:
        a = known.error(found.best.questions, found.best.budget)
        b = known.error(rival.split.questions, rival.split.budget)
        assert rival.probability == better(a, b) == pytest.approx(np.mean(a < b))
        assert rival.difference == pytest.approx(np.mean(b - a))


def test_an_unknown_kappa_cannot_tell_and_asks_for_an_experiment():
    found = plan(surface(0.25, spread=0.2), PRICES, spend=12_000)
    assert found.verdict == CANNOT_TELL and found.probability < 0.9
    assert found.experiment is not None
    text = found.sentence
    assert text.startswith("Cannot tell: with 12,000 to spend the best guess is")
    for questions, budget in found.experiment.cells:
        assert f"{questions:,} questions with {budget} response" in text
    assert "The smallest experiment that would tell" in text


def test_the_experiment_tells_as_often_as_it_says():
    """Play it: a truth from the posterior, a measurement, and the posterior by weighting, 1,500 times."""
    known = surface(0.25, spread=0.2, count=1500)
    a, b = (500, 4), (300, 20)
    found = smallest_experiment(known, PRICES, a, b)
    assert found is not None and found.tells >= 0.8
    wins = known.error(*a) < known.error(*b)
    rng, output, right = np.random.default_rng(1), 0, 0
    spread = known.sd / np.sqrt(found.runs)
    errors = np.stack([known.error(*cell) for cell in found.cells])
    for truth in range(wins.size):
        measured = errors[:, truth] + spread * rng.standard_normal(len(errors))
        weights = np.exp(-(((measured[:, None] - errors) / spread) ** 2).sum(axis=0) / 2)
        chance = np.average(wins, weights=weights)
        output += max(chance, 1 - chance) >= 0.9
        right += (chance > 0.5) == wins[truth] and max(chance, 1 - chance) >= 0.9
    assert output / wins.size == pytest.approx(found.tells, abs=0.1)
    assert right / output > 0.9
    assert found.cost == pytest.approx(sum(float(PRICES.cost(*cell)) for cell in found.cells) * found.runs)


def test_a_cheaper_experiment_would_not_tell():
    known = surface(0.25, spread=0.2)
    a, b = (500, 4), (300, 20)
    easy, hard = (smallest_experiment(replace(known, sd=sd), PRICES, a, b) for sd in (0.005, 0.05))
    assert easy is not None and (hard is None or hard.cost > easy.cost)


def test_where_nothing_tells_it_says_so():
    hopeless = surface(0.25, spread=0.2, sd=5.0)
    assert smallest_experiment(hopeless, PRICES, (500, 4), (300, 20)) is None
    found = plan(hopeless, PRICES, spend=12_000)
    assert found.verdict == CANNOT_TELL and found.experiment is None
    assert "of up to 16 students, would tell: take either" in found.sentence


def test_it_refuses_to_go_beyond_twice_what_was_tested_unless_allowed():
    known = surface(0.1, spread=0.01)
    largest = float(PRICES.cost(2048, 64))
    assert plan(known, PRICES, spend=largest).best.questions <= 2048
    with pytest.raises(ValueError, match=r"twice what was tested.*lift this with beyond"):
        plan(known, PRICES, spend=1.01 * largest)
    output = plan(known, PRICES, spend=10 * largest, beyond=True)
    assert output.best.questions > 2048
    assert any(note.startswith("untested:") and "times the most tested, 1,024" in note for note in output.notes)
    assert "untested" in output.sentence


def test_it_stays_within_the_tested_even_where_the_law_would_go_on():
    free = Prices(response=1)  # questions cost nothing, so the law would take ever more of them
    found = plan(surface(0.1, spread=0.01), free, spend=8000)
    assert found.best.questions <= 2048
    assert any("would go on to 8,000 questions with 1 response each" in note for note in found.notes)


def test_small_corpora_are_labelled():
    found = plan(surface(0.1, spread=0.01), PRICES, spend=900)
    assert any("less than half the fewest tested" in note for note in found.notes)


def test_a_target_takes_the_least_money_that_is_expected_to_reach_it():
    known = surface(0.1, spread=0.02)
    found = plan(known, PRICES, target=0.45)
    assert found.best.error <= 0.45
    assert plan(known, PRICES, spend=found.spend * 0.995).best.error > 0.45
    assert found.reachable == 1.0
    assert found.sure_spend is not None and found.sure_spend > found.spend
    enough, less = (known.error(*affordable(known, PRICES, found.sure_spend * x, False)) for x in (1, 0.99))
    assert (enough <= 0.45).mean(axis=0).max() >= 0.9 > (less <= 0.45).mean(axis=0).max()
    assert "An error of 45.0 % can be reached with probability 1.00" in found.sentence


def test_a_target_out_of_reach_says_so():
    known = surface(0.1, spread=0.02)
    found = plan(known, PRICES, target=0.05)
    assert found.verdict == OUT_OF_REACH and found.reachable == 0.0 and found.sure_spend is None
    assert found.sentence.startswith("Out of reach: even 2,048 questions with 64 responses each")
    limited = plan(known, PRICES, spend=3000, target=0.45)
    assert limited.verdict == RECOMMENDED and float(limited.reachable or 0) < 0.05
    m, r = limits(known, False)
    floor = float(known.error(m, r).mean())
    close = plan(known, PRICES, target=floor * 1.0001)
    assert 0.2 < float(close.reachable or 0) < 0.8


def test_frontier_falls_from_the_smallest_cell_to_the_largest_plan():
    points = frontier(surface(0.1, spread=0.02), PRICES)
    assert len(points) == 25
    assert points[-1].questions == 2048 and points[-1].budget == 64
    assert np.all(np.diff([point.error for point in points]) <= 0)
    assert np.all(np.diff([point.cost for point in points]) > 0)


def test_divergence_is_the_first_total_where_the_routes_part():
    known = surface(0.15, spread=0.03)
    found = divergence_total(known, (128, 1))
    gaps = {128 * r: known.error(128, r) - known.error(128 * r, 1) for r in range(1, 17)}
    first = next(total for total, gap in gaps.items() if np.quantile(gap, 0.1) > 0.02)
    assert found is not None and found.total == first
    assert found.fixed_source == (128, first // 128) and found.expansion == (first, 1)
    assert found.lower == pytest.approx(np.quantile(gaps[first], 0.1)) and found.difference > found.lower > 0.02
    assert divergence_total(surface(0.0)) is None  # with kappa 0 the routes never part
    later = divergence_total(known, (128, 1), margin=0.05)
    assert later is not None and later.total > found.total


def test_divergence_keeps_questions_whole():
    found = divergence_total(surface(0.3), (128, 3))
    assert found is not None and found.total % 3 == 0 and found.expansion[0] * 3 == found.total


def test_crossover_in_money():
    """Questions cost 6 responses: answers first, questions later; per draw the routes cross where errors are equal."""
    known = WrittenSurface(np.array([[0.1, 250, 300, 0.9, 0.1]] * 3))
    prices = Prices(question=6, response=1)
    found = crossover(known, prices, (128, 1))
    assert (found.little, found.much) == ("answers", "questions") and found.crosses == 1
    fixed = n_eff(128, prices.budget_for(found.spend, 128), 0.1)
    expanded = n_eff(found.spend / 7, 1, 0.1)
    assert fixed == pytest.approx(expanded, rel=0.05)
    always = crossover(known, Prices(response=1), (128, 1))
    assert (always.little, always.much) == ("questions", "questions") and np.isnan(always.spend)
    owned = crossover(known, Prices(question=6, response=1, owned_questions=128, owned_budget=1))
    assert owned.spend < found.spend  # what is owned is not paid for again


def test_a_surface_of_the_wrong_form_recommends_nothing():
    """Additive truth: the fit of form (2) would be sure of a wrong split, so its rival forms speak first."""
    from toolkit.laws.surface.fit import fit_surface

    questions, budgets = (np.tile(axis.ravel(), 2) for axis in np.meshgrid([128, 256, 512, 1024], [1, 2, 4, 8, 16]))
    noise = np.random.default_rng(0).normal(0, 0.01, questions.size)
    additive = 0.1 + 0.4 * (questions / 64.0) ** -0.5 + 0.5 * 2 / (2 + budgets**0.7) + noise
    found = plan(fit_surface(questions, budgets, additive), PRICES, spend=12_000)
    assert found.verdict == CANNOT_TELL and "additive form" in str(found.doubt)
    assert found.sentence.startswith("Cannot tell, the form of the surface is in doubt: the additive form")
    right = 0.1 + rectified(n_eff(questions, budgets, 0.1), 0, 250, 300, 0.9) + noise
    assert plan(fit_surface(questions, budgets, right), PRICES, spend=12_000).doubt is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: plan(s, PRICES), "nothing to plan for"),
        (lambda s: plan(s, PRICES, spend=10), "buys nothing: one question with one response is 26"),
        (lambda s: plan(s, PRICES, spend=-1), "cannot plan for a limit of -1"),
        (lambda s: plan(s, PRICES, target=45), "target is an error, a fraction between 0 and 1, got 45"),
        (lambda s: plan(s, PRICES, spend=5000, confidence=0.3), "confidence must lie between .5 and 1, got 0.3"),
        (lambda s: plan(replace(s, draws=s.draws[:0]), PRICES, spend=5000), "no posterior draws"),
        (lambda s: Prices(question=-1, response=1), "question must be a number of at least 0, got -1"),
        (lambda s: Prices(question=float("nan")), "question must be a number of at least 0, got nan"),
        (lambda s: Prices(student=3), "cannot both be free"),
        (lambda s: Prices(teacher_hour=2), "needs responses_per_hour"),
        (lambda s: Prices(response=1, owned_questions=3), "go together"),
        (lambda s: crossover(s, PRICES, (2048, 64)), "leave neither route room"),
    ],
)
def test_bad_requests_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(surface())


@pytest.mark.parametrize(("control", "least", "most"), [("epochs", 12, 17), ("steps", 8, 12)])
def test_plan_on_the_measured_surface(shared_data: Path, control: str, least: int, most: int):
    """kappa near .09 and .175 make Kish's budget 14 and 10 responses where a question costs 20 responses."""
    from toolkit.laws.surface.fit import fit_surface

    with (shared_data / "nano_two_axis.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["control"] == control]
    questions, budgets, errors = ([float(row[name]) for row in rows] for name in ("questions", "budget", "error"))
    measured = fit_surface(questions, budgets, errors, sd=0.02, max_beta=3)
    found = plan(measured, Prices(question=20, response=1), spend=12_000)
    assert found.verdict == RECOMMENDED and least <= found.best.budget <= most
    assert found.best.cost <= 12_000
    parts = divergence_total(measured)
    assert parts is not None and 256 <= parts.total <= 1024
