"""Images as arrays."""

from __future__ import annotations

import numpy as np
from PIL import Image


def pixels(image: Image.Image, size: int) -> np.ndarray:
    """Image scaled to ``size`` × ``size`` as (C, H, W) float32 in [0, 1]: one channel if grey, three if not."""
    scale = 1.0 if image.mode == "F" else 255.0
    if image.mode not in ("F", "L"):
        image = image.convert("L" if image.mode in ("1", "I;16", "LA") else "RGB")
    array = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), dtype=np.float32) / np.float32(scale)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
