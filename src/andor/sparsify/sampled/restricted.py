"""The problem of a sampled game on some columns: least squares from products of columns, by alternating directions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from andor.sparsify.penalty import cost, gauge, prox

CHECK = 10
"""Steps between two looks at the gap."""
RELAXED = 1.6
"""Over-relaxation."""
LEAST, SHARE = 100, 0.2
"""Columns that may come into work at once: so many, or a share of those in use."""
ROUGH, FEW, MANY = 1e-3, 300, 5_000
"""Least gap that single precision is tried for, steps before double precision, and most steps of that."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over some of one model's coalitions.

    Attributes
    ----------
    gram : (W, W) float32, products of columns: numbers of coalitions, so that it is exact
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
    def of(cls, design: Tensor, values: Tensor, gram: Tensor | None = None) -> Moments:
        """From columns (W, M), 0 and 1, and values (M,) float64; products of columns may be known."""
        if gram is None:
            design = design.to(torch.float32)
            gram = design @ design.T
        right, columns = design.to(torch.float64) @ values, design.sum(1, dtype=torch.float64)
        return cls(gram, right, columns, values.sum(), values @ values, len(values))

    def constant(self, x: Tensor) -> Tensor:
        """The constant b that goes best with interactions (W,)."""
        return (self.values - self.columns @ x) / self.count


@dataclass(frozen=True, eq=False)
class Squares:
    """Products of centred columns and values of m models, each divided by its number of coalitions.

    Attributes
    ----------
    gram : (m, W, W), or (1, W, W) for models that share their coalitions
    right : (m, W), columns with values
    total : (m,), values with themselves
    """

    gram: Tensor
    right: Tensor
    total: Tensor

    @classmethod
    def of(cls, moments: Sequence[Moments], dtype: torch.dtype = torch.float64) -> Squares:
        """Of several models, which share their coalitions if they share `gram`."""
        rights, totals, means = [], [], []
        for own in moments:
            columns, values = own.columns / own.count, own.values / own.count
            means.append(columns.to(dtype))
            rights.append(own.right / own.count - columns * values)
            totals.append(own.square / own.count - values**2)
        one = all(own.gram is moments[0].gram for own in moments)
        grams = [
            (own.gram.to(dtype) / own.count).addr_(mean, mean, alpha=-1)
            for own, mean in zip(moments[: 1 if one else None], means, strict=False)
        ]
        return cls(torch.stack(grams), torch.stack(rights).to(dtype), torch.stack(totals).to(dtype))

    def take(self, which: Tensor, dtype: torch.dtype | None = None) -> Squares:
        """Of some columns, in a given precision."""
        grams = torch.stack([gram.index_select(0, which).to(dtype).index_select(1, which) for gram in self.gram])
        return Squares(grams, self.right[:, which].to(dtype), self.total.to(dtype))

    def scaled(self, factors: Tensor) -> Squares:
        """Of columns times factors (W,)."""
        return Squares(self.gram * factors * factors[:, None], self.right * factors, self.total)

    def duals(self, x: Tensor) -> Tensor:
        """Products of columns and residuals at interactions (m, W): (m, W)."""
        return self.right - times(self.gram, x)

    def refitted(self, x: Tensor, ridge: float) -> Tensor:
        """Strengths (m, W) of least squares on the support of each model's x, drawn towards x by a ridge.

        {i}, {j}, AND{i,j} and OR{i,j} are linearly dependent, so that least squares on a support may be singular. This
        minimises ½·mean_j (residual)² + (ρ/2)·‖strengths − x‖²: dependent columns stay as x shares them out.
        """
        strengths, rest = x.clone(), self.duals(x)
        for model, own in enumerate(x):
            support = own.nonzero()[:, 0]
            inner = self.gram[model % len(self.gram)][support][:, support]
            inner.diagonal().add_(ridge)
            step = torch.cholesky_solve(rest[model, support, None], torch.linalg.cholesky(inner))
            strengths[model, support] += step[:, 0]
        return strengths


def times(matrices: Tensor, x: Tensor) -> Tensor:
    """Each model's symmetric matrix, (m, W, W) or (1, W, W), times its row of x (m, W): (m, W)."""
    if len(matrices) == 1:
        return x @ matrices[0]  # its transpose: the library is slow at a few columns
    return torch.stack([matrix @ own for matrix, own in zip(matrices, x, strict=True)])


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


