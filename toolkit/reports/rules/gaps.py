"""Pair cells of one total of responses: fewer questions with more answers, and more questions with fewer.

A gap is the error of fewer questions minus that of more questions, so that above 0 more questions win. All gaps of a
series have the same replicates and the same items.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from toolkit.reports.results import Array, Cell, Series, cell_name
from toolkit.reports.rules.verdict import NoAnswer
from toolkit.statistics.intervals import Contrast, contrasts


class Gap(NamedTuple):
    """Two cells of one total, the (R, I) differences of their wrong answers, and the contrast of these."""

    few: Cell
    many: Cell
    matrix: Array
    contrast: Contrast

    @property
    def total(self) -> int:
        """Return the responses in either cell."""
        return self.few[0] * self.few[1]


def matched(cells: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    """List the pairs (fewer questions, more questions) of one total: the fewest of all with every larger set."""
    return [
        (few, many)
        for _, (few, *more) in _by_total(cells)
        for many in more
        if few[0] == min(questions for questions, _ in cells)
    ]


def covering(cells: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    """List the pairs of one total of a cell with a raised budget and one with more questions at the smallest budget."""
    least = min(budget for _, budget in cells)
    return [
        (few, more[-1])
        for _, group in _by_total(cells)
        for few, more in ((group[at], group[at + 1 :]) for at in range(len(group)))
        if more and more[-1][1] == least
    ]


def _by_total(cells: Sequence[Cell]) -> Iterator[tuple[int, list[Cell]]]:
    def total(cell: Cell) -> int:
        return cell[0] * cell[1]

    for key, group in groupby(sorted(cells, key=lambda cell: (total(cell), cell)), total):
        yield key, list(group)


def gaps_of(series: Series, pairs: Sequence[tuple[Cell, Cell]]) -> list[Gap]:
    """Measure the gap of each pair of cells, in order of total; NoAnswer where the series has no such pair."""
    if not pairs:
        names = ", ".join(map(cell_name, series.cells))
        raise NoAnswer(f"{series.pair}, control {series.control}: no two cells have one total of responses ({names})")
    cells = sorted({cell for pair in pairs for cell in pair})
    wrong = dict(zip(cells, series.matrix(cells), strict=True))
    matrices = [wrong[few] - wrong[many] for few, many in pairs]
    estimates = contrasts(matrices)
    return [Gap(*pair, matrix, contrast) for pair, matrix, contrast in zip(pairs, matrices, estimates, strict=True)]


def widest(gaps: Sequence[Gap]) -> list[Gap]:
    """Choose at every total the gap to the most questions."""
    return [max(group, key=lambda gap: gap.many) for _, group in groupby(gaps, lambda gap: gap.total)]


def crossover(gaps: Sequence[Gap], level: float) -> int | None:
    """Find the smallest total from which on more questions win (every interval lies above 0); None without one."""
    total = None
    for gap in reversed(widest(gaps)):
        if gap.contrast.interval(level).low <= 0:
            break
        total = gap.total
    return total
