"""Networks of point clouds that look at neighbourhoods: PointNet++ (Qi et al. 2017b) and PointConv (Wu et al. 2019).

Sampling and grouping are plain torch. Neither depends on the order of the points: sampling begins at the point farthest
from the mean, and of too many neighbours the nearest are taken. Where several points are in one place, as masked ones
are at the baseline value, it does not matter which of them is taken.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

CENTRES = ((512, 2), (128, 8))
"""Centres of the first and the second layer: so many, as published for 1,024 points, but of fewer points at most every
second, and every eighth."""


def farthest(points: Tensor, count: int) -> Tensor:
    """Numbers (B, count) of points (B, P, 3), each the farthest from those before it, the first from their mean."""
    chosen = []
    nearest = (points - points.mean(dim=1, keepdim=True)).square().sum(-1)
    for place in range(count):
        chosen.append(nearest.argmax(dim=1))
        distance = (points - at(points, chosen[-1][:, None])).square().sum(-1)
        nearest = distance if place == 0 else torch.minimum(nearest, distance)
    return torch.stack(chosen, dim=1)


def nearest(points: Tensor, centres: Tensor, count: int, radius: float = torch.inf) -> Tensor:
    """Numbers (B, C, k) of the nearest points (B, P, 3) of each centre (B, C, 3), k = min(count, P).

    In place of those outside the radius stands the nearest one again.
    """
    distances = torch.cdist(centres, points, compute_mode="donot_use_mm_for_euclid_dist")
    found, numbers = distances.topk(min(count, points.shape[1]), largest=False)
    return torch.where(found <= radius, numbers, numbers[..., :1])


def at(values: Tensor, numbers: Tensor) -> Tensor:
    """Values (B, P, F) of the points with these numbers (B, …): (B, …, F)."""
    flat = numbers.flatten(1).unsqueeze(-1).expand(-1, -1, values.shape[-1])
    return values.gather(1, flat).unflatten(1, numbers.shape[1:])


def density(points: Tensor, bandwidth: float) -> Tensor:
    """Density (B, P, 1) at points (B, P, 3) by a Gaussian kernel, up to a factor."""
    distances = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    return (-(distances.square()) / (2 * bandwidth**2)).exp().mean(dim=-1, keepdim=True)


class Shared(nn.Module):
    """Dense layers, normalised over the batch and rectified, that all points share; the last may end otherwise."""

    def __init__(self, widths: Sequence[int], last: nn.Module | None = None) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1], last or layers[-1])

    def forward(self, values: Tensor) -> Tensor:
        """Features (…, F') of values (…, F)."""
        return self.layers(values.flatten(0, -2)).unflatten(0, values.shape[:-1])


class SetAbstraction(nn.Module):
    """A layer of PointNet++: around each centre, in balls of several radii, the maximum over shared layers.

    Parameters
    ----------
    features : of each point, beside its place
    balls : radius, most points, and widths of the layers of each
    """

    def __init__(self, features: int, balls: Sequence[tuple[float, int, Sequence[int]]]) -> None:
        super().__init__()
        self.balls = [(radius, most) for radius, most, _ in balls]
        self.shared = nn.ModuleList(Shared([features + 3, *widths]) for _, _, widths in balls)
        self.features = sum(widths[-1] for _, _, widths in balls)

    def forward(self, points: Tensor, features: Tensor | None, count: int) -> tuple[Tensor, Tensor]:
        """Centres (B, count, 3) and their features, from points (B, P, 3) and theirs (B, P, F), if they have any."""
        centres = at(points, farthest(points, count))
        found = []
        for (radius, most), shared in zip(self.balls, self.shared, strict=True):
            numbers = nearest(points, centres, most, radius)
            found.append(shared(grouped(points, features, centres, numbers)).amax(dim=2))
        return centres, torch.cat(found, dim=-1)


def grouped(points: Tensor, features: Tensor | None, centres: Tensor, numbers: Tensor) -> Tensor:
    """Places relative to the centre, and features, of each centre's neighbours: (B, C, k, 3 + F)."""
    places = at(points, numbers) - centres.unsqueeze(2)
    return places if features is None else torch.cat([places, at(features, numbers)], dim=-1)


class PointNet2(nn.Module):
    """PointNet++ with balls of several radii, in the sizes that its authors classify shapes with."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.first = SetAbstraction(0, [(0.1, 16, (32, 32, 64)), (0.2, 32, (64, 64, 128)), (0.4, 128, (64, 96, 128))])
        self.second = SetAbstraction(
            self.first.features, [(0.2, 32, (64, 64, 128)), (0.4, 64, (128, 128, 256)), (0.8, 128, (128, 128, 256))]
        )
        self.whole = Shared([self.second.features + 3, 256, 512, 1024])
        self.head = head(outputs, dropout=0.4)

    def forward(self, points: Tensor) -> Tensor:
        """Logits (B, outputs) of points (B, P, 3)."""
        (first, half), (second, eighth) = CENTRES
        centres, features = self.first(points, None, max(1, min(first, points.shape[1] // half)))
        centres, features = self.second(centres, features, max(1, min(second, points.shape[1] // eighth)))
        return self.head(self.whole(torch.cat([centres, features], dim=-1)).amax(dim=1))


class DensityConvolution(nn.Module):
    """A layer of PointConv: a convolution whose weights are a function of place, scaled by the inverse of the density.

    Parameters
    ----------
    features : of each point, beside its place
    widths : of the layers that all points share
    most : neighbours of a centre
    bandwidth : of the density's kernel
    """

    def __init__(self, features: int, widths: Sequence[int], most: int, bandwidth: float) -> None:
        super().__init__()
        self.most, self.bandwidth = most, bandwidth
        self.shared = Shared([features + 3, *widths])
        self.weights = Shared([3, 8, 8, 16])
        self.scale = Shared([1, 16, 8, 1], last=nn.Sigmoid())
        self.joined = Shared([16 * widths[-1], widths[-1]])

    def forward(self, points: Tensor, features: Tensor | None, count: int | None) -> tuple[Tensor, Tensor]:
        """Centres and their features, as `SetAbstraction`; without a count, the mean alone, of all points."""
        if count is None:
            centres = points.mean(dim=1, keepdim=True)
            numbers = torch.arange(points.shape[1], device=points.device).expand(len(points), 1, -1)
        else:
            centres = at(points, farthest(points, count))
            numbers = nearest(points, centres, self.most)
        sparse = at(1 / density(points, self.bandwidth), numbers)
        scale = self.scale(sparse / sparse.amax(dim=2, keepdim=True))
        values = self.shared(grouped(points, features, centres, numbers)) * scale
        weights = self.weights(at(points, numbers) - centres.unsqueeze(2))
        return centres, self.joined((values.transpose(2, 3) @ weights).flatten(2))


class PointConv(nn.Module):
    """PointConv in the sizes that its authors classify shapes with."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.first = DensityConvolution(0, (64, 64, 128), 32, 0.1)
        self.second = DensityConvolution(128, (128, 128, 256), 64, 0.2)
        self.whole = DensityConvolution(256, (256, 512, 1024), 0, 0.4)
        self.head = head(outputs, dropout=0.7)

    def forward(self, points: Tensor) -> Tensor:
        """Logits (B, outputs) of points (B, P, 3)."""
        (first, half), (second, eighth) = CENTRES
        centres, features = self.first(points, None, max(1, min(first, points.shape[1] // half)))
        centres, features = self.second(centres, features, max(1, min(second, points.shape[1] // eighth)))
        return self.head(self.whole(centres, features, None)[1][:, 0])


def head(outputs: int, dropout: float) -> nn.Sequential:
    """The dense layers with which both end."""
    return nn.Sequential(
        nn.Linear(1024, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(512, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(256, outputs),
    )  # fmt: skip
