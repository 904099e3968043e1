"""Write what is shown for downloading: the numbers as JSON, the ladder as CSV, and code that fits it again."""

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go

import fitting
import guards
import plots
from law_figure import Axes, draw
from selection import Choice
from toolkit.laws.curve.lawfit import LawFit

FILE = "ladder.csv"  # the downloaded table's name in the code that reads it


def as_csv(choice: Choice) -> str:
    """Write the students of a ladder: budget, seed, error (a fraction), sd where known, and whether exploratory."""
    rows = _rows(choice).assign(result="exploratory" if choice.why else "as declared")
    return str(rows.to_csv(index=False, lineterminator="\n"))


def law_figure(choice: Choice, law: LawFit) -> go.Figure:
    """Draw the law's figure, as it will be saved."""
    return plots.marked(draw(choice, law, Axes(choice.questions, False, True, choice.scale)), choice.why)


def as_json(choice: Choice, law: LawFit) -> str:
    """Write what `fss fit --json` prints, with the selection and whether that is exploratory."""
    report = fitting.report(law, _ahead(choice, law), choice.ladder.notes)
    head = {
        "experiment": choice.experiment.name,
        "ladder": choice.name,
        "exploratory": choice.why or None,
        "read": list(choice.experiment.notes),
        "observed": _rows(choice).to_dict("list"),
    }
    return json.dumps(head | dict(report), indent=1, allow_nan=False)


def as_lines(choice: Choice, law: LawFit) -> str:
    """Write the command and Python code that reproduce the number from the CSV, marked where it is exploratory."""
    ahead, noise = _ahead(choice, law), _noise(choice)
    predict = f" --predict {ahead[0]!r}" if ahead else ""
    flag = f" --{noise} {noise}" if noise else ""
    sd = ', table["sd"]' if noise == "sd" else ""
    rows, fit_max = 'table["budget"], table["error"]', f"fit_max={choice.fit_max!r}"
    name, code = "fit_law", f"law = fit_law({rows}{sd}, {fit_max})\nprint(law.E, law.r_half, law.beta)"
    if ahead:
        name, code = "forecast", f"ahead = forecast({rows}, {[*ahead]}{sd}, {fit_max})"
        code += "\nprint(ahead.mean, ahead.interval(0.9, rows=1), ahead.reading)"
    lines = f"""\
# {FILE} is the CSV of this report; the same command:
# fss fit {FILE} --x budget --y error{flag} --fit-max {choice.fit_max!r}{predict}
import pandas as pd
from toolkit import {name}

table = pd.read_csv("{FILE}")
{code}
"""
    return f"# {guards.marked(lines, choice.why)}" if choice.why else lines


def _rows(choice: Choice) -> pd.DataFrame:
    """Return students from the first fitted rung on, their seeds counted from 0 where repeated budgets are seeds."""
    ladder = choice.ladder
    rows = pd.DataFrame({"budget": ladder.budgets, "error": ladder.values})
    rows.insert(1, "seed", rows.groupby("budget").cumcount())
    if ladder.sd is not None:
        rows["sd"] = ladder.sd
    return rows[rows["budget"] >= choice.fit_min]


def _noise(choice: Choice) -> str | None:
    if choice.ladder.sd is not None:
        return "sd"
    return "seed" if len(np.unique(choice.ladder.budgets)) < len(choice.ladder.budgets) else None


def _ahead(choice: Choice, law: LawFit) -> tuple[float, ...]:
    return () if choice.held_out is None or law.shape.refused else (choice.held_out,)
