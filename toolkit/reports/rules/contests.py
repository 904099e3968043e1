"""Pair arms with their baseline: the same pair of models, cell, replicates and test items, compared in one way.

A gain is the error of the baseline minus that of an arm, so that above 0 the arm is better.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from toolkit.doors import OLDER
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.arms import MATCHES, RESPONSES, ComparedArm
from toolkit.reports.corpora import NOT_TESTED, STEPS
from toolkit.reports.results import Array, Cell, Replicate, Series, cell_name
from toolkit.reports.rules.ledger import Ledger
from toolkit.reports.rules.verdict import NoAnswer
from toolkit.statistics.intervals import Contrast, contrasts

FEWEST = 2  # replicates; `ADVISED` are better, as intervals of fewer are wide
ADVISED = 5


class Place(NamedTuple):
    """Where arms meet: a pair of models, a key of `MATCHES` and a cell (questions, budget)."""

    pair: str
    match: str
    cell: Cell


@dataclass(frozen=True)
class Contest:
    """The arms that meet at one place, by name; all have the same replicates and test items.

    Attributes:
        wrong: answers (R, items) of every arm's students, 1 where wrong; the baseline's, too, which comes first.
        gains: of every arm over the baseline.
    """

    place: Place
    replicates: Sequence[Replicate]
    wrong: Mapping[str, Array]
    gains: Mapping[str, Contrast]
    items: int
    by_item: bool

    @property
    def errors(self) -> Mapping[str, Array]:
        """Return the errors of each replicate (R,) of every arm, fractions."""
        return {name: matrix.mean(axis=1) for name, matrix in self.wrong.items()}


def baseline_of(arms: Sequence[ComparedArm], named: str | None) -> str:
    """Return the name of the baseline: the one that is named, or the only arm of plain rejection sampling.

    Raises:
        NoAnswer: for a name that no arm has, or without a name for none or several arms of plain rejection sampling.
    """
    names = sorted({arm.name for arm in arms if named in (None, arm.name)})
    plain = sorted({arm.name for arm in arms if arm.protocol == OLDER["protocol"]}) if named is None else names
    if len(plain) == 1:
        return plain[0]
    have = ", ".join(sorted({arm.name for arm in arms}))
    if named is not None:
        raise NoAnswer(f"no arm with students is called {named!r}, the baseline; there are {have}")
    if not arms:
        raise NoAnswer("the results hold no arms: name them in the recipe, and train their students")
    if plain:
        raise NoAnswer(f"{len(plain)} arms are plain rejection sampling ({', '.join(plain)}): name the baseline")
    raise NoAnswer(f"no arm of {have} is plain rejection sampling, the baseline: train one, or name another baseline")


def contests_of(arms: Sequence[ComparedArm], ledger: Ledger, rules: DecisionRules, baseline: str) -> list[Contest]:
    """Build a contest at every place where an arm other than the baseline has students, in order of the places.

    An arm is compared only in the ways in which it was matched. The baseline's students without a `match` stand in
    where it has none of that match.

    Raises:
        NoAnswer: for fewer than two arms or replicates, an arm or baseline without students at some place of a match
            that it has, or students that were not trained for the same number of steps.
    """
    places = _places(arms, rules.control)
    names = sorted({arm.name for arm in arms} - {baseline})
    if not names:
        raise NoAnswer(f"there is no arm beside the baseline {baseline}: compare two arms or more")
    _check_students([baseline, *names], ledger)
    _check_control(arms, rules.control)
    met = [place for place in sorted(places, key=_in_order) if places[place].keys() - {baseline}]
    entered = {match: sorted({arm.name for arm in arms if arm.match == match} - {baseline}) for match in MATCHES}
    contests = [_contest(p, _students(places, p, [baseline, *entered[p.match]]), baseline) for p in met]
    if rules.control == STEPS:
        _check_steps(ledger, contests)
    return contests


def _in_order(place: Place) -> tuple[str, Cell, int]:
    return place.pair, place.cell, [*MATCHES].index(place.match)


def _places(arms: Iterable[ComparedArm], control: str) -> dict[Place, dict[str, Series]]:
    places: dict[Place, dict[str, Series]] = defaultdict(dict)
    for arm in arms:
        for series in arm.series:
            if series.control == control:
                for cell in series.cells:
                    places[Place(series.pair, arm.match, cell)][arm.name] = series
    return places


def _students(places: Mapping[Place, Mapping[str, Series]], place: Place, names: Sequence[str]) -> dict[str, Series]:
    baseline, *_ = names
    shared = places.get(place._replace(match=RESPONSES), {})
    found = {name: shared[name] for name in [baseline] if name in shared} | dict(places[place])
    absent = [name for name in names if name not in found]
    if absent:
        raise NoAnswer(
            f"arm {absent[0]} has no students of {place.pair} at {cell_name(place.cell)} to compare at "
            f"{MATCHES[place.match]}: train them, or choose a budget that all arms have"
        )
    return {name: found[name] for name in names}


def _check_students(names: Sequence[str], ledger: Ledger) -> None:
    """Refuse an arm that has a corpus but no students, unless the table of corpora says why."""
    idle = sorted(ledger.protocols.keys() - set(names) - ledger.untested.keys())
    if idle:
        raise NoAnswer(
            f"arm {idle[0]} has a corpus but no students: train them, or mark it as not testable (metric "
            f"{NOT_TESTED!r} of the table of corpora)"
        )


def _check_control(arms: Sequence[ComparedArm], control: str) -> None:
    for arm in arms:
        others = sorted({series.control for series in arm.series})
        if control not in others:
            raise NoAnswer(
                f"the students of arm {arm.name} were trained with control {', '.join(others)}, not {control}, so arms "
                "would differ in optimiser steps, too: train all of them for the same steps, or set the rules' control"
            )


def _check_steps(ledger: Ledger, contests: Sequence[Contest]) -> None:
    for contest in contests:
        steps = {name: ledger.mean(name, contest.place.match, contest.place.cell[1], STEPS) for name in contest.errors}
        known = {name: count for name, count in steps.items() if count is not None}
        if len(set(known.values())) > 1:
            told = ", ".join(f"{name} {count:,.0f}" for name, count in known.items())
            raise NoAnswer(f"students differ in their optimiser steps ({told}): train all arms for the same steps")


def _contest(place: Place, students: Mapping[str, Series], baseline: str) -> Contest:
    cell = place.cell
    replicates = sorted(set.intersection(*(_replicates(series, cell) for series in students.values())))
    if len(replicates) < FEWEST:
        raise NoAnswer(
            f"at {cell_name(cell)} of {place.pair} the arms share {len(replicates)} replicate(s) (corpus_draw, "
            f"train_seed), and {FEWEST} are needed ({ADVISED} are advised): train all arms with the same seeds"
        )
    wrong = {name: _wrong(series, cell, replicates) for name, series in students.items()}
    others = [name for name in students if name != baseline]
    found = contrasts([wrong[baseline] - wrong[name] for name in others])
    return Contest(
        place,
        replicates,
        wrong,
        dict(zip(others, found, strict=True)),
        min(series.n for series in students.values()),
        all(series.by_item for series in students.values()),
    )


def _replicates(series: Series, cell: Cell) -> set[Replicate]:
    return {replicate for other, replicate in series.wrong if other == cell}


def _wrong(series: Series, cell: Cell, replicates: Sequence[Replicate]) -> Array:
    return np.array([series.wrong[cell, replicate] for replicate in replicates])
