"""Signs before numbers: a law of coverage falls and is convex. Where a ladder does neither within its noise, say
which.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import f as f_law
from scipy.stats import t as student

from toolkit.laws.forms import MIN_BETA, Array
from toolkit.laws.noise import Noise, Rungs

ALPHA = 0.01  # of a false alarm on the whole ladder
FLOOR_WIDTH = 0.05


class Shape(NamedTuple):
    """`decreasing`, `convex`: not contradicted by the data; `notes`: what contradicts them, in words."""

    decreasing: bool
    convex: bool
    notes: tuple[str, ...]


def check_shape(rungs: Rungs, noise: Noise) -> Shape:
    """Tests every pair of rungs for a rise and neighbouring triples for a slope that steepens, at 1 % for the
    ladder.
    """
    if noise.source == "none":
        return Shape(True, True, ())
    rise = _rise(rungs, noise)
    bend = _bend(rungs, noise)
    return Shape(not rise, not bend, tuple(note for note in (rise, bend) if note))


def _rise(rungs: Rungs, noise: Noise) -> str:
    first, later = np.triu_indices(len(rungs.x), 1)
    gap = rungs.y[later] - rungs.y[first]
    z = gap / np.hypot(noise.scale[first], noise.scale[later])
    limit = np.asarray(student.ppf(1 - ALPHA / len(z), np.minimum(noise.df[first], noise.df[later])))
    worst = int(np.argmax(z - limit))
    if z[worst] <= limit[worst]:
        return ""
    low, high = rungs.x[first[worst]], rungs.x[later[worst]]
    return (
        f"the error rises by {gap[worst]:.3g} from budget {low:g} to {high:g} ({z[worst]:.1f} standard errors): "
        "repetition hurts here, and no falling law is fitted to it"
    )


def _bend(rungs: Rungs, noise: Noise) -> str:
    slope = np.diff(rungs.y) / np.diff(rungs.x)
    gap = 1 / np.diff(rungs.x)
    scale = noise.scale
    sd = np.sqrt((gap[:-1] * scale[:-2]) ** 2 + ((gap[:-1] + gap[1:]) * scale[1:-1]) ** 2 + (gap[1:] * scale[2:]) ** 2)
    df = np.minimum(np.minimum(noise.df[:-2], noise.df[1:-1]), noise.df[2:])
    z = -np.diff(slope) / sd
    limit = np.asarray(student.ppf(1 - ALPHA / len(z), df))
    worst = int(np.argmax(z - limit))
    if z[worst] <= limit[worst]:
        return ""
    early = worst < len(z) / 2
    reason = "a flat start, the sign of a threshold or of format learning" if early else "a late drop"
    return (
        f"the error falls faster after budget {rungs.x[worst + 1]:g} than before it ({z[worst]:.1f} standard errors): "
        f"{reason}; this is no law of coverage and its forecast is a curve through the data, no more"
    )


def beta_warnings(beta: float, max_beta: float) -> list[str]:
    """What an exponent at its bound, or beyond coverage's, says."""
    notes = []
    if beta <= MIN_BETA * (1 + 1e-6) or beta >= max_beta * (1 - 1e-6):
        notes.append(f"beta is at its bound ({beta:.3g}): predict with this fit, do not interpret it")
    if beta > 1:
        notes.append(f"beta is {beta:.3g}: above 1 it is no law of coverage but a threshold, format learning or noise")
    return notes


def floor_warnings(low: float, high: float, unit: float) -> list[str]:
    """A warning where the 90 % interval of E is too wide to speak of a floor; `unit` is 1 for errors, a loss
    for losses.
    """
    if high - low < FLOOR_WIDTH * unit:
        return []
    return [f"no floor is supported by these data: E lies anywhere from {low:.3g} to {high:.3g} (90 %)"]


def misfit_warnings(residual: Array, noise: Noise, parameters: int) -> list[str]:
    """A warning where the sum of squared residuals in units of the noise has a chance below .1 %."""
    freedom = len(residual) - parameters
    if freedom < 1:
        return []
    chi_square = float(np.sum((residual / noise.scale) ** 2))
    limit = freedom * float(f_law.ppf(0.999, freedom, float(np.min(noise.df))))
    if chi_square <= limit:
        return []
    return [
        f"residuals are larger than the noise (chi-square {chi_square:.0f}, expected below {limit:.0f}): "
        "the form does not fit or the noise is understated"
    ]
