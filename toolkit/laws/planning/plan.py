"""Plan how to split a spending limit into questions and answers: which split is expected to be best, and how surely.

A fitted surface gives the posterior of the error at M questions with r responses each, a price list their cost. At a
fixed spending every r leaves money for a number of questions; the split of least expected error is compared with the
best ones of at most half and of at least double as many responses. It is recommended when it beats both with
probability .9 on paired posterior draws; otherwise the plan says that it cannot tell, and what would. (With error
falling in n_eff = M r / (1 + (r - 1) kappa), price q a question and c a response, the optimum is Kish's
r = sqrt(q/c (1 - kappa)/kappa), whatever the error's own curve.)
"""

from dataclasses import dataclass, replace

import numpy as np

from toolkit.laws.planning.allocation import TRUSTED, Split, affordable, best_split, frontier, least_cost, limits
from toolkit.laws.planning.crossover import crossover, divergence_total
from toolkit.laws.planning.design import ProposedExperiment, Surface, better, form_doubt, smallest_experiment
from toolkit.laws.planning.prices import Prices

__all__ = ["Plan", "Prices", "Rival", "Split", "crossover", "divergence_total", "frontier", "plan"]

RECOMMENDED, CANNOT_TELL, OUT_OF_REACH = "recommended", "cannot tell", "out of reach"


@dataclass(frozen=True)
class Rival:
    """Another split of the same money, the `probability` that the best split has the lower error, and the difference of
    their errors (rival's minus best's): mean and 90 % interval, fractions."""

    split: Split
    probability: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Plan:
    """The `best` split of `spend` with its `rivals`, the `verdict` and, where it cannot tell, an `experiment`.

    `verdict` is "recommended", "cannot tell", or "out of reach" of a target. `reachable` is P(some corpus that may be
    planned, within the spending limit if there is one, has an error of at most `target`); `sure_spend` is the cost of
    reaching the target with probability `confidence`, None if nothing that may be planned does. `notes` label what is
    untested. All probabilities are those of the surface's posterior: they hold if its form does, and where another form
    describes the cells better, `doubt` says so and nothing is recommended.
    """

    spend: float
    best: Split
    rivals: tuple[Rival, ...]
    verdict: str
    confidence: float = 0.9
    experiment: ProposedExperiment | None = None
    target: float | None = None
    reachable: float | None = None
    sure_spend: float | None = None
    doubt: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def probability(self) -> float:
        """Return P(the best split beats its strongest rival); 1 where there is none."""
        return min((rival.probability for rival in self.rivals), default=1.0)

    @property
    def sentence(self) -> str:
        """Return the advice in words; errors in percent, differences in points."""
        return " ".join(part for part in (self._advice(), self._aim(), *(f"({note})" for note in self.notes)) if part)

    def _advice(self) -> str:
        expected = f"{_split(self.best)} for {self.best.cost:,.6g}: expected error {_error(self.best)}"
        if self.verdict == OUT_OF_REACH:
            return f"Out of reach: even {expected}."
        against = "; ".join(
            f"{_split(rival.split)} would be {100 * rival.difference:+.1f} points "
            f"({100 * rival.low:+.1f} to {100 * rival.high:+.1f}), worse with probability {rival.probability:.2f}"
            for rival in self.rivals
        )
        if self.verdict == RECOMMENDED:
            return f"With {self.spend:,.6g} to spend, take {expected}" + (f"; {against}." if against else ".")
        if self.doubt is not None:
            guess = f"if it held, with {self.spend:,.6g} to spend the best would be {expected}; {against}"
            return f"Cannot tell, the form of the surface is in doubt: {self.doubt}; {guess}."
        guess = f"Cannot tell: with {self.spend:,.6g} to spend the best guess is {expected}"
        return f"{guess}; {against}. {self._would_tell()}"

    def _would_tell(self) -> str:
        if self.experiment is None:
            return "No experiment within twice what was tested, of up to 16 students, would tell: take either."
        cells, runs, cost, tells = self.experiment
        where = " and ".join(f"{questions:,} questions with {_responses(budget)}" for questions, budget in cells)
        students = "1 student" if runs == 1 else f"{runs} students, with questions and responses of their own,"
        worth = "" if cost <= self.spend else " It costs more than the plan itself: without it, take either."
        return (
            f"The smallest experiment that would tell: {students} at {'each of ' if len(cells) > 1 else ''}{where} "
            f"({cost:,.6g} in all), which decides {tells:.0%} of the time.{worth}"
        )

    def _aim(self) -> str:
        if self.target is None:
            return ""
        sure = "no corpus that may be planned" if self.sure_spend is None else f"{self.sure_spend:,.6g}"
        return (
            f"An error of {100 * self.target:.1f} % can be reached with probability {self.reachable:.2f}; "
            f"to reach it with probability {self.confidence:g} takes {sure}."
        )


def _responses(budget: int) -> str:
    return "1 response each" if budget == 1 else f"{budget:,} responses each"


