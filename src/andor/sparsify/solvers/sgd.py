"""The authors' recipe: subgradient descent with momentum, for comparison and to reproduce their numbers."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch

from andor.game.transforms import and_adjoint, and_transform, or_adjoint, or_transform
from andor.sparsify.certificate import Result, certify
from andor.sparsify.problem import Problem, first_gamma

JOINT_RATE = 1e-7
SINGLE_RATE = 1e-6
MOMENTUM = 0.9


def solve(
    problem: Problem,
    gap: float = 0.01,
    max_iterations: int = 20_000,
    rate: float | None = None,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    start: int | None = None,
) -> Result:
    """Run the published recipe, step for step, on fast transforms and all samples at once.

    It starts at γ = ε = 0 unless told otherwise, clamps ε and γ̂ to their bounds before each step and sums the loss over
    coalitions. For several models the loss is (1 − a)·max + a·Σ and the rate constant; for one model it is the L1 norm,
    γ is unbounded, and the rate falls geometrically to a tenth. There is no lower bound: the gap is 1 whatever the
    objective.

    Parameters
    ----------
    problem : Problem
    gap : ignored
    max_iterations : steps
    rate : of the first step; 1e-7 for several models and 1e-6 for one, as published, if None
    device, dtype : of the steps
    start : seed of a random start, γ ~ N(0, 1); γ = 0 if None
    """
    began = time.perf_counter()

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(array, device=device, dtype=dtype)

    values, kappa, tau = tensor(problem.values), tensor(problem.kappa), tensor(problem.tau[..., None])
    counted = None if problem.counted is None else tensor(problem.counted)
    joint = problem.method == "generalizable"
    rates = np.full(max_iterations, rate or JOINT_RATE)
    if not joint:
        rates = np.geomspace(rate or SINGLE_RATE, (rate or SINGLE_RATE) / 10, max_iterations)
    a = problem.alpha / (1 + problem.alpha) if joint and np.isfinite(problem.alpha) else 1.0

    shared = torch.zeros_like(values[:, :1])
    own, noise = torch.zeros_like(values), torch.zeros_like(values)
    (shared if joint else own).add_(tensor(first_gamma(problem.values, start)))
    moved = {"shared": shared, "own": own, "noise": noise} if joint else {"own": own, "noise": noise}
    speeds = {name: torch.zeros_like(parameter) for name, parameter in moved.items()}
    for step in range(max_iterations):
        noise.clamp_(-kappa, kappa)
        own.clamp_(-tau, tau)
        if step == max_iterations - 1:
            break
        gradients = _gradients(0.5 * (values + noise), shared + own, a, counted)
        for name, parameter in moved.items():
            speeds[name].mul_(MOMENTUM).add_(gradients[name])
            parameter.add_(speeds[name], alpha=-rates[step])
    half, gamma = 0.5 * (values + noise).double(), (shared + own).double()
    result = certify(
        problem, torch.stack((half + gamma, half - gamma)).cpu().numpy(), np.zeros(len(values)),
        gap=gap, iterations=np.full(len(values), max_iterations), seconds=time.perf_counter() - began, solver="sgd",
    )  # fmt: skip
    return replace(result, status=np.full(len(values), "uncertified"))


def _gradients(
    half: torch.Tensor, gamma: torch.Tensor, a: float, counted: torch.Tensor | None
) -> dict[str, torch.Tensor]:
    """Subgradients of the loss by what is moved, at v_and = half + γ and v_or = half − γ."""
    slope = _slope(torch.stack((and_transform(half + gamma), or_transform(half - gamma))), a)
    if counted is not None:
        slope *= counted
    on_and, on_or = and_adjoint(slope[0]), or_adjoint(slope[1])
    on_gamma = on_and - on_or
    return {"shared": on_gamma.sum(1, keepdim=True), "own": on_gamma, "noise": 0.5 * (on_and + on_or)}


def _slope(interactions: torch.Tensor, a: float) -> torch.Tensor:
    """Subgradient of (1 − a)·max + a·Σ over models."""
    slope = torch.sign(interactions)
    if a == 1:
        return slope
    largest = torch.zeros_like(slope).scatter_(-2, interactions.abs().argmax(-2, keepdim=True), 1 - a)
    return slope * (largest + a)
