"""PointNet++ for point clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from andor.models.family import TrainedOnArrays
from andor.models.settings import Training

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from andor.models.loaded import PointClassifier


class PointNet2(TrainedOnArrays):
    """PointNet++ with balls of several radii, trained from scratch: one logit for two labels, else one each."""

    place: ClassVar = 6
    reads: ClassVar = {"points"}
    family: Literal["pointnet2"]
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

        network = points.PointNet2(description["outputs"])
        return PointClassifier(network.to(device), description, mean.to(device))
