"""What the law over both axes makes of an experiment's cells: kappa, where the routes part, and what it would plan."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from toolkit.laws.planning.crossover import divergence_total
from toolkit.laws.planning.plan import Plan, plan
from toolkit.laws.planning.prices import Prices
from toolkit.laws.surface.fit import MIN_CELLS, SurfaceFit, fit_surface
from toolkit.laws.surface.table import surface_table, verdict
from toolkit.recipe.decision_rules import Rules
from toolkit.reports.results import Series
from toolkit.reports.rules.gaps import matched
from toolkit.text import markdown_table


def surface_of(series: Series) -> SurfaceFit | None:
    """The surface through a series' cells; None for fewer cells, or other ones, than it needs."""
    sizes = {questions for questions, _ in series.cells}, {budget for _, budget in series.cells}
    if len(series.cells) < MIN_CELLS or min(map(len, sizes)) < 2:
        return None
    cells, _, errors = zip(*series.students(), strict=True)
    questions, budgets = zip(*cells, strict=True)
    return fit_surface(questions, budgets, errors, n=None if len(set(cells)) < len(cells) else series.n)


def describe_surface(series: Series, rules: Rules) -> dict[str, Any] | None:
    """The surface in plain values, the forms it was held against, and the plan at each of the prices asked."""
    fit = surface_of(series)
    if fit is None:
        return None
    parts = divergence_total(fit)
    table = surface_table(fit) if _comparable(fit) else []
    return {
        "parameters": dict(zip(("E", "B", "D0", "beta", "kappa"), fit.parameters.tolist(), strict=True)),
        "kappa": fit.kappa_interval(),
        "reading": fit.reading(),
        "divergence": parts and parts._asdict(),
        "forms": [row._asdict() for row in table],
        "preferred": verdict(table) if table else None,
        "plans": [_plan(fit, series, price) for price in rules.question_prices],
        "warnings": fit.warnings,
    }


def _comparable(fit: SurfaceFit) -> bool:
    """Whether enough cells are left for rivals when the largest are left out."""
    return min(np.sum(fit.cells.x < fit.cells.x.max()), np.sum(fit.questions < fit.questions.max())) >= MIN_CELLS


def _plan(fit: SurfaceFit, series: Series, price: float) -> dict[str, Any]:
    """What to do with the money of the largest matched cell of the fewest questions."""
    few, _ = matched(series.cells)[-1]
    prices = Prices(question=price, response=1.0)
    found: Plan = plan(fit, prices, spend=float(prices.cost(*few)))
    best = {"questions": found.best.questions, "budget": found.best.budget, "error": found.best.error}
    return {"question_price": price, "spend": found.spend, "verdict": found.verdict, **best, "sentence": found.sentence}


def surface_lines(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The surfaces of a decision's parts as paragraphs of Markdown, where there are any."""
    lines = []
    for part in parts:
        found = part.get("surface")
        if not found:
            continue
        lines.append(f"Surface, {part['name']}: {found['reading']}. {_parting(found['divergence'])}")
        if found["forms"]:
            rows = [
                [row["form"], f"{row['chi_square']:.0f}", f"{row['largest_total']:.3f}", f"{row['largest_M']:.3f}"]
                for row in found["forms"]
            ]
            header = ("form", "chi-square", "rmse, largest total left out", "rmse, largest M left out")
            lines += [markdown_table(header, rows), f"Here {found['preferred']}."]
        for told in found["plans"]:
            lines.append(f"Plan, a question at the price of {told['question_price']:g} responses: {told['sentence']}")
        lines += [f"Note: {warning}" for warning in found["warnings"]]
    return lines


def _parting(divergence: Mapping[str, Any] | None) -> str:
    if divergence is None:
        return "At no total that may be planned is a gap of 2 points between the routes certain."
    return (
        f"By the surface the routes part at {divergence['total']:,} responses: "
        f"{100 * divergence['difference']:.1f} points (with probability .9 at least {100 * divergence['lower']:.1f})."
    )
