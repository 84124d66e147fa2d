"""The reader `digits`."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from andor.data.reader import Reader

if TYPE_CHECKING:
    import pyarrow as pa


ITEMS = 1797
"""Images that there are."""


class DigitsData(Reader):
    """scikit-learn's 1,797 real 8×8 digits: one class against the rest, or all ten."""

    modality: ClassVar = "image"
    place: ClassVar = 1
    reader: Literal["digits"]
    """Which reader makes the tidy table."""
    positive: Annotated[int, Field(ge=0, le=9)] | None = 3
    """The digit that is label 1; null for all ten as labels 0 to 9."""
    size: Annotated[int, Field(ge=8, le=512)] = 32
    """Side to which the images are scaled, in pixels."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    source: None = None
    """The images come with scikit-learn."""

    @property
    def two_labels(self) -> bool:
        """One digit against the rest."""
        return self.positive is not None

    @property
    def classes(self) -> list[str]:
        """The digits, or the one against the rest."""
        return list("0123456789") if self.positive is None else [f"not {self.positive}", str(self.positive)]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the images in pixels."""
        return self.size, self.size

    @property
    def most_for_training(self) -> int:
        """What the images for testing leave of all."""
        return ITEMS - ceil(ITEMS * self.test_fraction)

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the digits."""
        import numpy as np
        from PIL import Image
        from sklearn.datasets import load_digits

        from andor.data.building import stratified_split, tidy
        from andor.data.classes import Classes
        from andor.data.images import pixels

        origin = load_digits()
        images = np.stack([pixels(Image.fromarray(np.float32(image) / 16), self.shape) for image in origin.images])
        named = Classes(origin.target.astype(np.int16), [str(digit) for digit in origin.target_names])
        labels, names = named.against_rest(self.positive, "the digits")
        split = stratified_split(labels, self.test_fraction, seed)
        return tidy(range(len(labels)), split, labels, images, "image", classes=names)
