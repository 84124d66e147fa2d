"""Masked arrays: images, features of a table, point clouds. A player's positions take the baseline value.

A position is a pixel (in every channel), a feature, or a point (in every coordinate).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from andor import config
from andor.data.table import ARRAYS
from andor.models.loaded import ArrayClassifier, logits_of
from andor.outputs.masking import baselines
from andor.outputs.masking.model import MaskedMarginal, MaskedModel, batch_size, owners


@dataclass(frozen=True)
class MaskedArray:
    """An array and its players."""

    array: np.ndarray
    """float32: an image (C, H, W), features (F,) or points (P, 3)."""
    grid: tuple[int, ...]
    """Shape of its positions, which broadcasts to that of the array: (1, H, W), (F,) or (P, 1)."""
    players: list[list[int]]
    """Positions of each player in the flattened grid."""
    masking: config.Masking
    """How they are masked."""
    baseline: Tensor | None
    """Baseline value, float32, of a shape that broadcasts to the array's, or several (T, …); None where it is still to
    be learned."""

    def content(self) -> dict[str, Any]:
        """What determines the masked outputs besides the weights."""
        masking: dict[str, Any] = {"baseline": self.masking.baseline, "background": self.masking.background}
        if self.masking.background == "integrate":
            masking["steps"] = self.masking.steps
        if self.masking.baseline != "zero":
            masking["value"] = baselines.digest(self.baseline)
        return {
            "input": {"sha256": hashlib.sha256(self.array.tobytes()).hexdigest(), "shape": list(self.array.shape)},
            "players": self.players,
            "masking": masking,
        }

    def bind(self, model: ArrayClassifier, baseline: Tensor | None = None) -> MaskedModel:
        """Outputs on this array as a function of the players that are present.

        With an integrated background (ICLR 2024, appendix) the output is the mean over t = 1/T, …, 1 of
        f(t·x_S + (1−t)·x'_S), where x_S has the masked players at the baseline value and x'_S the background too:
        players keep their pixels or the baseline value, and only the background moves along the line between its own
        and the baseline value.

        Parameters
        ----------
        baseline
            Another baseline value than its own, to learn one.
        """
        # Convolutions run channels last: what is selected from arrays in that layout needs no second copy.
        layout = torch.channels_last if self.array.ndim == 3 else torch.contiguous_format
        owner = owners(self.players, int(np.prod(self.grid))).reshape(self.grid).to(model.device)
        array = torch.from_numpy(self.array.copy()).to(model.device)
        baseline = (self.baseline if baseline is None else baseline).to(model.device)
        samples = array[None]
        if self.masking.baseline == "marginal":
            size = batch_size(baseline.numel(), on_cpu=1 << 17, on_cuda=1 << 22, device=model.device)
            return MaskedMarginal(
                model.outputs, samples, baseline, owner, len(self.players), size,
                lambda mean: logits_of(mean, model.gives),
            )  # fmt: skip
        if self.masking.background == "integrate":
            t = torch.arange(1, self.masking.steps + 1, device=array.device).reshape(-1, 1, 1, 1) / self.masking.steps
            samples = torch.where(owner == len(self.players), t * array + (1 - t) * baseline, array)
        size = batch_size(array.numel(), on_cpu=1 << 17, on_cuda=1 << 22, device=model.device)
        return MaskedModel(
            model.logits, samples.contiguous(memory_format=layout), baseline, owner, len(self.players), size
        )


def locate_array(model: ArrayClassifier, sample: Mapping[str, Any], masking: config.Masking) -> MaskedArray:
    """The array with its players, which are positions already."""
    kind = next(name for name in ARRAYS if name in sample)
    array = np.ascontiguousarray(sample[kind], dtype=np.float32)
    grid = {"image": (1, *array.shape[1:]), "features": array.shape, "points": (len(array), 1)}[kind]
    players = [list(player) for player in sample["players"]]
    return MaskedArray(array, grid, players, masking, baselines.of_array(model, masking, array))
