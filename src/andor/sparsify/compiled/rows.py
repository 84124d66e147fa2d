"""What is done to rows of 2^n numbers, element by element.

Functions may assume that no two of the rows they are given overlap: that is what makes vector instructions of them.
Constants are made of the rows' own type, as numba would widen float32 to float64 beside a constant of Python's. What
may stay as it is goes to another row: LLVM would make masked stores of it, for which some processors take ages.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from andor.sparsify.compiled.compiling import ROWS, SUMS


@njit(**ROWS)
def ahead(point, shadow, out):
    """2·point − shadow."""
    for j in range(out.shape[0]):
        out[j] = point[j] + (point[j] - shadow[j])


@njit(**ROWS)
def follow(near, point, relaxation, shadow):
    """Move the shadow by what the nearest point on the graph is away from the proximal one."""
    for j in range(shadow.shape[0]):
        shadow[j] += relaxation * (near[j] - point[j])


@njit(**ROWS)
def mix(x, z, weight, d, sign, ratio):
    """The nearest pair on the graph, in the basis where K is diagonal; the weight holds both scales of the basis."""
    for j in range(x.shape[0]):
        solution = weight[j] * (x[j] + ratio * (sign * d[j]) * z[j])
        x[j] = solution
        z[j] = (sign * d[j]) * solution


@njit(**ROWS)
def add_two(row, first, of_first, last, of_last):
    """Add multiples of two rows to a row."""
    for j in range(row.shape[0]):
        row[j] += of_first * first[j] + of_last * last[j]


@njit(**ROWS)
def into_band(v_and, v_or, low, high, to_and, to_or):
    """The nearest split with v_and + v_or between two rows; v_and is in reverse order."""
    size, one, half = np.uintp(v_or.shape[0]), np.uintp(1), v_or.dtype.type(0.5)
    for j in range(size):
        total = v_and[size - one - j] + v_or[j]
        change = half * (min(max(total, low[j]), high[j]) - total)
        to_and[size - one - j] = v_and[size - one - j] + change
        to_or[j] = v_or[j] + change


@njit(**ROWS)
def narrow(v_and, v_or, tau, low, high, to_low, to_high):
    """Narrow the range of numbers that lie within τ of γ = ½(v_and − v_or); v_and is in reverse order."""
    size, one, half = np.uintp(v_or.shape[0]), np.uintp(1), v_or.dtype.type(0.5)
    for j in range(size):
        gamma = half * (v_and[size - one - j] - v_or[j])
        to_low[j] = max(low[j], gamma - tau)
        to_high[j] = min(high[j], gamma + tau)


@njit(**ROWS)
def count_empty(low, high):
    """How many of these ranges are empty."""
    count = 0
    for j in range(low.shape[0]):
        count += low[j] > high[j]
    return count


@njit(**ROWS)
def soften(row, cost, threshold, out):
    """What is left of the strengths above threshold times cost."""
    zero = row.dtype.type(0)
    for j in range(out.shape[0]):
        out[j] = max(abs(row[j]) - threshold * cost[j], zero)


@njit(**ROWS)
def order(first, second, larger, smaller):
    """The larger and the smaller of two rows, element by element."""
    for j in range(larger.shape[0]):
        larger[j] = max(first[j], second[j])
        smaller[j] = min(first[j], second[j])


@njit(**ROWS)
def charge(cost, weight, total):
    """What the maximum costs, as a debt."""
    for j in range(total.shape[0]):
        total[j] = -weight * cost[j]


@njit(**ROWS)
def raise_level(strength, share, total, level, to_level):
    """Add the next strongest to the total; the level is at least its share."""
    for j in range(total.shape[0]):
        more = total[j] + strength[j]
        total[j] = more
        to_level[j] = max(level[j], share * more)


@njit(**ROWS)
def cut_off(row, strength, level, out):
    """The strengths, at most the level, with the signs of a row."""
    for j in range(out.shape[0]):
        left = min(strength[j], level[j])
        out[j] = left if row[j] > 0 else -left


@njit(**ROWS)
def backwards(row, out):
    """A row in reverse order."""
    size, one = np.uintp(row.shape[0]), np.uintp(1)
    for j in range(size):
        out[j] = row[size - one - j]


@njit(**ROWS)
def less_backwards(total, row, out):
    """A number less a row in reverse order."""
    size, one = np.uintp(row.shape[0]), np.uintp(1)
    for j in range(size):
        out[j] = total - row[size - one - j]


@njit(**ROWS)
def add_product(a, b, out):
    """Add a product of two rows."""
    for j in range(out.shape[0]):
        out[j] += a[j] * b[j]


@njit(**ROWS)
def add_multiple(factor, row, out):
    """Add a multiple of a row."""
    for j in range(out.shape[0]):
        out[j] += factor * row[j]


@njit(**ROWS)
def next_direction(near, factor, direction):
    """A row plus a multiple of the direction, in place of the latter."""
    for j in range(near.shape[0]):
        direction[j] = near[j] + factor * direction[j]


@njit(**SUMS)
def dot(a, b):
    """Inner product of two rows."""
    total = a.dtype.type(0)
    for j in range(a.shape[0]):
        total += a[j] * b[j]
    return total


@njit(**SUMS)
def dot_weighted(a, weights):
    """Sum of weighted squares."""
    total = a.dtype.type(0)
    for j in range(a.shape[0]):
        total += a[j] * (weights[j] * a[j])
    return total


@njit(**SUMS)
def count_above(row, bounds):
    """How many numbers of a row are farther from 0 than their bound."""
    count = 0
    for j in range(row.shape[0]):
        count += abs(row[j]) > bounds[j]
    return count


@njit(**SUMS)
def sum_of_strengths(row):
    """Sum of absolute numbers."""
    total = row.dtype.type(0)
    for j in range(row.shape[0]):
        total += abs(row[j])
    return total


@njit(**SUMS)
def largest_number(row):
    """The largest of a row of numbers that are not negative."""
    largest = row.dtype.type(0)
    for j in range(row.shape[0]):
        largest = max(largest, row[j])
    return largest


@njit(**ROWS)
def stronger(row, strength, out):
    """The larger of the absolute numbers of a row and of a strength."""
    for j in range(out.shape[0]):
        out[j] = max(abs(row[j]), strength[j])


@njit(**ROWS)
def lean_into_band(v_and, v_or, values, kappa, leaning, to_and, to_or):
    """A split with v_and + v_or within κ of the values, changed by `leaning` in v_and; that is in reverse order."""
    size, one, all_of_it = np.uintp(v_or.shape[0]), np.uintp(1), v_or.dtype.type(1)
    for j in range(size):
        excess = v_and[size - one - j] + v_or[j] - values[j]
        excess -= min(max(excess, -kappa[j]), kappa[j])
        to_and[size - one - j] = v_and[size - one - j] - leaning[j] * excess
        to_or[j] = v_or[j] - (all_of_it - leaning[j]) * excess


@njit(**ROWS)
def force(point, shadow, penalty, out):
    """Multipliers of point = shadow."""
    for j in range(out.shape[0]):
        out[j] = penalty * (point[j] - shadow[j])


@njit(**ROWS)
def add_pull(on_and, on_or, share, out):
    """Add a share of a force on γ."""
    for j in range(out.shape[0]):
        out[j] += share * (on_and[j] - on_or[j])


@njit(**ROWS)
def take_off(pull, leaning, on_and, on_or):
    """Take a pull off the forces on v_and and v_or, by `leaning` off that on v_or."""
    one = pull.dtype.type(1)
    for j in range(pull.shape[0]):
        on_and[j] -= (one - leaning[j]) * pull[j]
        on_or[j] += leaning[j] * pull[j]


@njit(**SUMS)
def least(on_and, on_or, values, kappa, farthest):
    """The least that two forces, with a factor, give on any split whose |γ| is at most `farthest`."""
    total, half = values.dtype.type(0), values.dtype.type(0.5)
    for j in range(values.shape[0]):
        push, pull = half * (on_and[j] + on_or[j]), on_and[j] - on_or[j]
        total += push * values[j] - abs(push) * kappa[j] - abs(pull) * farthest
    return total
