"""Rewards: the scalar v that is explained, from a model's stored raw outputs.

Log-odds come from logits by log-sum-exp, never through a probability, and are exact where that rounds to 0 or 1.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from scipy.special import expit, logsumexp

from andor import config
from andor.errors import UserError
from andor.game.transforms import is_tensor

if TYPE_CHECKING:
    import torch

Array = TypeVar("Array", "np.ndarray", "torch.Tensor")


def centred(v: np.ndarray, reward: config.Reward) -> np.ndarray:
    """Values (2^n,) less v(∅) if the reward is centred."""
    return v - v[0] if reward.centred else v


def classifier_reward(logits: Array, label: int, kind: str, temperature: float = 1.0) -> Array:
    """Reward of a classifier (…), from logits (…, C): float64 of arrays; of tensors, theirs, with gradients.

    A single logit z says label 1 if it is above 0: log-odds and true logit of label 1 are z, of label 0 they are −z.

    Parameters
    ----------
    kind
        ``logit``: the first, ``prediction`` the same of a model of numbers; ``true_logit``; ``above_smallest``: the
        true logit less the smallest; ``log_odds``: log p/(1−p) of the true label (ICLR 2024, section 4);
        ``probability`` of the true label.
    temperature
        What logits are divided by before they become log-odds or a probability.

    Raises
    ------
    UserError
        If the model has no such label.
    """
    if not is_tensor(logits):
        logits = np.asarray(logits, dtype=np.float64)
    if kind in ("logit", "prediction"):
        return logits[..., 0]
    single = logits.shape[-1] == 1
    both = _beside_zero(logits) if single else logits  # a single logit is one of two, the other being 0
    labels = both.shape[-1]
    if not 0 <= label < labels:
        raise UserError(f"label {label} is none of the model's {labels} labels; change `samples.label` or the data")
    if kind == "above_smallest":
        return both[..., label] - _smallest(both)
    if kind == "true_logit":
        return both[..., label] if not single else (logits if label == 1 else -logits)[..., 0]
    others = [other for other in range(labels) if other != label]
    odds = both[..., label] / temperature - _log_sum_exp(both[..., others] / temperature)
    return odds if kind == "log_odds" else _sigmoid(odds)


def _beside_zero(logits: Array) -> Array:
    if is_tensor(logits):
        return _torch().cat([_torch().zeros_like(logits), logits], dim=-1)
    return np.concatenate([np.zeros_like(logits), logits], axis=-1)


def _smallest(logits: Array) -> Array:
    return logits.amin(dim=-1) if is_tensor(logits) else logits.min(axis=-1)


def _log_sum_exp(logits: Array) -> Array:
    return logits.logsumexp(dim=-1) if is_tensor(logits) else logsumexp(logits, axis=-1)


def _sigmoid(odds: Array) -> Array:
    return odds.sigmoid() if is_tensor(odds) else expit(odds)


def _torch() -> Any:
    """Only who has imported it has a tensor."""
    return sys.modules["torch"]


def language_reward(outputs: np.ndarray, kind: str) -> np.ndarray:
    """Reward of a language model, float64 (…), from log-probability and log-odds (…, 2) of the target token.

    Raises
    ------
    UserError
        If `kind` is a logit: those of language models are not stored.
    """
    outputs = np.asarray(outputs, dtype=np.float64)
    if kind == "log_odds":
        return outputs[..., 1]
    if kind == "probability":
        return np.exp(outputs[..., 0])
    raise UserError(f"`reward.kind: {kind}` is for classifiers; language models have log_odds or probability")


def predicted_right(logits: np.ndarray, label: float, max_error: float | None = None) -> bool:
    """Whether logits (C,) predict the label: the largest, or the sign of a single one.

    With an error that is allowed, the first is a number, and right if it is no farther from the label, a number too.
    """
    if max_error is not None:
        return bool(abs(float(logits[0]) - label) <= max_error)
    predicted = int(logits[0] > 0) if len(logits) == 1 else int(np.argmax(logits))
    return predicted == label
