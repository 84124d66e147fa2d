"""How often a classifier is right."""

from __future__ import annotations

import logging
from math import sqrt

import numpy as np
import pyarrow as pa
import torch

from andor.models.inputs import inputs
from andor.models.loaded import ArrayClassifier, TextClassifier
from andor.models.training import encode

BATCH = 64
FAR = 4
"""Standard deviations below what guessing gets right, from which on something must be wrong."""
_log = logging.getLogger(__name__)


@torch.no_grad()
def predictions(model: ArrayClassifier | TextClassifier, table: pa.Table) -> np.ndarray:
    """Predicted label (rows,) int16 of every row: the largest logit's; of a single logit, 1 if it is above 0."""
    labels = np.empty(table.num_rows, np.int16)
    if not len(labels):
        return labels
    if isinstance(model, ArrayClassifier):
        for start in range(0, len(table), BATCH):
            read = inputs(table.slice(start, BATCH), model.columns)
            labels[start : start + BATCH] = _predicted(model.logits(read))
        return labels
    token_ids = encode(model.tokenizer, table["text"].to_pylist())
    lengths = np.array([len(text) for text in token_ids])
    # Texts of one length need no padding: they are classified just as they will be explained.
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            texts = torch.tensor([token_ids[row] for row in batch])
            labels[batch] = _predicted(model.logits(model.embed(texts)))
    return labels


def accuracy(model: ArrayClassifier | TextClassifier, table: pa.Table, split: str) -> tuple[int, int]:
    """Number of rows of a split whose label is predicted, and number of rows of the split.

    Fewer than guessing gets is logged as a warning: the classes of the model are not those of the data, or are in
    another order.
    """
    rows = table.filter(np.asarray(table["split"]) == split)
    labels = rows["label"].to_numpy()
    correct = int((predictions(model, rows) == labels).sum())
    if correct < least_by_chance(labels):
        _log.warning(
            "only %d of %d %s items are right, fewer than by chance: do the labels mean the model's classes, in their "
            "order?",
            correct, len(labels), split,
        )  # fmt: skip
    return correct, len(labels)


def least_by_chance(labels: np.ndarray) -> float:
    """Right answers below which a classifier is far worse than one that guesses evenly among the labels (rows,)."""
    chance = 1 / max(len(np.unique(labels)), 2)
    return len(labels) * chance - FAR * sqrt(len(labels) * chance * (1 - chance))


def _predicted(logits: torch.Tensor) -> np.ndarray:
    """Labels (B,) of logits (B, classes)."""
    return (logits[:, 0] > 0 if logits.shape[1] == 1 else logits.argmax(dim=1)).cpu().numpy()
