"""What does `fss next` save? Money until an interval is as narrow, or a choice as sure, as by the whole grid.

    OMP_NUM_THREADS=1 python benchmarks/next_cells.py [--n 1] [--seed 1] [--slack 1.1] [--quick]

Truths are those of `forecast_sources` in the effective number of questions (kappa log-uniform on [.02, .6]), and
additive ones, which no n_eff describes. The grid is 5 question counts x 5 budgets x 3 students, at random prices of a
question and a student; every order starts from the same 6 cells with 2 students each, chooses among the students that
are left, and forecasts anew whenever a tenth of what was spent has been added. Money is a share of the grid's.

- interval: until the 90 % interval at twice the largest M and r is at most `--slack` x as wide as by the whole grid;
- choice: until more questions or more answers, for a given spend, is decided with probability .9 to within a point.

The replay does the same on measured students, choosing among those that exist; "right" is then what all of them say.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from forecast_sources import SIMULATED, measured_students

from toolkit import forecast_surface, next_cells
from toolkit.laws.curve.forms import n_eff
from toolkit.laws.planning.asked import MARGIN
from toolkit.laws.planning.belief import Belief, believe
from toolkit.laws.planning.next_cells import DECIDED, NextCells
from toolkit.laws.planning.prices import Prices
from toolkit.laws.planning.sequence import RIVALS, Candidates, sequence
from toolkit.text import markdown_table

CELLS = np.array([(m, r) for m in (128, 256, 512, 1024, 2048) for r in (1, 2, 4, 8, 16)], float).T
STUDENTS, START = 3, 2  # at each cell of the grid, and of those that every order starts from
SLACK, CHUNK = 1.1, 0.1
DRAWS = 4000
ORDERS = ("next", *RIVALS)
Truth = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Pool(NamedTuple):
    """Students that can be bought: `rows` (3, n) of questions, budgets and errors, `prices`, those owned at the `start`
    (n,), the `target` (M, r), money to `decide` on, and the `truth` (M, r) -> errors."""

    rows: np.ndarray
    prices: Prices
    start: np.ndarray
    target: tuple[int, int]
    decide: float
    truth: Truth

    @property
    def cost(self) -> np.ndarray:
        return self.prices.cost(*self.rows[:2])

    def at(self, questions: float, budget: float) -> np.ndarray:
        """Which students are of a cell."""
        return (self.rows[0] == questions) & (self.rows[1] == budget)


class End(NamedTuple):
    """Where an order stopped: the `share` of the grid's money and of its `students`, whether what was asked was
    `reached`, and whether the truth was in the interval, or the choice `right` (within a point)."""

    share: float
    students: float
    reached: bool
    right: bool


def truth_of(family: str, rng: np.random.Generator) -> Truth:
    """Draw a truth over both axes."""
    if family == "additive":
        floor, part, tail, beta = rng.uniform(0, 0.3), rng.uniform(0.2, 0.8), rng.uniform(0.2, 1), rng.uniform(0.4, 1)
        d0 = rng.uniform(0.5, 6)
        return lambda m, r: floor + (1 - floor) * (part * (m / 64) ** -tail + (1 - part) * d0 / (d0 + r**beta))
    kappa, least = np.exp(rng.uniform(np.log(0.02), np.log(0.6))), CELLS[0].min()
    curve = SIMULATED[family](rng, np.geomspace(1, n_eff(*CELLS.max(axis=1), kappa) / least, 5))
    return lambda m, r: np.ravel(curve(n_eff(m, r, kappa) / least))


def simulated_pool(family: str, rng: np.random.Generator) -> Pool:
    """The whole grid, measured with noise of .5 to 3 points, at random prices."""
    truth, sd = truth_of(family, rng), np.exp(rng.uniform(np.log(0.005), np.log(0.03)))
    M, r = np.repeat(CELLS, STUDENTS, axis=1)
    errors = np.clip(truth(M, r) + rng.normal(0, sd, M.size), 0, 1)
    price, student = np.exp(rng.uniform(np.log([0.5, 50]), np.log([100, 5000])))
    prices = Prices(question=price, response=1, student=student)
    first = np.tile(np.arange(STUDENTS) < START, CELLS.shape[1])
    start = first & np.isin(M, (128, 512)) & np.isin(r, (1, 4, 16))
    return Pool(
        np.array([M, r, errors]), prices, start, (4096, 32), float(prices.cost(rng.integers(200, 800), 4)), truth
    )


def measured_pool(rows: np.ndarray) -> Pool:
    """Measured students; owned are those of the 6 cheapest cells, or more until both axes have 2 values."""
    prices = Prices(question=20, response=1)
    cells, index = np.unique(rows[:2].T, axis=0, return_inverse=True)
    order = np.argsort(prices.cost(*cells.T), kind="stable")
    first = next(
        order[:count]
        for count in range(6, len(order) + 1)
        if min(len(np.unique(axis)) for axis in cells[order[:count]].T) > 1
    )
    rank = np.array([np.sum(index.ravel()[:i] == cell) for i, cell in enumerate(index.ravel())])
    start = np.isin(index.ravel(), first) & (rank < START)
    corner = (int(rows[0].max()), int(rows[1].max()))
    pool = Pool(rows, prices, start, corner, 0.0, lambda m, r: forecast_surface(*rows, m, r, draws=DRAWS).mean)
    amounts, most = np.unique(prices.cost(*cells.T)), prices.cost(*2 * cells[first].max(axis=0))
    return with_choice(pool, amounts[amounts <= most])  # a plan goes to twice what was tested


def with_choice(pool: Pool, amounts: np.ndarray) -> Pool:
    """The pool with the first of some amounts of money on which the start alone does not decide, else with the last."""
    for amount in amounts:
        pool = pool._replace(decide=float(amount))
        cells = np.unique(pool.rows[:2, ~pool.start].T, axis=0)
        if ask(pool, pool.start, {"decide": pool.decide}, np.ones(len(cells)), cells).verdict != DECIDED:
            break
    return pool


def ask(pool: Pool, bought: np.ndarray, what: dict, left: np.ndarray, cells: np.ndarray) -> NextCells:
    spend = float(pool.prices.cost(*cells.T) @ left)
    return next_cells(*pool.rows[:, bought], pool.prices, spend, candidates=cells, runs=left, worth=0, **what)


def until(pool: Pool, order: str, what: dict, rng: np.random.Generator) -> End:
    """Buy students in an order until what is asked is decided, or nothing is left."""
    bought, total = pool.start.copy(), pool.cost.sum()
    keys, index = np.unique(pool.rows[:2].T, axis=0, return_inverse=True)
    index = index.ravel()
    while True:
        left = np.bincount(index[~bought], minlength=len(keys))
        # The choice is asked of what is affordable even where nothing is left to buy.
        open_cells = keys[left > 0] if left.any() else keys
        answer = ask(pool, bought, what, left[left > 0] if left.any() else np.ones(len(keys)), open_cells)
        if answer.verdict == DECIDED or not left.any():
            share = pool.cost[bought].sum() / total
            return End(share, bought.mean(), answer.verdict == DECIDED, is_right(pool, answer))
        wanted = listed(pool, bought, order, answer, open_cells, left[left > 0], rng)
        limit, spent = CHUNK * pool.cost[bought].sum(), 0.0
        for cell in wanted:
            row = np.flatnonzero(~bought & pool.at(*cell))[0]
            if spent > 0 and spent + pool.cost[row] > limit:
                break
            bought[row], spent = True, spent + pool.cost[row]


def listed(
    pool: Pool,
    bought: np.ndarray,
    order: str,
    answer: NextCells,
    cells: np.ndarray,
    left: np.ndarray,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """The cells of the next students, as long as the order goes."""
    if order == "next":
        return [np.array([row.questions, row.budget]) for row in answer.cells for _ in range(row.runs)]
    M, r = cells.T
    measured = np.array([np.sum(bought & pool.at(*cell)) for cell in cells])
    belief = Belief(np.zeros((len(M), len(M))), np.zeros(len(M)), 0.0, np.ones(len(M)))
    if order == "D-optimal":
        ahead = forecast_surface(*pool.rows[:, bought], M, r, draws=DRAWS)
        belief = believe(ahead.curve, ahead.curve[:, 0], np.mean(ahead.row_sd**2, axis=0))
    known = Candidates(M, r, pool.prices.cost(M, r), left, measured)
    picked, _ = sequence(belief, known, np.inf, RIVALS[order], lambda _: False, int(rng.integers(2**31)))
    return list(cells[picked])


def is_right(pool: Pool, answer: NextCells) -> bool:
    """Whether the interval holds the truth, or the choice is within a point of the best of all splits."""
    asked = answer.asked
    if hasattr(asked, "target"):
        low, high = np.quantile(asked.draws, [0.05, 0.95])
        return bool(low <= float(np.ravel(pool.truth(*np.array(asked.target, float)[:, None]))[0]) <= high)
    r = 2.0 ** np.arange(1 + np.log2(2 * pool.rows[1].max()))
    m = np.minimum(pool.prices.questions_for(pool.decide, r), 2 * pool.rows[0].max())
    errors = pool.truth(m[m >= 1], r[m >= 1])
    ours = pool.truth(np.array([asked.best.questions], float), np.array([asked.best.budget], float))
    return bool(ours[0] <= errors.min() + MARGIN)


def examine(pool: Pool, seed: int, slack: float) -> dict[str, dict[str, End]]:
    """Where every order stops, by what is asked; the whole grid says how narrow an interval has to be."""
    whole = np.diff(forecast_surface(*pool.rows, *pool.target, draws=DRAWS).interval(), axis=0)[0, 0]
    asked = {
        "interval": {"target": pool.target, "width": float(min(slack * whole, 0.999))},
        "choice": {"decide": pool.decide},
    }
    rng = np.random.default_rng(seed)
    found = {what: {order: until(pool, order, options, rng) for order in ORDERS} for what, options in asked.items()}
    everything = pool._replace(start=np.ones_like(pool.start))
    for what, options in asked.items():
        found[what]["whole grid"] = until(everything, "next", options, rng)
    return found


def came_of(pool: Pool) -> float:
    """The width that came after a quarter of the grid's money was spent as advised, over the width expected."""
    keys, left = np.unique(pool.rows[:2, ~pool.start].T, axis=0, return_counts=True)
    spend = pool.cost.sum() / 4
    advice = next_cells(*pool.rows[:, pool.start], pool.prices, spend, target=pool.target, candidates=keys, runs=left)
    bought = pool.start.copy()
    for row in advice.cells:
        bought[np.flatnonzero(~bought & pool.at(row.questions, row.budget))[: row.runs]] = True
    ahead = forecast_surface(*pool.rows[:, bought], *pool.target, draws=DRAWS)
    return float(np.diff(ahead.interval(), axis=0)[0, 0] / advice.least)


