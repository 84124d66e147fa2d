"""PointNets for point clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from andor.models.family import TrainedOnArrays
from andor.models.settings import Training
from andor.settings import PositiveInt

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from andor.models.loaded import PointClassifier


class PointNet(TrainedOnArrays):
    """A small PointNet for point clouds, trained from scratch: one logit for two labels, else one each."""

    place: ClassVar = 6
    reads: ClassVar = {"points"}
    family: Literal["pointnet"]
    """Kind of model."""
    width: PositiveInt = 64
    """Units of the first layer that all points share; the second has twice, the third four times as many."""
    training: Training = Training()
    """How to train it."""

    def described(self) -> dict[str, Any]:
        """The family, and what makes the network."""
        return {"family": self.family, "width": self.width}

    @classmethod
    def untrained(cls, description: dict[str, Any], mean: Tensor, device: torch.device) -> PointClassifier:
        """A classifier of point clouds with new weights."""
        from andor.models import architectures
        from andor.models.loaded import PointClassifier

        _, coordinates = description["shape"]
        network = architectures.PointNet(coordinates, description["width"], description["outputs"])
        return PointClassifier(network.to(device), description, mean.to(device))
