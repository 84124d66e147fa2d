"""Tidy frames from arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from andor.analysis.statistics import Bootstrap, mean


def tidy(axes: Mapping[str, Sequence[Any]], **columns: Any) -> pd.DataFrame:
    """Rows for every combination of the axes' labels, in their order; columns are arrays over these axes."""
    shape = tuple(len(labels) for labels in axes.values())
    named = dict(zip(axes, np.meshgrid(*map(_labels, axes.values()), indexing="ij"), strict=True))
    return pd.DataFrame({name: np.broadcast_to(column, shape).ravel() for name, column in (named | columns).items()})


def _labels(labels: Sequence[Any]) -> np.ndarray:
    """Labels as an array; texts as objects, which pandas takes as they are."""
    array = np.asarray(labels)
    return array.astype(object) if array.dtype.kind == "U" else array


def spread(count: int, head: bool = False) -> np.ndarray:
    """Positions 0..count-1; where a table would get too long, up to 4096 of them, denser at the ``head`` if asked."""
    if count <= 4096:
        return np.arange(count)
    points = np.geomspace(1, count, 4096) - 1 if head else np.linspace(0, count - 1, 4096)
    return np.unique(points.round().astype(np.int64))


def numbers(most: int) -> np.ndarray:
    """Numbers 1..most for a curve on a logarithmic axis: each up to 20, then about one in twenty of the last."""
    points = np.geomspace(20, max(20, most), 1 + round(20 * np.log(max(20, most) / 20)))
    every = np.concatenate([np.arange(1, 21), points.round().astype(np.int64)])
    return np.unique(every[every <= most])


def measured(values: np.ndarray, bootstrap: Bootstrap) -> dict[str, np.ndarray]:
    """Mean over samples with its interval; values (K, ...)."""
    low, high = bootstrap.interval(values)
    return {"value": mean(values), "low": low, "high": high}


def excess(values: np.ndarray, drawn: Sequence[np.ndarray], bootstrap: Bootstrap) -> dict[str, np.ndarray]:
    """Null level and excess over it, with its interval; values (K, ...), and the same for each draw of the null."""
    null = mean(np.array(drawn)) if len(drawn) else np.full(values.shape, np.nan)
    over = measured(values - null, bootstrap)
    return {
        "null": mean(null),
        "excess": over["value"],
        "excess_low": over["low"],
        "excess_high": over["high"],
    }
