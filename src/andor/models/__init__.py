"""Models: training, files, and what masked evaluation needs of them.

make(model, table, source, folder, seed, device)   # trains or adopts a model, once
model = load(folder, device)                       # an ArrayClassifier, TextClassifier or LanguageModel
correct, items = accuracy(model, table, "test")
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import torch

from andor import config
from andor.models.accuracy import accuracy, predictions
from andor.models.files import adopt, load, load_transformers, save
from andor.models.loaded import ArrayClassifier, ImageClassifier, LanguageModel, LoadedModel, TextClassifier
from andor.models.training import train

__all__ = [
    "ArrayClassifier", "ImageClassifier", "LanguageModel", "LoadedModel", "TextClassifier",
    "accuracy", "adopt", "load", "load_transformers", "make", "predictions", "save", "train",
]  # fmt: skip


def make(
    model: config.Model,
    table: pa.Table | None,
    source: Path | None,
    folder: Path,
    seed: int,
    device: torch.device | str = "cpu",
    progress: bool = True,
    weights: Path | None = None,
) -> None:
    """Put a model of the configuration into a folder: trained on a table, or as it comes if `training` is unset."""
    if model.training is None:
        adopt(cast(Any, model), source, folder, table, weights, seed)
    else:
        save(train(cast(Any, model), table, source, seed, device, progress), folder)
