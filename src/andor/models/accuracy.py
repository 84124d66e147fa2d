"""How often a classifier is right, and how much of a target's variance predictions explain."""

from __future__ import annotations

import logging
from math import nan, sqrt
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from andor.data.table import is_numeric
from andor.models.inputs import inputs
from andor.models.loaded import ArrayClassifier, TextClassifier
from andor.models.prompted import PromptedClassifier
from andor.models.served import ServedClassifier
from andor.models.training import encode

Classifier = ArrayClassifier | TextClassifier | PromptedClassifier | ServedClassifier
BATCH = 64
FAR = 4
"""Standard deviations below what guessing gets right, from which on something must be wrong."""
OF_TRAINING = 1000
"""Items learnt from that a model is judged by, beside all test items: enough to tell what it knows by heart."""
_log = logging.getLogger(__name__)


@torch.no_grad()
def predictions(model: Classifier, table: pa.Table) -> np.ndarray:
    """Predicted label (rows,) int16 of every row: the largest logit's; of a single logit, 1 if it is above 0.

    −1 where there is none, of a text that does not fit into a prompt. Where labels are numbers, the predicted one,
    float64.
    """
    labels = np.empty(table.num_rows, np.float64 if is_numeric(table) else np.int16)
    said = _number if is_numeric(table) else _predicted
    if not len(labels):
        return labels
    if not isinstance(model, TextClassifier):
        for start in range(0, len(table), BATCH):
            read = inputs(table.slice(start, BATCH), model.columns)
            labels[start : start + BATCH] = said(model.logits(read))
        return labels
    token_ids = encode(model.tokenizer, table["text"].to_pylist())
    lengths = np.array([len(text) for text in token_ids])
    # Texts of one length need no padding: they are classified just as they will be explained.
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            texts = torch.tensor([token_ids[row] for row in batch])
            labels[batch] = said(model.logits(model.embed(texts)))
    return labels


def qualities(model: Classifier, table: pa.Table, most: int | None) -> dict[str, dict[str, Any]]:
    """`quality` by split: on at most so many test items, or on all of them and on some that it learnt from."""
    if most is None:
        return {"train": quality(model, table, "train", OF_TRAINING), "test": quality(model, table, "test")}
    return {"test": quality(model, table, "test", most)} if most else {}


def quality(model: Classifier, table: pa.Table, split: str, most: int | None = None) -> dict[str, Any]:
    """How good a model is on a split: number of `items`, and how many are `correct`; of numbers, see `explained`.

    With ``most``, on no more items than that, spread evenly over the split.
    """
    if most is not None:
        table = table.filter(np.asarray(table["split"]) == split)
        table = table.take(np.unique(np.linspace(0, len(table) - 1, min(most, len(table))).astype(int)))
    if is_numeric(table):
        rows = table.filter(np.asarray(table["split"]) == split)
        return explained(predictions(model, rows), rows["label"].to_numpy())
    correct, items = accuracy(model, table, split)
    return {"items": items, "correct": correct}


def explained(predicted: np.ndarray, numbers: np.ndarray) -> dict[str, Any]:
    """R² of predictions (rows,) of numbers (rows,), its 95 % interval, and the root of their mean squared error.

    R² is 1 less the ratio of two means over items, squared errors and squared distances from the numbers' mean; the
    interval is that of such a ratio to first order (Cochran 1977, section 2.11). NaN where all numbers are the same.
    """
    errors, distances = (predicted - numbers) ** 2, (numbers - numbers.mean()) ** 2 if len(numbers) else numbers
    if not len(numbers) or distances.sum() == 0:
        return {"items": len(numbers), "r2": nan, "low": nan, "high": nan, "error": nan}
    ratio = errors.mean() / distances.mean()
    spread = np.std(errors - ratio * distances, ddof=1) / distances.mean() / sqrt(len(numbers))
    low, high = 1 - ratio - 1.959964 * spread, min(1.0, 1 - ratio + 1.959964 * spread)
    measured = {"r2": 1 - ratio, "low": low, "high": high, "error": sqrt(errors.mean())}
    return {"items": len(numbers), **{name: float(value) for name, value in measured.items()}}


def accuracy(model: Classifier, table: pa.Table, split: str) -> tuple[int, int]:
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
    labels = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)
    return labels.masked_fill(logits.isnan().any(dim=1), -1).cpu().numpy()


def _number(outputs: torch.Tensor) -> np.ndarray:
    """Predicted numbers (B,) of outputs (B, 1)."""
    return outputs[:, 0].cpu().numpy()
