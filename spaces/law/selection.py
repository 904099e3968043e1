"""What is looked at: results, experiment, pair, ladder, fitted range, held-out rung; the controls over all views."""

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
RANGE = NAMES.index("from")  # from here on: what is fitted and held out of the ladder named before
NONE = "none"


class Chosen(NamedTuple):
    """A valid choice. `fit_min`, `fit_max`: budgets; `held_out`: a budget beyond, or None. `why`: why the result is
    exploratory, empty when it is as the recipe declared."""

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

    def law(self) -> LawFit:
        """The law of the fitted rungs. How many test items stand behind an error says nothing of seeds, so one student
        a budget without an sd gives no interval."""
        return fit(self.ladder._replace(n=None), self.fit_min, self.fit_max)

    @property
    def cells(self) -> pd.DataFrame:
        """The students of both axes that a plan learns from: all, or where the ladder is not fitted from its first or
        to its last budget, those from or up to the one that it is fitted to."""
        rows = self.experiment.cells(self.pair, self.name)
        low = self.fit_min if self.fit_min > self.ladder.budgets.min() else 0
        high = self.fit_max if self.fit_max < self.ladder.budgets.max() else np.inf
        return rows[rows["budget"].between(low, high)]

    @property
    def two_axes(self) -> bool:
        """Whether this ladder is too short for a law of its own, but one of several that a law over both axes reads."""
        short = len(np.unique(self.ladder.budgets)) < MIN_RUNGS
        return short and self.experiment.folder is not None and self.cells["questions"].nunique() > 1

    @property
    def toy(self) -> bool:
        """Whether embedded models are shown."""
        return self.pair in self.experiment.manifest.get("embedded", ()) or is_toy(self.pair)

    @property
    def values(self) -> list[str]:
        """What the controls of `NAMES` show for this choice."""
        held_out = NONE if self.held_out is None else f"{self.held_out:g}"
        source = [self.experiment.origin, self.experiment.name, self.pair, self.name]
        return [*source, f"{self.fit_min:g}", f"{self.fit_max:g}", held_out]


def build() -> tuple[list[gr.Dropdown], gr.Radio]:
    """The controls, in the order of `NAMES`, and the one of the scale, inside the block that is open."""
    with gr.Row():
        source = gr.Dropdown(
            SOURCES, value=EXAMPLE, label="Results", allow_custom_value=True, min_width=200,
            info="the bundled example, or org/name-results@revision",
        )  # fmt: skip
        experiment = gr.Dropdown([], label="Experiment", info="what was run", min_width=160)
        pair = gr.Dropdown([], label="Teacher > student base", info="the pair", min_width=160)
        ladder = gr.Dropdown(
            [], label="Ladder", info="students that differ in budget and seed", min_width=220, scale=2,
            elem_id="ladder",
        )  # fmt: skip
    with gr.Row():
        fit_min = gr.Dropdown([], label="Fit from r =", info="first rung fitted", min_width=120)
        fit_max = gr.Dropdown([], label="Fit up to r =", info="last rung fitted", min_width=120)
        held_out = gr.Dropdown([], label="Held-out rung", info="forecast, then compared", min_width=120)
        scale = gr.Radio(
            ["error", "accuracy"], value="error", label="Show", info="in laws and forecasts", min_width=180
        )
    return [source, experiment, pair, ladder, fit_min, fit_max, held_out], scale


def settle(values: list[Any], yours: Experiment | None = None) -> tuple[Chosen, list[str]]:
    """The choice nearest to these values of `NAMES` (None: as declared), and a sentence for each that is not there.

    ValueError when the results cannot be read or hold no ladder.
    """
    source, *wanted = (None if value is None else str(value) for value in values)
    messages: list[str] = []
    experiments = load(source or EXAMPLE, yours)
    usable = [name for name, each in experiments.items() if pairs_of(each)]
    if not usable:
        raise ValueError(f"{source or EXAMPLE} holds no ladder of 4 or more budgets: nothing to fit a law to")
    experiment = experiments[_one_of(wanted[0], usable, "experiment", messages)]
    pair = _one_of(wanted[1], pairs_of(experiment), "pair", messages)
    ladders = experiment.ladders(pair)
    name = _one_of(wanted[2], list(ladders), "ladder", messages)
    ladder = ladder_of(ladders[name], experiment.name)
    questions = float(ladders[name]["questions"].iloc[0])
    fit_min, fit_max, held_out, why = _range(ladder, experiment.forecasts(pair, name), wanted[3:], messages)
    return Chosen(experiment, pair, name, ladder, questions, fit_min, fit_max, held_out, why), messages


