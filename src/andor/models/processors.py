"""Images as the library of a pretrained classifier prepares them: what a model is compared with.

Images stay of the size they have: scaling and cropping is what the reader of the data did.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from andor.models.classes import in_order
from andor.models.vision import processor_of, published, timm_settings

if TYPE_CHECKING:
    from andor.models.loaded import ImageClassifier


def whole(image: np.ndarray) -> np.ndarray:
    """An image (C, H, W) in [0, 1] in eight bits, uint8."""
    return np.rint(255 * image).astype(np.uint8)


@torch.no_grad()
def said(model: ImageClassifier, folder: Path, image: np.ndarray) -> Tensor | None:
    """Logits (classes,) of an image (C, H, W) uint8 as the model's library gives them; None if it does not say how.

    Parameters
    ----------
    folder
        The model's, with the files that say how images are prepared.
    """
    bands = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)  # libraries make grey images coloured
    prepared = _prepared(model.description, Image.fromarray(np.ascontiguousarray(bands)), folder)
    if prepared is None or prepared.shape[1] != len(model.network.mean):
        return None
    outputs = model.network.network(prepared.to(model.device))
    return in_order(getattr(outputs, "logits", outputs), model.description.get("order"))[0]


def _prepared(description: dict[str, Any], image: Image.Image, folder: Path) -> Tensor | None:
    """The input (1, C, H, W) that a library makes of an image."""
    sides = [image.height, image.width]
    if description["library"] == "transformers":
        processor = processor_of(folder)
        return None if processor is None else processor(image)
    if description["library"] == "torchvision":
        weights = published(description["architecture"])
        if not weights:
            return None
        transform = weights[0].transforms()
        transform.resize_size = transform.crop_size = sides
        return transform(image)[None]
    from timm.data import create_transform

    settings = timm_settings(description["architecture"], folder) | {"input_size": (3, *sides), "crop_pct": 1.0}
    return create_transform(**settings, is_training=False)(image)[None]
