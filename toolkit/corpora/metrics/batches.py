"""Token rows as a batch that a network in evaluation mode can read. Loads torch."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from toolkit.models.networks import refuse_beyond


def padded(model: Any, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Give ids and attention mask (rows, longest) on the model's device, filled up on the right.

    Raises:
        ValueError: for a row without tokens or beyond the model's context, or a model that is in training mode.
        ModelFilesError: for a token that the model does not know.
    """
    if model.training:
        raise ValueError("the model is in training mode, where dropout changes every number: call model.eval() first")
    lengths = torch.tensor([len(row) for row in rows])
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if not lengths.min():
        raise ValueError("a text has no tokens, so the model has nothing to read: leave empty texts out")
    if context and lengths.max() > context:
        raise ValueError(
            f"a text has {lengths.max()} tokens with its prompt and the model reads {context}: leave out longer ones, "
            "or take a base with more context"
        )
    refuse_beyond(model, rows, "the base model")
    ids = pad_sequence([torch.tensor(list(row)) for row in rows], batch_first=True)
    mask = torch.arange(ids.shape[1])[None, :] < lengths[:, None]
    return ids.to(model.device), mask.long().to(model.device)
