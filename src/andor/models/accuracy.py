"""How often a classifier is right."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch

from andor import data
from andor.models.loaded import ImageClassifier, TextClassifier
from andor.models.training import encode

BATCH = 64


def predictions(model: ImageClassifier | TextClassifier, table: pa.Table) -> np.ndarray:
    """Predicted label (rows,) int8 of every row: the larger logit; of a single logit, 1 if it is above 0."""
    labels = np.empty(table.num_rows, np.int8)
    if isinstance(model, ImageClassifier):
        images = torch.from_numpy(data.images(table).copy())
        for start in range(0, len(images), BATCH):
            logits = model.logits(images[start : start + BATCH])
            labels[start : start + BATCH] = (logits[:, 0] > 0).cpu().numpy()
        return labels
    token_ids = encode(model.tokenizer, table["text"].to_pylist())
    lengths = np.array([len(text) for text in token_ids])
    # Texts of one length need no padding: they are classified just as they will be explained.
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            texts = torch.tensor([token_ids[row] for row in batch])
            labels[batch] = model.logits(model.embed(texts)).argmax(dim=1).cpu().numpy()
    return labels


def accuracy(model: ImageClassifier | TextClassifier, table: pa.Table, split: str) -> tuple[int, int]:
    """Number of rows of a split whose label is predicted, and number of rows of the split."""
    rows = table.filter(np.asarray(table["split"]) == split)
    return int((predictions(model, rows) == rows["label"].to_numpy()).sum()), rows.num_rows
