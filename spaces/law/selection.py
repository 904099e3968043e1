"""Select results, experiment, pair, ladder, fitted range and held-out rung by the controls over all views."""

from typing import Any, NamedTuple

import gradio as gr
import numpy as np
import pandas as pd

from data import EXAMPLE, MIN_RUNGS, SOURCES, Declared, Experiment, load
from fitting import fit, ladder_of
from guards import is_toy, plain
from scale import Scale
from toolkit.laws.curve.lawfit import LawFit
from toolkit.reports.curves import MeasuredLadder

NAMES = ("data", "experiment", "pair", "ladder", "from", "upto", "heldout")
RANGE = NAMES.index("from")  # from here on: what is fitted and held out of the ladder
NONE = "none"


class Choice(NamedTuple):
    """A valid choice, with `fit_min` and `fit_max` as budgets, and `held_out` a budget beyond them, or None.

    `why` says why the result is exploratory; it is empty for the choice that the recipe declared.
    """

    experiment: Experiment
    pair: str
    name: str
    ladder: MeasuredLadder
    questions: float
    fit_min: float
    fit_max: float
    held_out: float | None
    why: str
    scale: Scale = Scale()

    @property
    def declared(self) -> Declared | None:
        """Return the forecast that was written of this rung from this range, if there is one."""
        chosen = self.fit_max, self.held_out
        every = self.experiment.forecasts(self.pair, self.name)
        return next((one for one in every if (one.fit_max, one.held_out) == chosen), None)

    def law(self) -> LawFit:
        """Fit the law of the selected rungs.

        The number of test items says nothing about seeds, so a single student per budget without an sd gives no
        interval. ValueError for arms at one budget.
        """
        if self.one_budget:
            raise ValueError(
                "these are arms at one budget, so there is no curve to fit: the view Compare is about them"
            )
        return fit(self.ladder._replace(n=None), self.fit_min, self.fit_max)

    @property
    def cells(self) -> pd.DataFrame:
        """Return the students of both axes that a plan uses: all, within the fitted range where that is narrowed."""
        rows = self.experiment.cells(self.pair, self.name)
        low = self.fit_min if self.fit_min > self.ladder.budgets.min() else 0
        high = self.fit_max if self.fit_max < self.ladder.budgets.max() else np.inf
        return rows[rows["budget"].between(low, high)]

    @property
    def two_axes(self) -> bool:
        """Say whether this ladder is too short for a law of its own, but one of several for a law over both axes."""
        short = len(np.unique(self.ladder.budgets)) < MIN_RUNGS
        return short and self.experiment.folder is not None and self.cells["questions"].nunique() > 1

    @property
    def one_budget(self) -> bool:
        """Say whether arms at one budget are shown, with no ladder to fit."""
        return self.experiment.arms and len(np.unique(self.ladder.budgets)) == 1

    @property
    def toy(self) -> bool:
        """Say whether embedded models are shown."""
        return self.pair in self.experiment.manifest.get("embedded", ()) or is_toy(self.pair)

    @property
    def values(self) -> list[str]:
        """Return the values of the controls of `NAMES` for this choice."""
        held_out = NONE if self.held_out is None else f"{self.held_out:g}"
        source = [self.experiment.origin, self.experiment.name, self.pair, self.name]
        return [*source, f"{self.fit_min:g}", f"{self.fit_max:g}", held_out]


def build() -> tuple[list[gr.Dropdown], gr.Radio]:
    """Build the controls, in the order of `NAMES`, and the one of the scale, inside the open block."""
    updated = updates(settle([None] * len(NAMES))[0])
    first = [{key: update[key] for key in ("choices", "value")} for update in updated]
    with gr.Row():
        source = gr.Dropdown(
            **first[0], label="Results", allow_custom_value=True, min_width=200,
            info="the bundled example, or org/name-results@revision",
        )  # fmt: skip
        experiment = gr.Dropdown(**first[1], label="Experiment", info="what was run", min_width=160)
        pair = gr.Dropdown(**first[2], label="Teacher > student base", info="the pair", min_width=160)
        ladder = gr.Dropdown(
            **first[3], label="Ladder", info="students that differ in budget and seed", min_width=220, scale=2,
            elem_id="ladder",
        )  # fmt: skip
    with gr.Row():
        fit_min = gr.Dropdown(**first[4], label="Fit from r =", info="first rung fitted", min_width=120)
        fit_max = gr.Dropdown(**first[5], label="Fit up to r =", info="last rung fitted", min_width=120)
        held_out = gr.Dropdown(**first[6], label="Held-out rung", info="forecast, then compared", min_width=120)
        scale = gr.Radio(
            ["error", "accuracy"], value="error", label="Show", info="in laws and forecasts", min_width=180
        )
    return [source, experiment, pair, ladder, fit_min, fit_max, held_out], scale


