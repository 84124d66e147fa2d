"""Images as arrays, as viewers show them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from andor.errors import UserError

BITS, FORMAT, SIGNED = 258, 339, 2
"""TIFF's tags for bits and kind of a sample, and the kind of numbers with a sign."""


def decoded(content: bytes) -> Image.Image:
    """Whole image of a file, the right way up; deeper than eight bits as floats in [0, 1].

    Raises
    ------
    ValueError
        If it is none, or damaged.
    """
    try:
        file = Image.open(io.BytesIO(content))
        white = _white(file)
        image = ImageOps.exif_transpose(file)
    except Exception as error:  # what somebody damaged can fail anywhere in the reader
        raise ValueError(str(error) or type(error).__name__) from None
    if image.mode != "F" and not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.float64) / white
    if not (values >= 0).all() or not (values <= 1).all():
        raise ValueError(f"pixels from {values.min() * white:g} to {values.max() * white:g}, not 0 to {white:g}")
    return Image.fromarray(values.astype(np.float32))


def _white(image: Image.Image) -> float:
    """What of a deep image is white: 1 of floats, else the largest number of its depth; 16 bits if no tag says it."""
    if image.mode == "F":
        return 1.0
    tags = getattr(image, "tag_v2", {})
    signed = tags.get(FORMAT, (1,))[0] == SIGNED
    return float(2 ** (tags.get(BITS, (16,))[0] - signed) - 1)


def of_files(files: Sequence[Path], size: int) -> np.ndarray:
    """Images of files, all in colour, scaled to a side: (files, 3, size, size) float32.

    Raises
    ------
    UserError
        If one is none, or damaged.
    """
    images = np.empty((len(files), 3, size, size), np.float32)
    for place, file in enumerate(files):
        try:
            images[place] = pixels(decoded(file.read_bytes()), size)
        except (OSError, ValueError) as error:
            raise UserError(f"{file}: no readable image ({error}); fetch it again, or leave it out") from None
    return images


def pixels(image: Image.Image, size: int) -> np.ndarray:
    """Image scaled to ``size`` × ``size`` as (C, H, W) float32 in [0, 1]: one channel if grey, three if not.

    Images of mode F are in [0, 1] already.
    """
    scale = 1.0 if image.mode == "F" else 255.0
    if image.mode not in ("F", "L"):
        image = image.convert("L" if image.mode in ("1", "LA", "La") else "RGB")
    array = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), dtype=np.float32) / np.float32(scale)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
