"""What the rules of expansion and of a mixed pool share: a decision on gaps, its table and its sentence."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from toolkit.recipe.decision_rules import Rules
from toolkit.reports.results import Series, cell_name
from toolkit.reports.rules.gaps import Gap
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, REFUTED, Decision
from toolkit.text import percent, points, share, span

HEADER = ("control", "total", "fewer questions", "more questions", "error, fewer", "error, more", "gap, points")


def ordered(every: Sequence[Series], rules: Rules) -> list[Series]:
    """The control that counts first."""
    return sorted(every, key=lambda series: (series.control != rules.control, series.pair))


def part_of(series: Series, verdict: str, told: str, gaps: Sequence[Gap], rules: Rules) -> dict[str, Any]:
    """One series' gaps, verdict and what is told of them, as plain values; one replicate cannot tell."""
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


def _rows(part: dict[str, Any]) -> list[list[str]]:
    rows = [
        [
            part["control"], f"{gap['total']:,}", cell_name(gap["few"]), cell_name(gap["many"]),
            percent(gap["error_few"]), percent(gap["error_many"]),
            f"{points(gap['estimate'])} ({span(gap['low'], gap['high'])})",
        ]
        for gap in part["gaps"]
    ]  # fmt: skip
    bounds = [[points(each["bound"])] for each in part.get("holm_lower", [])] or [[]] * len(rows)
    return [row + bound for row, bound in zip(rows, bounds, strict=True)]


def _together(verdicts: Sequence[str]) -> str:
    """Confirmed by all or refuted by any."""
    if REFUTED in verdicts:
        return REFUTED
    return CONFIRMED if set(verdicts) == {CONFIRMED} else CANNOT_TELL


def _brief(part: dict[str, Any]) -> str:
    last = part["gaps"][-1]
    gap = f"{points(last['estimate'])} points ({span(last['low'], last['high'])})"
    return f"{part['verdict']}, {gap} at {last['total']:,}"


def decision_of(
    rule: str, experiment: str, parts: Sequence[dict[str, Any]], rules: Rules, notes: Sequence[str]
) -> Decision:
    """The verdict is that of the control that counts, over all its pairs; the others stand beside it."""
    pairs = len({part["pair"] for part in parts}) > 1
    parts = [{"name": f"{part['pair']}, " * pairs + f"control {part['control']}", **part} for part in parts]
    counted = [part for part in parts if part["control"] == parts[0]["control"]]
    verdict = _together([part["verdict"] for part in counted])
    sentence = "; ".join(f"{part['name']}: {part['told'] if part in counted else _brief(part)}" for part in parts)
    rows = [[part["pair"]] * pairs + row for part in parts for row in _rows(part)]
    last = ["Holm's lower bound"] if rule == "mixture" else []
    header = (*["pair"] * pairs, *HEADER[:-1], f"{HEADER[-1]} ({share(rules.level)} interval)", *last)
    told = f"{sentence[:1].upper()}{sentence[1:]}."
    return Decision(
        rule, experiment, verdict, told, header, rows, {"parts": parts}, rules, (_bars(parts, rules), *notes)
    )


def _bars(parts: Sequence[dict[str, Any]], rules: Rules) -> str:
    """What the error bars and intervals include."""
    first, count = parts[0], min(part["replicates"] for part in parts)
    held = [name for name, is_held in (("replicates", count > 1), ("test items", first["by_item"])) if is_held]
    what = f"{' and '.join(held)}{' (the outer bounds of two methods)' if len(held) > 1 else ' only'}"
    return (
        f"Errors: mean and sd over {count} replicate{'s' * (count > 1)}. Gaps, the error of fewer questions minus that "
        f"of more: {share(rules.level)} intervals, which hold {what}; {first['items']:,} test items."
    )