def settle(values: list[Any], yours: Experiment | None = None) -> tuple[Choice, list[str]]:
    """Return the choice nearest to these values of `NAMES` (None: as declared), and messages about impossible ones.

    ValueError when the results cannot be read or hold no ladder.
    """
    source, *requested = (None if value is None else str(value) for value in values)
    messages: list[str] = []
    experiments = load(source or EXAMPLE, yours)
    usable = [name for name, candidate in experiments.items() if pairs_of(candidate)]
    if not usable:
        raise ValueError(
            f"{source or EXAMPLE} holds no ladder of 4 or more budgets: nothing to fit a law to, and no arms to compare"
        )
    experiment = experiments[_one_of(requested[0], usable, "experiment", messages)]
    pair = _one_of(requested[1], pairs_of(experiment), "pair", messages)
    ladders = experiment.ladders(pair)
    name = _one_of(requested[2], list(ladders), "ladder", messages)
    ladder = ladder_of(ladders[name], experiment.name)
    questions = float(ladders[name]["questions"].iloc[0])
    fit_min, fit_max, held_out, why = _range(ladder, experiment.forecasts(pair, name), requested[3:], messages)
    if experiment.arms and not experiment.declared:
        why = "" if experiment.rule else "no rule for these arms is recorded with their results"
    return Choice(experiment, pair, name, ladder, questions, fit_min, fit_max, held_out, why), messages


def pairs_of(experiment: Experiment) -> list[str]:
    """List the pairs that a law can be fitted to."""
    return [pair for pair in experiment.pairs if experiment.ladders(pair)]


def updates(choice: Choice, yours: Experiment | None = None) -> list[Any]:
    """Return choices and values of the controls for a choice."""
    experiments = load(choice.experiment.origin, yours)
    sources = dict.fromkeys([*SOURCES, *([yours.origin] if yours else []), choice.experiment.origin])
    budgets = [f"{budget:g}" for budget in np.unique(choice.ladder.budgets)]
    beyond = [budget for budget in budgets if float(budget) > choice.fit_max]
    choices = [
        list(sources),
        [name for name, options in experiments.items() if pairs_of(options)],
        pairs_of(choice.experiment),
        list(choice.experiment.ladders(choice.pair)),
        [budget for budget in budgets if float(budget) < choice.fit_max],
        [budget for budget in budgets if float(budget) > choice.fit_min],
        [*beyond, NONE],
    ]
    return [gr.update(choices=options, value=value) for options, value in zip(choices, choice.values, strict=True)]


def _one_of(requested: str | None, available: list[str], what: str, messages: list[str]) -> str:
    if requested is not None and requested not in available:
        messages.append(f"These results have no such {what}; {plain(available[0])} is shown.")
    return requested if requested in available else available[0]


def _range(
    ladder: MeasuredLadder, declared: list[Declared], requested: list[str | None], messages: list[str]
) -> tuple[float, float, float | None, str]:
    budgets = [float(budget) for budget in np.unique(ladder.budgets)]
    start = _start(budgets, declared)
    ends = [_rung(text, budgets, messages) for text in requested[:2]]
    fit_min, fit_max = ends[0] or budgets[0], ends[1] or start[0]
    beyond = [budget for budget in budgets if budget > fit_max]
    held_out = _held_out(requested[2], start[1], beyond, messages)
    return fit_min, fit_max, held_out, _why(declared, budgets, (fit_min, fit_max, held_out))


def _why(declared: list[Declared], budgets: list[float], choice: tuple[float, float, float | None]) -> str:
    """Say why a choice is exploratory; empty when it is as declared."""
    if not declared:
        return "no forecast was written before these students were trained"
    matches = [
        forecast for forecast in declared if (budgets[0], forecast.fit_max, _trained(forecast, budgets)) == choice
    ]
    if not matches:
        options = " or ".join(
            f"fit up to r = {forecast.fit_max:g}, hold out r = {forecast.held_out:g}" for forecast in declared
        )
        return f"fitted range or held-out rung differ from what the recipe declared ({options})"
    return "students of the held-out rung existed before the forecast was written" if matches[0].exploratory else ""


def _trained(declared: Declared, budgets: list[float]) -> float | None:
    """Return the held-out rung, once it has students."""
    return declared.held_out if declared.held_out in budgets else None


def _start(budgets: list[float], declared: list[Declared]) -> tuple[float, float | None]:
    """Return range and held-out rung as first declared; without that, the last of five or more rungs is held out."""
    if declared:
        return declared[0].fit_max, _trained(declared[0], budgets)
    return (budgets[-2], budgets[-1]) if len(budgets) > 4 else (budgets[-1], None)


def _rung(text: str | None, budgets: list[float], messages: list[str]) -> float | None:
    if text is None:
        return None
    budget_found = next((budget for budget in budgets if f"{budget:g}" == text), None)
    if budget_found is None:
        messages.append(f"This ladder has no rung r = {plain(text[:20])}.")
    return budget_found


def _held_out(text: str | None, start: float | None, beyond: list[float], messages: list[str]) -> float | None:
    if text == NONE or not beyond:
        return None
    return _rung(text, beyond, messages) or (start if start in beyond else beyond[0])
