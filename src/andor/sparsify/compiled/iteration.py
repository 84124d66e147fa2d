"""The iterations of ADMM on one game after the other, fused: what `admm.State.step` does, without its memory traffic.

Rows of 2^n numbers stay in the cache while everything is done to them, and no game waits for another.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from andor.sparsify.compiled import rows
from andor.sparsify.compiled.butterflies import reflect
from andor.sparsify.compiled.compiling import ENTRY, INNER

TITLE = "the solver's inner loop"
PAD = 16  # numbers between rows of work space: rows exactly 2^n apart would compete for the same lines of the cache
BLOCK = 512  # columns of a proximal point that are worked on together


def prepare(dtype: np.dtype) -> None:
    """Compile, or read from a file, what is needed for arrays of a type."""
    size = 8
    games, row = np.zeros((2, 2, 0, 1, size), dtype), np.zeros((0, 1, size), dtype)
    number, cost = np.zeros(0, dtype), np.zeros((2, 0, size), dtype)
    scalars, graph, mend = (dtype.type(0),) * 6, np.zeros((6, size), dtype), np.zeros((2, 2), dtype)
    iterate(
        games, games.copy(), row, row.copy(), number[:, None].copy(), cost, number, scalars, graph, mend, 0,
        1, games.copy(), games.copy(),
    )  # fmt: skip


@njit(**ENTRY)
def iterate(shadow, point, low, high, tau, cost, step, scalars, graph, mend, count, spacing, mean_shadow, mean_point):
    """Several iterations of all games, in place; everything of one dtype.

    Parameters
    ----------
    shadow, point : (2, 2, B, m, 2^n), see `admm.State`
    low, high : (B, m, 2^n), bounds of v_and + v_or
    tau : (B, m)
    cost : (2, B, 2^n), weight of each coalition in the objective, 0 where it is not counted
    step : (B,), of the proximal point of the objective
    scalars : limit, of_max, of_sum (see `terms.Terms`), ratio, relaxation (see `admm`)
    graph, mend : (6, 2^n) and (2, 2), see `fused.Constants`
    count : of iterations
    spacing : from one iteration to the next of those whose means are taken, the last among them
    mean_shadow, mean_point : shaped as these, 0 before
    """
    games, models, size = low.shape
    limit, of_max, of_sum, ratio, relaxation, golden = scalars
    space = np.empty((2, size + PAD), shadow.dtype)
    near_x, near_z = space[0, :size], space[1, :size]  # of one go each: only so numba knows that they are contiguous
    work = np.empty((3 * models + 5, min(size, BLOCK) + PAD), shadow.dtype)
    ranges = np.empty((4, size), shadow.dtype)
    for game in range(games):
        coupled = np.isfinite(tau[game]).sum() > 1
        for iteration in range(count):
            for kind in range(2):
                for i in range(models):
                    rows.ahead(point[0, kind, game, i], shadow[0, kind, game, i], near_x)
                    rows.ahead(point[1, kind, game, i], shadow[1, kind, game, i], near_z)
                    nearest(near_x, near_z, kind, graph, mend, ratio, golden)
                    rows.follow(near_x, point[0, kind, game, i], relaxation, shadow[0, kind, game, i])
                    rows.follow(near_z, point[1, kind, game, i], relaxation, shadow[1, kind, game, i])
            v_and, v_or = point[0, 0, game], point[0, 1, game]
            for i in range(models):
                rows.into_band(
                    shadow[0, 0, game, i], shadow[0, 1, game, i], low[game, i], high[game, i], v_and[i], v_or[i]
                )
            if coupled:
                gather(v_and, v_or, tau[game], ranges)
            if limit < np.inf:
                confine(v_and, v_or, limit)
            for kind in range(2):
                shrink(shadow[1, kind, game], cost[kind, game], step[game], of_max, of_sum, work, point[1, kind, game])
            if (count - 1 - iteration) % spacing == 0:
                share = shadow.dtype.type(1.0 / ((count + spacing - 1) // spacing))
                for part in range(2):
                    for kind in range(2):
                        for i in range(models):
                            rows.add_multiple(share, shadow[part, kind, game, i], mean_shadow[part, kind, game, i])
                            rows.add_multiple(share, point[part, kind, game, i], mean_point[part, kind, game, i])


@njit(**INNER)
def nearest(x, z, kind, graph, mend, ratio, golden):
    """The pair (x, Kx) nearest to (x, z), in place; kind 0 is AND, in reverse order, and 1 OR: see `admm.Graph`."""
    last = x.shape[0] - 1
    empty = ratio * z[0]
    if kind == 1:
        z[0] = 0
    reflect(x, golden)
    reflect(z, golden)
    rows.mix(x, z, graph[0], graph[1], x.dtype.type(1 - 2 * kind), ratio)
    reflect(x, golden)
    reflect(z, golden)
    if kind == 1:
        a, b = x[0] + empty * graph[2, 0], x[last] + empty * graph[2, last]
        of_first, of_last = empty - (a * mend[0, 0] + b * mend[1, 0]), -(a * mend[0, 1] + b * mend[1, 1])
        rows.add_two(x, graph[2], of_first, graph[3], of_last)
        rows.add_two(z, graph[4], of_first, graph[5], of_last)
        z[0] = x[0]


@njit(**INNER)
def gather(v_and, v_or, tau, ranges):
    """Change γ = ½(v_and − v_or) as little as possible until all models' lie within their τ of one number, in place.

    Parameters
    ----------
    v_and, v_or : (m, 2^n), v_and in reverse order
    tau : (m,)
    ranges : (4, 2^n), work space
    """
    models, size = v_or.shape
    half = v_or.dtype.type(0.5)
    old, new = 0, 2
    ranges[0], ranges[1] = -np.inf, np.inf
    for i in range(models):
        rows.narrow(v_and[i], v_or[i], tau[i], ranges[old], ranges[old + 1], ranges[new], ranges[new + 1])
        old, new = new, old
    low, high = ranges[old], ranges[old + 1]
    gamma = np.empty(models, v_or.dtype)
    for start in range(0, size, 64):
        stop = min(start + 64, size)
        if rows.count_empty(low[start:stop], high[start:stop]) == 0:
            continue
        for j in range(start, stop):
            if low[j] > high[j]:
                for i in range(models):
                    gamma[i] = half * (v_and[i, size - 1 - j] - v_or[i, j])
                common = _common(gamma, tau)
                for i in range(models):
                    change = min(max(gamma[i], common - tau[i]), common + tau[i]) - gamma[i]
                    v_and[i, size - 1 - j] += change
                    v_or[i, j] -= change


@njit(**INNER)
def _common(gamma, tau):
    """The number c where Σ_i soft(c − γ_i, τ_i) = 0, a sum that rises in c piece by piece."""
    models = len(gamma)
    left, right = -np.inf, np.inf
    below, above = -1.0, 1.0
    for i in range(2 * models):
        half = i // 2
        if tau[half] == np.inf:
            continue
        knot = gamma[half] + (tau[half] if i % 2 else -tau[half])
        total = 0.0
        for k in range(models):
            offset = knot - gamma[k]
            total += offset - min(max(offset, -tau[k]), tau[k])
        if total < 0 and knot > left:
            left, below = knot, total
        if total >= 0 and knot < right:
            right, above = knot, total
    return gamma.dtype.type(left - below * (right - left) / (above - below))


@njit(**INNER)
def confine(v_and, v_or, limit):
    """Bound |γ|, in place; shapes as for `gather`."""
    models, size = v_or.shape
    half = v_or.dtype.type(0.5)
    for i in range(models):
        for j in range(size):
            gamma = half * (v_and[i, size - 1 - j] - v_or[i, j])
            change = min(max(gamma, -limit), limit) - gamma
            v_and[i, size - 1 - j] += change
            v_or[i, j] -= change


@njit(**INNER)
def shrink(interactions, cost, step, of_max, of_sum, work, out):
    """Proximal point of step·cost times the penalty, see `penalty.prox`: (m, 2^n) and cost (2^n,), into `out`.

    `work` is space for 3m + 5 rows of up to BLOCK numbers.
    """
    models, size = interactions.shape
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        width, dear = stop - start, cost[start:stop]
        for i in range(models):
            rows.soften(interactions[i, start:stop], dear, of_sum * step, work[i, :width])
        level = 3 * models
        work[level, :width] = 0 if of_max > 0 else np.inf
        if of_max > 0:
            level = water_level(work, width, dear, of_max * step)
        for i in range(models):
            rows.cut_off(interactions[i, start:stop], work[i, :width], work[level, :width], out[i, start:stop])


@njit(**INNER)
def water_level(work, width, cost, weight):
    """The largest of the means of the k strongest of m, each lowered by its share of weight·cost, and at least 0.

    `work` has the strengths in its first m rows and zeros in row 3m; the number of the row with the level is returned.
    The strongest is taken out m times: what is left of the rows goes from one place to the other and back.
    """
    models = (work.shape[0] - 5) // 3
    old, new, level, best, total = 0, models, 3 * models, 3 * models + 2, work[3 * models + 4, :width]
    rows.charge(cost, weight, total)
    for k in range(models):
        strongest = old
        for i in range(1, models - k):
            rows.order(work[strongest, :width], work[old + i, :width], work[best, :width], work[new + i - 1, :width])
            strongest, best = best, 6 * models + 5 - best
        share = cost.dtype.type(1.0 / (k + 1))
        other = 6 * models + 1 - level
        rows.raise_level(work[strongest, :width], share, total, work[level, :width], work[other, :width])
        level = other
        old, new = new, models if new == 2 * models else 2 * models
    return level
