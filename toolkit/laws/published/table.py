"""List ten published scaling laws in one table, `PUBLISHED_LAWS`, by the name of the first author.

An entry names the printed results that the tests recompute (`checked`), or says that none was recomputed (`UNCHECKED`:
the formula is right to our knowledge, but no figure of the paper was reproduced).
"""

from collections.abc import Callable
from typing import NamedTuple

from toolkit.laws.published.laws import (
    Array,
    busbridge,
    chinchilla,
    hernandez,
    hestness,
    kaplan,
    lin,
    lovelace,
    michaud,
    muennighoff,
    qin,
)

UNCHECKED = "unchecked"


class PublishedLaw(NamedTuple):
    """One row of the table: `predict(*arrays, **parameters) -> array`, and its source."""

    predict: Callable[..., Array]
    formula: str
    units: str
    source: str
    checked: str


PUBLISHED_LAWS: dict[str, PublishedLaw] = {
    "hestness": PublishedLaw(
        hestness, "alpha m^beta_g + gamma", "samples -> error in the domain's unit", "arXiv 1712.00409", UNCHECKED
    ),
    "kaplan": PublishedLaw(
        kaplan,
        "[(N_c/N)^(alpha_N/alpha_D) + D_c/D]^alpha_D",
        "non-embedding parameters, tokens -> nats per token",
        "arXiv 2001.08361, eq. 1.5, Table 2",
        "eq. 4.4: 5e3 N^0.74 tokens keep overfitting below .02",
    ),
    "chinchilla": PublishedLaw(
        chinchilla,
        "E + A/N^alpha + B/D^beta",
        "parameters, tokens -> nats per token",
        "arXiv 2203.15556, eq. 2; arXiv 2404.10102, Table 1",
        "2203.15556 Table 2: a = .46, b = .54 and 40 B parameters for Gopher's compute; 2404.10102: a = .5126",
    ),
    "muennighoff": PublishedLaw(
        muennighoff,
        "E + A/N'^alpha + B/D'^alpha",
        "parameters, tokens, unique tokens -> nats per token",
        "arXiv 2305.16264, section 3, and the authors' repository",
        "the two losses of Figure 1 (right) printed in the authors' repository, to 12 digits",
    ),
    "hernandez": PublishedLaw(
        hernandez,
        "k D_F^alpha N^beta",
        "parameters, characters -> characters",
        "arXiv 2102.01293, eq. 1.1, Table 1",
        "section 6.2: 300 characters multiply the data by 2.8 (text) and 1.7 (text and code)",
    ),
    "michaud": PublishedLaw(
        michaud,
        "a + (b-a) n^-alpha / (alpha zeta(alpha+1))",
        "quanta learned -> nats per token",
        "arXiv 2303.13506, section 2",
        "Figure 5: alpha = .083 gives a use-frequency slope of -1.08; Figure 2's data exponent at alpha = .4",
    ),
    "lin": PublishedLaw(
        lin,
        "E + B/(D_l + D^beta)",
        "fine-tuning samples -> nats per token",
        "arXiv 2402.02314",
        "root-mean-square log error of the LaMini-GPT-124M curve, published with the authors' code",
    ),
    "qin": PublishedLaw(qin, "E + B/(D_l + D^beta)", "synthetic tokens -> error", "arXiv 2503.19551", UNCHECKED),
    "busbridge": PublishedLaw(
        busbridge,
        "L_T + L_T^-c0 (1 + (L_T/(d1 L~))^(1/f1))^(-c1 f1) (A/N^alpha + B/D^beta)^gamma",
        "student parameters, tokens, teacher nats per token -> nats per token",
        "arXiv 2502.08606, eq. 1 and 8, Table 6",
        "Table 6: a = .513; Figure 40: the best teacher reaches the supervised limit of endless data",
    ),
    "lovelace": PublishedLaw(
        lovelace,
        "E + A/N^alpha + B/(U(1+R))^beta + P R^delta (N/U)^kappa",
        "parameters, unique tokens, repetitions -> nats per token",
        "arXiv 2605.01640, read second-hand",
        UNCHECKED,
    ),
}
