"""Masked images: a player's pixels take the baseline value in every channel."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from andor import config
from andor.masking import baselines
from andor.masking.model import MaskedModel, batch_size, owners


@dataclass(frozen=True)
class MaskedImage:
    """An image and its players."""

    pixels: np.ndarray
    """float32 (C, H, W)."""
    players: list[list[int]]
    """Pixels of each player as row·W + column."""
    masking: config.Masking
    """How they are masked."""

    def content(self) -> dict[str, Any]:
        """What determines the masked outputs besides the weights (the mean image is kept with them)."""
        integrated = {"steps": self.masking.steps} if self.masking.background == "integrate" else {}
        return {
            "input": {"sha256": hashlib.sha256(self.pixels.tobytes()).hexdigest(), "shape": list(self.pixels.shape)},
            "players": self.players,
            "masking": {"baseline": self.masking.baseline, "background": self.masking.background, **integrated},
        }

    def bind(self, model: Any) -> MaskedModel:
        """Outputs on this image as a function of the players that are present.

        With an integrated background (ICLR 2024, appendix) the output is the mean over t = 1/T, …, 1 of
        f(t·x_S + (1−t)·x'_S), where x_S has the masked players at the baseline value and x'_S the background too:
        players keep their pixels or the baseline value, and only the background moves along the line between its own
        and the baseline value.
        """
        channels, height, width = self.pixels.shape
        owner = owners(self.players, height * width).reshape(1, height, width).to(model.device)
        image = torch.from_numpy(self.pixels.copy()).to(model.device)
        baseline = baselines.image(model, self.masking.baseline, image)
        samples = image[None]
        if self.masking.background == "integrate":
            t = torch.arange(1, self.masking.steps + 1, device=image.device).reshape(-1, 1, 1, 1) / self.masking.steps
            samples = torch.where(owner == len(self.players), t * image + (1 - t) * baseline, image)
        size = batch_size(channels * height * width, on_cpu=1 << 17, on_cuda=1 << 22, device=model.device)
        return MaskedModel(model.logits, samples, baseline, owner, len(self.players), size)


def locate_image(sample: Mapping[str, Any], masking: config.Masking) -> MaskedImage:
    """The image with its players, which are pixels already."""
    pixels = np.ascontiguousarray(sample["image"], dtype=np.float32)
    return MaskedImage(pixels, [list(player) for player in sample["players"]], masking)
