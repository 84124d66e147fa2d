"""The reader `shapes`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from andor.data.reader import Reader

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class ShapesData(Reader):
    """Synthetic point clouds, made from the seed: tables (label 0) and chairs (label 1) of random proportions."""

    modality: ClassVar = "points"
    place: ClassVar = 8
    reader: Literal["shapes"]
    """Which reader makes the tidy table."""
    count: Annotated[int, Field(ge=8)] = 400
    """Clouds, half of each label."""
    points: Annotated[int, Field(ge=16)] = 128
    """Points of a cloud."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    source: None = None
    """The clouds are made here: no package registry has ModelNet or ShapeNet."""

    @property
    def two_labels(self) -> bool:
        """Tables and chairs."""
        return True

    @property
    def classes(self) -> list[str]:
        """What the clouds are of."""
        return ["table", "chair"]

    @property
    def cloud(self) -> int:
        """Points of a cloud."""
        return self.points

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the clouds and their parts."""
        import numpy as np

        from andor.data.building import stratified_split, tidy

        random = np.random.default_rng(seed)
        labels = np.arange(self.count, dtype=np.int16) % 2
        clouds, parts = zip(*(_furniture(bool(label), self.points, random) for label in labels), strict=True)
        split = stratified_split(labels, self.test_fraction, seed)
        parts = np.stack(parts)
        return tidy(range(self.count), split, labels, np.stack(clouds), "points", parts=parts, classes=self.classes)


def _furniture(chair: bool, points: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points (P, 3) spread over the boxes of a table or a chair, and the number of the box of each (P,).

    Parts: 0 the board, 1 to 4 the legs, 5 the back of a chair. Clouds are centred and fit the unit ball.
    """
    import numpy as np

    width, depth = random.uniform(0.4, 0.9, 2)
    height, leg = random.uniform(0.4, 0.9), random.uniform(0.05, 0.1)
    boxes = [(-width, -depth, height, width, depth, height + leg)]
    for x in (-width, width - leg):
        boxes += [(x, y, 0, x + leg, y + leg, height) for y in (-depth, depth - leg)]
    if chair:
        boxes.append((-width, depth - leg, height, width, depth, height + random.uniform(0.5, 1.0)))
    low, high = np.array(boxes)[:, :3], np.array(boxes)[:, 3:]
    sides = high - low
    area = sides[:, 0] * sides[:, 1] + sides[:, 1] * sides[:, 2] + sides[:, 0] * sides[:, 2]
    part = np.sort(random.choice(len(boxes), points, p=area / area.sum()))
    part[: len(boxes)] = np.arange(len(boxes))  # every part has a point
    cloud = low[part] + random.random((points, 3)) * sides[part]
    cloud -= cloud.mean(axis=0)
    return np.float32(cloud / np.linalg.norm(cloud, axis=1).max()), np.int16(part)
