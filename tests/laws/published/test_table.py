"""The law zoo against figures printed in the papers; every check names where the figure stands."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.special import zeta

from toolkit.laws.published import laws
from toolkit.laws.published.table import PUBLISHED_LAWS, UNCHECKED

FIRST_AUTHORS = {
    "hestness",
    "kaplan",
    "chinchilla",
    "muennighoff",
    "hernandez",
    "michaud",
    "lin",
    "qin",
    "busbridge",
    "lovelace",
}


def test_the_table_has_all_ten_and_says_which_were_checked():
    assert set(PUBLISHED_LAWS) == FIRST_AUTHORS
    assert {name for name, law in PUBLISHED_LAWS.items() if law.checked == UNCHECKED} == {"hestness", "qin", "lovelace"}
    assert all(
        law.formula and law.units and "arXiv" in law.source and law.predict.__doc__ for law in PUBLISHED_LAWS.values()
    )


def test_muennighoff_repeats_the_two_losses_of_figure_1():
    """The authors' repository prints both, for the two models of Figure 1 (right)."""
    assert laws.muennighoff(6.34e9, 242e9, 25e9) == pytest.approx(2.2256440889984477, rel=1e-12)
    assert laws.muennighoff(8.67e9, 178e9, 25e9) == pytest.approx(2.2269634075087867, rel=1e-12)


def test_muennighoff_without_repetition_is_chinchilla_and_four_epochs_cost_little():
    n, d = 1e9, 20e9
    fresh = laws.muennighoff(n, d, 1e12)
    assert fresh == pytest.approx(laws.muennighoff(n, d, d), rel=1e-12)
    four, endless = laws.muennighoff(n, 4 * d, d), laws.muennighoff(n, 1000 * d, d)
    assert endless < four < fresh
    assert (four - laws.muennighoff(n, 4 * d, 4 * d)) < 0.1 * (fresh - four)


def test_kaplan_overfitting_limit_of_equation_4_4():
    """Eq. 4.4: D of about 5e3 N^0.74 keeps the loss within .02 of endless data, with Table 2's parameters."""
    n = np.geomspace(1e6, 1e10, 9)
    excess = laws.kaplan(n, 5e3 * n**0.74) / laws.kaplan(n, 1e60) - 1
    assert np.all((excess > 0.015) & (excess < 0.025))


def test_chinchilla_optimum_of_approach_3():
    """2203.15556, Table 2: a = .46, b = .54; section 3.3: 40 billion parameters for Gopher's compute, 5.76e23."""
    unrounded = {"a": 406.4, "b": 410.7, "alpha": 0.3392, "beta": 0.2849}
    (n1, d1), (n2, d2) = (laws.chinchilla_optimum(c, **unrounded) for c in (5.76e23, 5.76e24))
    assert round(float(n1) / 1e9) == 40
    assert round(float(np.log10(n2 / n1)), 2) == 0.46
    assert round(float(np.log10(d2 / d1)), 2) == 0.54


def test_chinchilla_replication_exponent_and_optimality():
    """2404.10102: a = .5126; and the closed form is the minimum of the law on its own budget line."""
    (n, d), (n10, _) = (laws.chinchilla_optimum(c) for c in (5.76e23, 5.76e24))
    assert np.log10(n10 / n) == pytest.approx(0.5126, abs=5e-5)
    shifted = n * np.array([0.9, 1.0, 1.1])
    losses = laws.chinchilla(shifted, n * d / shifted)
    assert losses[1] < losses[0] and losses[1] < losses[2]


def test_hernandez_data_multipliers_of_section_6_2():
    """Section 6.2: 300 characters against one multiply the effective data by 2.8 (text), 1.7 (text and code); the two
    sources' printed extrapolations at one character are 3.7e8 and 4.1e9 at GPT-3's size."""
    text, code = {}, {"k": 2.1e5, "alpha": 0.096}
    assert laws.hernandez(1e9, 300, **text) / laws.hernandez(1e9, 1, **text) == pytest.approx(2.8, abs=0.05)
    assert laws.hernandez(1e9, 300, **code) / laws.hernandez(1e9, 1, **code) == pytest.approx(1.7, abs=0.05)
    assert laws.hernandez(175e9, 1, **text) == pytest.approx(3.7e8, rel=0.05)
    assert laws.hernandez(175e9, 1, **code) == pytest.approx(4.1e9, rel=0.05)


