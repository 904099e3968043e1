"""Decide a rule by its name, and write the files of the decision."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.laws.forecast.ahead import AVERAGED
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.arms import ComparedArm
from toolkit.reports.corpora import CorpusValue
from toolkit.reports.forecast import HeldOutForecast, forecasts_now
from toolkit.reports.results import Series, select_control
from toolkit.reports.rules.audit import decide_audit
from toolkit.reports.rules.bound import decide_bound
from toolkit.reports.rules.expansion import decide_expansion
from toolkit.reports.rules.law import decide_law
from toolkit.reports.rules.markdown import as_markdown
from toolkit.reports.rules.mixture import decide_mixture
from toolkit.reports.rules.saturation import decide_saturation
from toolkit.reports.rules.synthesis import decide_synthesis
from toolkit.reports.rules.verdict import CLAIMS, OF_ARMS, Decision
from toolkit.workspace import to_json, write_atomic


@dataclass(frozen=True)
class DecisionRequest:
    """A rule, and what it needs beyond the results.

    Attributes:
        rule: a key of `CLAIMS`.
        written: law: every pair's forecast, as written before the held-out rung was trained; see `decide_law`.
        fit_max, held_out, form: law without written forecasts: the largest budget to fit, the one to forecast, and the
            form of the law.
        by: law without written forecasts, bound: `averaged` over forms, or a form alone.
        labels: saturation: by question and draw the path of an accepted response, None for a rejected one.
        arms, corpora: synthesis, audit: what is compared instead of series, and the table of their corpora.
        baseline: synthesis, audit: the arm that others are compared with; None: the only plain rejection sampling.
        notes: what the reader must know: replicates, what they share, how small the models are.
    """

    rule: str
    fit_max: int | None = None
    held_out: int | None = None
    form: str = "rectified"
    by: str = AVERAGED
    written: Sequence[HeldOutForecast] = ()
    labels: Sequence[Sequence[Hashable | None]] = ()
    arms: Sequence[ComparedArm] = ()
    corpora: Sequence[CorpusValue] = ()
    baseline: str | None = None
    notes: Sequence[str] = ()


def decide(request: DecisionRequest, experiment: str, all_series: Sequence[Series], rules: DecisionRules) -> Decision:
    """Decide one rule on an experiment's results: series (`results.read_results`), or the request's arms.

    Raises:
        ValueError: for an unknown rule, a request without what its rule needs, or results that it cannot read.
    """
    notes = tuple(request.notes)
    if request.rule == "law":
        return decide_law(
            experiment, all_series, request.written or _forecasts(request, all_series, rules), rules, notes
        )
    if request.rule == "saturation":
        return decide_saturation(
            experiment, select_control(all_series, rules.control)[0], request.labels, rules, notes=notes
        )
    if request.rule in OF_ARMS:
        rule = decide_audit if request.rule == "audit" else decide_synthesis
        return rule(experiment, request.arms, request.corpora, rules, baseline=request.baseline, notes=notes)
    if request.rule == "bound":
        return decide_bound(experiment, all_series, rules, by=request.by, notes=notes)
    routes = {"expansion": decide_expansion, "mixture": decide_mixture}
    if request.rule not in routes:
        raise ValueError(f"no rule is called {request.rule!r}: use one of {', '.join(CLAIMS)}")
    return routes[request.rule](experiment, all_series, rules, notes)


def _forecasts(request: DecisionRequest, all_series: Sequence[Series], rules: DecisionRules) -> list[HeldOutForecast]:
    if request.fit_max is None or request.held_out is None:
        raise ValueError("the rule 'law' needs fit_max, the largest budget fitted, and held_out, the one forecast")
    ahead = {"fit_max": request.fit_max, "held_out": request.held_out}
    return forecasts_now(all_series, rules, **ahead, form=request.form, by=request.by)


def draw(path: Path, decision: Decision, all_series: Sequence[Series], title: str) -> None:
    """Draw the figure of a decision as PNG, SVG or PDF, its notes below; ValueError for a rule that has none."""
    words = {"title": title, "note": " ".join(decision.notes)}
    if decision.rule == "law":
        from toolkit.reports.figures.law import draw_pairs

        draw_pairs(path, all_series, decision, **words)
    elif decision.rule in ("expansion", "mixture"):
        from toolkit.reports.figures.routes import draw_routes

        draw_routes(path, all_series, decision, **words)
    elif decision.rule in OF_ARMS:
        from toolkit.reports.figures.protocols import draw_protocols

        draw_protocols(path, decision, **words)
    elif decision.rule == "saturation":
        from toolkit.reports.figures.saturation import draw_saturation

        draw_saturation(path, decision, **words)
    else:
        raise ValueError(
            f"the rule {decision.rule!r} has no figure: its gap is that between law and teacher in the law's figure"
        )


def write_decision(out: Path, decision: Decision, all_series: Sequence[Series], title: str) -> list[Path]:
    """Write `<rule>.json` (every number), `<rule>.md` (sentence, table, notes) and, but for the bound, `<rule>.png`.

    Args:
        out: an existing folder.
        decision: the result of `decide`.
        all_series: the series that were decided on; none for a rule that compares arms.
        title: title of the figure.

    Returns:
        The files written.
    """
    kinds = ("json", "md") if decision.rule == "bound" else ("json", "md", "png")
    files = [out / f"{decision.rule}.{kind}" for kind in kinds]
    write_atomic(files[0], to_json(decision))
    write_atomic(files[1], as_markdown(decision) + "\n")
    if len(files) > 2:
        draw(files[2], decision, all_series, title)
    return files
