"""How good a state of ADMM is, measured in float64: a feasible split, its objective, a lower bound.

What `terms.Terms` does for any problem, one game after the other; where all interactions are counted and none is
weighted.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from andor.sparsify.compiled import rows
from andor.sparsify.compiled.butterflies import accumulate, difference
from andor.sparsify.compiled.compiling import ENTRY, INNER
from andor.sparsify.compiled.iteration import gather, nearest

TITLE = "the solver's certificate"


def prepare(dtype: np.dtype) -> None:
    """Compile, or read from a file, what is needed for states of a type."""
    games, row, column, line = np.zeros((2, 2, 0, 1, 8), dtype), np.zeros((0, 1, 8)), np.zeros((0, 1)), np.zeros(8)
    scalars, graph, mend = (dtype.type(0),) * 6, np.zeros((6, 8), dtype), np.zeros((2, 2), dtype)
    split, found = np.zeros((2, 0, 1, 8)), np.zeros((3, 0))
    measure(
        games, games.copy(), column[:, 0].astype(dtype), row, row.copy(), column, line, column[:, 0].copy(), 1.0, 1.0,
        scalars, graph, mend, split, found,
    )  # fmt: skip


@njit(**ENTRY)
def measure(
    shadow, point, penalty, values, kappa, tau, leaning, best, of_max, of_sum, scalars, graph, mend, split, found
):
    """Measures of all games, into `split` and `found`.

    Parameters
    ----------
    shadow, point, scalars, graph, mend : see `iteration.iterate`
    penalty : (B,)
    values, kappa : float64 (B, m, 2^n)
    tau : float64 (B, m)
    leaning : float64 (2^n,), see `Terms.leaning`
    best : float64 (B,), objectives of the best splits so far
    of_max, of_sum : weights of the maximum and of the sum over models
    split : float64 (2, B, m, 2^n), the feasible split next to the state
    found : float64 (3, B), its objective, a lower bound, and the objective of the interactions z
    """
    games, models, size = values.shape
    _, _, _, ratio, _, golden = scalars
    x, z = np.empty(size, shadow.dtype), np.empty(size, shadow.dtype)
    rough, near, forces = np.empty((2, models, size)), np.empty((2, models, size)), np.empty((2, models, size))
    ranges, work = np.empty((4, size)), np.empty((2 * models + 3, size))
    for game in range(games):
        for kind in range(2):
            for i in range(models):
                rows.ahead(point[0, kind, game, i], shadow[0, kind, game, i], x)
                rows.ahead(point[1, kind, game, i], shadow[1, kind, game, i], z)
                nearest(x, z, kind, graph, mend, ratio, golden)
                rough[kind, i] = x
                near[kind, i] = point[1, kind, game, i]
                rows.force(point[0, kind, game, i], shadow[0, kind, game, i], penalty[game], x)
                forces[kind, i] = x[::-1] if kind == 0 else x
        found[2, game] = objective(near, of_max, of_sum, work)
        for i in range(models):
            rows.lean_into_band(
                rough[0, i], rough[1, i], values[game, i], kappa[game, i], leaning, near[0, i], near[1, i]
            )
        if np.isfinite(tau[game]).sum() > 1:
            gather(near[0], near[1], tau[game], ranges)
        for i in range(models):
            rows.backwards(near[0, i], split[0, game, i])
            split[1, game, i] = near[1, i]
            near[0, i] = split[0, game, i]
            difference(near[0, i])
            rows.less_backwards(0.0, near[1, i], rough[1, i])
            difference(rough[1, i])
            rough[1, i, 0] = near[1, i, 0]
            near[1, i] = rough[1, i]
        found[0, game] = objective(near, of_max, of_sum, work)
        largest = 0.5 * min(best[game], found[0, game]) / (of_max + of_sum)
        found[1, game] = bound(
            forces, near, values[game], kappa[game], tau[game], leaning, largest, of_max, of_sum, work
        )


@njit(**INNER)
def objective(interactions, of_max, of_sum, work):
    """Objective of interactions (2, m, 2^n), which stay; `work` has two rows."""
    total = 0.0
    for kind in range(2):
        old, new = 0, 1
        work[0] = 0
        for i in range(interactions.shape[1]):
            total += of_sum * rows.sum_of_strengths(interactions[kind, i])
            rows.stronger(interactions[kind, i], work[old], work[new])
            old, new = new, old
        total += of_max * rows.sum_of_strengths(work[old])
    return total


@njit(**INNER)
def bound(forces, duals, values, kappa, tau, leaning, largest, of_max, of_sum, work):
    """The lower bound that forces (2, m, 2^n) on the split give: see `Terms.lower_bound`.

    `duals` is space of the same shape, `work` for 2m + 3 rows; `largest` bounds |γ̄|.
    """
    models, size = values.shape
    free_the_shared_part(forces, tau, leaning, work)
    for i in range(models):
        rows.backwards(forces[0, i], work[0])
        accumulate(work[0])
        rows.backwards(work[0], duals[0, i])
        work[0] = forces[1, i]
        accumulate(work[0])
        rows.less_backwards(work[0, size - 1], work[0], duals[1, i])
        duals[1, i, 0] = work[0, size - 1]
    beyond = 1.0
    for kind in range(2):
        beyond = max(beyond, gauge(duals[kind], of_max, of_sum, work))
    lower, together = 0.0, work[0]
    together[:] = 0
    for i in range(models):
        farthest = min(tau[i], 2 * largest)
        lower += rows.least(forces[0, i], forces[1, i], values[i], kappa[i], farthest)
        rows.add_pull(forces[0, i], forces[1, i], 1.0, together)
    return (lower - largest * rows.sum_of_strengths(together)) / beyond


@njit(**INNER)
def free_the_shared_part(forces, tau, leaning, work):
    """Take off the forces, in place, what acts on γ̄, and on γ̂ where that is free: see `Terms._off_gamma`."""
    bounded, shared, own = np.isfinite(tau).sum(), work[0], work[1]
    shared[:] = 0
    for i in range(len(tau)):
        if np.isfinite(tau[i]):
            rows.add_pull(forces[0, i], forces[1, i], 1.0 / bounded, shared)
    for i in range(len(tau)):
        own[:] = 0
        rows.add_pull(forces[0, i], forces[1, i], 1.0, own)
        pull = shared if np.isfinite(tau[i]) else own
        rows.take_off(pull, leaning, forces[0, i], forces[1, i])


@njit(**INNER)
def gauge(duals, of_max, of_sum, work):
    """The largest of the gauges of all coalitions' duals (m, 2^n), see `penalty.gauge`; `work` has 2m + 3 rows.

    The strongest is taken out m times, as in `iteration.water_level`.
    """
    models = len(duals)
    old, new, best, total, largest = 0, models, 2 * models, work[2 * models + 2], 0.0
    total[:] = 0
    for i in range(models):
        work[i] = np.abs(duals[i])
    for k in range(models):
        strongest = old
        for i in range(1, models - k):
            rows.order(work[strongest], work[old + i], work[best], work[new + i - 1])
            strongest, best = best, 4 * models + 1 - best
        rows.add_multiple(1.0, work[strongest], total)
        largest = max(largest, rows.largest_number(total) / (of_max + (k + 1) * of_sum))
        old, new = new, old
    return largest
