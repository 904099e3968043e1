"""Decide whether the corpus alone shows, before training, where the trained curve flattens."""

import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from toolkit.laws.coverage.forecast import FarForecast, count_paths, forecast_paths
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.results import Series
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, REFUTED, Decision, NoAnswer
from toolkit.statistics.intervals import Contrast, Interval, contrasts
from toolkit.text import percent, points, share, span

RESAMPLES = 100  # for the forecast's interval; with fewer than 4 draws each resample needs a model fit
HEADER = ("doubling", "new paths, forecast", "new paths, counted", "questions covered", "error before", "fall, points")


@dataclass(frozen=True)
class Doubling:
    """One doubling of the budget: new solution paths of the corpus, and the error of the students.

    Attributes:
        distinct: paths before the doubling; `distinct_doubled` after it, and `forecast` with an interval.
        forecast_share, counted_share: new paths as a share of all after it.
        covered: questions with an accepted response.
        error: error before it; `fall` is how far it falls, `fall_detectable` the smallest detectable fall.
    """

    budget: int
    distinct: int
    distinct_doubled: int
    forecast: Mapping[str, float]
    method: str
    forecast_share: float
    counted_share: float
    covered: int
    covered_doubled: int
    covered_forecast: Mapping[str, float]
    error: float
    fall: Interval
    fall_detectable: float


def decide_saturation(
    experiment: str,
    series: Series,
    labels: Sequence[Sequence[Hashable | None]],
    rules: DecisionRules,
    *,
    notes: Sequence[str] = (),
) -> Decision:
    """Decide whether corpus and curve flatten at the same budgets.

    Confirmed: they flatten within one doubling of each other. Refuted: they flatten further apart, or only one does
    within the ladder. Cannot tell: neither does, or the interval of the last fall includes `flat_fall`, so that it is
    unknown whether the curve is flat.

    A corpus is flat from the rung on where every doubling is forecast to bring less than `flat_share` of new distinct
    accepted responses, the curve where every doubling lowers the error by less than `flat_fall`.

    Args:
        series: students of one corpus; its smallest question set is read.
        labels: by question of that set and draw: the path of an accepted response, None for a rejected one.

    Raises:
        NoAnswer: where no two budgets of the ladder are a doubling apart, or the labels are too few for it.
    """
    budgets = sorted({row["budget"] for row in series.ladder()})
    doublings = [(r, 2 * r) for r in budgets if 2 * r in budgets]
    draws = len(labels[0]) if labels else 0
    if not doublings or draws < doublings[-1][1]:
        raise NoAnswer(
            f"budgets {budgets} with {draws} responses a question: need rungs a doubling apart, and all draws"
        )
    falls = _falls(series, doublings)
    steps = [_doubling(labels, r, *fall, rules) for (r, _), fall in zip(doublings, falls, strict=True)]
    corpus = _flat([step.forecast_share < rules.flat_share for step in steps], doublings)
    curve = _flat([step.fall.estimate < rules.flat_fall for step in steps], doublings)
    last = steps[-1].fall
    is_known = not last.low <= rules.flat_fall <= last.high
    verdict = _verdict(corpus, curve) if is_known else CANNOT_TELL
    together = _rank([step.forecast_share for step in steps], [step.fall.estimate for step in steps])
    numbers = {
        "pair": series.pair, "control": series.control, "questions": series.cells[0][0], "doublings": steps,
        "flat_corpus": corpus, "flat_curve": curve, "rank_correlation": together,
    }  # fmt: skip
    header = [*HEADER]
    header[5] = f"fall, points ({share(rules.level)} interval)"
    bars = "Paths: one corpus draw. The fall's interval holds replicates and test items (outer bounds)."
    rows = [_row(step) for step in steps]
    return Decision(
        "saturation",
        experiment,
        verdict,
        _sentence(verdict, numbers, rules),
        header,
        rows,
        numbers,
        rules,
        (bars, *notes),
    )