def pairs_of(experiment: Experiment) -> list[str]:
    """Pairs that a law can be fitted to."""
    return [pair for pair in experiment.pairs if experiment.ladders(pair)]


def updates(chosen: Chosen, yours: Experiment | None = None) -> list[Any]:
    """Choices and values of the controls for a choice."""
    known = load(chosen.experiment.origin, yours)
    sources = dict.fromkeys([*SOURCES, *([yours.origin] if yours else []), chosen.experiment.origin])
    every = [f"{budget:g}" for budget in np.unique(chosen.ladder.budgets)]
    beyond = [budget for budget in every if float(budget) > chosen.fit_max]
    choices = [
        list(sources),
        [name for name, each in known.items() if pairs_of(each)],
        pairs_of(chosen.experiment),
        list(chosen.experiment.ladders(chosen.pair)),
        [budget for budget in every if float(budget) < chosen.fit_max],
        [budget for budget in every if float(budget) > chosen.fit_min],
        [*beyond, NONE],
    ]
    return [gr.update(choices=each, value=value) for each, value in zip(choices, chosen.values, strict=True)]


def _one_of(wanted: str | None, there: list[str], what: str, messages: list[str]) -> str:
    if wanted is not None and wanted not in there:
        messages.append(f"These results have no such {what}; shown is {plain(there[0])}.")
    return wanted if wanted in there else there[0]


def _range(
    ladder: MeasuredLadder, declared: list[Declared], wanted: list[str | None], messages: list[str]
) -> tuple[float, float, float | None, str]:
    budgets = [float(budget) for budget in np.unique(ladder.budgets)]
    start = _start(budgets, declared)
    asked = [_rung(text, budgets, messages) for text in wanted[:2]]
    fit_min, fit_max = asked[0] or budgets[0], asked[1] or start[0]
    beyond = [budget for budget in budgets if budget > fit_max]
    held_out = _held_out(wanted[2], start[1], beyond, messages)
    return fit_min, fit_max, held_out, _why(declared, budgets, (fit_min, fit_max, held_out))


def _why(declared: list[Declared], budgets: list[float], chosen: tuple[float, float, float | None]) -> str:
    """Why what is chosen is exploratory; empty when it is as declared."""
    if not declared:
        return "no forecast was written down before these students were trained"
    mine = [each for each in declared if (budgets[0], each.fit_max, _trained(each, budgets)) == chosen]
    if not mine:
        named = " or ".join(f"fit up to r = {each.fit_max:g}, hold out r = {each.held_out:g}" for each in declared)
        return f"fitted range or held-out rung differ from what the recipe declared ({named})"
    return "students of the held-out rung existed before the forecast was written" if mine[0].seen else ""


def _trained(declared: Declared, budgets: list[float]) -> float | None:
    """The held-out rung, once it has students."""
    return declared.held_out if declared.held_out in budgets else None


def _start(budgets: list[float], declared: list[Declared]) -> tuple[float, float | None]:
    """Range and held-out rung as declared first; without that, the last of five or more rungs is held out."""
    if declared:
        return declared[0].fit_max, _trained(declared[0], budgets)
    return (budgets[-2], budgets[-1]) if len(budgets) > 4 else (budgets[-1], None)


def _rung(text: str | None, budgets: list[float], messages: list[str]) -> float | None:
    if text is None:
        return None
    found = next((budget for budget in budgets if f"{budget:g}" == text), None)
    if found is None:
        messages.append(f"This ladder has no rung r = {plain(text[:20])}.")
    return found


def _held_out(text: str | None, start: float | None, beyond: list[float], messages: list[str]) -> float | None:
    if text == NONE or not beyond:
        return None
    return _rung(text, beyond, messages) or (start if start in beyond else beyond[0])
