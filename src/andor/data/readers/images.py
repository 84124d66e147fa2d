"""The reader `images`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from andor.data.reader import Reader
from andor.errors import UserError
from andor.settings import Name

if TYPE_CHECKING:
    import pyarrow as pa
    from PIL import Image


class ImagesData(Reader):
    """Images with a class number, in Parquet as the hub's data sets store them."""

    modality: ClassVar = "image"
    place: ClassVar = 2
    reader: Literal["images"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train*.parquet` and `test*.parquet`, columns `image` and `label`."""
    positive: Annotated[int, Field(ge=0)] | None = 3
    """The class that is label 1, against the rest; null for the class numbers as labels."""
    size: Annotated[int, Field(ge=8, le=512)] = 32
    """Side to which the images are scaled, in pixels."""

    @property
    def two_labels(self) -> bool:
        """One class against the rest."""
        return self.positive is not None

    @property
    def side(self) -> int:
        """Side of the images in pixels."""
        return self.size

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the images, split as the origin splits them."""
        import numpy as np

        from andor.data.building import class_labels, tidy
        from andor.data.images import pixels
        from andor.data.records import splits

        source = self.given(source)
        rows, split = splits({"train": "train", "test": "test"}, ["image", "label"], source)
        labels = class_labels(rows["label"].to_numpy(), self.positive, str(source))
        images = [pixels(_decoded(image, source), self.size) for image in rows["image"].to_pylist()]
        if len({image.shape for image in images}) > 1:  # a few grey images among colour ones: all become colour
            images = [np.broadcast_to(image, (3, self.size, self.size)) for image in images]
        return tidy(range(len(labels)), split, labels, np.stack(images), "image")


def _decoded(image: dict | bytes, source: Path) -> Image.Image:
    """Image from bytes, alone or beside a path as the hub stores them."""
    from PIL import Image

    content = image["bytes"] if isinstance(image, dict) else image
    try:
        return Image.open(io.BytesIO(content))
    except (OSError, TypeError, Image.DecompressionBombError) as error:
        raise UserError(f"{source}: column `image` holds no readable image ({error}); fetch it again") from None
