"""Images as the library of a pretrained classifier prepares them: what a model is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from andor.data.images import in_colour, pixels
from andor.models.classes import in_order
from andor.models.vision import processor_of, published, timm_settings

if TYPE_CHECKING:
    from andor.models.loaded import ImageClassifier


def whole(image: np.ndarray) -> np.ndarray:
    """An image (C, H, W) in [0, 1] in eight bits, uint8."""
    return np.rint(255 * image).astype(np.uint8)


class Processor:
    """What the library of a classifier makes of images, by the files in the model's folder."""

    def __init__(self, model: ImageClassifier, folder: Path) -> None:
        self._model, self._folder = model, folder

    def said(self, image: np.ndarray) -> Tensor | None:
        """Logits (classes,) of an image (C, H, W) uint8 as large as it is; None if the library does not say how."""
        bands = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)  # libraries make grey images coloured
        prepared = prepare(self._model.description, Image.fromarray(np.ascontiguousarray(bands)), self._folder, True)
        return next((self._logits(each) for each in prepared if self._fits(each)), None)

    def said_of_file(self, content: bytes) -> list[Tensor]:
        """Logits (classes,) of the image in a file, scaled and cropped by the library: one for each way that it has.

        There are none where it makes images of another size than the network reads.
        """
        try:
            prepared = prepare(self._model.description, in_colour(content), self._folder, False)
            return [self._logits(each) for each in prepared if self._fits(each)]
        except (RuntimeError, ValueError, TypeError, AssertionError):
            return []

    def scaled(self, content: bytes) -> tuple[dict[str, Any], Tensor] | None:
        """Keys of the reader `images` for what the library does, and logits (classes,) of the image in a file by them.

        None if the library does not say it, or does what the reader cannot.
        """
        try:
            if not (keys := geometry(self._model.description, self._folder)):
                return None
            size, resize = keys["size"], keys.get("resize")
            shape = (size, size) if isinstance(size, int) else tuple(size)
            image = pixels(in_colour(content), shape, resize, keys["resample"])
            return keys, self._model.logits(torch.from_numpy(image)[None])[0]
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, AssertionError):
            return None

    def _fits(self, prepared: Tensor) -> bool:
        return prepared.shape[1] == len(self._model.network.mean)

    @torch.no_grad()
    def _logits(self, prepared: Tensor) -> Tensor:
        """Logits (classes,) of an input (1, C, H, W) that the library made."""
        outputs = self._model.network.network(prepared.to(self._model.device))
        return in_order(getattr(outputs, "logits", outputs), self._model.description.get("order"))[0]


def prepare(description: dict[str, Any], image: Image.Image, folder: Path, as_large: bool) -> Iterator[Tensor]:
    """Inputs (1, C, H, W) that a library makes of an image: one for each set of weights that torchvision has.

    transformers scales with torchvision or with Pillow. Which of some eight-bit values the former rounds up or down
    depends on the processor.

    Parameters
    ----------
    as_large
        Whether the image keeps its size, or is scaled and cropped.
    """
    sides = [image.height, image.width]
    if description["library"] == "transformers":
        kept = {"do_resize": False, "do_center_crop": False} if as_large else {}
        for backend in (None, "pil"):
            if (processor := processor_of(folder, backend)) is not None:
                yield processor(image, return_tensors="pt", **kept)["pixel_values"]
    elif description["library"] == "torchvision":
        for weights in published(description["architecture"])[: 1 if as_large else None]:
            transform = weights.transforms()
            if as_large:
                transform.resize_size = transform.crop_size = sides
            yield transform(image)[None]
    else:
        from timm.data import create_transform

        settings = timm_settings(description["architecture"], folder)
        settings |= {"input_size": (3, *sides), "crop_pct": 1.0} if as_large else {}
        yield create_transform(**settings, is_training=False)(image)[None]


def geometry(description: dict[str, Any], folder: Path) -> dict[str, Any]:
    """How a library scales and crops images, as keys of the reader `images`; nothing if it is not known."""
    if description["library"] == "transformers":
        return _of_transformers(processor_of(folder))
    if description["library"] == "torchvision":
        made = [weights.transforms() for weights in published(description["architecture"])[:1]]
        keys = [(each.crop_size[0], each.resize_size[0], each.interpolation.value) for each in made]
        return dict(zip(("size", "resize", "resample"), keys[0], strict=True)) if keys else {}
    settings = timm_settings(description["architecture"], folder)
    height, width = settings["input_size"][1:]
    sides = [floor(side / settings["crop_pct"]) for side in (height, width)]
    resize: Any = sides[0] if settings.get("crop_mode", "center") == "center" and sides[0] == sides[1] else sides
    return {"size": _side([height, width]), "resize": resize, "resample": settings["interpolation"]}


def _of_transformers(processor: Any) -> dict[str, Any]:
    """Keys of the reader for what a processor of transformers does."""
    if processor is None or not processor.do_resize:
        return {}
    size, resample = dict(processor.size), Image.Resampling(processor.resample).name.lower()
    resize = size.get("shortest_edge") or [size["height"], size["width"]]
    if processor.do_center_crop:
        kept = [processor.crop_size["height"], processor.crop_size["width"]]
        return {"size": _side(kept), "resize": resize, "resample": resample}
    if isinstance(resize, int) and (share := getattr(processor, "crop_pct", None)):  # ConvNeXT's, of small images
        return {"size": resize, "resize": int(resize / share), "resample": resample}
    return {"size": _side(resize) if isinstance(resize, list) else resize, "resample": resample}


def _side(shape: list[int]) -> int | list[int]:
    """Height and width, or the side of a square."""
    return shape[0] if shape[0] == shape[1] else shape
