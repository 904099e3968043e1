"""Report the law over both axes for an experiment: kappa, where the routes differ, and what it would plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.laws.planning.crossover import divergence_total
from toolkit.laws.planning.plan import Plan, plan
from toolkit.laws.planning.prices import Prices
from toolkit.laws.surface.fit import MIN_CELLS, SurfaceFit, fit_surface
from toolkit.laws.surface.table import surface_table, verdict
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.results import Series
from toolkit.reports.rules.gaps import matched
from toolkit.text import markdown_table


@dataclass(frozen=True)
class PlanAtPrice:
    """The plan for an amount of money when a question costs `question_price` responses."""

    question_price: float
    spend: float
    verdict: str
    questions: int
    budget: int
    error: float
    sentence: str


@dataclass(frozen=True)
class SurfaceReport:
    """The surface through an experiment's cells.

    Attributes:
        parameters: least-squares values, by name.
        kappa: its posterior interval.
        reading: kappa in words.
        divergence: where the routes differ, the fields of `crossover.Divergence`; None where no gap is certain.
        forms: rows of `laws.surface.table`; none where too few cells are left for a comparison.
        preferred: the result of that comparison, in words.
    """

    parameters: Mapping[str, float]
    kappa: tuple[float, float]
    reading: str
    divergence: Mapping[str, Any] | None
    forms: Sequence[Mapping[str, Any]]
    preferred: str | None
    plans: Sequence[PlanAtPrice]
    warnings: Sequence[str]


def surface_of(series: Series) -> SurfaceFit | None:
    """Fit the surface through a series' cells; None for fewer cells than it needs, or cells on one axis."""
    sizes = {questions for questions, _ in series.cells}, {budget for _, budget in series.cells}
    if len(series.cells) < MIN_CELLS or min(map(len, sizes)) < 2:
        return None
    cells, _, errors = zip(*series.students(), strict=True)
    questions, budgets = zip(*cells, strict=True)
    return fit_surface(questions, budgets, errors, n=None if len(set(cells)) < len(cells) else series.n)


def describe_surface(series: Series, rules: DecisionRules) -> SurfaceReport | None:
    """Fit a series' surface, compare it with other forms and plan at each question price; None without a fit."""
    fit = surface_of(series)
    if fit is None:
        return None
    divergence = divergence_total(fit)
    table = surface_table(fit) if fit.comparable else []
    return SurfaceReport(
        parameters=fit.named,
        kappa=fit.kappa_interval(),
        reading=fit.reading(),
        divergence=divergence and divergence._asdict(),
        forms=[row._asdict() for row in table],
        preferred=verdict(table) if table else None,
        plans=[_plan(fit, series, price) for price in rules.question_prices],
        warnings=fit.warnings,
    )


def _plan(fit: SurfaceFit, series: Series, price: float) -> PlanAtPrice:
    """Plan with the money that the largest matched cell of the fewest questions costs."""
    few, _ = matched(series.cells)[-1]
    prices = Prices(question=price, response=1.0)
    advice: Plan = plan(fit, prices, spend=float(prices.cost(*few)))
    best = advice.best
    return PlanAtPrice(price, advice.spend, advice.verdict, best.questions, best.budget, best.error, advice.sentence)


def surface_lines(surfaces: Mapping[str, SurfaceReport]) -> list[str]:
    """Write surfaces, by the name of their series, as paragraphs of Markdown."""
    lines = []
    for name, surface in surfaces.items():
        lines.append(f"Surface, {name}: {surface.reading}. {_parting(surface.divergence)}")
        if surface.forms:
            rows = [
                [row["form"], f"{row['chi_square']:.0f}", f"{row['largest_total']:.3f}", f"{row['largest_M']:.3f}"]
                for row in surface.forms
            ]
            header = ("form", "chi-square", "rmse, largest total left out", "rmse, largest M left out")
            lines += [markdown_table(header, rows), f"Here {surface.preferred}."]
        for advice in surface.plans:
            lines.append(f"Plan, a question at the price of {advice.question_price:g} responses: {advice.sentence}")
        lines += [f"Note: {warning}" for warning in surface.warnings]
    return lines


def _parting(divergence: Mapping[str, Any] | None) -> str:
    if divergence is None:
        return "At no total that may be planned is a gap of 2 points between the routes certain."
    return (
        f"By the surface the routes part at {divergence['total']:,} responses: "
        f"{100 * divergence['difference']:.1f} points (with probability .9 at least {100 * divergence['lower']:.1f})."
    )
