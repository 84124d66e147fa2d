"""ADMM on the splits of many samples at once, without a matrix of side 2^n.

The problem is min h(z) + [c feasible] subject to z = K x and c = x, where x is the split (v_and, v_or), K x its
interactions, and h the objective. Given z and c, the best x solves (ratio·KᵀK + 1) x = …; K being a Kronecker power,
so is the basis that makes this diagonal, and a solution costs as much as four transforms. Given x, z and c are closed
forms.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np
import torch

from andor.game.coalitions import number_of_players
from andor.game.transforms import kronecker_power
from andor.sparsify import compiled
from andor.sparsify.terms import Terms, transform

# In units of values that are at most 1. Measured on the games of benchmarks/sparsify.py; within a factor of 3 none
# matters much.
PENALTY = 3.0  # of c = x, at the start
RELAXATION = 1.8
SPACING = 10  # iterations between those that a mean is taken of
RIPE = 0.8  # of the gap is promised when the first polish is tried: one that fails costs as much as a game

GOLDEN = (5**0.5 - 1) / 2
REFLECTION = np.array([[1, GOLDEN], [GOLDEN, -1]]) / (1 + GOLDEN**2) ** 0.5
"""Q of `Graph`, and Λ."""
EIGENVALUES = np.array([GOLDEN, -1 - GOLDEN])


def ratio_of(size: int) -> float:
    """Penalty of z = K x over that of c = x: the larger, the more values move with an interaction of low order."""
    return 0.5 * size**0.5


@contextmanager
def one_thread() -> Iterator[None]:
    """Products of 32x32 matrices gain nothing from a second thread and lose much to its waking up."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class Graph:
    """The pair (x, K x) nearest to a given one, in the metric of the penalties, which is the same for all samples.

    One player's OR matrix is C = [[0, 1], [1, −1]] = QΛQ with Q a reflection, so Q = Qᵀ = Q⁻¹, and one player's AND
    matrix is C with its columns swapped. With v_and stored in reverse order, Q⊗…⊗Q thus makes KᵀK diagonal for both
    kinds. Only the row of the empty coalition of the OR transform does not fit: it is e_∅ and not −e_N, a change of
    rank two.

    Attributes
    ----------
    basis : Kronecker powers of Q for blocks of players
    fused : all this for the compiled loop; None where that cannot be had, and on a GPU
    d : (2, 1, 1, 2^n), what K is in that basis
    from_x, from_z : (2, 1, 1, 2^n), weights with which the given x and z enter
    ends : (2, 2^n), e_∅ and e_N in that basis
    reach : (2, 2^n), the solutions that e_∅ and e_N give
    mend : (2, 2), of the change of rank two
    """

    basis: list[torch.Tensor]
    fused: Fused | None
    d: torch.Tensor
    from_x: torch.Tensor
    from_z: torch.Tensor
    ends: torch.Tensor
    reach: torch.Tensor
    mend: torch.Tensor

    @classmethod
    def of(cls, n: int, dtype: torch.dtype, device: torch.device) -> Graph:
        """That of n players."""
        power = _power(EIGENVALUES, n)
        d = np.stack((power, -power))[:, None, None]
        ratio = ratio_of(2**n)
        from_x = 1 / (ratio * d**2 + 1)
        ends = np.stack((_power(REFLECTION[0], n), _power(REFLECTION[1], n)))
        reach = ends * from_x[1, 0]
        mend = np.linalg.inv(np.diag([1, -1]) / ratio + reach @ ends.T)
        arrays = (d, from_x, ratio * d * from_x, ends, reach, mend)
        basis, tensors = (
            [torch.as_tensor(array, device=device, dtype=dtype) for array in several]
            for several in (_blocks(REFLECTION, n), arrays)
        )
        fused = Fused.of(power, from_x[0, 0, 0], reach, mend, dtype) if device.type == "cpu" else None
        return cls(basis, fused, *tensors)

    def nearest(self, pair: torch.Tensor) -> torch.Tensor:
        """Pairs (x, z) of shape (2, 2, B, m, 2^n), v_and in reverse order; overwrites its argument."""
        empty = ratio_of(pair.shape[-1]) * pair[1, 1, ..., :1]
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


