"""The reader `shapenet_parts`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from andor.data.reader import Reader
from andor.errors import UserError
from andor.files import first_line
from andor.settings import Name

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

CATEGORIES = "synsetoffset2category.txt"


class ShapeNetPartsData(Reader):
    """Shapes of ShapeNet with the parts of each, as the benchmark of part segmentation has them (Yi et al. 2016).

    To be fetched by hand, for its licence.
    """

    modality: ClassVar = "points"
    place: ClassVar = 8
    reader: Literal["shapenet_parts"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: the folder `shapenetcore_partanno_segmentation_benchmark_v0`."""
    positive: str | None = None
    """The category that is label 1, against the rest, such as `Motorbike`; null for all, numbered in the order of their
    names."""
    points: Annotated[int, Field(ge=16)] = 2500
    """Points that are drawn of each shape, with the seed."""

    @property
    def two_labels(self) -> bool:
        """One category against the rest."""
        return self.positive is not None

    @property
    def cloud(self) -> int:
        """Points of a cloud."""
        return self.points

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the shapes and their parts, centred and in the unit ball; those for validation are left out."""
        import numpy as np

        from andor.data.building import tidy
        from andor.data.classes import by_order

        source = self.given(source)
        folder = next((file.parent for file in source.rglob(CATEGORIES)), None)
        if folder is None:
            raise UserError(f"{source}: holds no {CATEGORIES}; name the folder of the benchmark of part segmentation")
        rows = (line.split() for line in (folder / CATEGORIES).read_text(encoding="utf-8").splitlines() if line)
        names = {number: name for name, number in rows}
        split, shapes = [], []
        for part in ("train", "test"):
            listed = self._listed(folder / "train_test_split" / f"shuffled_{part}_file_list.json")
            shapes += [tuple(shape.split("/")[-2:]) for shape in listed]
            split += [part] * len(listed)
        categories = by_order([names[number] for number, _ in shapes])
        labels, known = categories.against_rest(self.positive, str(source))
        read = [self._shape(folder / number, name, (seed, item)) for item, (number, name) in enumerate(shapes)]
        clouds, parts = zip(*read, strict=True)
        content = {"content": np.stack(clouds), "kind": "points", "parts": np.stack(parts)}
        return tidy(range(len(shapes)), split, labels, **content, classes=known)

    @staticmethod
    def _listed(file: Path) -> list[str]:
        """Shapes of a split, as `shape_data/<category>/<name>`."""
        try:
            return list(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise UserError(f"{file}: no list of shapes ({first_line(error)}); fetch it again") from None

    def _shape(self, folder: Path, name: str, seed: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Points (P, 3) of a shape, and the number of the part of each (P,)."""
        import numpy as np

        try:
            points = np.loadtxt(folder / "points" / f"{name}.pts", dtype=np.float32, ndmin=2)
            parts = np.loadtxt(folder / "points_label" / f"{name}.seg", dtype=np.int16, ndmin=1)
        except (OSError, ValueError) as error:
            raise UserError(f"{folder}: shape {name} cannot be read ({first_line(error)}); fetch it again") from None
        chosen = np.random.default_rng(seed).choice(len(points), self.points, replace=len(points) < self.points)
        cloud = points[chosen] - points[chosen].mean(axis=0)
        return np.float32(cloud / np.linalg.norm(cloud, axis=1).max()), parts[chosen]
