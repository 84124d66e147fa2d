"""The default solver: ADMM on many samples at once, without a matrix of side 2^n, then a polish to sparse points.

The problem is min h(z) + [c feasible] subject to z = K x and c = x, where x is the split (v_and, v_or), K x its
interactions, and h the objective. Given z and c, the best x solves (ratio·KᵀK + 1) x = …; K being a Kronecker power,
so is the basis that makes this diagonal, and a solution costs as much as four transforms. Given x, z and c are closed
forms.

One penalty per sample is free. A small one brings the lower bound up fast, a large one the objective down, so it
follows what remains to be done on either side. Samples leave as soon as their gap is reached and others take their
place.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from andor.game.coalitions import number_of_players
from andor.sparsify.certificate import Result, certify
from andor.sparsify.polish import polish
from andor.sparsify.problem import Problem, first_gamma
from andor.sparsify.terms import Terms, transform

# All in units of values that are at most 1. Measured on the games of benchmarks/sparsify.py; within a factor of 3 none
# matters much.
RATIO = 10.0  # penalty of z = K x over that of c = x
PENALTY = 3.0  # of c = x, at the start
RELAXATION = 1.8
FAR = 0.1  # relative distances beyond this say nothing of how to set the penalty
PATIENCE = 2000.0  # iterations after which penalties change half as fast
REACHES = (0.05, 0.3)  # of the polish: the fewest interactions first
CHECK = 50  # iterations between certificates
IN_FLIGHT = 2**16  # values that are worked on together: what fits the cache


def solve(
    problem: Problem,
    gap: float = 0.01,
    max_iterations: int = 20_000,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    start: int | None = None,
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
    _work(terms, done, gamma, gap, max_iterations, dtype, width, advance)
    return certify(
        problem,
        done.split.cpu().numpy() * scale[:, None, None],
        done.lower.cpu().numpy() * scale,
        gap=gap,
        iterations=done.iterations.cpu().numpy(),
        seconds=time.perf_counter() - began,
        solver="first_order",
    )


@dataclass
class _Points:
    """Best feasible split, its objective, the best lower bound, and iterations spent, of all samples."""

    split: torch.Tensor
    upper: torch.Tensor
    lower: torch.Tensor
    iterations: torch.Tensor

    @classmethod
    def zeros(cls, terms: Terms) -> _Points:
        half = 0.5 * terms.values
        split = torch.stack((half, half))
        upper = terms.objective(transform(split))
        points = cls(split, upper, torch.zeros_like(upper), torch.zeros_like(upper, dtype=torch.int64))
        nothing = terms.project(torch.zeros_like(split))  # all there is may be noise
        points.offer(torch.arange(len(upper), device=upper.device), nothing, terms.objective(transform(nothing)))
        return points

    def offer(self, samples: torch.Tensor, split: torch.Tensor, upper: torch.Tensor) -> None:
        better = upper < self.upper[samples]
        self.split[:, samples[better]] = split[:, better]
        self.upper[samples[better]] = upper[better]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Products of 32x32 matrices gain nothing from a second thread and lose much to its waking up."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _work(
    terms: Terms,
    done: _Points,
    gamma: torch.Tensor,
    gap: float,
    max_iterations: int,
    dtype: torch.dtype,
    width: int,
    advance: Callable[[int], Any],
) -> None:
    """Bring all samples to the gap, `width` of them at a time, each from its γ."""
    queue = torch.arange(len(terms.values), device=terms.values.device)
    graph = _Graph.of(number_of_players(terms.values.shape[-1]), dtype, terms.values.device)
    active, queue = queue[:width], queue[width:]
    state = _State.start(terms.take(active), active, gamma[active], dtype)
    while len(state.samples):
        with _one_thread():
            for _ in range(CHECK):
                state.step(graph)
        finished = _check(graph, terms, done, state, gap, max_iterations)
        if bool(finished.any()):
            advance(int(finished.sum()))
            fresh, queue = queue[: int(finished.sum())], queue[int(finished.sum()) :]
            state = state.take(~finished)
            if len(fresh):
                state = state.join(_State.start(terms.take(fresh), fresh, gamma[fresh], dtype))


def _check(graph: _Graph, terms: Terms, done: _Points, state: _State, gap: float, max_iterations: int) -> torch.Tensor:
    """Certify, polish what is ripe, rebalance the penalties; which samples are finished."""
    samples = state.samples
    exact = terms.take(samples)
    done.iterations[samples] += CHECK
    split = exact.repair(state.split(graph).double())
    upper = exact.objective(transform(split))
    done.offer(samples, split, upper)
    forces = state.forces()
    lower = exact.lower_bound(forces, done.upper[samples], state.duals())
    done.lower[samples] = torch.maximum(done.lower[samples], lower)
    # z is not feasible, but its objective is nearer to the optimum than that of any feasible point at hand.
    z = state.interactions().double()
    guess = exact.objective(z)
    guess = torch.minimum(torch.maximum(guess, done.lower[samples]), done.upper[samples])

    tiny = torch.finfo(torch.float64).tiny

    def remaining() -> torch.Tensor:
        return (done.upper[samples] - done.lower[samples]) / done.upper[samples].clamp_min(tiny)

    last = done.iterations[samples] >= max_iterations
    # What the polish will leave of the gap, and more than that: an attempt that fails costs hundreds of iterations.
    promise = (guess - done.lower[samples] + 0.5 * (upper - guess).clamp_min(0)) / guess.clamp_min(tiny)
    ripe = (promise <= state.ripe_at * gap) | (remaining() <= gap) | last
    for place in ripe.nonzero()[:, 0].tolist():
        one = slice(place, place + 1)
        for reach in REACHES:
            candidate = polish(exact.take(one), z[:, one], forces[:, one], reach)
            if candidate is None:
                break
            split, objective = candidate
            if float(done.lower[samples[one]]) >= (1 - gap) * float(objective):
                # Good enough, and sparser than any point with a lower objective.
                done.split[:, samples[one]], done.upper[samples[one]] = split, objective
                break
            done.offer(samples[one], split, objective)
    state.ripe_at = torch.where(ripe, 0.7 * promise / gap, state.ripe_at)
    finished = (remaining() <= gap) | last

    whole = guess.clamp_min(tiny)
    above, below = (((side / whole).clamp(1e-4, FAR)) for side in (upper - guess, guess - lower))
    # Penalties that never settle keep ADMM from converging.
    patience = 1 + done.iterations[samples] / PATIENCE
    state.rebalance((above / below) ** (0.25 / patience), 1.5 ** (1 / patience))
    return finished


@dataclass
class _Graph:
    """The pair (x, K x) nearest to a given one, in the metric of the penalties, which is the same for all samples.

    One player's OR matrix is C = [[0, 1], [1, −1]] = QΛQ with Q a reflection, so Q = Qᵀ = Q⁻¹, and one player's AND
    matrix is C with its columns swapped. With v_and stored in reverse order, Q⊗…⊗Q thus makes KᵀK diagonal for both
    kinds. Only the row of the empty coalition of the OR transform does not fit: it is e_∅ and not −e_N, a change of
    rank two.

    Attributes
    ----------
    basis : Kronecker powers of Q for blocks of players
    d : (2, 1, 1, 2^n), what K is in that basis
    from_x, from_z : (2, 1, 1, 2^n), weights with which the given x and z enter
    ends : (2, 2^n), e_∅ and e_N in that basis
    reach : (2, 2^n), the solutions that e_∅ and e_N give
    mend : (2, 2), of the change of rank two
    """

    basis: list[torch.Tensor]
    d: torch.Tensor
    from_x: torch.Tensor
    from_z: torch.Tensor
    ends: torch.Tensor
    reach: torch.Tensor
    mend: torch.Tensor

    @classmethod
    def of(cls, n: int, dtype: torch.dtype, device: torch.device) -> _Graph:
        eigenvalues, q = np.linalg.eigh(np.array([[0.0, 1.0], [1.0, -1.0]]))
        q *= np.sign(q[0, 1] * q[1, 0]) ** np.array([0, 1])  # columns' signs are free: take those that make Q symmetric
        basis, power = _blocks(q, n), _power(eigenvalues, n)
        d = np.stack((power, -power))[:, None, None]
        from_x = 1 / (RATIO * d**2 + 1)
        ends = np.stack((_power(q[0], n), _power(q[1], n)))
        reach = ends * from_x[1, 0]
        mend = np.linalg.inv(np.diag([1, -1]) / RATIO + reach @ ends.T)
        tensors = (
            torch.as_tensor(a, device=device, dtype=dtype) for a in (d, from_x, RATIO * d * from_x, ends, reach, mend)
        )
        return cls([torch.as_tensor(block, device=device, dtype=dtype) for block in basis], *tensors)

    def nearest(self, pair: torch.Tensor) -> torch.Tensor:
        """Pairs (x, z) of shape (2, 2, B, m, 2^n), v_and in reverse order; overwrites its argument."""
        empty = RATIO * pair[1, 1, ..., :1]
        pair[1, 1, ..., 0] = 0
        turned = _apply(self.basis, pair)
        solution = turned[0].mul_(self.from_x).addcmul_(turned[1], self.from_z)
        either = solution[1] @ self.ends.T + empty * (self.reach[0] @ self.ends.T)
        weights = -(either @ self.mend)
        weights[..., :1] += empty
        solution[1] += weights @ self.reach
        torch.mul(solution, self.d, out=turned[1])
        nearest = _apply(self.basis, turned)
        nearest[1, 1, ..., 0] = nearest[0, 1, ..., 0]
        return nearest


@dataclass
class _State:
    """ADMM, written as Douglas-Rachford splitting, for the samples in flight.

    Attributes
    ----------
    samples : (B,), their numbers
    shadow : (2, 2, B, m, 2^n), the one variable that is carried on: for x and for z, by kind, v_and in reverse order
    point : same shape, its proximal point: the feasible copy c of x, and z
    penalty : (B, 1, 1), of c = x
    ripe_at : (B,), the promised gap, in units of the one asked for, at which to polish next
    """

    samples: torch.Tensor
    terms: Terms
    shadow: torch.Tensor
    point: torch.Tensor
    penalty: torch.Tensor
    ripe_at: torch.Tensor

    @classmethod
    def start(cls, terms: Terms, samples: torch.Tensor, gamma: torch.Tensor, dtype: torch.dtype) -> _State:
        terms, gamma = terms.to(dtype), gamma.to(dtype)
        half = 0.5 * terms.values
        x = torch.stack((half + gamma, half - gamma))
        shadow = torch.stack((_reverse_and(x), transform(x)))
        penalty = torch.full_like(terms.tau[:, :1], PENALTY)
        ripe_at = torch.ones(len(samples), dtype=torch.float64, device=x.device)
        return cls(samples, terms, shadow, shadow.clone(), penalty, ripe_at)

    def take(self, keep: torch.Tensor) -> _State:
        return _State(
            self.samples[keep], self.terms.take(keep), self.shadow[:, :, keep], self.point[:, :, keep],
            self.penalty[keep], self.ripe_at[keep],
        )  # fmt: skip

    def join(self, other: _State) -> _State:
        def joined(name: str, axis: int) -> torch.Tensor:
            return torch.cat((getattr(self, name), getattr(other, name)), axis)

        return _State(
            joined("samples", 0), self.terms.join(other.terms), joined("shadow", 2), joined("point", 2),
            joined("penalty", 0), joined("ripe_at", 0),
        )  # fmt: skip

    def step(self, graph: _Graph) -> None:
        nearest = graph.nearest(torch.lerp(self.shadow, self.point, 2.0))
        self.shadow.add_(nearest.sub_(self.point), alpha=RELAXATION)
        self.point[0] = _reverse_and(self.terms.project(_reverse_and(self.shadow[0])))
        self.point[1] = self.terms.prox(self.shadow[1], 1 / (RATIO * self.penalty))

    def split(self, graph: _Graph) -> torch.Tensor:
        """The next x, (2, B, m, 2^n): nearly feasible."""
        return _reverse_and(graph.nearest(torch.lerp(self.shadow, self.point, 2.0))[0])

    def interactions(self) -> torch.Tensor:
        """z, (2, B, m, 2^n): sparse, and nearly those of a feasible split."""
        return self.point[1]

    def forces(self) -> torch.Tensor:
        """Multipliers of the constraints on the split, float64 (2, B, m, 2^n)."""
        return _reverse_and(self.penalty * (self.point[0] - self.shadow[0])).double()

    def duals(self) -> torch.Tensor:
        """Multipliers of z = K x, float64 (2, B, m, 2^n)."""
        return (RATIO * self.penalty * (self.shadow[1] - self.point[1])).double()

    def rebalance(self, factor: torch.Tensor, most: torch.Tensor) -> None:
        """Change the penalties, by no more than the factor `most`, and keep the multipliers."""
        old = self.penalty
        factor = torch.maximum(torch.minimum(factor, most), 1 / most).to(old.dtype)[:, None, None]
        self.penalty = (old * factor).clamp(0.05, 200)
        self.shadow = torch.lerp(self.point, self.shadow, old / self.penalty)


def _reverse_and(split: torch.Tensor) -> torch.Tensor:
    return torch.stack((split[0].flip(-1), split[1]))


def _power(vector: np.ndarray, n: int) -> np.ndarray:
    return functools.reduce(np.kron, [vector] * n, np.ones(1))


def _blocks(matrix: np.ndarray, n: int) -> list[np.ndarray]:
    """Kronecker powers of a 2x2 matrix that act on the n players' bits, lowest first, as few and equal as possible."""
    count = max(1, -(-n // 5))
    return [functools.reduce(np.kron, [matrix] * ((n + i) // count), np.ones((1, 1))) for i in range(count)]


def _apply(blocks: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Kronecker power of a symmetric matrix on the last axis: `kronecker_power` without its checks."""
    width = len(blocks[0])
    y = x.reshape(-1, width) @ blocks[0]
    for block in blocks[1:]:
        y = block @ y.view(-1, len(block), width)
        width *= len(block)
    return y.view(x.shape)