def test_michaud_slopes_of_figures_2_and_5():
    """Figure 5: alpha_N = .083 means use frequencies of slope -1.08; Figure 2: alpha = .4 means D^(-.4/1.4)."""
    n = np.array([1e6, 1e6 + 1])
    frequency = -np.diff(laws.michaud(n, 0.083))  # what the next quantum saves, b - a = 1, is how often it is used
    later = -np.diff(laws.michaud(10 * n + np.array([0, -9]), 0.083))
    assert np.log10(later / frequency)[0] == pytest.approx(-1.08, abs=0.005)
    data = np.array([1e9, 1e10])
    slope = np.diff(np.log10(laws.michaud(data ** (1 / 1.4), 0.4)))[0]
    assert slope == pytest.approx(-0.4 / 1.4, abs=1e-12)


def test_michaud_integral_meets_the_sum_it_stands_for():
    alpha, n = 0.4, 2000
    exact = zeta(alpha + 1, n + 1) / zeta(alpha + 1)
    assert laws.michaud(n, alpha) == pytest.approx(exact, rel=1e-3)


def test_lin_published_error_of_a_fine_tuning_curve(shared_data: Path):
    """The authors' results print the root-mean-square error of log loss of LaMini-GPT-124M: .0027011."""
    folder = shared_data / "rectified_law_flan"
    with (folder / "flan.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["config name"] == "MBZUAI/LaMini-GPT-124M")
    with (folder / "published_rmsd.csv").open() as file:
        printed = next(row for row in csv.DictReader(file) if row["model"] == "MBZUAI/LaMini-GPT-124M")
    sizes = 200 * 2 ** np.arange(14)
    observed = np.log([float(row[str(size)]) for size in sizes])
    best = least_squares(
        lambda law: np.log(laws.lin(sizes, *law)) - observed, [1.069, 563.8, 166.1, 0.455], x_scale="jac"
    )
    assert np.sqrt(2 * best.cost / 14) == pytest.approx(float(printed["rmsd_log_loss_rectified"]), rel=1e-3)
    assert 0 < best.x[3] < 0.5


def test_busbridge_supervised_exponent_of_table_6():
    """Table 6: a = .513, the exponent of the compute-optimal size, from the law's own minima at 6 N D = C."""
    sizes = np.geomspace(1e8, 1e12, 40001)
    best = [sizes[laws.busbridge_supervised(sizes, c / 6 / sizes).argmin()] for c in (1e21, 1e24)]
    assert np.log10(best[1] / best[0]) / 3 == pytest.approx(0.513, abs=1.1e-3)


def test_busbridge_best_teacher_reaches_the_supervised_limit():
    """Figure 40: with endless data and the best teacher a student meets the supervised loss, 100 M to 100 B."""
    sizes = np.geomspace(1e8, 1e11, 13)[:, None]
    teachers = np.linspace(1.3, 3.5, 4401)
    best = laws.busbridge(sizes, 1e60, teachers).min(axis=1)
    limit = laws.busbridge_supervised(sizes, 1e60)[:, 0]
    assert np.abs(best / limit - 1).max() < 0.01


def test_busbridge_has_a_capacity_gap():
    """A teacher may be too good for its student: the best one is neither the weakest nor the strongest."""
    losses = laws.busbridge(2e8, 2e10, np.linspace(1.5, 3.5, 200))
    assert 0 < losses.argmin() < 199


def test_lovelace_can_rise_and_hestness_and_qin_keep_their_limits():
    again = laws.lovelace(1e9, 1e9, np.array([0, 3, 100]), penalty=0.01, delta=1.0, kappa=0.5)
    assert again[1] < again[0] < again[2]
    assert again[0] == laws.chinchilla(1e9, 1e9)
    assert laws.hestness(16, alpha=2.0, exponent=-0.5, floor=0.25) == pytest.approx(0.75)
    assert laws.qin(0, 0.2, 3.0, 10.0, 0.5) == pytest.approx(0.5)
