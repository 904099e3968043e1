"""Write the cautions of the page: what is a toy, what is exploratory, what is not determined."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scale import Scale
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.predict import REFUSE_BEYOND, WIDEN_BEYOND
from toolkit.laws.forecast.ahead import Ahead
from toolkit.reports.fit_report import parameter_table

TOY = (
    "**0.35 M-parameter toy.** These students have about that size or less, and were trained on short synthetic "
    "questions: trust the shapes of the curves, not their values or costs."
)
NO_NOISE = "One seed (or seeds that do not differ) and no sd: the noise is unknown, so the law has no interval."
GAIN = 0.01  # returns diminish where a doubling wins less than a point

NAMES = {
    "E": "floor E",
    "L0": "error without any data, L0",
    "r_half": "budget that wins half, r_half",
    "beta": "exponent beta",
}


def is_toy(pair: str) -> bool:
    """Say whether a teacher or base of this pair has an embedded model's name; recipes may give it another."""
    return "nano" in pair.split(">")


def banner(toy: bool, why: str, arms: bool = False) -> str:
    """Write the banner over every view: the toy, and why a result is exploratory.

    Args:
        arms: whether arms at one budget are shown, see the view Compare.
    """
    declared = (
        "As declared: arms are compared, in the view Compare, by the rule that the recipe fixed before the run."
        if arms
        else "As declared: range and held-out rung are those that the recipe named before the fit."
    )
    status = f"**Exploratory**: {why}." if why else declared
    return "\n\n".join([TOY, status] if toy else [status])


def marked(text: str, why: str) -> str:
    """Mark a text for copying or downloading as exploratory, with the reason."""
    return f"EXPLORATORY: {why}\n{text}" if why else text


def plain(text: str) -> str:
    """Return somebody else's text for use inside Markdown: no mark-up, no HTML, no formula."""
    return "".join(f"&#{ord(letter)};" if letter in "\\`*_{}[]()#+-.!|<>&$~:" else letter for letter in text)


def parameters(law: LawFit, entries: Mapping[str, Any], scale: Scale) -> str:
    """Write a table of the parameters, and what these data leave open."""
    head = "**The parameters of err(r)**, errors as fractions. The median and the interval are those of all curves that"
    meaning = "the data allow; least squares is the single curve that fits best, and may lie at their edge or beyond."
    open_ = f"- {floor(law, scale)}\n- {exponent(entries['beta'])}"
    return f"{head} {meaning}\n\n{parameter_table(entries, NAMES)}\n\n{open_}"


def floor(law: LawFit, scale: Scale) -> str:
    """Say what the data show of a floor (a ceiling of accuracy), which needs an interval narrower than 5 points."""
    if law.solution.posterior is None:
        return NO_NOISE
    low, high = np.quantile(law.solution.posterior.floor, [0.05, 0.95])
    between, what = f"{scale.span(low, high)} % with 90 %", "ceiling of accuracy" if scale.accuracy else "floor"
    if law.floor is None:
        return f"**The {what} is not determined by these data**: it may lie anywhere from {between}."
    return f"There is a {what} at {between}: that of these students and this training."


def exponent(beta: Mapping[str, float | None]) -> str:
    """Say whether the exponent is determined."""
    low, high = beta.get("low"), beta.get("high")
    if low is None or high is None:
        return "The exponent has no interval."
    if high - low > 0.3:
        anything = f"anything from {low:.2f} to {high:.2f}"
        head = f"**The exponent is not determined by these data**: {anything}"
        return f"{head}. Use the law for prediction, not for interpretation."
    return f"The exponent lies between {low:.2f} and {high:.2f}."


def basis(ahead: Ahead) -> str:
    """Say what a forecast rests on, and what its notes warn of."""
    return "\n".join([f"- The forecast: {ahead.reading}.", *(f"- {note}" for note in ahead.notes)])


def zone(law: LawFit, budget: float) -> str:
    """Return how far a budget is beyond the fitted ones: "inside", "near" (<= 4 x), "far" (<= 16 x) or "refused"."""
    times = budget / float(law.rungs.x[-1])
    limits = {"inside": 1.0, "near": WIDEN_BEYOND, "far": REFUSE_BEYOND}
    return next((name for name, limit in limits.items() if times <= limit * (1 + 1e-12)), "refused")


def caution(law: LawFit, budget: float) -> str:
    """Describe the zone of a budget."""
    last = float(law.rungs.x[-1])
    return {
        "inside": "Inside the fitted range.",
        "near": f"{budget / last:.3g} times the last fitted budget: an extrapolation.",
        "far": f"**{budget / last:.3g} times the last fitted budget: no number, only the interval.**",
        "refused": f"**Refused: {budget / last:.3g} times the last fitted budget ({last:g}).** Beyond "
        f"{REFUSE_BEYOND:g} times no form can be trusted; measure a larger rung first.",
    }[zone(law, budget)]
