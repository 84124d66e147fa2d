"""The default solver: ADMM on many samples at once, then a polish to sparse points.

One penalty per sample is free. A small one brings the lower bound up fast, a large one the objective down, so it
follows what remains to be done on either side. Samples leave as soon as their gap is reached and others take their
place.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from andor.game.coalitions import number_of_players
from andor.sparsify.admm import Graph, State
from andor.sparsify.certificate import Result, certify
from andor.sparsify.others import MARGIN, other_splits
from andor.sparsify.polish import HOPELESS, REACHES, polish
from andor.sparsify.problem import Problem, first_gamma
from andor.sparsify.terms import Terms, transform

# Measured on the games of benchmarks/sparsify.py; within a factor of 3 none matters much.
FAR = 0.1  # relative distances beyond this say nothing of how to set the penalty
PATIENCE = 2000.0  # iterations after which penalties change half as fast
CHECK = 50  # iterations between certificates
LONGER = 1.25  # for so many times the iterations that met the gap a point is looked for that is sparse, too
EARLY, TORN = 500, 0.01  # until when settling may violate τ, and on which share of the coalitions
IN_FLIGHT = 2**16  # values that are worked on together: what fits the cache


@threadpool_limits.wrap(limits=1, user_api="blas")  # its products are small: a second thread costs more than it gives
def solve(
    problem: Problem,
    gap: float = 0.01,
    max_iterations: int = 20_000,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    start: int | None = None,
    others: int = 0,
    advance: Callable[[int], Any] = lambda samples: None,
) -> Result:
    """Solve to a certified relative gap.

    Parameters
    ----------
    problem : Problem
    gap : at which a sample is done
    max_iterations : of ADMM, per sample
    device : of torch
    start : seed of a random start, γ ~ N(0, 1); γ = 0 if None
    others : number of other solutions that are looked for, certified to twice the gap
    dtype : of the iterations, float32 unless the gap is below 1e-4; all that is returned is float64
    advance : called with the number of samples that are done since the last call
    """
    began = time.perf_counter()
    dtype = dtype or (torch.float32 if gap >= 1e-4 else torch.float64)
    scale = np.abs(problem.values).max((1, 2))
    scale[scale == 0] = 1
    terms = Terms.of(problem, scale, device)
    done = _Points.zeros(terms)
    width = max(1, IN_FLIGHT // problem.values[0].size)
    gamma = torch.as_tensor(first_gamma(problem.values, start) / scale[:, None, None], device=device)
    ends: list[State] = []
    _work(terms, done, gamma, gap, max_iterations, dtype, width, advance, ends if others else None)
    lower = done.lower.cpu().numpy() * scale

    def certified(split: torch.Tensor, gap: float, iterations: np.ndarray) -> Result:
        nonlocal began
        began, before = time.perf_counter(), began
        whole = split.cpu().numpy() * scale[:, None, None]
        return certify(
            problem, whole, lower, gap=gap, iterations=iterations, seconds=began - before, solver="first_order"
        )

    first = certified(done.split, gap, done.iterations.cpu().numpy())
    found = other_splits(terms, problem.values, ends, done.lower, gap, others, width)
    return replace(first, others=tuple(certified(split, MARGIN * gap, spent) for split, spent in found))


@dataclass
class _Points:
    """Best feasible split, its objective, the best lower bound, iterations spent, and after how many of them the gap
    was met (0 if it is not), of all samples."""

    split: torch.Tensor
    upper: torch.Tensor
    lower: torch.Tensor
    iterations: torch.Tensor
    met: torch.Tensor

    @classmethod
    def zeros(cls, terms: Terms) -> _Points:
        half = 0.5 * terms.values
        split = torch.stack((half, half))
        upper = terms.objective(transform(split))
        spent = torch.zeros_like(upper, dtype=torch.int64)
        points = cls(split, upper, torch.zeros_like(upper), spent, spent.clone())
        nothing = terms.project(torch.zeros_like(split))  # all there is may be noise
        points.offer(torch.arange(len(upper), device=upper.device), nothing, terms.objective(transform(nothing)))
        return points

    def offer(self, samples: torch.Tensor, split: torch.Tensor, upper: torch.Tensor) -> None:
        better = upper < self.upper[samples]
        self.split[:, samples[better]] = split[:, better]
        self.upper[samples[better]] = upper[better]


def _work(
    terms: Terms,
    done: _Points,
    gamma: torch.Tensor,
    gap: float,
    max_iterations: int,
    dtype: torch.dtype,
    width: int,
    advance: Callable[[int], Any],
    ends: list[State] | None,
) -> None:
    """Bring all samples to the gap, `width` of them at a time, each from its γ; `ends` takes in where they end."""
    queue = torch.arange(len(terms.values), device=terms.values.device)
    graph = Graph.of(number_of_players(terms.values.shape[-1]), dtype, terms.values.device)
    active, queue = queue[:width], queue[width:]
    state = State.start(terms.take(active), active, gamma[active], dtype)
    while len(state.samples):
        mean = state.run(graph, CHECK)
        finished = _check(graph, terms, done, state, mean, gap, max_iterations)
        if bool(finished.any()):
            advance(int(finished.sum()))
            if ends is not None:
                ends.append(state.take(finished))
            fresh, queue = queue[: int(finished.sum())], queue[int(finished.sum()) :]
            state = state.take(~finished)
            if len(fresh):
                state = state.join(State.start(terms.take(fresh), fresh, gamma[fresh], dtype))


def _check(
    graph: Graph, terms: Terms, done: _Points, state: State, mean: State, gap: float, max_iterations: int
) -> torch.Tensor:
    """Certify, polish what is ripe, rebalance the penalties; which samples are finished."""
    samples = state.samples
    exact = terms.take(samples)
    done.iterations[samples] += CHECK
    split, upper, lower, of_z = _measured(graph, exact, mean, done.upper[samples])
    done.offer(samples, split, upper)
    done.lower[samples] = torch.maximum(done.lower[samples], lower)
    # z is not feasible, but its objective is nearer to the optimum than that of any feasible point at hand.
    guess = torch.minimum(torch.maximum(of_z, done.lower[samples]), done.upper[samples])
    tiny = torch.finfo(torch.float64).tiny

    def remaining() -> torch.Tensor:
        return (done.upper[samples] - done.lower[samples]) / done.upper[samples].clamp_min(tiny)

    spent, met = done.iterations[samples], done.met[samples]
    meets = (met == 0) & (remaining() <= gap)
    done.met[samples] = met = torch.where(meets, spent, met)
    last = (spent >= max_iterations) | (met > 0) & (spent >= LONGER * met)
    # What the polish will leave of the gap, and more than that: an attempt that fails costs hundreds of iterations.
    promise = (guess - done.lower[samples] + 0.5 * (upper - guess).clamp_min(0)) / guess.clamp_min(tiny)
    ripe = (promise <= state.ripe_at * gap) | meets | last
    sparse = torch.zeros_like(ripe)
    for place in ripe.nonzero()[:, 0].tolist():
        one = slice(place, place + 1)
        z, forces = state.interactions()[:, one].double(), state.forces()[:, one]
        for reach in REACHES:
            most = float(done.lower[samples[one]]) / (1 - gap)
            split, objective = polish(exact.take(one), z, forces, reach, gap, most)
            if float(objective) <= most:
                # Good enough, and sparser than any point with a lower objective.
                done.split[:, samples[one]], done.upper[samples[one]] = split, objective
                sparse[place] = True
                break
            done.offer(samples[one], split, objective)
            if float(objective) > (1 + HOPELESS * gap) * most:
                break
    state.ripe_at = torch.where(ripe, 0.7 * promise / gap, state.ripe_at)
    finished = sparse | last

    whole = guess.clamp_min(tiny)
    above, below = (((side / whole).clamp(1e-4, FAR)) for side in (upper - guess, guess - lower))
    # Penalties that never settle keep ADMM from converging.
    patience = 1 + done.iterations[samples] / PATIENCE
    state.settle(torch.where(done.iterations[samples] <= EARLY, TORN, 0.0))
    state.rebalance((above / below) ** (0.1 / patience), 1.5 ** (1 / patience))
    return finished


def _measured(
    graph: Graph, exact: Terms, state: State, best: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A feasible split next to the state, its objective, a lower bound, and the objective of the interactions z."""
    if graph.fused is not None and exact.counted is None:
        split, found = graph.fused.measure(state, exact, best)
        return split, *found
    split = exact.repair(state.split(graph).double())
    upper = exact.objective(transform(split))
    lower = exact.lower_bound(state.forces(), torch.minimum(best, upper), state.duals())
    return split, upper, lower, exact.objective(state.interactions().double())
