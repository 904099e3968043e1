"""Check that a ladder falls and is convex within its noise, as a law of coverage does, and that a form fits it."""

from typing import NamedTuple

import numpy as np
from scipy.stats import f as f_law
from scipy.stats import t as student

from toolkit.laws.curve.forms import MIN_BETA, Array
from toolkit.laws.curve.noise import Noise, Rungs

ALPHA = 0.01  # probability of a false alarm on a whole ladder
REFUSE_ALPHA = 0.001
FLOOR_WIDTH = 0.05
MIN_EFFECTIVE = 50


class Shape(NamedTuple):
    """Whether the data are compatible with a `decreasing` and a `convex` curve; `notes` explain what contradicts them.

    `refused` means that the ladder rises so clearly that no law, which would fall, is fitted to it.
    """

    decreasing: bool
    convex: bool
    refused: bool
    notes: tuple[str, ...]


class Misfit(NamedTuple):
    """The `chi_square` of the residuals and its `limit`, beyond which the noise is taken to be `inflation` times as
    large (Birge ratio).
    """

    chi_square: float
    limit: float
    inflation: float


def check_shape(rungs: Rungs, noise: Noise) -> Shape:
    """Test every pair of rungs for a rise and neighbouring triples for a slope that steepens, at 1 % a ladder."""
    if noise.source == "none":
        return Shape(True, True, False, ())
    rise, refused = _rise(rungs, noise)
    bend = _bend(rungs, noise)
    return Shape(not rise, not bend, refused, tuple(note for note in (rise, bend) if note))


def _rise(rungs: Rungs, noise: Noise) -> tuple[str, bool]:
    first, later = np.triu_indices(len(rungs.x), 1)
    gap = rungs.y[later] - rungs.y[first]
    z = gap / np.hypot(noise.scale[first], noise.scale[later])
    chance = np.asarray(student.sf(z, np.minimum(noise.df[first], noise.df[later]))) * len(z)
    worst = int(np.argmin(chance))
    if chance[worst] > ALPHA:
        return "", False
    refused = bool(chance[worst] < REFUSE_ALPHA)
    low, high = rungs.x[first[worst]], rungs.x[later[worst]]
    consequence = "no falling law is fitted to it" if refused else "the data contradict the falling law fitted to them"
    return (
        f"the error rises by {gap[worst]:.3g} from budget {low:g} to {high:g} ({z[worst]:.1f} standard errors): "
        f"repetition hurts here, and {consequence}"
    ), refused


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
        f"{reason}; this is no law of coverage, and its forecast is only a curve through the data"
    )


def beta_warnings(beta: float, max_beta: float) -> list[str]:
    """Warn of an exponent that is at its bound, or too large for a law of coverage."""
    notes = []
    if beta <= MIN_BETA or beta >= max_beta * (1 - 1e-6):
        notes.append(
            f"beta is at its bound or beyond ({beta:.3g}): use this fit for prediction, not for interpretation"
        )
    if beta > 1:
        notes.append(f"beta is {beta:.3g}: above 1 it is no law of coverage but a threshold, format learning or noise")
    return notes


def is_floor(low: float, high: float, unit: float) -> bool:
    """Say whether an interval of E is narrower than 5 % of `unit`: 1 for errors, the first loss for losses."""
    return bool(high - low < FLOOR_WIDTH * unit)


def measure_misfit(residual: Array, noise: Noise, parameters: int) -> Misfit:
    """Compare residuals (J,) of means with their noise by an F test at 1 %, which needs more rungs than parameters."""
    if noise.source == "none":
        return Misfit(0.0, np.inf, 1.0)
    # As many rungs as parameters are fitted exactly, unless a bound forbids it: that counts as one degree of freedom.
    freedom = max(len(residual) - parameters, 1)
    chi_square = float(np.sum((residual / noise.scale) ** 2))
    limit = freedom * float(f_law.ppf(1 - ALPHA, freedom, float(np.min(noise.df))))
    return Misfit(chi_square, limit, float(np.sqrt(chi_square / freedom)) if chi_square > limit else 1.0)


def sampling_warnings(effective: float) -> list[str]:
    """Warn where too few posterior points carry weight for intervals to be exact."""
    return (
        [f"only {effective:.0f} effective posterior points: intervals are rough"] if effective < MIN_EFFECTIVE else []
    )


def misfit_warnings(misfit: Misfit) -> list[str]:
    """Warn where the form is rejected."""
    if misfit.inflation == 1:
        return []
    return [
        f"residuals are larger than the noise (chi-square {misfit.chi_square:.0f}, expected below {misfit.limit:.0f}): "
        f"the form does not fit or the noise is understated; it is taken {misfit.inflation:.2g} times as large"
    ]
