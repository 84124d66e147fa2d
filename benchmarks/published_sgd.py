"""The opponent: sparsification as published, on dense float32 matrices, one sample at a time.

Written from the papers and a description of the code: the matrices from values to interactions have side 2^n;
all unknowns start at 0; before each step the noise and each model's own part of γ are clamped to their bounds; the loss
is a sum over coalitions; momentum is 0.9. Several models: (1 − a)·max + a·Σ, a = 0.1, at a constant rate of 1e-7. One
model: the L1 norm at a rate falling geometrically from 1e-6 to 1e-7, γ unbounded. 20,000 steps, the last of which only
evaluates.

    python benchmarks/published_sgd.py INSTANCES.npz [samples …]
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch

STEPS = 20_000


def matrices(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """From values to AND and to OR interactions, float32, (2^n, 2^n)."""
    masks = torch.arange(2**n)
    sizes = sum(masks >> i & 1 for i in range(n))
    sign = (-1.0) ** (sizes[:, None] - sizes)
    subset = (masks[:, None] & masks) == masks  # [S, T]: T ⊆ S
    to_and = torch.where(subset, sign, 0.0)
    to_or = -to_and.flip(1)  # the column of N∖T instead of that of T
    to_or[0] = 0
    to_or[0, 0] = 1
    return to_and.float(), to_or.float()


def joint(
    values: np.ndarray, kappa: np.ndarray, tau: np.ndarray, a: float = 0.1, rate: float = 1e-7, steps: int = STEPS
) -> tuple[float, float]:
    """Final loss and seconds of all models of one sample, values (m, 2^n)."""
    v = torch.as_tensor(values, dtype=torch.float32)
    to_and, to_or = matrices(int(np.log2(v.shape[1])))
    shared = torch.zeros_like(v[0], requires_grad=True)
    own = [torch.zeros_like(row, requires_grad=True) for row in v]
    noise = [torch.zeros_like(row, requires_grad=True) for row in v]
    optimiser = torch.optim.SGD([shared, *own, *noise], lr=rate, momentum=0.9)
    start = time.perf_counter()
    for step in range(steps):
        for p, q, low, high in zip(own, noise, tau, kappa, strict=True):
            p.data.clamp_(-low, low)
            q.data.clamp_(-high, high)
        rows = []
        for row, p, q in zip(v, own, noise, strict=True):
            half, gamma = 0.5 * (row + q), shared + p
            rows.append(torch.cat((to_and @ (half + gamma), to_or @ (half - gamma))))
        strength = torch.stack(rows).abs()
        loss = ((1 - a) * strength.max(0).values + a * strength.sum(0)).sum()
        if step + 1 < steps:
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return loss.item(), time.perf_counter() - start


def single(values: np.ndarray, kappa: float, rate: float = 1e-6, steps: int = STEPS) -> tuple[float, float]:
    """Final loss and seconds of one model of one sample, values (2^n,)."""
    v = torch.as_tensor(values, dtype=torch.float32)
    to_and, to_or = matrices(int(np.log2(len(v))))
    gamma = torch.zeros_like(v, requires_grad=True)
    noise = torch.zeros_like(v, requires_grad=True)
    optimiser = torch.optim.SGD([gamma, noise], lr=0.0, momentum=0.9)
    rates = np.geomspace(rate, rate / 10, steps)
    start = time.perf_counter()
    for step in range(steps):
        noise.data.clamp_(-kappa, kappa)
        half = 0.5 * (v + noise)
        loss = (to_and @ (half + gamma)).abs().sum() + (to_or @ (half - gamma)).abs().sum()
        if step + 1 < steps:
            optimiser.zero_grad()
            optimiser.param_groups[0]["lr"] = rates[step]
            loss.backward()
            optimiser.step()
    return loss.item(), time.perf_counter() - start


def main() -> None:
    file = np.load(sys.argv[1], allow_pickle=False)
    for sample in map(int, sys.argv[2:] or range(len(file["values"]))):
        loss, seconds = joint(file["values"][sample], file["kappa"][sample], file["tau"][sample])
        print(json.dumps({"sample": sample, "loss": loss, "objective": loss / 0.9, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
