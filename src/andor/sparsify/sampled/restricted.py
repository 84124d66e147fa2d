"""The problem of a sampled game on some columns: least squares from products of columns, by accelerated gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from andor.sparsify.penalty import cost, gauge, prox

CHECK = 20
"""Steps between two looks at the gap."""


@dataclass(frozen=True, eq=False)
class Squares:
    """Products of centred columns and values, each divided by the model's number of coalitions; float64.

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
    def of(cls, designs: Sequence[Tensor], values: Sequence[Tensor]) -> Squares:
        """From columns (W, M_i), 0 and 1, and values (M_i,) of each model; both are centred here."""
        pairs = [(_centred(design), value - value.mean()) for design, value in zip(designs, values, strict=True)]
        return cls(
            torch.stack([a @ a.T / a.shape[1] for a, _ in pairs]),
            torch.stack([a @ v / a.shape[1] for a, v in pairs]),
            torch.stack([v @ v / len(v) for _, v in pairs]),
        )

    def take(self, which: Tensor) -> Squares:
        """Of some columns."""
        return Squares(self.gram[:, which][:, :, which], self.right[:, which], self.total)


def _centred(design: Tensor) -> Tensor:
    design = design.to(torch.float64)
    return design - design.mean(1, keepdim=True)


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
        inner = _accelerated(squares.take(which), x[:, which], penalty, weights, 0.5 * gap)
        x = torch.zeros_like(x)
        x[:, which] = inner
        used = (x != 0).any(0)


def _most(gauges: Tensor) -> float:
    return float(gauges.max()) if len(gauges) else 0.0


def _accelerated(
    squares: Squares, x: Tensor, penalty: float, weights: tuple[float, float], gap: float, most: int = 20_000
) -> Tensor:
    """FISTA with restarts (Beck & Teboulle 2009; O'Donoghue & Candès 2015)."""
    if not x.shape[1]:
        return x
    rate = 1 / _largest_eigenvalue(squares.gram)
    point, momentum = x, 1.0
    for step in range(most):
        duals = squares.right - (squares.gram @ point[..., None])[..., 0]
        new = prox(point + rate * duals, rate * penalty, *weights)
        if step % CHECK == CHECK - 1:
            at_new = squares.right - (squares.gram @ new[..., None])[..., 0]
            if bounds(squares, new, penalty, weights, _most(gauge(at_new, *weights))).gap <= gap:
                return new
        if ((point - new) * (new - x)).sum() > 0:
            momentum = 1.0
        grown = 0.5 * (1 + (1 + 4 * momentum**2) ** 0.5)
        point = new + (momentum - 1) / grown * (new - x)
        x, momentum = new, grown
    return x


def _largest_eigenvalue(gram: Tensor) -> float:
    """A bound, from above but for rounding, of the largest eigenvalue of any of some Gram matrices."""
    return float(torch.linalg.eigvalsh(gram)[:, -1].max()) if gram.shape[1] <= 64 else _power(gram)


def _power(gram: Tensor) -> float:
    vector = torch.ones_like(gram[..., 0])
    for _ in range(30):
        vector = (gram @ vector[..., None])[..., 0]
        vector = vector / vector.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(gram.dtype).tiny)
    value = (vector * (gram @ vector[..., None])[..., 0]).sum(-1)
    return 1.05 * float(value.max())  # the power method comes from below
