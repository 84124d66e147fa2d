"""The reader `images`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from andor.data.reader import Reader
from andor.errors import UserError
from andor.settings import Name

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class ImagesData(Reader):
    """Images with a class, in Parquet as the hub's data sets store them."""

    modality: ClassVar = "image"
    place: ClassVar = 2
    reader: Literal["images"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train*.parquet` and `test*.parquet`, columns `image` and `label`."""
    positive: Annotated[int, Field(ge=0)] | str | None = 3
    """The class that is label 1, against the rest, by its number or name; null for all classes as labels, names
    numbered in their order."""
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

        from andor.data.building import tidy
        from andor.data.classes import by_number
        from andor.data.records import class_names, splits

        source = self.given(source)
        rows, split = splits({"train": "train", "test": "test"}, ["image", "label"], source)
        classes = by_number(rows["label"].to_pylist(), str(source), names=class_names(rows.schema, "label"))
        labels, names = classes.against_rest(self.positive, str(source))
        images = _read(rows["image"].to_pylist(), self.size, source)
        if len({image.shape for image in images}) > 1:  # a few grey images among colour ones: all become colour
            images = [np.broadcast_to(image, (3, self.size, self.size)) for image in images]
        return tidy(range(len(labels)), split, labels, np.stack(images), "image", classes=names)


def _read(images: list[dict | bytes | None], size: int, source: Path) -> list[np.ndarray]:
    """Pixels of images from bytes, alone or beside a path as the hub stores them."""
    from andor.data.images import decoded, pixels

    read, damaged = [], []
    for row, image in enumerate(images):
        content = image.get("bytes") if isinstance(image, dict) else image
        try:
            if not isinstance(content, bytes):
                raise ValueError("no bytes")
            read.append(pixels(decoded(content), size))
        except ValueError as error:
            damaged.append((row, str(error)))
    if damaged:
        row, why = damaged[0]
        more = f" and in {len(damaged) - 1} others" if len(damaged) > 1 else ""
        raise UserError(
            f"{source}: column `image` holds no readable image in row {row}{more}, counted from 0 over all files "
            f"({why}); mend these rows or leave them out"
        )
    return read