@dataclass(frozen=True)
class Fused:
    """What the compiled loop reads.

    Attributes
    ----------
    kernels, measures : the modules `iteration` and `measures` of `andor.sparsify.compiled`
    rows : (6, 2^n), how a solution weighs x, with the squared scale of the unscaled basis; d of AND; and what the two
        solutions of the change of rank two add to the OR kind's x, and to its z
    mend : (2, 2)
    """

    kernels: ModuleType
    measures: ModuleType
    rows: np.ndarray
    mend: np.ndarray

    @classmethod
    def of(
        cls, d: np.ndarray, from_x: np.ndarray, reach: np.ndarray, mend: np.ndarray, dtype: torch.dtype
    ) -> Fused | None:
        """That of a graph; None where it cannot be had."""
        name, n = str(dtype).removeprefix("torch."), number_of_players(len(d))
        kernels = compiled.loop(name) if n >= compiled.SMALLEST else None
        if kernels is None:
            return None
        to_x, to_z = (kronecker_power(row, REFLECTION.tolist()) for row in (reach, -d * reach))
        to_z[:, 0] = to_x[:, 0]
        rows = np.concatenate(([from_x * (1 + GOLDEN**2) ** -n, d], to_x, to_z))
        return cls(kernels, compiled.certificates(name), rows.astype(name), mend.astype(name))

    def scalars(self, terms: Terms) -> tuple[np.floating, ...]:
        """Numbers that the loop reads, of its type."""
        numbers = (terms.limit, terms.of_max, terms.of_sum, ratio_of(len(self.rows[0])), RELAXATION, GOLDEN)
        return tuple(self.rows.dtype.type(number) for number in numbers)

    def run(self, state: State, mean: State, iterations: int) -> None:
        """Iterations of a state, in place, and their mean."""
        terms, size = state.terms, state.shadow.shape[-1]
        cost = torch.ones(()) if terms.weights is None else terms.weights
        cost = (cost if terms.counted is None else cost * terms.counted).to(state.shadow.dtype)
        cost = cost.expand(2, len(terms.values), 1, size)[:, :, 0].contiguous()
        self.kernels.iterate(
            state.shadow.numpy(), state.point.numpy(), (terms.values - terms.kappa).numpy(),
            (terms.values + terms.kappa).numpy(), terms.tau[..., 0].contiguous().numpy(), cost.numpy(),
            (1 / (ratio_of(size) * state.penalty[:, 0, 0])).numpy(), self.scalars(terms), self.rows, self.mend,
            iterations, SPACING, mean.shadow.numpy(), mean.point.numpy(),
        )  # fmt: skip

    def measure(self, state: State, terms: Terms, best: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`measures.measure` of a state whose exact terms are these: the split and what is found."""
        split = torch.empty((2, *terms.values.shape), dtype=torch.float64)
        found = torch.empty((3, len(best)), dtype=torch.float64)
        kappa = terms.kappa.expand_as(terms.values).contiguous()
        self.measures.measure(
            state.shadow.numpy(), state.point.numpy(), state.penalty[:, 0, 0].contiguous().numpy(),
            terms.values.numpy(), kappa.numpy(), terms.tau[..., 0].contiguous().numpy(), terms.leaning.numpy(),
            best.numpy(), float(terms.of_max), float(terms.of_sum), self.scalars(terms), self.rows, self.mend,
            split.numpy(), found.numpy(),
        )  # fmt: skip
        return split, found


@dataclass
class State:
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
    def start(cls, terms: Terms, samples: torch.Tensor, gamma: torch.Tensor, dtype: torch.dtype) -> State:
        """Where some samples begin, each at its γ, (B, 1, 2^n)."""
        terms, gamma = terms.to(dtype), gamma.to(dtype)
        half = 0.5 * terms.values
        x = torch.stack((half + gamma, half - gamma))
        shadow = torch.stack((_reverse_and(x), transform(x)))
        penalty = torch.full_like(terms.tau[:, :1], PENALTY)
        ripe_at = torch.full((len(samples),), RIPE, dtype=torch.float64, device=x.device)
        return cls(samples, terms, shadow, shadow.clone(), penalty, ripe_at)

    def take(self, keep: torch.Tensor) -> State:
        """States of some samples: their places, or a bool for each."""
        return State(
            self.samples[keep], self.terms.take(keep), self.shadow[:, :, keep], self.point[:, :, keep],
            self.penalty[keep], self.ripe_at[keep],
        )  # fmt: skip

    def join(self, other: State) -> State:
        """States of these samples and then of others."""

        def joined(name: str, axis: int) -> torch.Tensor:
            return torch.cat((getattr(self, name), getattr(other, name)), axis)

        return State(
            joined("samples", 0), self.terms.join(other.terms), joined("shadow", 2), joined("point", 2),
            joined("penalty", 0), joined("ripe_at", 0),
        )  # fmt: skip

    def run(self, graph: Graph, iterations: int) -> State:
        """Some iterations, and their mean: its split and its forces are nearer to the optimum than the last ones."""
        mean = replace(self, shadow=torch.zeros_like(self.shadow), point=torch.zeros_like(self.point))
        if graph.fused is not None:
            graph.fused.run(self, mean, iterations)
            return mean
        with one_thread():
            for iteration in range(iterations):
                self.step(graph)
                if (iterations - 1 - iteration) % SPACING == 0:
                    mean.shadow += self.shadow
                    mean.point += self.point
        share = 1 / -(-iterations // SPACING)
        return replace(mean, shadow=share * mean.shadow, point=share * mean.point)

    def step(self, graph: Graph) -> None:
        """One iteration, in torch: for GPUs, where numba cannot be had, and to compare the compiled loop with."""
        nearest = graph.nearest(torch.lerp(self.shadow, self.point, 2.0))
        self.shadow.add_(nearest.sub_(self.point), alpha=RELAXATION)
        self.point[0] = _reverse_and(self.terms.project(_reverse_and(self.shadow[0])))
        self.point[1] = self.terms.prox(self.shadow[1], 1 / (ratio_of(self.shadow.shape[-1]) * self.penalty))

    def split(self, graph: Graph) -> torch.Tensor:
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
        return (ratio_of(self.shadow.shape[-1]) * self.penalty * (self.shadow[1] - self.point[1])).double()

    def settle(self, may_tear: torch.Tensor) -> None:
        """Cancel AND and OR interactions of opposite signs of one coalition of order at most 1, where both are one.

        It moves the state along the graph, so the multipliers stay, and no interaction grows. Left to themselves such
        pairs take thousands of iterations: what moves them a little is a change of γ by that on up to 2^n coalitions.

        Parameters
        ----------
        may_tear : (B,), the share of the coalitions on which the models' γ may come to lie farther apart than τ
            allows; where it would be more, only what all models share of the change is made
        """
        low = [0, *(1 << i for i in range(number_of_players(self.shadow.shape[-1])))]
        of_and, of_or = self.point[1, :, :, :, low]
        less = torch.minimum(of_and.abs(), of_or.abs()) * torch.sign(of_and) * (of_and * of_or < 0)
        if self.terms.counted is not None or not bool(less.any()):
            return
        contained = _contained(low, self.shadow)
        gamma = 0.5 * (self.point[0, 0].flip(-1) - self.point[0, 1]) - less @ contained
        torn = ((gamma - self.terms.tau).amax(1) > (gamma + self.terms.tau).amin(1)).double().mean(-1) > may_tear
        # What all models share of it is always allowed.
        shared = less.clamp_min(0).amin(1, keepdim=True) + less.clamp_max(0).amax(1, keepdim=True)
        less = torch.where(torn[:, None, None], shared, less)
        change = less @ contained
        for part in (self.shadow, self.point):
            part[0, 0] -= change.flip(-1)
            part[0, 1] += change
            part[1, 0][..., low] -= less
            part[1, 1][..., low] += less

    def rebalance(self, factor: torch.Tensor, most: torch.Tensor) -> None:
        """Change the penalties, by no more than the factor `most`, and keep the multipliers."""
        old = self.penalty
        factor = torch.maximum(torch.minimum(factor, most), 1 / most).to(old.dtype)[:, None, None]
        self.penalty = (old * factor).clamp(0.05, 200)
        self.shadow = torch.lerp(self.point, self.shadow, old / self.penalty)


def _contained(coalitions: list[int], like: torch.Tensor) -> torch.Tensor:
    """Whether each of some coalitions is contained in each of all, (L, 2^n), in numbers like others."""
    masks, small = torch.arange(like.shape[-1], device=like.device), torch.tensor(coalitions, device=like.device)
    return (masks & small[:, None] == small[:, None]).to(like.dtype)


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