def money(ends: list[End]) -> np.ndarray:
    """Shares of the grid's money; all of it where what was asked was not reached."""
    return np.array([end.share if end.reached else 1.0 for end in ends])


def median(values: np.ndarray, rng: np.random.Generator) -> str:
    """A median with its 90 % bootstrap interval."""
    again = np.median(rng.choice(values, (2000, len(values))), axis=1)
    return f"{np.median(values):.2f} ({np.quantile(again, 0.05):.2f}-{np.quantile(again, 0.95):.2f})"


def table(found: list[dict[str, End]]) -> str:
    """A row per order: money, the share of it that `next` saves, students, and how often reached and right."""
    rng = np.random.default_rng(0)
    ours = money([each["next"] for each in found])
    lines = []
    for order in found[0]:
        ends = [each[order] for each in found]
        right = [end.right for end in ends if end.reached]
        lines.append(
            [
                order,
                median(money(ends), rng),
                "" if order == "next" else median(1 - ours / money(ends), rng),
                f"{np.median([end.students for end in ends]):.2f}",
                f"{np.mean([end.reached for end in ends]):.2f}",
                f"{np.mean(right):.2f}" if right else "-",
            ]
        )
    header = ["order", "money, of the grid's", "saved by next", "students", "reached", "right where reached"]
    return markdown_table(header, lines)


