"""Metrics of embedded texts: how far their vectors spread, and how many different ones there are in effect.

On mathematics they see the wording and hardly the numbers or signs, so read them beside the distinct solution paths.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

TINY = 1e-12  # eigenvalues below are rounding: the exact ones are 0


def dispersion(vectors: ArrayLike) -> float:
    """Give the mean cosine distance of all pairs, in [0, 2]; 0 where all vectors are equal.

    n / (n - 1) (1 - |mean|^2) for n unit vectors, which needs no pairs. A lone vector has none: 0.

    Args:
        vectors: unit rows (texts, dimensions).

    Raises:
        ValueError: for no rows, or rows that are not of length 1.
    """
    rows = _unit(vectors)
    size = len(rows)
    return max(0.0, float(size / (size - 1) * (1 - np.sum(rows.mean(axis=0) ** 2)))) if size > 1 else 0.0


def vendi_score(vectors: ArrayLike, order: float = 1.0) -> float:
    """Give the effective number of different texts, in [1, texts].

    The exponential of the Renyi entropy of the eigenvalues of X X^T / n (Friedman & Dieng 2023, arXiv 2210.02410; with
    `order` q, Pasarkar & Dieng 2024, arXiv 2310.12952). It grows with the number of texts.

    Args:
        vectors: unit rows (texts, dimensions); memory is 8 bytes x min(texts, dimensions)^2.
        order: q > 0; small q weighs rare texts more, infinity counts only the most common one.

    Raises:
        ValueError: for no rows, rows that are not of length 1, or q <= 0.
    """
    if not order > 0:
        raise ValueError(f"order: {order:g}; the Vendi score needs one above 0")
    rows = _unit(vectors)
    # X X^T and X^T X have the same eigenvalues other than 0: the smaller one is solved.
    gram = rows.T @ rows if rows.shape[1] < rows.shape[0] else rows @ rows.T
    shares = np.linalg.eigvalsh(gram / len(rows))
    shares = shares[shares > TINY] / shares[shares > TINY].sum()
    if order == 1:
        return float(np.exp(-np.sum(shares * np.log(shares))))
    if math.isinf(order):
        return float(1 / shares.max())
    return float(np.sum(shares**order) ** (1 / (1 - order)))


def _unit(vectors: ArrayLike) -> Array:
    rows = np.asarray(vectors, float)
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"vectors have shape {rows.shape}, not (texts, dimensions): embed at least one text")
    if not np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3):
        raise ValueError("a vector is not of length 1: divide each by its norm, as `unit_rows` does")
    return rows


def unit_rows(vectors: ArrayLike) -> Array:
    """Divide each row (texts, dimensions) by its norm.

    Raises:
        ValueError: for a row of length 0 or with a number that is not finite, which has no direction.
    """
    rows = np.asarray(vectors, float)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(norms) & (norms > 0)).all():
        raise ValueError("a vector has no direction (all 0, or not finite): embed with a model that has not diverged")
    return rows / norms


def mean_hidden_states(model: Any, tokenizer: Any, texts: Sequence[str], batch: int = 16) -> Array:
    """Embed texts as unit rows (texts, width): the mean over a text's tokens of the model's last hidden state.

    A text is read alone, without prompt or end of sequence. Memory is that of one forward pass of `batch` texts.

    Args:
        model: a Transformers causal language model in evaluation mode, with its `tokenizer`.

    Raises:
        ValueError: for a text without a token, or a model whose states are not finite.
    """
    import torch

    from toolkit.corpora.metrics.batches import padded
    from toolkit.models.chat import plain_ids

    states = []
    with torch.inference_mode():
        for start in range(0, len(texts), batch):
            ids, mask = padded(model, [plain_ids(tokenizer, text) for text in texts[start : start + batch]])
            hidden = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states[-1].float()
            weights = mask[..., None].float()
            states.append(((hidden * weights).sum(1) / weights.sum(1)).cpu().numpy())
    return unit_rows(np.concatenate(states))
