"""What is done to rows of 2^n numbers, element by element.

Functions may assume that no two of the rows they are given overlap: that is what makes vector instructions of them.
Constants are made of the rows' own type, as numba would widen float32 to float64 beside a constant of Python's. What
may stay as it is goes to another row: LLVM would make masked stores of it, for which some processors take ages.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from andor.sparsify.compiled.compiling import ROWS


@njit(**ROWS)
def ahead(point, shadow, out):  # type: ignore[no-untyped-def]
    """2·point − shadow."""
    for j in range(out.shape[0]):
        out[j] = point[j] + (point[j] - shadow[j])


@njit(**ROWS)
def follow(near, point, relaxation, shadow):  # type: ignore[no-untyped-def]
    """Move the shadow by what the nearest point on the graph is away from the proximal one."""
    for j in range(shadow.shape[0]):
        shadow[j] += relaxation * (near[j] - point[j])


@njit(**ROWS)
def mix(x, z, weight, d, sign, ratio):  # type: ignore[no-untyped-def]
    """The nearest pair on the graph, in the basis where K is diagonal; the weight holds both scales of the basis."""
    for j in range(x.shape[0]):
        solution = weight[j] * (x[j] + ratio * (sign * d[j]) * z[j])
        x[j] = solution
        z[j] = (sign * d[j]) * solution


@njit(**ROWS)
def add_two(row, first, of_first, last, of_last):  # type: ignore[no-untyped-def]
    """Add multiples of two rows to a row."""
    for j in range(row.shape[0]):
        row[j] += of_first * first[j] + of_last * last[j]


@njit(**ROWS)
def into_band(v_and, v_or, low, high, to_and, to_or):  # type: ignore[no-untyped-def]
    """The nearest split with v_and + v_or between two rows; v_and is in reverse order."""
    size, one, half = np.uintp(v_or.shape[0]), np.uintp(1), v_or.dtype.type(0.5)
    for j in range(size):
        total = v_and[size - one - j] + v_or[j]
        change = half * (min(max(total, low[j]), high[j]) - total)
        to_and[size - one - j] = v_and[size - one - j] + change
        to_or[j] = v_or[j] + change


@njit(**ROWS)
def narrow(v_and, v_or, tau, low, high, to_low, to_high):  # type: ignore[no-untyped-def]
    """Narrow the range of numbers that lie within τ of γ = ½(v_and − v_or); v_and is in reverse order."""
    size, one, half = np.uintp(v_or.shape[0]), np.uintp(1), v_or.dtype.type(0.5)
    for j in range(size):
        gamma = half * (v_and[size - one - j] - v_or[j])
        to_low[j] = max(low[j], gamma - tau)
        to_high[j] = min(high[j], gamma + tau)


@njit(**ROWS)
def count_empty(low, high):  # type: ignore[no-untyped-def]
    """How many of these ranges are empty."""
    count = 0
    for j in range(low.shape[0]):
        count += low[j] > high[j]
    return count


@njit(**ROWS)
def soften(row, cost, threshold, out):  # type: ignore[no-untyped-def]
    """What is left of the strengths above threshold times cost."""
    zero = row.dtype.type(0)
    for j in range(out.shape[0]):
        out[j] = max(abs(row[j]) - threshold * cost[j], zero)


@njit(**ROWS)
def order(first, second, larger, smaller):  # type: ignore[no-untyped-def]
    """The larger and the smaller of two rows, element by element."""
    for j in range(larger.shape[0]):
        larger[j] = max(first[j], second[j])
        smaller[j] = min(first[j], second[j])


@njit(**ROWS)
def charge(cost, weight, total):  # type: ignore[no-untyped-def]
    """What the maximum costs, as a debt."""
    for j in range(total.shape[0]):
        total[j] = -weight * cost[j]


@njit(**ROWS)
def raise_level(strength, share, total, level, to_level):  # type: ignore[no-untyped-def]
    """Add the next strongest to the total; the level is at least its share."""
    for j in range(total.shape[0]):
        more = total[j] + strength[j]
        total[j] = more
        to_level[j] = max(level[j], share * more)


@njit(**ROWS)
def cut_off(row, strength, level, out):  # type: ignore[no-untyped-def]
    """The strengths, at most the level, with the signs of a row."""
    for j in range(out.shape[0]):
        left = min(strength[j], level[j])
        out[j] = left if row[j] > 0 else -left
