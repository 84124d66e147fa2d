"""Baseline values: what stands in place of a masked player."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from andor import config
from andor.errors import UserError
from andor.models.loaded import ArrayClassifier, TextModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def of_array(model: ArrayClassifier, masking: config.Masking, array: np.ndarray) -> Tensor | None:
    """Baseline value of an image, features or points, float32, of a shape that broadcasts to the array's.

    Of `marginal` they are several, (T, …). None if it is to be learned and is not yet.

    Raises
    ------
    UserError
        If the value that belongs to the model has another shape.
    """
    match masking.baseline:
        case "zero":
            return torch.zeros(())
        case "damp":
            return torch.from_numpy(np.float32(masking.damp) * array)
        case "centre":
            return torch.from_numpy(array.mean(axis=0))
        case "blurred":
            from scipy.ndimage import gaussian_filter  # slow to import, and few jobs need it

            return torch.from_numpy(gaussian_filter(array, (0, masking.blur, masking.blur), mode="nearest"))
        case "mean":
            value, fix = model.mean, "train the model on this data"
        case "marginal":
            if model.background is None or model.background.shape[1:] != array.shape:
                raise UserError("the baseline value `marginal` needs rows of the samples' own data; name their file")
            return model.background
        case _:
            value, fix = model.baseline, "give one for each value of the input"
    if value is None:
        return None
    value = torch.as_tensor(value, dtype=torch.float32).cpu()
    try:
        fits = torch.broadcast_shapes(value.shape, array.shape) == array.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise UserError(
            f"the baseline value `{masking.baseline}` is {tuple(value.shape)}, the sample {array.shape}; {fix}"
        )
    return value


def embedding(model: TextModel, masking: config.Masking, token: int | None, embeddings: Tensor) -> Tensor:
    """Baseline embedding, (d,), or (L, d) if it depends on what it replaces.

    Parameters
    ----------
    token
        The special token that the baseline names, if it does.
    embeddings
        Those of the text, (L, d).

    Raises
    ------
    UserError
        If the value that belongs to the model has another shape.
    """
    match masking.baseline:
        case "zero":
            return torch.zeros_like(embeddings[0])
        case "mean":
            return model.vocabulary_embedding.mean(dim=0)
        case "damp":
            return masking.damp * embeddings
        case "file" | "learned":
            value = model.baseline.to(embeddings)
            if value.shape != embeddings[0].shape:
                raise UserError(
                    f"the baseline value `{masking.baseline}` is {tuple(value.shape)}, an embedding of the model "
                    f"{tuple(embeddings[0].shape)}; give one for each model by its name"
                )
            return value
    return model.embed(torch.tensor([token], device=model.device))[0]


def special_token(tokenizer: PreTrainedTokenizerFast, name: str) -> int | None:
    """Number of the token that a baseline names, None if it names none.

    Raises
    ------
    UserError
        If the tokenizer has no such token.
    """
    if name not in config.TOKENS:
        return None
    token = getattr(tokenizer, f"{name}_token_id")
    if token is None:
        tokens = [known for known in config.TOKENS if getattr(tokenizer, f"{known}_token_id") is not None]
        known = ", ".join(["zero", "mean", *tokens])
        raise UserError(f"`masking.baseline: {name}`: a model of the task has no such token; use {known}")
    return token


def digest(value: Tensor) -> str:
    """SHA-256 of a baseline value: its shape and the bytes of its float32 numbers."""
    array = value.detach().cpu().float().contiguous().numpy()
    return hashlib.sha256(f"{array.shape}".encode() + array.tobytes()).hexdigest()
