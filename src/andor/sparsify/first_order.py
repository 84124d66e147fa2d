"""The default solver: ADMM on all samples at once, without a matrix of side 2^n."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from andor.sparsify.certificate import Result, finish, lower_bound, project
from andor.sparsify.problem import Problem
from andor.transforms import and_transform, kronecker_power, or_transform

_U, _SINGULAR, _VT = np.linalg.svd(np.array([[1.0, 0.0], [-1.0, 1.0]]))  # of one player's AND transform
_EIGEN, _Q = np.linalg.eigh(np.array([[0.0, 1.0], [1.0, -1.0]]))  # of one player's OR transform but for the sign
_CYCLE = (0.3, 3.0, 10.0, 3.0, 1.0)
_CHECK = 100


def solve(
    problem: Problem,
    gap: float = 0.01,
    max_iterations: int = 20_000,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Result:
    """Solve to a certified relative gap."""
    start = time.perf_counter()
    batch = len(problem.values)
    best = _Best.of(problem)
    iterations = np.zeros(batch, dtype=int)
    active = np.arange(batch)
    state = _State.start(problem, device, dtype)
    while len(active) and iterations.max() < max_iterations:
        state.penalise(_CYCLE[int(iterations.max()) // _CHECK % len(_CYCLE)])
        for _ in range(_CHECK):
            state.step()
        iterations[active] += _CHECK
        part = problem.take(active)
        best.improve(part, active, state)
        keep = best.gap()[active] > gap
        if not keep.all():
            active = active[keep]
            state = state.take(keep)
    v_and, v_or = best.split
    return finish(
        problem, v_and, v_or, best.lower,
        gap=gap, iterations=iterations, seconds=time.perf_counter() - start, solver="first_order",
    )  # fmt: skip


@dataclass
class _Best:
    split: np.ndarray
    upper: np.ndarray
    lower: np.ndarray

    @classmethod
    def of(cls, problem: Problem) -> _Best:
        half = 0.5 * problem.values
        upper = problem.objective(and_transform(half), or_transform(half))
        return cls(np.stack((half, half)), upper, np.zeros_like(upper))

    def gap(self) -> np.ndarray:
        return (self.upper - self.lower) / np.maximum(self.upper, np.finfo(float).tiny)

    def improve(self, part: Problem, active: np.ndarray, state: _State) -> None:
        scale = state.scale.double()
        values, kappa, tau = (torch.as_tensor(a) for a in (part.values, part.kappa, part.tau[..., None]))
        for point in (state.x, state.copy):
            split = project((point.double() * scale).cpu(), values, kappa, tau).numpy()
            upper = part.objective(and_transform(split[0]), or_transform(split[1]))
            better = upper < self.upper[active]
            self.split[:, active[better]] = split[:, better]
            self.upper[active[better]] = upper[better]
        forces = (state.u_copy * state.rho_copy).double().cpu()
        lower = lower_bound(part, forces, torch.as_tensor(self.upper[active])).numpy()
        self.lower[active] = np.maximum(self.lower[active], lower)


@dataclass
class _State:
    """Scaled ADMM: min h(z) + box(copy) subject to z = K x, copy = x. Arrays (2, B, m, 2^n), AND first."""

    values: torch.Tensor
    kappa: torch.Tensor
    tau: torch.Tensor
    scale: torch.Tensor
    weights: tuple[float, float]
    counted: torch.Tensor | None
    x: torch.Tensor
    z: torch.Tensor
    u: torch.Tensor
    copy: torch.Tensor
    u_copy: torch.Tensor
    rho: float = 1.0
    rho_copy: float = 1.0

    @classmethod
    def start(cls, problem: Problem, device: str, dtype: torch.dtype) -> _State:
        scale = np.abs(problem.values).max((1, 2), keepdims=True)
        scale[scale == 0] = 1

        def tensor(array: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(array / scale, device=device, dtype=dtype)

        half = tensor(0.5 * problem.values)
        x = torch.stack((half, half))
        z = torch.stack((and_transform(half), or_transform(half)))
        counted = None if problem.counted is None else torch.as_tensor(problem.counted, device=device)
        return cls(
            tensor(problem.values), tensor(problem.kappa), tensor(problem.tau[..., None]),
            torch.as_tensor(scale, device=device, dtype=dtype), problem.weights, counted,
            x, z, torch.zeros_like(z), x.clone(), torch.zeros_like(x),
        )  # fmt: skip

    def take(self, keep: np.ndarray) -> _State:
        keep = torch.as_tensor(keep, device=self.x.device)
        one = {k: getattr(self, k)[keep] for k in ("values", "kappa", "tau", "scale")}
        two = {k: getattr(self, k)[:, keep] for k in ("x", "z", "u", "copy", "u_copy")}
        counted = None if self.counted is None else self.counted[:, keep]
        state = _State(**one, **two, weights=self.weights, counted=counted, rho=self.rho, rho_copy=self.rho_copy)
        state.penalise(self.rho_copy)
        return state

    def penalise(self, rho_copy: float) -> None:
        rho = 10 * rho_copy
        self.u *= self.rho / rho
        self.u_copy *= self.rho_copy / rho_copy
        self.rho, self.rho_copy = rho, rho_copy
        n = int(self.x.shape[-1]).bit_length() - 1
        self.d_and, self.d_or = self._like(_power_of(_SINGULAR, n)), self._like(-_power_of(_EIGEN, n))
        self.w_and, self.w_or = (1 / (rho * d * d + rho_copy) for d in (self.d_and, self.d_or))
        ends = self._like(np.eye(2**n)[[0, -1]]) if n else self._like(np.ones((2, 1)))
        self.ends = kronecker_power(kronecker_power(ends, _Q.T) * self.w_or, _Q)  # H^-1 [e_empty, e_N]
        corner = self.ends[:, [0, -1]]
        # The row of the empty coalition is e_empty, not the power's -e_N: a change of rank two.
        self.cap = torch.linalg.inv(torch.diag(corner.new_tensor([1 / rho, -1 / rho])) + corner)

    def _like(self, array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(array, device=self.x.device, dtype=self.x.dtype)

    def step(self, relax: float = 1.8) -> None:
        target, anchor = self.z - self.u, self.copy - self.u_copy
        empty = target[1, ..., 0].clone()
        target[1, ..., 0] = 0
        hat = (
            self.w_and
            * (
                self.rho * self.d_and * kronecker_power(target[0], _U.T)
                + self.rho_copy * kronecker_power(anchor[0], _VT)
            ),
            self.w_or
            * (
                self.rho * self.d_or * kronecker_power(target[1], _Q.T)
                + self.rho_copy * kronecker_power(anchor[1], _Q.T)
            ),
        )
        x_and = kronecker_power(hat[0], _VT.T)
        z_and = kronecker_power(self.d_and * hat[0], _U)
        x_or = kronecker_power(hat[1], _Q) + self.rho * empty[..., None] * self.ends[0]
        x_or -= x_or[..., [0, -1]] @ self.cap @ self.ends
        z_or = or_transform(x_or)
        x, kx = torch.stack((x_and, x_or)), torch.stack((z_and, z_or))
        moved = relax * kx + (1 - relax) * self.z + self.u
        self.z = self._prox(moved)
        self.u = moved - self.z
        moved = relax * x + (1 - relax) * self.copy + self.u_copy
        self.copy = project(moved, self.values, self.kappa, self.tau)
        self.u_copy = moved - self.copy
        self.x = x

    def _prox(self, moved: torch.Tensor) -> torch.Tensor:
        of_max, of_sum = (w / self.rho for w in self.weights)
        strength = (moved.abs() - of_sum).clamp_min(0)
        models = moved.shape[-2]
        if of_max:
            # Water level: the largest of the means of the k strongest less of_max/k.
            if models == 1:
                level = strength - of_max
            elif models == 2:
                total = strength.sum(-2, keepdim=True) - of_max
                level = torch.maximum(strength.amax(-2, keepdim=True) - of_max, 0.5 * total)
            else:
                total = strength.sort(-2, descending=True).values.cumsum(-2) - of_max
                count = torch.arange(1, models + 1, device=moved.device, dtype=moved.dtype)[:, None]
                level = (total / count).amax(-2, keepdim=True)
            strength = torch.minimum(strength, level.clamp_min(0))
        z = torch.copysign(strength, moved)
        return z if self.counted is None else torch.where(self.counted, z, moved)


def _power_of(pair: np.ndarray, n: int) -> np.ndarray:
    result = np.ones(1)
    for _ in range(n):
        result = np.kron(pair, result)
    return result
