"""Saturation from the corpus alone: does what the samples still bring tell where the trained curve flattens?"""

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import asdict
from typing import Any

from scipy import stats

from toolkit.laws.coverage.forecast import FarForecast, count_paths, forecast_paths
from toolkit.recipe.decision_rules import Rules
from toolkit.reports.results import Series
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, REFUTED, Decision, NoAnswer
from toolkit.statistics.intervals import contrasts
from toolkit.text import percent, points, share, span

RESAMPLES = 100  # of the forecast's interval: from fewer than 4 draws each is a model fit of its own
HEADER = ("doubling", "new paths, forecast", "new paths, counted", "questions covered", "error before", "fall, points")


def decide_saturation(
    experiment: str,
    series: Series,
    labels: Sequence[Sequence[Hashable | None]],
    rules: Rules,
    *,
    notes: Sequence[str] = (),
) -> Decision:
    """Confirmed: corpus and curve flatten within one doubling of each other. Refuted: they flatten further apart, or
    only one does within the ladder. Cannot tell: neither does, or the interval of the last fall holds `flat_fall`, so
    that nobody knows whether the curve is flat.

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
    steps = [_paths(labels, r) | fall for (r, _), fall in zip(doublings, _falls(series, doublings, rules), strict=True)]
    corpus = _flat([step["forecast_share"] < rules.flat_share for step in steps], doublings)
    curve = _flat([step["fall"]["estimate"] < rules.flat_fall for step in steps], doublings)
    last = steps[-1]["fall"]
    known = not last["low"] <= rules.flat_fall <= last["high"]
    verdict = _verdict(corpus, curve) if known else CANNOT_TELL
    together = _rank([step["forecast_share"] for step in steps], [step["fall"]["estimate"] for step in steps])
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


def _paths(labels: Sequence[Sequence[Hashable | None]], r: int) -> dict[str, Any]:
    """What the first r draws say of the next r, and what those then brought."""
    now, then = (count_paths([drawn[:count] for drawn in labels]) for count in (r, 2 * r))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FarForecast)  # the method is in the numbers
        told = forecast_paths(now, 2 * r, resamples=RESAMPLES)
    before, after = int(now.distinct.sum()), int(then.distinct.sum())
    return {
        "budget": r, "distinct": before, "distinct_doubled": after, "forecast": told.paths._asdict(),
        "method": told.method, "forecast_share": 1 - before / max(told.paths.point, 1.0),
        "counted_share": 1 - before / max(after, 1), "covered": int((now.accepted > 0).sum()),
        "covered_doubled": int((then.accepted > 0).sum()), "covered_forecast": told.covered._asdict(),
    }  # fmt: skip


def _falls(series: Series, doublings: Sequence[tuple[int, int]], rules: Rules) -> list[dict[str, Any]]:
    questions = series.cells[0][0]
    cells = sorted({(questions, budget) for pair in doublings for budget in pair})
    wrong = dict(zip(cells, series.matrix(cells), strict=True))
    told = contrasts([wrong[questions, r] - wrong[questions, twice] for r, twice in doublings])
    return [
        {
            "error": float(wrong[questions, r].mean()),
            "fall": asdict(each.interval(rules.level)),
            "fall_detectable": each.detectable((1 - rules.level) / 2, rules.power),
        }
        for (r, _), each in zip(doublings, told, strict=True)
    ]


def _flat(below: Sequence[bool], doublings: Sequence[tuple[int, int]]) -> int | None:
    """The budget from which on every doubling is below its limit; None where the last one is not."""
    found = None
    for is_below, (budget, _) in zip(reversed(below), reversed(doublings), strict=True):
        if not is_below:
            break
        found = budget
    return found


def _verdict(corpus: int | None, curve: int | None) -> str:
    if corpus is None and curve is None:
        return CANNOT_TELL
    if corpus is None or curve is None:
        return REFUTED
    return CONFIRMED if 0.5 <= corpus / curve <= 2 else REFUTED


def _rank(shares: Sequence[float], falls: Sequence[float]) -> float | None:
    """Spearman's rank correlation; None for fewer than three doublings or where one of the two never changes."""
    if len(shares) < 3 or min(len(set(shares)), len(set(falls))) < 2:
        return None
    return float(stats.spearmanr(shares, falls).statistic)


def _row(step: dict[str, Any]) -> list[str]:
    fall = step["fall"]
    return [
        f"r = {step['budget']} to {2 * step['budget']}",
        f"{step['forecast_share']:.0%}",
        f"{step['counted_share']:.0%}",
        f"{step['covered']:,} to {step['covered_doubled']:,}",
        percent(step["error"]),
        f"{points(fall['estimate'])} ({span(fall['low'], fall['high'])})",
    ]


def _sentence(verdict: str, numbers: dict[str, Any], rules: Rules) -> str:
    last, rank = numbers["doublings"][-1], numbers["rank_correlation"]
    where = {
        name: f"flattens from r = {numbers[name]} on" if numbers[name] else "does not flatten within the ladder"
        for name in ("flat_corpus", "flat_curve")
    }
    fall = last["fall"]
    told = (
        f"By its samples alone the corpus {where['flat_corpus']} (less than {share(rules.flat_share)} new paths a "
        f"doubling), the trained curve {where['flat_curve']} (a fall below {points(rules.flat_fall, '')} points); at "
        f"the last doubling, r = {last['budget']} to {2 * last['budget']}, {last['forecast_share']:.0%} new paths were "
        f"forecast and {last['counted_share']:.0%} came, and the error fell by {points(fall['estimate'], '')} points "
        f"({share(rules.level)} interval {span(fall['low'], fall['high'])})"
    )
    if rank is not None:
        told += f"; rank correlation of the two over {len(numbers['doublings'])} doublings {rank:+.2f}"
    if verdict == CANNOT_TELL:
        told += f"; a fall of {points(last['fall_detectable'], '')} points could have been seen there"
    return f"{told}."
