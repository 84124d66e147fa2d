"""The reader `images`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from andor.data.delimited import InFiles
from andor.errors import UserError
from andor.settings import Name, PositiveInt

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from andor.data.classes import Classes
    from andor.data.images import Pictures

Side = Annotated[int, Field(ge=8, le=1024)]
COMPARED = 3
"""Images for testing whose files are kept, for pretrained models to be compared with their library."""


class ImagesData(InFiles):
    """Images with a class: in folders by class, in Parquet as the hub's data sets store them, or a list of paths."""

    modality: ClassVar = "image"
    place: ClassVar = 2
    reader: Literal["images"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with a folder of images for each class (`cat/1.png`, or `train/cat/1.png` and
    `test/cat/2.png`); with Parquet files of images; or with a CSV or JSON-lines file of paths beside it. Files and
    folders whose names begin with train, and with validation or test, are the splits."""
    image: str = "image"
    """Column of the images, or of their paths, in files."""
    label: str = "label"
    """Column of the class in files, a name or a whole number."""
    split: str | None = None
    """Column of files that says train, and validation or test; other rows are left out."""
    positive: Annotated[int, Field(ge=0)] | str | None = None
    """The class that is label 1, against the rest, by its number or name; null for all classes as labels, names
    numbered in their order."""
    size: Side | Annotated[list[Side], Field(min_length=2, max_length=2)] = 32
    """Side to which the images are scaled, in pixels; or their height and width."""
    resize: Side | Annotated[list[Side], Field(min_length=2, max_length=2)] | None = None
    """What images are scaled to before the middle, of the given size, is cut out: their shorter side, or their height
    and width; unset, they are scaled to that size, whatever their proportions. Pretrained models say what they want."""
    resample: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] = "bilinear"
    """Pillow's filter by which images are scaled."""
    test_fraction: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Share of the images kept for testing and explaining, stratified by label, where neither names nor a column part
    them; 1 for all."""
    train_limit: PositiveInt | None = None
    """Train on at most so many images (stratified); all of them if unset. All are held in memory."""
    damaged: Literal["refuse", "skip"] = "refuse"
    """Whether an image that cannot be read is refused, or left out and counted in the log."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the images in pixels."""
        height, width = self.size if isinstance(self.size, list) else (self.size, self.size)
        return height, width

    @model_validator(mode="after")
    def _cut_out(self) -> ImagesData:
        sides = [self.resize] * 2 if isinstance(self.resize, int) else self.resize or self.shape
        if any(side < kept for side, kept in zip(sides, self.shape, strict=True)):
            raise ValueError(f"`resize: {self.resize}` is less than `size: {self.size}`, which is cut out; raise it")
        return self

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the images, split as the origin splits them; an item's number is its row over all files."""
        import numpy as np

        from andor.data.building import tidy, within_limit
        from andor.data.parts import split_of

        source = self.given(source)
        found, classes = self.look(source)
        known = np.array(found.parts)  # where nothing says them, a split is drawn among what can be read
        rows, images = self._pixels(found, within_limit(known, classes.labels, self.train_limit, seed), source)
        if len({image.shape for image in images}) > 1:  # a few grey images among colour ones: all become colour
            images = [np.broadcast_to(image, (3, *self.shape)) for image in images]
        labels = classes.labels[rows]
        split = split_of([found.parts[row] for row in rows], labels, self.test_fraction, seed)
        kept = within_limit(split, labels, self.train_limit, seed)
        numbers, content = [found.rows[rows[place]] for place in kept], np.stack([images[place] for place in kept])
        compared = set(kept[split[kept] == "test"][:COMPARED])
        files = [found.contents[rows[place]]() if place in compared else None for place in kept]
        return tidy(numbers, split[kept], labels[kept], content, "image", classes=classes.names, files=files)

    def look(self, source: Path) -> tuple[Pictures, Classes]:
        """Images before they are read, and their classes."""
        from andor.data.images import pictures

        found = pictures(source, self.image, self.label, self.split, self.form)
        return found, found.classes.against_rest(self.positive, str(source))

    def _pixels(self, found: Pictures, wanted: np.ndarray, source: Path) -> tuple[list[int], list[np.ndarray]]:
        """Of the wanted rows those that can be read, and their pixels."""
        from andor.data.images import decoded, pixels

        read, damaged = {}, {}
        for row in wanted.tolist():
            try:
                read[row] = pixels(decoded(found.contents[row]()), self.shape, self.resize, self.resample)
            except ValueError as error:
                damaged[row] = str(error)
        if damaged and (self.damaged == "refuse" or not read):
            row, why = next(iter(damaged.items()))
            more = f" and in {len(damaged) - 1} others" if len(damaged) > 1 else ""
            raise UserError(
                f"{source}: {found.column} holds no readable image in row {found.rows[row]}{found.named(row)}{more}, "
                f"counted from 0 over all files ({why}); mend these rows, leave them out or set `data.damaged: skip`"
            )
        for row, why in damaged.items():
            logging.getLogger(__name__).warning("row %d%s left out: %s", found.rows[row], found.named(row), why)
        logging.getLogger(__name__).info("%d images read, %d left out as damaged", len(read), len(damaged))
        return list(read), list(read.values())
