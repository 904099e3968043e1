"""Forecast rungs of any kind: noise or nuggets, hypotheses, draws. One and two axes differ only in shapes and walks.

Every constant here and in `family` is part of the product: they were chosen on the tuning sources of
`benchmarks/forecast_sources.py`, where the choices are recorded, and a changed one has to be scored on sources that it
was not chosen on.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.laws.curve.forms import Array
from toolkit.laws.curve.noise import Noise, Rungs, row_sd
from toolkit.laws.forecast.averaged import AveragedForecast
from toolkit.laws.forecast.discrepancy import FEWEST_CARRIED, Walk
from toolkit.laws.forecast.family import KINDS, THIRDS, Library
from toolkit.laws.forecast.posterior import Averaged, Hypothesis, Rung, average

TAUS = (0.01, 0.03)
NUGGETS = (0.001, 0.0028, 0.008, 0.022, 0.063)  # tried where no noise is known, as shares of the fall
# A loss has no largest value, but a flat prior needs one: steep members would else trade a vast amplitude for any rung.
LARGEST_LOSS = 30.0
# On ladders that leave 5 points of the library effective, one of 16 times the points moves the ends of intervals by a
# few percent of their width at 2 x and by up to a fifth at 4 x: the walk smooths over the gaps between points.
FEWEST_EFFECTIVE = 4.0
FEW_RUNGS = (
    f"fewer than {FEWEST_CARRIED} rungs: residuals tell nothing of the curve between shapes, so the interval is wider"
)
NO_NOISE = "no noise is known (no runs that differ, no sd, no n): it is a nugget, averaged over a list of sizes"


class Targets(NamedTuple):
    """Where to forecast: `budgets` (H,), `questions` (H,) or None, and `x` (H,), the abscissa of the noise's trend."""

    budgets: Array
    questions: Array | None
    x: Array


class Members(NamedTuple):
    """The family at the rungs and at the targets: the `library` (K points), the shapes `S` (K, J + H), log h (K,)."""

    library: Library
    S: Array
    log_half: Array


def forecast_rungs(
    rungs: Rungs,
    noise: Noise,
    targets: Targets,
    members: Members,
    walk: Walk,
    quantity: str,
    draws: int,
    seed: int,
    notes: tuple[str, ...],
) -> AveragedForecast:
    """Average the family over `rungs` and draw `draws` curves at the targets; the same numbers for the same `seed`."""
    known, rng = noise.source != "none", np.random.default_rng(seed)
    # The Gaussian has the variance of the Student-t that the noise's few degrees of freedom make of it.
    variance = noise.scale**2 * noise.df / (noise.df - 2) if known else np.zeros_like(rungs.y)
    hypotheses = [Hypothesis(tau, nugget) for tau in TAUS for nugget in ((0.0,) if known else NUGGETS)]
    top = 1.0 if quantity == "error" else LARGEST_LOSS * float(rungs.y.max())
    post = average(members.S, Rung(rungs.y, variance, top), walk, hypotheses, draws, rng)
    limit = 1.0 if quantity == "error" else np.inf
    return AveragedForecast(
        budgets=targets.budgets,
        questions=targets.questions,
        curve=np.clip(post.curve, 0.0, limit),
        row_sd=_row_sd(noise, post, targets, rng),
        floor=post.floor,
        half=np.exp(members.log_half[post.member]),
        kappa=None if targets.questions is None else np.exp(members.library.log_kappa[post.member]),
        weights=_shares(post.weight, members.library.third, dict(enumerate(THIRDS))),
        kinds=_shares(post.weight, members.library.kinds(), {kind: kind for kind in KINDS}),
        rungs=rungs,
        noise=noise,
        top=limit,
        notes=(*notes, *_notes(rungs, post, known)),
    )


def _row_sd(noise: Noise, post: Averaged, targets: Targets, rng: np.random.Generator) -> Array:
    if noise.source == "none":
        return np.repeat(post.nugget[:, None], len(targets.x), axis=1)
    return row_sd(noise, targets.x, rng.standard_normal((len(post.curve), 2)))


def _shares(weight: Array, label: NDArray[Any], names: Mapping[Any, str]) -> dict[str, float]:
    return {name: float(weight[label == key].sum()) for key, name in names.items()}


def _notes(rungs: Rungs, post: Averaged, known: bool) -> list[str]:
    few, effective = len(rungs.x) < FEWEST_CARRIED, float(1 / np.sum(post.weight**2))
    rough = f"only {effective:.1f} effective points of the family: intervals are rough"
    notes = {FEW_RUNGS: few, NO_NOISE: not known, rough: effective < FEWEST_EFFECTIVE}
    return [note for note, applies in notes.items() if applies]
