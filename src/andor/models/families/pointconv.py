"""PointConv for point clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from andor.models.family import TrainedOnArrays
from andor.models.settings import Training

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from andor.models.loaded import PointClassifier


class PointConv(TrainedOnArrays):
    """PointConv, trained from scratch: one logit for two labels, else one each.

    It convolves points with weights that are a function of place, scaled by the inverse of their density.
    """

    place: ClassVar = 6
    reads: ClassVar = {"points"}
    family: Literal["pointconv"]
    """Kind of model."""
    training: Training = Training()
    """How to train it."""

    def described(self) -> dict[str, Any]:
        """The family: its sizes are the published ones."""
        return {"family": self.family}

    @classmethod
    def untrained(cls, description: dict[str, Any], mean: Tensor, device: torch.device) -> PointClassifier:
        """A classifier of point clouds with new weights."""
        from andor.models import points
        from andor.models.loaded import PointClassifier

        network = points.PointConv(description["outputs"])
        return PointClassifier(network.to(device), description, mean.to(device))
