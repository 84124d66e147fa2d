"""The equations of the polish: their matrix, and conjugate gradients on transforms without it, see `polish._solve`."""

from __future__ import annotations

import numpy as np
from numba import njit

from andor.sparsify.compiled import rows
from andor.sparsify.compiled.butterflies import accumulate
from andor.sparsify.compiled.compiling import ENTRY, INNER

TITLE = "the solver's polish"


def prepare(dtype: np.dtype) -> None:
    """Compile, or read from a file; the equations are float64 always."""
    row = np.zeros((1, 8))
    conjugate_gradients(np.zeros((2, 1, 1, 8)), row, row.copy(), row.copy(), 0)
    whole = np.zeros((1, 1, 8))
    gram(whole, whole, np.zeros((1, 1)), *np.zeros((2, 1), np.int64))


@njit(**ENTRY)
def conjugate_gradients(moves, weights, miss, tolerance, most):
    """Weights w of the values of all models with Φ·moves·Φᵀ w = miss, where Φ = (K_and⁻¹, K_or⁻¹).

    Parameters
    ----------
    moves : (2, m, m, 2^n)
    weights : (m, 2^n), of a preconditioner; 0 where there is no equation
    miss : (m, 2^n), overwritten by what is left of it
    tolerance : (m, 2^n), up to which an equation may be missed
    most : iterations

    Returns
    -------
    w, (m, 2^n), and the number of iterations.
    """
    models, size = miss.shape
    solution, direction, image = np.zeros((models, size)), weights * miss, np.empty((models, size))
    pulled, moved = np.empty((2, models, size)), np.empty((2, size))
    length = _square(miss, weights)
    for iteration in range(most):
        if _farther(miss, tolerance) == 0:
            return solution, iteration
        _through(moves, direction, pulled, moved, image)
        curvature = 0.0
        for i in range(models):
            curvature += rows.dot(direction[i], image[i])
        if not curvature > 0:
            break
        for i in range(models):
            rows.add_multiple(length / curvature, direction[i], solution[i])
            rows.add_multiple(-length / curvature, image[i], miss[i])
        before, length = length, _square(miss, weights)
        for i in range(models):
            image[i] = weights[i] * miss[i]
            rows.next_direction(image[i], length / before, direction[i])
    return solution, most


@njit(**ENTRY)
def gram(within, outside, total, models, coalitions):
    """Lower triangle of Φ·moves·Φᵀ for some rows of Φ, (R, R), from the sums of `polish._gram`.

    Parameters
    ----------
    within, outside : (m, m, 2^n)
    total : (m, m)
    models, coalitions : (R,), int64, of each row
    """
    products = np.empty((len(models), len(models)))
    for row in range(len(models)):
        i, s = models[row], coalitions[row]
        for column in range(row + 1):
            j, t = models[column], coalitions[column]
            apart = total[i, j] - outside[i, j, s] - outside[i, j, t]
            products[row, column] = within[i, j, s & t] + outside[i, j, s | t] + apart
    return products


@njit(**INNER)
def _square(miss, weights):
    total = 0.0
    for i in range(len(miss)):
        total += rows.dot_weighted(miss[i], weights[i])
    return total


@njit(**INNER)
def _farther(miss, tolerance):
    """How many equations are missed by more than they may; where there is none the tolerance is infinite."""
    count = 0
    for i in range(len(miss)):
        count += rows.count_above(miss[i], tolerance[i])
    return count


@njit(**INNER)
def _through(moves, values, pulled, moved, image):
    """Φ·moves·Φᵀ of values. AND: sums over supersets, then over subsets; OR: over what meets a coalition, twice."""
    models, last = len(values), values.shape[1] - 1
    sums, turned = moved[0], moved[1]
    for i in range(models):
        rows.backwards(values[i], sums)
        accumulate(sums)
        rows.backwards(sums, pulled[0, i])
        sums[:] = values[i]
        accumulate(sums)
        rows.less_backwards(sums[last], sums, pulled[1, i])
        pulled[1, i, 0] = sums[last]
    for i in range(models):
        for kind in range(2):
            sums[:] = 0
            for j in range(models):
                rows.add_product(moves[kind, i, j], pulled[kind, j], sums)
            if kind == 0:
                accumulate(sums)
                image[i] = sums
            else:
                empty = sums[0]
                sums[0] = 0
                accumulate(sums)
                rows.less_backwards(empty + sums[last], sums, turned)
                rows.add_multiple(1.0, turned, image[i])
