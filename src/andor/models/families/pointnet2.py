"""PointNet++ for point clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from andor.models.family import TrainedOnPoints

if TYPE_CHECKING:
    from torch import nn


class PointNet2(TrainedOnPoints):
    """PointNet++ with balls of several radii, trained from scratch: one logit for two labels, else one each."""

    family: Literal["pointnet2"]
    """Kind of model."""

    @classmethod
    def network(cls, description: dict[str, Any]) -> nn.Module:
        """The network with new weights."""
        from andor.models import points

        return points.PointNet2(description["outputs"])