def _doubling(
    labels: Sequence[Sequence[Hashable | None]], r: int, error: float, fall: Contrast, rules: DecisionRules
) -> Doubling:
    """Forecast the next r draws from the first r, and count what they brought and how far the error fell."""
    now, then = (count_paths([row[:count] for row in labels]) for count in (r, 2 * r))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FarForecast)  # the method is in the numbers
        forecast = forecast_paths(now, 2 * r, resamples=RESAMPLES)
    before, after = int(now.distinct.sum()), int(then.distinct.sum())
    return Doubling(
        budget=r, distinct=before, distinct_doubled=after, forecast=forecast.paths._asdict(), method=forecast.method,
        forecast_share=1 - before / max(forecast.paths.point, 1.0), counted_share=1 - before / max(after, 1),
        covered=int((now.accepted > 0).sum()), covered_doubled=int((then.accepted > 0).sum()),
        covered_forecast=forecast.covered._asdict(), error=error, fall=fall.interval(rules.level),
        fall_detectable=fall.detectable((1 - rules.level) / 2, rules.power),
    )  # fmt: skip


def _falls(series: Series, doublings: Sequence[tuple[int, int]]) -> list[tuple[float, Contrast]]:
    """Measure the error before each doubling, and how far it falls."""
    questions = series.cells[0][0]
    cells = sorted({(questions, budget) for pair in doublings for budget in pair})
    wrong = dict(zip(cells, series.matrix(cells), strict=True))
    falls = contrasts([wrong[questions, r] - wrong[questions, twice] for r, twice in doublings])
    return [(float(wrong[questions, r].mean()), fall) for (r, _), fall in zip(doublings, falls, strict=True)]


def _flat(below: Sequence[bool], doublings: Sequence[tuple[int, int]]) -> int | None:
    """Find the budget from which on every doubling is below its limit; None where the last one is not."""
    flat_from = None
    for is_below, (budget, _) in zip(reversed(below), reversed(doublings), strict=True):
        if not is_below:
            break
        flat_from = budget
    return flat_from


def _verdict(corpus: int | None, curve: int | None) -> str:
    if corpus is None and curve is None:
        return CANNOT_TELL
    if corpus is None or curve is None:
        return REFUTED
    return CONFIRMED if 0.5 <= corpus / curve <= 2 else REFUTED


def _rank(shares: Sequence[float], falls: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation; None for fewer than three doublings or where one of the two never changes."""
    if len(shares) < 3 or min(len(set(shares)), len(set(falls))) < 2:
        return None
    return float(stats.spearmanr(shares, falls).statistic)


def _row(step: Doubling) -> list[str]:
    fall = step.fall
    return [
        f"r = {step.budget} to {2 * step.budget}",
        f"{step.forecast_share:.0%}",
        f"{step.counted_share:.0%}",
        f"{step.covered:,} to {step.covered_doubled:,}",
        percent(step.error),
        f"{points(fall.estimate)} ({span(fall.low, fall.high)})",
    ]


def _sentence(verdict: str, numbers: Mapping[str, Any], rules: DecisionRules) -> str:
    last, rank = numbers["doublings"][-1], numbers["rank_correlation"]
    where = {
        name: f"flattens from r = {numbers[name]} on" if numbers[name] else "does not flatten within the ladder"
        for name in ("flat_corpus", "flat_curve")
    }
    fall = last.fall
    sentence = (
        f"By its samples alone the corpus {where['flat_corpus']} (less than {share(rules.flat_share)} new paths a "
        f"doubling), the trained curve {where['flat_curve']} (a fall below {points(rules.flat_fall, '')} points); at "
        f"the last doubling, r = {last.budget} to {2 * last.budget}, {last.forecast_share:.0%} new paths were "
        f"forecast and {last.counted_share:.0%} came, and the error fell by {points(fall.estimate, '')} points "
        f"({share(rules.level)} interval {span(fall.low, fall.high)})"
    )
    if rank is not None:
        sentence += f"; rank correlation of the two over {len(numbers['doublings'])} doublings {rank:+.2f}"
    if verdict == CANNOT_TELL:
        sentence += f"; a fall of {points(last.fall_detectable, '')} points could have been seen there"
    return f"{sentence}."
