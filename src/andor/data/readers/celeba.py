"""The reader `celeba`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from andor.data.reader import Reader
from andor.errors import UserError
from andor.files import first_line
from andor.settings import Name, PositiveInt

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ATTRIBUTES, PARTITION = "list_attr_celeba.txt", "list_eval_partition.txt"


class CelebAData(Reader):
    """Faces of CelebA as its authors give them: whether they have an attribute.

    To be fetched by hand, for its licence.
    """

    modality: ClassVar = "image"
    place: ClassVar = 2
    reader: Literal["celeba"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `list_attr_celeba.txt`, `list_eval_partition.txt` and the aligned images."""
    attribute: str
    """The attribute whose presence is label 1, such as `Eyeglasses`."""
    size: Annotated[int, Field(ge=8, le=512)] = 224
    """Side to which the images are scaled, in pixels."""
    train_limit: PositiveInt | None = None
    """Train on at most so many faces (stratified); all of them if unset. All are held in memory."""
    test_limit: PositiveInt | None = None
    """Keep at most so many of the test faces, the first; all of them if unset."""

    @property
    def two_labels(self) -> bool:
        """Whether a face has the attribute."""
        return True

    @property
    def classes(self) -> list[str]:
        """Faces without and with the attribute."""
        return [f"not {self.attribute}", self.attribute]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the images in pixels."""
        return self.size, self.size

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the faces, split as the origin splits them; those for validation are left out."""
        import numpy as np

        from andor.data.building import tidy, within_limit
        from andor.data.images import of_files

        source = self.given(source)
        attributes, partition = self._list(source, ATTRIBUTES, 1), self._list(source, PARTITION, None)
        if self.attribute not in attributes.columns:
            known = ", ".join(map(str, attributes.columns))
            raise UserError(f"`data.attribute: {self.attribute}` is none of the attributes of CelebA: {known}")
        part = partition.iloc[:, 0].reindex(attributes.index)
        labels = (attributes[self.attribute] == 1).to_numpy(np.int16)
        train, test = np.flatnonzero(part == 0), np.flatnonzero(part == 2)[: self.test_limit]
        kept = np.sort(np.append(train, test))
        split = np.where(part.iloc[kept] == 0, "train", "test")
        kept = kept[chosen := within_limit(split, labels[kept], self.train_limit, seed)]
        folder = next((path.parent for path in source.rglob(str(attributes.index[0]))), None)
        if folder is None:
            raise UserError(f"{source}: holds no image {attributes.index[0]}; put the aligned images beside the lists")
        images = of_files([folder / str(name) for name in attributes.index[kept]], self.shape)
        return tidy(kept, split[chosen], labels[kept], images, "image", classes=self.classes)

    @staticmethod
    def _list(source: Path, name: str, header: int | None) -> pd.DataFrame:
        """A row for each image, named by its file."""
        import pandas as pd

        file = next(source.rglob(name), None)
        if file is None:
            raise UserError(f"{source}: holds no {name}; fetch CelebA's lists of attributes and of the partition")
        try:
            if header is None:
                return pd.read_csv(file, sep=r"\s+", header=None, index_col=0)
            names = file.read_text(encoding="utf-8").splitlines()[header].split()
            return pd.read_csv(file, sep=r"\s+", skiprows=header + 1, names=["file", *names], index_col=0)
        except (OSError, ValueError, IndexError) as error:
            raise UserError(f"{file}: no list of CelebA ({first_line(error)}); fetch it again") from None
