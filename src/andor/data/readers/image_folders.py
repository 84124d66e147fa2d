"""The reader `image_folders`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from andor.data.reader import Reader
from andor.errors import UserError
from andor.settings import Name, PositiveInt

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


class ImageFoldersData(Reader):
    """Images in a folder for each class, below `train` and `test`, as torchvision's `ImageFolder` takes them."""

    modality: ClassVar = "image"
    place: ClassVar = 2
    reader: Literal["image_folders"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train/<class>/` and `test/<class>/`."""
    positive: str | None = None
    """The class that is label 1, against the rest; null for all classes, numbered in the order of their names."""
    size: Annotated[int, Field(ge=8, le=512)] = 224
    """Side to which the images are scaled, in pixels."""
    train_limit: PositiveInt | None = None
    """Train on at most so many images (stratified); all of them if unset. All are held in memory."""

    @property
    def two_labels(self) -> bool:
        """One class against the rest."""
        return self.positive is not None

    @property
    def side(self) -> int:
        """Side of the images in pixels."""
        return self.size

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the images, split as they lie; an item's number is its place in the order of paths."""
        import numpy as np
        import pyarrow as pa

        from andor.data.building import numbered, tidy, within_limit
        from andor.data.images import of_files

        source = self.given(source)
        files = [self._files(source / part) for part in ("train", "test")]
        split = np.repeat(["train", "test"], list(map(len, files)))
        every = [*files[0], *files[1]]
        names = pa.chunked_array([[file.parent.name for file in every]])
        labels = numbered(names, self.positive, str(source))
        kept = within_limit(split, labels, self.train_limit, seed)
        images = of_files([every[place] for place in kept], self.size)
        return tidy(kept, split[kept], labels[kept], images, "image")

    @staticmethod
    def _files(folder: Path) -> list[Path]:
        """Images of all classes."""
        files = sorted(file for file in folder.glob("*/*") if file.suffix.lower() in SUFFIXES)
        if not files:
            raise UserError(f"{folder}: holds no images in folders of classes; name a folder with train/ and test/")
        return files
