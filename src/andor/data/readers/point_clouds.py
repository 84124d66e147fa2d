"""The reader `point_clouds`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from andor.data.reader import Reader
from andor.errors import UserError
from andor.settings import Name

if TYPE_CHECKING:
    import pyarrow as pa


class PointCloudsData(Reader):
    """Point clouds of equal size in Parquet."""

    modality: ClassVar = "points"
    place: ClassVar = 9
    reader: Literal["point_clouds"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train*.parquet` and `test*.parquet`, columns `points` (a list of lists of
    coordinates), `label` and, if parts are given, `part` (a number for each point)."""
    positive: Annotated[int, Field(ge=0)] | str | None = None
    """The class that is label 1, against the rest, by its number or name; null for all classes as labels, names
    numbered in their order."""

    @property
    def two_labels(self) -> bool:
        """One class against the rest."""
        return self.positive is not None

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the clouds, split as the origin splits them, with their parts if it has any."""
        import numpy as np

        from andor.data.building import tidy
        from andor.data.classes import by_number
        from andor.data.records import class_names, splits

        source = self.given(source)
        rows, split = splits({"train": "train", "test": "test"}, ["points", "label"], source, optional=["part"])
        classes = by_number(rows["label"].to_pylist(), str(source), names=class_names(rows.schema, "label"))
        labels, names = classes.against_rest(self.positive, str(source))
        clouds = [np.array(cloud, np.float32) for cloud in rows["points"].to_pylist()]
        if clouds[0].ndim != 2 or any(cloud.shape != clouds[0].shape for cloud in clouds):
            raise UserError(
                f"{source}: column `points` holds no clouds of equal shape (points, coordinates); resample them"
            )
        parts = None
        if "part" in rows.column_names:
            listed = rows["part"].to_pylist()
            if any(part is None or len(part) != len(clouds[0]) for part in listed):
                raise UserError(f"{source}: column `part` has not a number for each point; mend it")
            parts = np.array(listed, np.int16)
        return tidy(range(len(labels)), split, labels, np.stack(clouds), "points", parts=parts, classes=names)
