"""Rewards: the scalar v that is explained, from a model's stored raw outputs.

Log-odds come from logits by log-sum-exp, never through a probability, and are exact where that rounds to 0 or 1.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logsumexp

from andor import config
from andor.errors import UserError


def centred(v: np.ndarray, reward: config.Reward) -> np.ndarray:
    """Values (2^n,) less v(∅) if the reward is centred."""
    return v - v[0] if reward.centred else v


def classifier_reward(logits: np.ndarray, label: int, kind: str, temperature: float = 1.0) -> np.ndarray:
    """Reward of a classifier, float64 (…), from logits (…, C).

    A single logit z says label 1 if it is above 0: log-odds and true logit of label 1 are z, of label 0 they are −z.

    Parameters
    ----------
    kind
        ``logit``: the first; ``true_logit``; ``above_smallest``: the true logit less the smallest; ``log_odds``:
        log p/(1−p) of the true label (ICLR 2024, section 4); ``probability`` of the true label.
    temperature
        What logits are divided by before they become log-odds or a probability.

    Raises
    ------
    UserError
        If the model has no such label.
    """
    logits = np.asarray(logits, dtype=np.float64)
    classes = logits.shape[-1]
    if kind == "logit":
        return logits[..., 0]
    labels = max(classes, 2)
    if not 0 <= label < labels:
        raise UserError(f"label {label} is none of the model's {labels} labels; change `samples.label` or the data")
    if kind == "above_smallest":  # a single logit is one of two, the other being 0
        both = logits if classes > 1 else np.concatenate([np.zeros_like(logits), logits], axis=-1)
        return both[..., label] - both.min(axis=-1)
    if classes == 1:
        true_logit = logits[..., 0] if label == 1 else -logits[..., 0]
        odds = true_logit / temperature
    else:
        true_logit = logits[..., label]
        odds = (true_logit / temperature) - logsumexp(np.delete(logits, label, axis=-1) / temperature, axis=-1)
    return {"true_logit": true_logit, "log_odds": odds, "probability": expit(odds)}[kind]


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


def predicted_right(logits: np.ndarray, label: int) -> bool:
    """Whether logits (C,) predict the label: the largest, or the sign of a single one."""
    predicted = int(logits[0] > 0) if len(logits) == 1 else int(np.argmax(logits))
    return predicted == label