def bounds(
    squares: Squares, x: Tensor, duals: Tensor, penalty: float, weights: tuple[float, float], largest: float
) -> Bounds:
    """Bounds of the problem whose duals have a largest gauge, or none above the penalty, at interactions x (m, W).

    `duals` are those of the columns at hand: `Squares.duals`.

    D(θ) = Σ_i [⟨θ_i, u_i⟩ − (M_i/2)‖θ_i‖²] at θ_i = s·r_i/M_i, with the best s ≤ 1 for which the gauge is ≤ λ.
    """
    fit = (squares.right * x).sum()
    quadratic = (x * (squares.right - duals)).sum()
    total = squares.total.sum()
    residual, correlation = total - 2 * fit + quadratic, total - fit
    primal = 0.5 * residual + penalty * cost(x, *weights).sum()
    best = float(correlation / residual) if residual > 0 else 1.0
    scale = max(0.0, min(best, penalty / max(largest, penalty)))
    return Bounds(float(primal), float(scale * correlation - 0.5 * scale**2 * residual), scale)


def solve(squares: Squares, x: Tensor, penalty: float, weights: tuple[float, float], gap: float) -> Tensor:
    """Interactions (m, W) whose relative gap on these columns is at most `gap`, from a first guess.

    Most of them are 0: columns are worked on that are not, and those whose duals leave the dual ball farthest.
    """
    used = (x != 0).any(0)
    while True:
        duals = squares.duals(x)
        gauges = gauge(duals, *weights)
        proven = bounds(squares, x, duals, penalty, weights, _most(gauges))
        if proven.gap <= gap:
            return x
        which = _worked_on(used, gauges, penalty)
        inner = _split(squares.take(which), x[:, which], duals[:, which], penalty, weights, 0.5 * gap)
        x = torch.zeros_like(x)
        x[:, which] = inner
        used = (x != 0).any(0)


def _worked_on(used: Tensor, gauges: Tensor, penalty: float) -> Tensor:
    """Places of the columns in use and of the others farthest outside the ball; not all of these, as most stay 0."""
    outside = torch.where(used, 0, gauges)
    most = min(int((outside > penalty).sum()), max(LEAST, int(SHARE * used.sum())))
    which = used.clone()
    which[outside.topk(most).indices] = True
    return which.nonzero()[:, 0]


def _most(gauges: Tensor) -> float:
    return float(gauges.max()) if len(gauges) else 0.0


def _split(
    squares: Squares, x: Tensor, duals: Tensor, penalty: float, weights: tuple[float, float], gap: float
) -> Tensor:
    """Interactions with at most a gap, in single precision where that does, else in double precision."""
    if not x.shape[1]:
        return x
    for dtype, most in ((torch.float32, FEW if gap > ROUGH else 0), (squares.gram.dtype, MANY)):
        for point in _alternating(squares, x, duals, penalty, weights, dtype, most):
            now = squares.duals(point)
            if bounds(squares, point, now, penalty, weights, _most(gauge(now, *weights))).gap <= gap:
                return point
    return point


def _alternating(
    squares: Squares,
    x: Tensor,
    duals: Tensor,
    penalty: float,
    weights: tuple[float, float],
    dtype: torch.dtype,
    most: int,
) -> Iterator[Tensor]:
    """Points of alternating directions (ADMM; Boyd et al. 2011): least squares with a factored matrix, then the prox.

    Columns of nested coalitions are all alike, so that gradients alone see one direction among hundreds. At the optimum
    ρ times the multiplier is the duals, with which it begins.
    """
    size, given = x[x != 0].abs(), x.dtype
    rho = penalty / float(size.mean()) if len(size) else 0.1
    right, x, multiplier = squares.right.to(dtype), x.to(dtype), (duals / rho).to(dtype)
    inverse = _inverse(squares, rho, dtype) if most else None
    for step in range(1, most + 1):
        free = times(inverse, right + rho * (x - multiplier))
        relaxed = RELAXED * free + (1 - RELAXED) * x
        new = prox(relaxed + multiplier, penalty / rho, *weights)
        multiplier = multiplier + relaxed - new
        primal, dual = free - new, new - x
        x = new
        if step % CHECK == 0:
            yield x.to(given)
            sizes = float(primal.norm()), rho * float(dual.norm())
            factor = min(10.0, max(0.1, (sizes[0] / sizes[1]) ** 0.5)) if all(sizes) else 1.0
            if not 0.4 < factor < 2.5:
                rho, multiplier = rho * factor, multiplier / factor
                inverse = _inverse(squares, rho, dtype)


def _inverse(squares: Squares, rho: float, dtype: torch.dtype) -> Tensor:
    """(Gram + ρ)⁻¹ of each model, in a precision; factored in double precision where rounding leaves none to factor."""
    drawn = squares.gram.to(dtype, copy=True)
    drawn.diagonal(dim1=1, dim2=2).add_(rho)
    factor, failed = torch.linalg.cholesky_ex(drawn)
    if failed.any():
        drawn = squares.gram.to(torch.float64, copy=True)
        drawn.diagonal(dim1=1, dim2=2).add_(rho)
        factor = torch.linalg.cholesky(drawn)
    return torch.cholesky_inverse(factor).to(dtype)
