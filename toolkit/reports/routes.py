"""More questions or more answers at matched totals: the rules of expansion (RQ2a) and of a mixed pool (STEM)."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from toolkit.evaluation.families import equivalent, holm_bounds, per_doubling
from toolkit.evaluation.intervals import Contrast, contrasts
from toolkit.reports.gaps import Gap, covering, crossover, gaps_of, matched, widest
from toolkit.reports.results import Series, cell_name
from toolkit.reports.rules import CANNOT_TELL, CONFIRMED, REFUTED, Decision, Rules, joined, percent, points, share, span
from toolkit.reports.surface_report import describe_surface

HEADER = ("control", "total", "fewer questions", "more questions", "error, fewer", "error, more", "gap, points")


def decide_expansion(experiment: str, every: Sequence[Series], rules: Rules, notes: Sequence[str] = ()) -> Decision:
    """RQ2a. Confirmed: equivalent within the margin (TOST) at the smallest matched total, and the interval lies above 0
    at the largest. Refuted: it lies below 0 there. At each total the fewest questions meet the most that have it."""
    parts = [_expansion(series, rules) for series in _ordered(every, rules)]
    rows = [row for series, part in zip(_ordered(every, rules), parts, strict=True) for row in _rows(series, part)]
    return _decision("expansion", experiment, parts, rows, rules, notes)


def _expansion(series: Series, rules: Rules) -> dict[str, Any]:
    gaps = gaps_of(series, matched(series.cells))
    first, last = widest(gaps)[0], widest(gaps)[-1]
    same, narrow = equivalent(first.contrast, rules.margin, rules.alpha)
    end = last.contrast.interval(rules.level)
    verdict = CONFIRMED if same and end.low > 0 else REFUTED if end.high < 0 else CANNOT_TELL
    smallest = last.contrast.detectable((1 - rules.level) / 2, rules.power)
    shown = max(abs(narrow.low), abs(narrow.high))
    crosses = crossover(gaps, rules.level)
    told = (
        f"at {first.total:,} responses {_cells(first)} differ by {points(first.contrast.estimate)} points "
        f"({share(1 - 2 * rules.alpha)} interval {span(narrow.low, narrow.high)}; "
        f"{'' if same else 'not '}equivalent within {points(rules.margin, '')}), at {last.total:,} {_cells(last)} by "
        f"{points(last.contrast.estimate)} ({share(rules.level)} {span(end.low, end.high)}); "
        + (f"more questions win from {crosses:,} on" if crosses else "at no total do more questions win for sure")
    )
    if verdict == CANNOT_TELL:
        told += (
            f"; the smallest difference that could have been seen is {points(smallest, '')} points at {last.total:,}, "
            f"the smallest margin that could have been shown at {first.total:,} is {points(shown, '')}"
        )
    facts = {
        "equivalent": same, "equivalence_interval": asdict(narrow), "crossover_total": crosses,
        "detectable": smallest, "margin_shown": shown, "surface": describe_surface(series, rules),
    }  # fmt: skip
    return _part(series, verdict, told, gaps, rules) | facts


def decide_mixture(experiment: str, every: Sequence[Series], rules: Rules, notes: Sequence[str] = ()) -> Decision:
    """STEM. Confirmed: Holm's lower bound of the gap is above 0 at every total, for every set whose budget is raised,
    and for each set the gap grows per doubling. Refuted: any of Holm's upper bounds is below 0."""
    parts = [_mixture(series, rules) for series in _ordered(every, rules)]
    rows = [row for series, part in zip(_ordered(every, rules), parts, strict=True) for row in _rows(series, part)]
    return _decision("mixture", experiment, parts, rows, rules, notes)


def _mixture(series: Series, rules: Rules) -> dict[str, Any]:
    gaps = gaps_of(series, covering(series.cells))
    family = [gap.contrast for gap in gaps]
    above, below = holm_bounds(family, rules.alpha), holm_bounds([-each for each in family], rules.alpha)
    growth = _growth(gaps)
    slopes = {name: each.interval(rules.level) for name, each in growth.items()}
    won = all(holds for _, holds in above)
    grows = bool(slopes) and all(slope.low > 0 for slope in slopes.values())
    lost = any(holds for _, holds in below)
    verdict = CONFIRMED if won and grows else REFUTED if lost else CANNOT_TELL
    smallest = max(each.detectable(rules.alpha / len(family), rules.power) for each in family)
    slope_seen = max((each.detectable((1 - rules.level) / 2, rules.power) for each in growth.values()), default=None)
    estimates = [each.estimate for each in family]
    told = (
        f"more questions at r = {min(r for _, r in series.cells)} are ahead by {span(min(estimates), max(estimates))} "
        f"points over {len(gaps)} matched comparisons, for sure (Holm) in {sum(holds for _, holds in above)} of them; "
        "per doubling of the total the gap changes by "
        + joined([f"{points(s.estimate)} ({span(s.low, s.high)}) against {m} questions" for m, s in slopes.items()])
        if slopes
        else "too few totals for a slope"
    )
    if verdict == CANNOT_TELL:
        told += f"; the smallest gap that could have been seen is {points(smallest, '')} points"
        told += f", the smallest growth {points(slope_seen, '')} per doubling" if slope_seen is not None else ""
    facts = {
        "holm_lower": [{"bound": low, "above_0": holds} for low, holds in above],
        "holm_upper": [{"bound": -low, "below_0": holds} for low, holds in below],
        "slopes": {name: asdict(slope) for name, slope in slopes.items()},
        "detectable": smallest, "slope_detectable": slope_seen,
    }  # fmt: skip
    return _part(series, verdict, told, gaps, rules) | facts


