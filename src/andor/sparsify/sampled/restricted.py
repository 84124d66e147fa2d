"""The problem of a sampled game on some columns: least squares from products of columns, by alternating directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from andor.sparsify.penalty import cost, gauge, prox

CHECK = 10
"""Steps between two looks at the gap."""
RELAXED = 1.6
"""Over-relaxation."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over some of one model's coalitions, of which sums over others are made by adding and subtracting; float64.

    Attributes
    ----------
    gram : (W, W), products of columns
    right : (W,), columns with values
    columns : (W,), columns alone
    values, square, count : values, their squares, and how many there are
    """

    gram: Tensor
    right: Tensor
    columns: Tensor
    values: Tensor
    square: Tensor
    count: int

    @classmethod
    def of(cls, design: Tensor, values: Tensor) -> Moments:
        """From columns (W, M), 0 and 1, and values (M,)."""
        design = design.to(torch.float64)
        return cls(design @ design.T, design @ values, design.sum(1), values.sum(), values @ values, len(values))

    def __add__(self, other: Moments) -> Moments:
        """Over both."""
        return Moments(*(getattr(self, name) + getattr(other, name) for name in _FIELDS))

    def __sub__(self, other: Moments) -> Moments:
        """Over what is left when others are taken away."""
        return Moments(*(getattr(self, name) - getattr(other, name) for name in _FIELDS))

    def squares(self) -> Squares:
        """Products of the columns and values less their means."""
        means, mean = self.columns / self.count, self.values / self.count
        gram = self.gram / self.count - means[:, None] * means
        right, total = self.right / self.count - means * mean, self.square / self.count - mean**2
        return Squares(gram[None], right[None], total[None])

    def constant(self, x: Tensor) -> Tensor:
        """The constant b that goes best with interactions (W,)."""
        return (self.values - self.columns @ x) / self.count

    def error(self, x: Tensor, constant: Tensor) -> Tensor:
        """Sum of squares of what interactions (W,) and a constant leave."""
        fit = 2 * (self.right @ x + constant * self.values) - x @ self.gram @ x
        return self.square - fit + 2 * constant * (self.columns @ x) + constant**2 * self.count


_FIELDS = [field.name for field in fields(Moments)]


@dataclass(frozen=True, eq=False)
class Squares:
    """Products of centred columns and values of m models, each divided by its number of coalitions; float64.

    Attributes
    ----------
    gram : (m, W, W)
    right : (m, W), columns with values
    total : (m,), values with themselves
    """

    gram: Tensor
    right: Tensor
    total: Tensor

    @classmethod
    def of(cls, moments: Sequence[Moments]) -> Squares:
        """Of several models."""
        each = [own.squares() for own in moments]
        return cls(*(torch.cat([getattr(own, name) for own in each]) for name in ("gram", "right", "total")))

    def take(self, which: Tensor) -> Squares:
        """Of some columns."""
        return Squares(self.gram[:, which][:, :, which], self.right[:, which], self.total)

    def refitted(self, x: Tensor, ridge: float) -> Tensor:
        """Strengths (m, W) of least squares on the support of each model's x, drawn towards x by a ridge.

        {i}, {j}, AND{i,j} and OR{i,j} are linearly dependent, so that least squares on a support may be singular. This
        minimises ½·mean_j (residual)² + (ρ/2)·‖strengths − x‖²: dependent columns stay as x shares them out.
        """
        strengths = x.clone()
        for model, own in enumerate(x):
            support = own.nonzero()[:, 0]
            rest = self.right[model] - self.gram[model] @ own
            inner = self.gram[model][support][:, support]
            inner.diagonal().add_(ridge)
            strengths[model, support] += torch.linalg.solve(inner, rest[support])
        return strengths


@dataclass(frozen=True)
class Bounds:
    """Objective of a point, and the lower bound that its residual proves.

    `scale` is what the residual, divided by M, is multiplied by to be feasible in the dual.
    """

    objective: float
    lower: float
    scale: float

    @property
    def gap(self) -> float:
        """(objective − lower bound) / objective."""
        return (self.objective - self.lower) / self.objective if self.objective > 0 else 0.0


def bounds(squares: Squares, x: Tensor, penalty: float, weights: tuple[float, float], largest: float) -> Bounds:
    """Bounds of the problem whose duals have a largest gauge, or none above the penalty, at interactions x (m, W).

    D(θ) = Σ_i [⟨θ_i, u_i⟩ − (M_i/2)‖θ_i‖²] at θ_i = s·r_i/M_i, with the best s ≤ 1 for which the gauge is ≤ λ.
    """
    fit = (squares.right * x).sum()
    quadratic = (x * (squares.gram @ x[..., None])[..., 0]).sum()
    total = squares.total.sum()
    residual, correlation = total - 2 * fit + quadratic, total - fit
    primal = 0.5 * residual + penalty * cost(x, *weights).sum()
    best = float(correlation / residual) if residual > 0 else 1.0
    scale = max(0.0, min(best, penalty / max(largest, penalty)))
    return Bounds(float(primal), float(scale * correlation - 0.5 * scale**2 * residual), scale)


def solve(squares: Squares, x: Tensor, penalty: float, weights: tuple[float, float], gap: float) -> Tensor:
    """Interactions (m, W) whose relative gap on these columns is at most `gap`, from a first guess.

    Most of them are 0: columns are worked on that are not, and those whose duals leave the dual ball.
    """
    used = (x != 0).any(0)
    while True:
        duals = squares.right - (squares.gram @ x[..., None])[..., 0]
        gauges = gauge(duals, *weights)
        proven = bounds(squares, x, penalty, weights, _most(gauges))
        if proven.gap <= gap:
            return x
        used = used | (gauges > penalty)
        which = used.nonzero()[:, 0]
        inner = _split(squares.take(which), x[:, which], penalty, weights, 0.5 * gap)
        x = torch.zeros_like(x)
        x[:, which] = inner
        used = (x != 0).any(0)


def _most(gauges: Tensor) -> float:
    return float(gauges.max()) if len(gauges) else 0.0


def _split(
    squares: Squares, x: Tensor, penalty: float, weights: tuple[float, float], gap: float, most: int = 5_000
) -> Tensor:
    """Alternating directions (ADMM; Boyd et al. 2011): least squares with a factored matrix, then the prox.

    Columns of nested coalitions are all alike, so that gradients alone see one direction among hundreds.
    """
    if not x.shape[1]:
        return x
    size = x[x != 0].abs()
    rho = penalty / float(size.mean()) if len(size) else 0.1
    inverse, multiplier = _inverse(squares, rho), torch.zeros_like(x)
    for step in range(1, most + 1):
        free = (inverse @ (squares.right + rho * (x - multiplier))[..., None])[..., 0]
        relaxed = RELAXED * free + (1 - RELAXED) * x
        new = prox(relaxed + multiplier, penalty / rho, *weights)
        multiplier = multiplier + relaxed - new
        primal, dual = float((free - new).norm()), rho * float((new - x).norm())
        x = new
        if step % CHECK == 0:
            duals = squares.right - (squares.gram @ x[..., None])[..., 0]
            if bounds(squares, x, penalty, weights, _most(gauge(duals, *weights))).gap <= gap:
                return x
            factor = min(10.0, max(0.1, (primal / dual) ** 0.5)) if primal and dual else 1.0
            if not 0.4 < factor < 2.5:
                rho, multiplier = rho * factor, multiplier / factor
                inverse = _inverse(squares, rho)
    return x


def _inverse(squares: Squares, rho: float) -> Tensor:
    """(Gram + ρ)⁻¹ of each model, (m, W, W)."""
    drawn = squares.gram + rho * torch.eye(squares.gram.shape[1], dtype=squares.gram.dtype, device=squares.gram.device)
    return torch.cholesky_inverse(torch.linalg.cholesky(drawn))