def by_source(found: dict[str, list[dict[str, End]]]) -> str:
    """A row per source: the median shares of the money and of the students that each order takes."""
    rows = []
    for source, each in found.items():
        ends = [[one[order] for one in each] for order in ORDERS]
        shares = [f"{np.median(money(one)):.2f} / {np.median([end.students for end in one]):.2f}" for one in ends]
        rows.append([f"{source} ({len(each)})", *shares])
    return markdown_table(["source: money / students", *ORDERS], rows)


def report(title: str, pools: list[tuple[str, Pool]], slack: float) -> None:
    """Examine pools and print what came, for either thing that is asked."""
    ends = [(source, pool, examine(pool, index, slack)) for index, (source, pool) in enumerate(pools)]
    for what in ("interval", "choice"):
        found, answered = defaultdict(list), []
        for source, pool, end in ends:
            start = pool.cost[pool.start].sum() / pool.cost.sum()
            if end[what]["next"].share > start:
                found[source].append(end[what])
            else:  # the start alone answers, in every order
                answered.append(end[what]["next"].right)
        every = [end for each in found.values() for end in each]
        print(f"\n{title}, {what}: the start leaves {len(every)} of {len(ends)} open", end="")
        print(f"; of those that it answers {np.mean(answered):.2f} are right" if answered else "")
        if every:
            print(f"\n{table(every)}\n\n{by_source(found)}", flush=True)
    starts = [pool.cost[pool.start].sum() / pool.cost.sum() for _, pool in pools]
    ratio = np.quantile([came_of(pool) for _, pool in pools], [0.5, 0.05, 0.95])
    print(f"\nthe start costs {np.median(starts):.2f} of the grid's money (median)")
    print(f"width that came, over that expected: median {ratio[0]:.2f}, 90 % of them {ratio[1]:.2f} to {ratio[2]:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=1, help="truths per family")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slack", type=float, default=SLACK, help="width asked for, over that by the whole grid")
    parser.add_argument("--quick", action="store_true", help="one truth and one measured source")
    args = parser.parse_args()
    begun = time.process_time()
    families = ["prior"] if args.quick else [*SIMULATED, "additive"]
    pools = [
        (family, simulated_pool(family, np.random.default_rng([args.seed, index, *family.encode()])))
        for family in families
        for index in range(1 if args.quick else args.n)
    ]
    report("simulated", pools, args.slack)
    measured = [(name, measured_pool(rows)) for name, rows in measured_students()]
    report("measured", measured[-1:] if args.quick else measured, args.slack)
    print(f"\n{args.n} truths per family, seed {args.seed}; {time.process_time() - begun:.0f} s")


if __name__ == "__main__":
    main()
