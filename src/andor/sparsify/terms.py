"""The problem as tensors: its objective, its feasible set, and lower bounds of its optimum.

A *split* is (v_and, v_or) stacked along the first axis, shape (2, B, m, 2^n); so are interactions and duals.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
import torch

from andor.game.coalitions import number_of_players
from andor.game.transforms import (
    and_adjoint,
    and_inverse,
    and_inverse_adjoint,
    and_transform,
    kronecker_power,
    or_adjoint,
    or_inverse,
    or_inverse_adjoint,
    or_transform,
)
from andor.sparsify import penalty
from andor.sparsify.problem import Problem


@dataclass(frozen=True, eq=False)
class Terms:
    """A problem whose values are scaled to a largest of 1, sample by sample.

    Attributes
    ----------
    values : (B, m, 2^n)
    kappa, tau : (B, m, 1 or 2^n) and (B, m, 1)
    of_max, of_sum : weights of the maximum and of the sum over models
    counted : which interactions the objective counts, (2, B, 1, 2^n); None if all. If not all, |γ| is bounded by
        `limit`, as the objective alone does not bound it.
    weights : of each coalition in the objective, at least 1, (2, B, 1, 2^n); None if all are 1
    """

    values: torch.Tensor
    kappa: torch.Tensor
    tau: torch.Tensor
    of_max: float
    of_sum: float
    counted: torch.Tensor | None
    weights: torch.Tensor | None = None

    @classmethod
    def of(cls, problem: Problem, scale: np.ndarray, device: str = "cpu") -> Terms:
        """Terms of a problem divided by `scale`, shape (B,)."""

        def tensor(array: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(array / scale[:, None, None], device=device)

        counted = None if problem.counted is None else torch.as_tensor(problem.counted, device=device)
        return cls(
            tensor(problem.values), tensor(problem.kappa), tensor(problem.tau[..., None]), *problem.weights, counted
        )

    def to(self, dtype: torch.dtype) -> Terms:
        """The same in another precision."""
        weights = None if self.weights is None else self.weights.to(dtype)
        values, kappa, tau = (tensor.to(dtype) for tensor in (self.values, self.kappa, self.tau))
        return replace(self, values=values, kappa=kappa, tau=tau, weights=weights)

    def take(self, samples: torch.Tensor | slice) -> Terms:
        """Terms of some samples."""
        return replace(
            self,
            values=self.values[samples],
            kappa=self.kappa[samples],
            tau=self.tau[samples],
            counted=None if self.counted is None else self.counted[:, samples],
            weights=None if self.weights is None else self.weights[:, samples],
        )

    def join(self, other: Terms) -> Terms:
        """Terms of these samples and then of others, none of them weighted."""
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in ("values", "kappa", "tau")}
        counted = None if self.counted is None else torch.cat((self.counted, other.counted), 1)
        return replace(self, **{name: torch.cat(pair) for name, pair in pairs.items()}, counted=counted)

    @functools.cached_property
    def is_coupled(self) -> bool:
        """Whether τ ties the models' γ to each other."""
        return self.values.shape[1] > 1 and int(torch.isfinite(self.tau).sum(1).max()) > 1

    @property
    def limit(self) -> float:
        """Bound of |γ|, in units of the largest value."""
        return np.inf if self.counted is None else 10.0

    def objective(self, interactions: torch.Tensor) -> torch.Tensor:
        """Objective, shape (B,)."""
        counted = interactions if self.counted is None else interactions * self.counted
        costs = penalty.cost(counted, self.of_max, self.of_sum)
        return (costs if self.weights is None else costs * self.weights[:, :, 0]).sum((0, 2))

    def project(self, split: torch.Tensor) -> torch.Tensor:
        """Nearest feasible split: |v_and + v_or − v| ≤ κ, and all models' γ within their τ of one number."""
        return self._make_feasible(split, 0.5, 0.5)

    def repair(self, split: torch.Tensor) -> torch.Tensor:
        """A feasible split near a nearly feasible one, made where it costs least: see `leaning`."""
        return self._make_feasible(split, self.leaning, 1 - self.leaning)

    @functools.cached_property
    def leaning(self) -> torch.Tensor:
        """Share of a change of v_and + v_or at coalition S that is made in v_and, shape (2^n,).

        v_and(S) enters the 2^(n−|S|) AND interactions of S's supersets, v_or(S) the 2^|S| OR interactions of N∖S's.
        """
        size = self.values.shape[-1]
        order = torch.as_tensor(np.bitwise_count(np.arange(size)).astype(float), device=self.values.device)
        return torch.sigmoid((2 * order - number_of_players(size)) * np.log(2)).to(self.values.dtype)

    def _make_feasible(
        self, split: torch.Tensor, of_and: float | torch.Tensor, of_or: float | torch.Tensor
    ) -> torch.Tensor:
        excess = split[0] + split[1] - self.values
        excess -= torch.clamp(excess, -self.kappa, self.kappa)
        near = torch.stack((split[0] - of_and * excess, split[1] - of_or * excess))
        if self.is_coupled or self.counted is not None:
            gamma = 0.5 * (near[0] - near[1])
            shift = _gather(gamma, self.tau) if self.is_coupled else None
            if self.counted is not None:
                moved = gamma if shift is None else gamma + shift
                shift = moved.clamp(-self.limit, self.limit) - gamma
            if shift is not None:
                near[0] += shift
                near[1] -= shift
        return near

    def prox(self, interactions: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        """Proximal point of `step` times the objective; `step` has shape (B, 1, 1)."""
        step = step if self.weights is None else step * self.weights
        near = penalty.prox(interactions, step, self.of_max, self.of_sum)
        return near if self.counted is None else torch.where(self.counted, near, interactions)

    def gauge(self, duals: torch.Tensor) -> torch.Tensor:
        """By how much the duals of each coalition exceed the objective's dual ball, ≤ 1 inside: (2, B, 2^n).

        The ball is Σ_i (|y_i| − of_sum)₊ ≤ of_max: the k largest |y_i| sum to at most of_max + k·of_sum, for every k.
        """
        gauge = penalty.gauge(duals, self.of_max, self.of_sum)
        return gauge if self.weights is None else gauge / self.weights[:, :, 0]

    def lower_bound(self, forces: torch.Tensor, upper: torch.Tensor, duals: torch.Tensor | None = None) -> torch.Tensor:
        """A lower bound of the optimum from any forces w on the split, shape (2, B, m, 2^n): shape (B,).

        The duals y = K⁻ᵀw of the interactions Kx, scaled into the dual ball, give objective ≥ ⟨y, Kx⟩ = ⟨w, x⟩ for
        every feasible x, and the least of that is known. As γ̄ is free, w must not act on it; what rounding leaves of
        that is charged at the largest |γ̄| of any point as good as `upper`.

        Where the objective does not count all interactions, `duals` has to be given and takes the place of y.
        """
        if self.counted is None:
            w = self._off_gamma(forces)
            y = invert_adjoint(w)
        else:
            y = self._off_gamma_counted(duals * self.counted)
            w = transform_adjoint(y)
        w = w / self.gauge(y).amax((0, 2)).clamp_min(1)[:, None, None]
        push, pull = 0.5 * (w[0] + w[1]), w[0] - w[1]  # on v_and + v_or, and on γ
        # Σ_S |I_i(S)| ≤ upper/(of_max + of_sum) for each model of a better point; |γ_i| and |γ̄| are at most half that.
        largest = (0.5 * upper / (self.of_max + self.of_sum))[:, None, None]
        if self.counted is not None:
            largest = torch.full_like(largest, self.limit)
        least = push * self.values - push.abs() * self.kappa - pull.abs() * torch.minimum(self.tau, 2 * largest)
        return least.sum((1, 2)) - largest[:, 0, 0] * pull.sum(1).abs().sum(-1)

    def _off_gamma(self, forces: torch.Tensor) -> torch.Tensor:
        """Forces near the given ones that do not act on γ̄, nor on γ̂ where that is free.

        A force on v_and(S) gathers the errors of 2^(n−|S|) duals, one on v_or(S) of 2^|S|; the more exact one counts
        more.
        """
        pull = self._free_pull(forces[0] - forces[1])
        return torch.stack((forces[0] - (1 - self.leaning) * pull, forces[1] + self.leaning * pull))

    def _off_gamma_counted(self, duals: torch.Tensor) -> torch.Tensor:
        """Nearest duals of the counted interactions whose forces do not act on γ̄, nor on γ̂ where that is free.

        Conjugate gradients, preconditioned by the inverse for the case that all are counted, but for two coalitions:
        K_andᵀK_and and K_orᵀK_or are Kronecker powers that one basis makes diagonal.
        """
        weights, basis = scipy.linalg.eigh([[2.0, -1.0], [-1.0, 1.0]], [[1.0, -1.0], [-1.0, 2.0]])
        n = number_of_players(duals.shape[-1])
        spectrum = torch.as_tensor(functools.reduce(np.kron, [weights] * n, np.ones(1)) + 1, device=duals.device)

        def pulls(y: torch.Tensor) -> torch.Tensor:
            w = transform_adjoint(y)
            return self._free_pull(w[0] - w[1])

        def moves(pull: torch.Tensor) -> torch.Tensor:
            pull = self._free_pull(pull)
            return transform(torch.stack((pull, -pull))) * self.counted

        def precondition(r: torch.Tensor) -> torch.Tensor:
            return kronecker_power(kronecker_power(r, basis.T) / spectrum, basis)

        def dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return (a * b).sum((1, 2), keepdim=True)

        tiny = torch.finfo(duals.dtype).tiny
        residual = pulls(duals)
        direction = near = precondition(residual)
        size, start = dot(residual, near), residual.abs().amax()
        for _ in range(1000):
            if float(residual.abs().amax()) <= 1e-13 * float(start):
                break
            step = moves(direction)
            change = pulls(step)
            length = size / dot(direction, change).clamp_min(tiny)
            duals = duals - length * step
            residual = residual - length * change
            near = precondition(residual)
            old, size = size, dot(residual, near)
            direction = near + size / old.clamp_min(tiny) * direction
        return duals

    def _free_pull(self, pull: torch.Tensor) -> torch.Tensor:
        """The part of forces on γ, (B, m, 2^n), that acts on what is free: γ̄, and γ̂ where τ is infinite."""
        bounded = torch.isfinite(self.tau)
        mean = torch.where(bounded, pull, 0).sum(1, keepdim=True) / bounded.sum(1, keepdim=True).clamp_min(1)
        return torch.where(bounded, mean, pull)


def transform(split: torch.Tensor) -> torch.Tensor:
    """Interactions K x of a split x."""
    return torch.stack((and_transform(split[0]), or_transform(split[1])))


def invert(interactions: torch.Tensor) -> torch.Tensor:
    """The split K⁻¹z that has the interactions z."""
    return torch.stack((and_inverse(interactions[0]), or_inverse(interactions[1])))


def transform_adjoint(duals: torch.Tensor) -> torch.Tensor:
    """Kᵀy."""
    return torch.stack((and_adjoint(duals[0]), or_adjoint(duals[1])))


def invert_adjoint(forces: torch.Tensor) -> torch.Tensor:
    """K⁻ᵀw."""
    return torch.stack((and_inverse_adjoint(forces[0]), or_inverse_adjoint(forces[1])))


def _gather(gamma: torch.Tensor, tau: torch.Tensor) -> torch.Tensor | None:
    """The smallest change of γ, (B, m, 2^n), after which all models' lie within their τ of one number; None if none."""
    sample, coalition = ((gamma - tau).amax(1) > (gamma + tau).amin(1)).nonzero(as_tuple=True)
    if not len(sample):
        return None
    # The common number c solves Σ_i soft(c − γ_i, τ_i) = 0, which rises in c piece by piece: find the piece.
    g, t = gamma[sample, :, coalition], tau[sample, :, 0]
    knots = torch.cat((g - t, g + t), 1)
    knots = torch.where(knots.isfinite(), knots, g.mean(1, keepdim=True)).sort(1).values
    offsets = knots[:, :, None] - g[:, None]
    sums = (offsets - torch.clamp(offsets, -t[:, None], t[:, None])).sum(2)
    right = (sums < 0).sum(1, keepdim=True).clamp(1, knots.shape[1] - 1)
    low, high = sums.gather(1, right - 1), sums.gather(1, right)
    share = (-low / (high - low).clamp_min(torch.finfo(g.dtype).tiny)).clamp(0, 1)
    common = torch.lerp(knots.gather(1, right - 1), knots.gather(1, right), share)
    change = torch.zeros_like(gamma)
    change[sample, :, coalition] = torch.clamp(g, common - t, common + t) - g
    return change
