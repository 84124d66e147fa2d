"""Baseline values: what stands in place of a masked player."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from andor.errors import UserError


def image(model: Any, name: str, pixels: Tensor) -> Tensor:
    """Baseline value of each pixel, (C, H, W): 0, or the mean training image."""
    if name == "zero":
        return torch.zeros_like(pixels)
    mean = torch.as_tensor(model.mean_image, dtype=pixels.dtype, device=pixels.device)
    if mean.shape != pixels.shape:
        raise UserError(
            f"the mean image is {tuple(mean.shape)}, the sample {tuple(pixels.shape)}; train the model on this data"
        )
    return mean


def embedding(model: Any, name: str, token: int | None) -> Tensor:
    """Baseline embedding (d,): 0, the mean of the vocabulary's, or that of a special token."""
    if name == "zero":
        return torch.zeros_like(model.vocabulary_embedding[0])
    if name == "mean":
        return model.vocabulary_embedding.mean(dim=0)
    return model.embed(torch.tensor([token], device=model.device))[0]


def special_token(tokenizer: Any, name: str) -> int | None:
    """Number of the token that a baseline names, None for `zero` and `mean`.

    Raises
    ------
    UserError
        If the tokenizer has no such token.
    """
    if name in ("zero", "mean"):
        return None
    token = getattr(tokenizer, f"{name}_token_id")
    if token is None:
        tokens = [n for n in ("mask", "pad", "unk", "cls", "sep") if getattr(tokenizer, f"{n}_token_id") is not None]
        known = ", ".join(["zero", "mean", *tokens])
        raise UserError(f"`masking.baseline: {name}`: a model of the task has no such token; use {known}")
    return token
