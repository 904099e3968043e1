"""What is shown, to take away: the numbers as JSON, the ladder as CSV, and the lines that fit it again elsewhere."""

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go

import fitting
import guards
import plots
from law_figure import Axes, draw
from selection import Chosen
from toolkit.laws.curve.lawfit import LawFit

FILE = "ladder.csv"  # what the downloaded table is called in the lines that read it


def as_csv(chosen: Chosen) -> str:
    """The students of a ladder: budget, seed, error (a fraction), sd where it is known, and whether exploratory."""
    rows = _rows(chosen).assign(result="exploratory" if chosen.why else "as declared")
    return str(rows.to_csv(index=False, lineterminator="\n"))


def drawn(chosen: Chosen, law: LawFit) -> go.Figure:
    """The law's figure, as it will be saved."""
    return plots.marked(draw(chosen, law, Axes(chosen.questions, False, True, chosen.scale)), chosen.why)


def as_json(chosen: Chosen, law: LawFit) -> str:
    """What `fss fit --json` prints, with what was chosen and whether that is exploratory."""
    report = fitting.report(law, _ahead(chosen, law), chosen.ladder.notes)
    head = {
        "experiment": chosen.experiment.name,
        "ladder": chosen.name,
        "exploratory": chosen.why or None,
        "read": list(chosen.experiment.notes),
        "observed": _rows(chosen).to_dict("list"),
    }
    return json.dumps(head | dict(report), indent=1, allow_nan=False)


def as_lines(chosen: Chosen, law: LawFit) -> str:
    """The command and the Python lines that reproduce the number from the CSV; comments say if it is exploratory."""
    ahead, noise = _ahead(chosen, law), _noise(chosen)
    predict = f" --predict {ahead[0]!r}" if ahead else ""
    flag = f" --{noise} {noise}" if noise else ""
    sd = ', table["sd"]' if noise == "sd" else ""
    forecast = f"print(law.predict({ahead[0]!r}))" if ahead else "print(law.E, law.r_half, law.beta)"
    lines = f"""\
# {FILE} is the CSV of this report; the same command:
# fss fit {FILE} --x budget --y error{flag} --fit-max {chosen.fit_max!r}{predict}
import pandas as pd
from toolkit.laws.curve.fit import fit_law

table = pd.read_csv("{FILE}")
law = fit_law(table["budget"], table["error"]{sd}, fit_max={chosen.fit_max!r})
{forecast}
"""
    return f"# {guards.marked(lines, chosen.why)}" if chosen.why else lines


def _rows(chosen: Chosen) -> pd.DataFrame:
    """Students from the first rung fitted on; their seeds are counted from 0 where repeated budgets are seeds."""
    ladder = chosen.ladder
    rows = pd.DataFrame({"budget": ladder.budgets, "error": ladder.values})
    rows.insert(1, "seed", rows.groupby("budget").cumcount())
    if ladder.sd is not None:
        rows["sd"] = ladder.sd
    return rows[rows["budget"] >= chosen.fit_min]


def _noise(chosen: Chosen) -> str | None:
    if chosen.ladder.sd is not None:
        return "sd"
    return "seed" if len(np.unique(chosen.ladder.budgets)) < len(chosen.ladder.budgets) else None


def _ahead(chosen: Chosen, law: LawFit) -> tuple[float, ...]:
    return () if chosen.held_out is None or law.shape.refused else (chosen.held_out,)
