"""Share what the rules of expansion and of a mixed pool need: a decision on gaps, its table and its sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import mean
from typing import Any

from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.results import Cell, Series, cell_name
from toolkit.reports.rules.gaps import Gap
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, REFUTED, Decision
from toolkit.text import percent, points, share, span

HEADER = ("control", "total", "fewer questions", "more questions", "error, fewer", "error, more", "gap, points")


def ordered(all_series: Sequence[Series], rules: DecisionRules) -> list[Series]:
    """Sort the series, those of the control that counts first."""
    return sorted(all_series, key=lambda series: (series.control != rules.control, series.pair))


@dataclass(frozen=True)
class GapPart:
    """Two cells of one total, (questions, budget), with their errors and the interval of the gap; all are fractions."""

    total: int
    few: Cell
    many: Cell
    error_few: float
    error_many: float
    chance: float
    estimate: float
    low: float
    high: float
    method: str


@dataclass(frozen=True, kw_only=True)
class RoutePart:
    """One series' gaps and verdict, with its clause of the sentence in `told`; one replicate decides nothing."""

    name: str
    pair: str
    control: str
    counting: str
    verdict: str
    told: str
    replicates: int
    items: int
    by_item: bool
    gaps: Sequence[GapPart]
    lines: Mapping[str, float]

    @property
    def bounds(self) -> Sequence[float]:
        """Return a further column of its rows, a bound for each gap."""
        return ()


def facts_of(series: Series, verdict: str, clause: str, gaps: Sequence[Gap], rules: DecisionRules) -> dict[str, Any]:
    """Return the fields of a `RoutePart` that every rule fills in the same way."""
    if gaps[0].contrast.replicates < 2:
        verdict, clause = CANNOT_TELL, f"{clause}; one replicate tells nothing of others"
    return {
        "name": f"control {series.control}", "pair": series.pair, "control": series.control,
        "counting": series.counting, "verdict": verdict, "told": clause, "replicates": gaps[0].contrast.replicates,
        "items": series.n, "by_item": series.by_item, "gaps": [_gap(series, gap, rules) for gap in gaps],
        "lines": {name: float(wrong.mean()) for name, wrong in series.lines.items()},
    }  # fmt: skip


def _gap(series: Series, gap: Gap, rules: DecisionRules) -> GapPart:
    few, many = (mean(series.errors(cell)) for cell in (gap.few, gap.many))
    interval = asdict(gap.contrast.interval(rules.level))
    return GapPart(gap.total, gap.few, gap.many, few, many, gap.contrast.chance(), **interval)


def _rows(part: RoutePart) -> list[list[str]]:
    rows = [
        [
            part.control, f"{gap.total:,}", cell_name(gap.few), cell_name(gap.many), percent(gap.error_few),
            percent(gap.error_many), f"{points(gap.estimate)} ({span(gap.low, gap.high)})",
        ]
        for gap in part.gaps
    ]  # fmt: skip
    bounds = [[points(bound)] for bound in part.bounds] or [[]] * len(rows)
    return [row + bound for row, bound in zip(rows, bounds, strict=True)]


def _together(verdicts: Sequence[str]) -> str:
    """Join verdicts: confirmed by all, or refuted by any."""
    if REFUTED in verdicts:
        return REFUTED
    return CONFIRMED if set(verdicts) == {CONFIRMED} else CANNOT_TELL


def _brief(part: RoutePart) -> str:
    last = part.gaps[-1]
    gap = f"{points(last.estimate)} points ({span(last.low, last.high)})"
    return f"{part.verdict}, {gap} at {last.total:,}"


def decision_of(
    rule: str, experiment: str, parts: Sequence[RoutePart], rules: DecisionRules, notes: Sequence[str]
) -> Decision:
    """Decide by the control that counts, over all its pairs; the others are only listed."""
    pairs = len({part.pair for part in parts}) > 1
    parts = [replace(part, name=f"{part.pair}, {part.name}") for part in parts] if pairs else parts
    counted = [part for part in parts if part.control == parts[0].control]
    verdict = _together([part.verdict for part in counted])
    sentence = "; ".join(f"{part.name}: {part.told if part in counted else _brief(part)}" for part in parts)
    rows = [[part.pair] * pairs + row for part in parts for row in _rows(part)]
    last = ["Holm's lower bound"] if rule == "mixture" else []
    header = (*["pair"] * pairs, *HEADER[:-1], f"{HEADER[-1]} ({share(rules.level)} interval)", *last)
    return Decision(
        rule,
        experiment,
        verdict,
        f"{sentence[:1].upper()}{sentence[1:]}.",
        header,
        rows,
        {"parts": parts},
        rules,
        (_bars(parts, rules), *notes),
    )


def _bars(parts: Sequence[RoutePart], rules: DecisionRules) -> str:
    """Say what the error bars and intervals include."""
    first, count = parts[0], min(part.replicates for part in parts)
    sources = [name for name, varies in (("replicates", count > 1), ("test items", first.by_item)) if varies]
    method = " (the outer bounds of two methods)" if len(sources) > 1 else " only"
    return (
        f"Errors: mean and sd over {count} replicate{'s' * (count > 1)}. Gaps, the error of fewer questions minus that "
        f"of more: {share(rules.level)} intervals, which hold {' and '.join(sources)}{method}; {first.items:,} test "
        "items."
    )