def _split(split: Split) -> str:
    return f"{split.questions:,} questions with {_responses(split.budget)}"


def _error(split: Split) -> str:
    return f"{100 * split.error:.1f} % (90 % interval {100 * split.low:.1f}-{100 * split.high:.1f} %)"


def plan(
    surface: Surface,
    prices: Prices,
    *,
    spend: float | None = None,
    target: float | None = None,
    confidence: float = 0.9,
    beyond: bool = False,
) -> Plan:
    """Find the best split of a `spend`ing limit or, without one, of the least money whose expected error is `target`.

    A plan has at most twice the questions and twice the budgets that were tested; `beyond` lifts that, and the plan's
    notes say how far it reaches. Raises ValueError on neither limit nor target, a limit that buys nothing or more than
    may be planned, a target outside (0, 1), and a surface without posterior draws.
    """
    _check(surface, spend, target, confidence)
    money = spend if spend is not None else _least_spend(surface, prices, float(target or 0), beyond)
    splits = affordable(surface, prices, money, beyond)
    best = best_split(surface, prices, splits)
    sides = [splits[1] <= best.budget / 2, splits[1] >= best.budget * 2]
    others = [best_split(surface, prices, (splits[0][side], splits[1][side])) for side in sides if side.any()]
    rivals = tuple(_rival(surface, best, other) for other in others)
    notes = _notes(surface, best) + ([] if beyond else _beyond_limits(surface, prices, money))
    advice = Plan(money, best, rivals, RECOMMENDED, confidence, doubt=form_doubt(surface), notes=tuple(notes))
    if advice.doubt is not None:
        advice = replace(advice, verdict=CANNOT_TELL)
    elif advice.probability < confidence:
        strongest = min(rivals, key=lambda rival: rival.probability).split
        pair = [(split.questions, split.budget) for split in (best, strongest)]
        experiment = smallest_experiment(surface, prices, pair[0], pair[1], confidence)
        advice = replace(advice, verdict=CANNOT_TELL, experiment=experiment)
    if target is None:
        return advice
    sure = least_cost(surface, prices, lambda errors: (errors <= target).mean(axis=0) >= confidence, beyond)
    within = splits if spend is not None else limits(surface, beyond)
    reachable = float((surface.error(*within).reshape(-1, np.size(within[0])).min(axis=1) <= target).mean())
    missed = spend is None and best.error > target * (1 + 1e-9)
    verdict = OUT_OF_REACH if missed else advice.verdict
    return replace(advice, verdict=verdict, target=target, reachable=reachable, sure_spend=sure)


def _check(surface: Surface, spend: float | None, target: float | None, confidence: float) -> None:
    if spend is None and target is None:
        raise ValueError("nothing to plan for: give a spending limit (spend), a target error (target) or both")
    if target is not None and not 0 < target < 1:
        raise ValueError(f"target is an error, a fraction between 0 and 1, got {target:g}")
    if not 0.5 < confidence < 1:
        raise ValueError(f"confidence must lie between .5 and 1, got {confidence:g}")
    if not len(surface.error(surface.questions[:1], surface.budgets[:1])):
        raise ValueError("the surface has no posterior draws: fit it with replicates, sd or n, so that noise is known")


def _least_spend(surface: Surface, prices: Prices, target: float, beyond: bool) -> float:
    """Return the least cost of an expected error of `target`, or that of the largest plan where none reaches it."""
    cost = least_cost(surface, prices, lambda errors: errors.mean(axis=0) <= target, beyond)
    return float(prices.cost(*limits(surface, beyond))) if cost is None else cost


def _rival(surface: Surface, best: Split, other: Split) -> Rival:
    a, b = surface.error(best.questions, best.budget), surface.error(other.questions, other.budget)
    low, high = np.quantile(b - a, [0.05, 0.95])
    return Rival(other, better(a, b), float(np.mean(b - a)), float(low), float(high))


def _notes(surface: Surface, split: Split) -> list[str]:
    """Label what lies further out than was tested."""
    tested = {
        "questions": (split.questions, surface.questions.max()),
        "responses per question": (split.budget, surface.budgets.max()),
        "responses in all": (split.questions * split.budget, (surface.questions * surface.budgets).max()),
    }
    notes = [
        f"untested: {value:,} {name} are {value / most:.3g} times the most tested, {most:,.0f}"
        for name, (value, most) in tested.items()
        if value > TRUSTED * most
    ]
    if split.questions * TRUSTED < surface.questions.min():
        notes.append(f"untested: {split.questions:,} questions are less than half the fewest tested")
    return notes


def _beyond_limits(surface: Surface, prices: Prices, spend: float) -> list[str]:
    """Say whether the law itself would go further than a plan may."""
    free = best_split(surface, prices, affordable(surface, prices, spend, True))
    most_questions, most_budget = limits(surface, False)
    if free.questions <= most_questions and free.budget <= most_budget:
        return []
    return [f"the law would go on to {_split(free)}, beyond twice what was tested: test larger cells before you do"]
