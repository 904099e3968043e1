"""Draw saturation: the new paths that a doubling of the budget brings, and how far the error falls."""

from pathlib import Path

from matplotlib.figure import Figure

from toolkit.reports.figures.style import (
    GREY,
    LAW,
    LEGEND,
    OBSERVED,
    PERCENT,
    budget_axis,
    note_below,
    panel_title,
    plain,
    save,
)
from toolkit.reports.rules.verdict import Decision
from toolkit.text import points, share


def draw_saturation(path: Path, decision: Decision, *, title: str, note: str) -> None:
    """Write the figure of a decision by `decide_saturation` as PNG, SVG or PDF; `title` above, `note` below."""
    steps, rules = decision.numbers["doublings"], decision.rules
    budgets = [step.budget for step in steps]
    figure = Figure(figsize=(10.0, 4.2), dpi=150, layout="constrained")
    corpus, curve = figure.subplots(1, 2)
    corpus.plot(budgets, [step.forecast_share for step in steps], "o-", color=LAW, label="forecast from these r draws")
    corpus.plot(budgets, [step.counted_share for step in steps], "D", mfc="white", color=OBSERVED, label="then counted")
    corpus.axhline(rules.flat_share, color=GREY, lw=1, ls="--", label=f"flat below {share(rules.flat_share)}")
    corpus.yaxis.set_major_formatter(PERCENT)
    corpus.set_ylabel("new paths in the next r draws,\nshare of all after them")
    panel_title(corpus, "the corpus, before training")
    falls = [step.fall for step in steps]
    centres = [100 * fall.estimate for fall in falls]
    spread = [
        [100 * (fall.estimate - fall.low) for fall in falls],
        [100 * (fall.high - fall.estimate) for fall in falls],
    ]
    curve.errorbar(
        budgets, centres, spread, fmt="o-", color=OBSERVED, capsize=3, label=f"error, {share(rules.level)} interval"
    )
    curve.axhline(100 * rules.flat_fall, color=GREY, lw=1, ls="--", label=f"flat below {points(rules.flat_fall, '')}")
    curve.axhline(0, color="black", lw=0.8)
    curve.set_ylabel("fall of the error by that doubling, points")
    panel_title(curve, "the students, after it")
    corpus.set_ylim(bottom=0)
    for axes in (corpus, curve):
        budget_axis(axes, budgets)
        axes.set_xlabel("responses per question, r, before doubling")
        axes.legend(**LEGEND, loc="best")
        plain(axes)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    note_below(figure, note, width=170)
    save(figure, path)
