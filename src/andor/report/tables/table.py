"""What a table is: its name, its columns, and what makes its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

TEXT, NUMBER, COUNT, FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()


@dataclass(frozen=True)
class Table:
    """A table of a task.

    Attributes
    ----------
    name : in the catalogue, and of its files
    of : what it is made of, one after the other: `TaskResults`, `Subject` or `Comparison`
    rows : its rows from one of these
    schema : its columns
    """

    name: str
    of: type
    rows: Callable[[Any], pd.DataFrame]
    schema: pa.Schema

    def whole(self, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """The frames one below the other, with exactly the columns of the table."""
        frames = [frame for frame in frames if len(frame)]
        if not frames:
            return self.schema.empty_table().to_pandas()
        return pd.concat(frames, ignore_index=True)[self.schema.names]
