"""Compute ten published laws of loss or error against data, size and teachers, each a plain function of arrays.

Defaults are the parameters that a law's paper prints, so that `law(sizes)` repeats the paper and
`law(sizes, alpha=...)` uses your own. Losses are nats per token unless said otherwise; sizes are counts (parameters,
tokens, characters, samples). Arguments broadcast. `table.PUBLISHED_LAWS` lists them all, with what was recomputed.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import zeta

Array = NDArray[np.float64]


def _floats(*values: ArrayLike) -> list[Array]:
    return [np.asarray(value, float) for value in values]


def hestness(samples: ArrayLike, alpha: float, exponent: float, floor: float = 0.0) -> Array:
    """Return the error `alpha m^exponent + floor` after m samples; exponent < 0, printed range -0.07 to -0.35.

    Hestness et al. 2017, arXiv 1712.00409, abstract and section 4: error in the domain's own unit.
    """
    return alpha * np.asarray(samples, float) ** exponent + floor


def kaplan(
    params: ArrayLike,
    tokens: ArrayLike,
    alpha_n: float = 0.076,
    alpha_d: float = 0.103,
    n_c: float = 6.4e13,
    d_c: float = 1.8e13,
) -> Array:
    """Return the test loss `[(N_c/N)^(alpha_N/alpha_D) + D_c/D]^alpha_D`; N excludes embeddings.

    Kaplan et al. 2020, arXiv 2001.08361, equation (1.5), parameters of Table 2.
    """
    n, d = _floats(params, tokens)
    return ((n_c / n) ** (alpha_n / alpha_d) + d_c / d) ** alpha_d


def chinchilla(
    params: ArrayLike,
    tokens: ArrayLike,
    floor: float = 1.8172,
    a: float = 482.01,
    b: float = 2085.43,
    alpha: float = 0.3478,
    beta: float = 0.3658,
) -> Array:
    """Return the training loss `E + A/N^alpha + B/D^beta`. Hoffmann et al. 2022, arXiv 2203.15556, equation (2).

    The default parameters are those of the replication, Besiroglu et al. 2024, arXiv 2404.10102, Table 1 (the original
    prints E=1.69, A=406.4, B=410.7, alpha=.34, beta=.28, which do not fit its own data).
    """
    n, d = _floats(params, tokens)
    return floor + a / n**alpha + b / d**beta


def chinchilla_optimum(
    flops: ArrayLike, a: float = 482.01, b: float = 2085.43, alpha: float = 0.3478, beta: float = 0.3658
) -> tuple[Array, Array]:
    """Return the compute-optimal (N, D) when training costs `6 N D` FLOPs: N = G (C/6)^(beta/(alpha+beta)).

    D = C / (6 N), G = (alpha A / (beta B))^(1/(alpha+beta)). Hoffmann et al. 2022, equation (4).
    """
    budget = np.asarray(flops, float) / 6.0
    scale = (alpha * a / (beta * b)) ** (1.0 / (alpha + beta))
    params = scale * budget ** (beta / (alpha + beta))
    return params, budget / params


def _worth(used: Array, unique: Array, half_life: float) -> Array:
    repeats = np.maximum(used / unique - 1.0, 0.0)
    return unique * (1.0 - half_life * np.expm1(-repeats / half_life))


def muennighoff(
    params: ArrayLike,
    tokens: ArrayLike,
    unique_tokens: ArrayLike,
    floor: float = float(np.exp(0.6254804)),
    a: float = float(np.exp(6.255414)),
    b: float = float(np.exp(7.3049974)),
    alpha: float = 0.3526596,
    r_d: float = 15.387756,
    r_n: float = 5.309743,
) -> Array:
    """Return the loss with repeated data, `E + A/N'^alpha + B/D'^alpha`.

    N' and D' are worth less the more they exceed what the U unique tokens carry: D' = U_D + U_D R*_D (1 -
    exp(-R_D/R*_D)), R_D = D/U_D - 1, and likewise N' beyond U_N, the compute-optimal size for U_D tokens. U_D = min(U,
    D).

    Muennighoff et al. 2023, arXiv 2305.16264, section 3; form and parameters as in the authors' repository.
    """
    n, d, unique = _floats(params, tokens, unique_tokens)
    unique = np.minimum(unique, d)
    scale = (a / b) ** (1.0 / (2.0 * alpha))
    fitting = np.minimum(unique * scale**2, n)  # N of the optimum whose D is `unique`, with equal exponents
    return floor + a / _worth(n, fitting, r_n) ** alpha + b / _worth(d, unique, r_d) ** alpha


def hernandez(
    params: ArrayLike, characters: ArrayLike, k: float = 1.9e4, alpha: float = 0.18, beta: float = 0.38
) -> Array:
    """Return the effective data transferred, `D_T = k D_F^alpha N^beta`, in characters.

    It is what pre-training is worth for a model of N parameters that is fine-tuned on D_F characters, in the low-data
    regime only: D_F is at most a tenth of what the model can use.

    Hernandez et al. 2021, arXiv 2102.01293, equation (1.1), Table 1 (text to Python; text and code to Python has
    k=2.1e5, alpha=.096, beta=.38).
    """
    n, d = _floats(params, characters)
    return k * d**alpha * n**beta


def michaud(quanta: ArrayLike, alpha: float, before: float = 1.0, after: float = 0.0) -> Array:
    """Return the mean loss once the first n quanta are learned: `a + (b-a) n^-alpha / (alpha zeta(alpha+1))`.

    Use frequencies are k^-(alpha+1); b and a are a sample's loss before and after its quantum is learned.
    In parameters n is proportional to N (exponent alpha), in data to D^(1/(1+alpha)) (exponent alpha/(1+alpha)).
    Michaud et al. 2023, arXiv 2303.13506, section 2; the integral stands for the sum over k > n, so n should be large.
    """
    return after + (before - after) * np.asarray(quanta, float) ** -alpha / (alpha * zeta(alpha + 1.0))


def lin(samples: ArrayLike, floor: float, b: float, d_l: float, beta: float) -> Array:
    """Return the rectified law of fine-tuning loss `E + B / (D_l + D^beta)`; D_l is data learned in pre-training.

    Lin et al. 2024, arXiv 2402.02314, the rectified scaling law. Samples D >= 0.
    """
    return floor + b / (d_l + np.asarray(samples, float) ** beta)


def qin(tokens: ArrayLike, floor: float, b: float, d_l: float, beta: float) -> Array:
    """Return the error of a model trained on D synthetic tokens: the rectified law `E + B / (D_l + D^beta)` (SynthLLM).

    Qin et al. 2025, arXiv 2503.19551; the same form as `lin`, with tokens for samples and an error for a loss.
    """
    return lin(tokens, floor, b, d_l, beta)


def busbridge_supervised(
    params: ArrayLike,
    tokens: ArrayLike,
    floor: float = 1.220,
    a: float = 3355.0,
    b: float = 18186.0,
    alpha: float = 0.408,
    beta: float = 0.431,
    gamma: float = 0.452,
) -> Array:
    """Return the loss of ordinary training `E + (A/N^alpha + B/D^beta)^gamma`, the baseline of a distilled student.

    Busbridge et al. 2025, arXiv 2502.08606, equation (1), Table 6.
    """
    n, d = _floats(params, tokens)
    return floor + (a / n**alpha + b / d**beta) ** gamma


def busbridge(
    params: ArrayLike,
    tokens: ArrayLike,
    teacher_loss: ArrayLike,
    a: float = 2243.0,
    b: float = 24181.0,
    alpha: float = 0.321,
    beta: float = 0.637,
    gamma: float = 0.764,
    c0: float = 2.549,
    c1: float = 522.6,
    f1: float = 0.090,
    d1: float = 1.315,
) -> Array:
    """Return the loss of a student of N parameters that is distilled on D tokens from a teacher of loss L_T.

    It is `L_T + L_T^-c0 (1 + (L_T / (d1 L~))^(1/f1))^(-c1 f1) (A/N^alpha + B/D^beta)^gamma`, where L~ is the student's
    own supervised loss. A better teacher helps until the capacity gap, then hurts.

    Busbridge et al. 2025, arXiv 2502.08606, equation (8), Table 6.
    """
    n, d, teacher = _floats(params, tokens, teacher_loss)
    ratio = (teacher / (d1 * busbridge_supervised(n, d))) ** (1.0 / f1)
    gap = np.exp(-c1 * f1 * np.log1p(ratio))
    return teacher + teacher**-c0 * gap * (a / n**alpha + b / d**beta) ** gamma


def lovelace(
    params: ArrayLike,
    unique_tokens: ArrayLike,
    repeats: ArrayLike,
    penalty: float,
    delta: float,
    kappa: float,
    floor: float = 1.8172,
    a: float = 482.01,
    b: float = 2085.43,
    alpha: float = 0.3478,
    beta: float = 0.3658,
) -> Array:
    """Return the loss after R repetitions of U unique tokens, which may rise again.

    It is `E + A/N^alpha + B/(U (1+R))^beta + P R^delta (N/U)^kappa`, with R = epochs - 1 >= 0.

    Lovelace et al. 2026, arXiv 2605.01640, read in a survey (Weng, Scaling Laws, Carefully, 2026), not in the paper;
    the Chinchilla part defaults to the replication's parameters, the penalty's own have no defaults.
    """
    n, unique, again = _floats(params, unique_tokens, repeats)
    fresh = chinchilla(n, unique * (1.0 + again), floor, a, b, alpha, beta)
    return fresh + penalty * again**delta * (n / unique) ** kappa