def _growth(gaps: Sequence[Gap]) -> dict[str, Contrast]:
    """By question set whose budget is raised at two totals or more: the slope of its gap per doubling of the total."""
    sets = {few: [gap for gap in gaps if gap.few[0] == few] for few in sorted({gap.few[0] for gap in gaps})}
    kept = {few: each for few, each in sets.items() if len({gap.total for gap in each}) > 1}
    if not kept:
        return {}
    slopes = [per_doubling([gap.matrix for gap in each], [gap.total for gap in each]) for each in kept.values()]
    return dict(zip((f"{few:,}" for few in kept), contrasts(slopes), strict=True))


def _ordered(every: Sequence[Series], rules: Rules) -> list[Series]:
    """The control that counts first."""
    return sorted(every, key=lambda series: (series.control != rules.control, series.pair))


def _part(series: Series, verdict: str, told: str, gaps: Sequence[Gap], rules: Rules) -> dict[str, Any]:
    if gaps[0].contrast.replicates < 2:
        verdict, told = CANNOT_TELL, f"{told}; one replicate tells nothing of others"
    listed = [
        {
            "total": gap.total, "few": gap.few, "many": gap.many, "error_few": mean(series.errors(gap.few)),
            "error_many": mean(series.errors(gap.many)), "chance": gap.contrast.chance(),
            **asdict(gap.contrast.interval(rules.level)),
        }
        for gap in gaps
    ]  # fmt: skip
    return {
        "pair": series.pair, "control": series.control, "counting": series.counting, "verdict": verdict, "told": told,
        "replicates": gaps[0].contrast.replicates, "items": series.n, "by_item": series.by_item, "gaps": listed,
        "lines": {name: float(wrong.mean()) for name, wrong in series.lines.items()},
    }  # fmt: skip


def _rows(series: Series, part: dict[str, Any]) -> list[list[str]]:
    rows = [
        [
            series.control, f"{gap['total']:,}", cell_name(gap["few"]), cell_name(gap["many"]),
            percent(gap["error_few"]), percent(gap["error_many"]),
            f"{points(gap['estimate'])} ({span(gap['low'], gap['high'])})",
        ]
        for gap in part["gaps"]
    ]  # fmt: skip
    bounds = [[points(each["bound"])] for each in part.get("holm_lower", [])] or [[]] * len(rows)
    return [row + bound for row, bound in zip(rows, bounds, strict=True)]


def _cells(gap: Gap) -> str:
    return f"{cell_name(gap.few)} and {cell_name(gap.many)}"


def _together(verdicts: Sequence[str]) -> str:
    """Confirmed by all or refuted by any."""
    if REFUTED in verdicts:
        return REFUTED
    return CONFIRMED if set(verdicts) == {CONFIRMED} else CANNOT_TELL


def _brief(part: dict[str, Any]) -> str:
    last = part["gaps"][-1]
    gap = f"{points(last['estimate'])} points ({span(last['low'], last['high'])})"
    return f"{part['verdict']}, {gap} at {last['total']:,}"


def _decision(
    rule: str, experiment: str, parts: list[dict[str, Any]], rows: list[list[str]], rules: Rules, notes: Sequence[str]
) -> Decision:
    """The verdict is that of the control that counts, over all its pairs; the others stand beside it."""
    counted = [part for part in parts if part["control"] == parts[0]["control"]]
    verdict = _together([part["verdict"] for part in counted])
    pairs = len({part["pair"] for part in parts}) > 1
    names = [f"{part['pair'] + ', ' if pairs else ''}control {part['control']}" for part in parts]
    sentence = "; ".join(
        f"{name}: {part['told']}" if part in counted else f"{name}: {_brief(part)}"
        for name, part in zip(names, parts, strict=True)
    )
    last = ["Holm's lower bound"] if rule == "mixture" else []
    header = (*HEADER[:-1], f"{HEADER[-1]} ({share(rules.level)} interval)", *last)
    first, count = parts[0], min(part["replicates"] for part in parts)
    many = count > 1
    held = [name for name, is_held in (("replicates", many), ("test items", first["by_item"])) if is_held]
    what = f"{' and '.join(held)}{' (the wider of two)' if len(held) > 1 else ' only'}"
    bars = (
        f"Errors: mean and sd over {count} replicate{'s' * many}. Gaps: {share(rules.level)} intervals, which hold "
        f"{what}; {first['items']:,} test items."
    )
    return Decision(
        rule,
        experiment,
        verdict,
        f"{sentence[:1].upper()}{sentence[1:]}.",
        header,
        rows,
        {"parts": parts},
        rules,
        (bars, *notes),
    )
