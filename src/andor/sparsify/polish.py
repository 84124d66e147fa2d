"""From a nearly feasible sparse point to a feasible one with few interactions."""

from __future__ import annotations

from types import ModuleType

import torch

from andor.game.transforms import and_inverse
from andor.sparsify import compiled
from andor.sparsify.terms import Terms, invert, invert_adjoint, transform

ROUNDS = 3
DENSE = 800  # equations up to which a dense factorisation takes less time than conjugate gradients
STEPS = 300  # of conjugate gradients in a round: those that take more belong to attempts that fail
INSIDE = 0.1  # distance from the bounds that is aimed at, in units of κ times the gap: what is missed need not be exact
EXACT = 1e-11  # what may be missed where κ is 0, in units of the largest value
REACHES = (0.05, 0.3)
"""Those to try one after the other: the fewest interactions first."""
HOPELESS = 4.0
"""Excess over the lower bound, in units of the gap, from which a larger reach is not worth a try."""


def polish(
    terms: Terms, z: torch.Tensor, forces: torch.Tensor, reach: float, gap: float, most: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Move the interactions of one sample as little as possible until what they say of the values is allowed.

    The first-order iterates know which constraints hold with equality and which interactions are 0 long before they are
    accurate. Here those constraints become equations, and the others' slack is left alone. How far an interaction may
    move depends on what that costs: freely where it is not 0, little where it is 0 but its dual is close to the ball's
    surface, not at all elsewhere.

    Parameters
    ----------
    terms : of one sample, float64
    z : (2, 1, m, 2^n), interactions
    forces : (2, 1, m, 2^n), multipliers of the constraints on the split, signed as in `Terms.lower_bound`
    reach : interactions that are 0 may move if their dual is this close to the ball's surface, in units of its radius
    gap : that is asked for
    most : objective beyond which the attempt has failed and need not go on

    Returns
    -------
    A feasible split (2, 1, m, 2^n) and its objective (1,).
    """
    push = 0.5 * (forces[0] + forces[1])[0]
    # 1 where v_and + v_or is held up at v − κ, −1 where down at v + κ
    side = torch.where(push.abs() > 1e-3 * push.abs().max(), torch.sign(push), 0)
    slack = (1 - terms.gauge(invert_adjoint(forces))).clamp_min(0)
    if terms.counted is not None:
        slack = slack * terms.counted[:, :, 0]  # what is not counted may move freely
    moves = _moves(z[:, 0], slack[:, 0], reach)
    split = terms.repair(invert(_solve(terms, z, moves, side, INSIDE * gap, most)))
    return split, terms.objective(transform(split))


def _moves(z: torch.Tensor, slack: torch.Tensor, reach: float) -> torch.Tensor:
    """Allowed moves of each coalition's interactions, (2, m, m, 2^n): those tied at the maximum go together."""
    strength = z.abs()
    largest = strength.amax(1, keepdim=True)
    tied = (strength >= largest * (1 - 1e-6)) & (strength > 0)
    ease = (strength + 1e-3) / (slack[:, None] + 1e-2)
    alone = torch.where(strength > 0, ease, torch.where(slack[:, None] < reach, ease, 0.0))
    count = tied.sum(1, keepdim=True).clamp_min(1)
    together = (ease * tied).sum(1, keepdim=True) / count
    direction = torch.sign(z) * tied
    moves = direction[:, :, None] * direction[:, None] * (together / count)[:, :, None]
    alone = torch.where(tied, torch.where(count > 1, 0.1 * together, 0.0), alone)
    return moves + torch.diag_embed(alone.movedim(1, -1)).movedim(1, -1)


def _solve(
    terms: Terms, z: torch.Tensor, moves: torch.Tensor, side: torch.Tensor, inside: float, most: float
) -> torch.Tensor:
    """The nearest allowed z, in the metric of the moves, (2, 1, m, 2^n)."""
    values, kappa = terms.values[0], terms.kappa.expand_as(terms.values)[0]
    diagonal = _diagonal(moves)
    diagonal += 1e-10 * diagonal.mean()
    for round_ in range(ROUNDS):
        total = invert(z).sum(0)[0]
        outside = (total - values).abs() > kappa + 2 * EXACT
        if round_ and (not bool(outside.any()) or float(terms.objective(z)) > most):
            break
        side = torch.where(outside & (side == 0), torch.sign(values - total), side)
        miss = torch.where(side != 0, values - side * (1 - inside) * kappa - total, 0)
        if int((side != 0).sum()) <= DENSE:
            weights = _factorised(moves, side != 0, miss)
        else:
            tolerance = torch.where(side != 0, (0.5 * inside * kappa).clamp_min(EXACT), torch.inf)
            weights = _conjugate_gradients(moves, torch.where(side != 0, 1 / diagonal, 0), miss, tolerance)
        z = z + _moved(moves, weights)[:, None]
    return z


def _moved(moves: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """How weights of the values, (m, 2^n), move the interactions, (2, m, 2^n)."""
    return (moves * invert_adjoint(torch.stack((weights, weights)))[:, None]).sum(2)


def _factorised(moves: torch.Tensor, rows: torch.Tensor, miss: torch.Tensor) -> torch.Tensor:
    """Weights with Φ·moves·Φᵀ weights = miss in the chosen rows, for Φ = (K_and⁻¹, K_or⁻¹), of a dense matrix."""
    gram = _gram(moves, rows)
    gram.diagonal().add_(1e-10 * gram.diagonal().mean())
    factor, failed = torch.linalg.cholesky_ex(gram)
    weights = torch.zeros_like(miss)
    if not int(failed):
        weights[rows] = torch.cholesky_solve(miss[rows][:, None], factor)[:, 0]
    return weights


def _conjugate_gradients(
    moves: torch.Tensor, scale: torch.Tensor, miss: torch.Tensor, tolerance: torch.Tensor
) -> torch.Tensor:
    """The same where `scale`, the preconditioner, is not 0, to a tolerance, without any matrix."""
    kernels = _kernels(miss)
    if kernels is not None:
        arrays = (tensor.contiguous().numpy() for tensor in (moves, scale, miss, tolerance))
        return torch.as_tensor(kernels.conjugate_gradients(*arrays, STEPS)[0])
    solution, near = torch.zeros_like(miss), scale * miss
    direction, length = near, (miss * near).sum()
    for _ in range(STEPS):
        image = invert(_moved(moves, direction)).sum(0)
        curvature = (direction * image).sum()
        if not bool((miss.abs() > tolerance).any()) or not float(curvature) > 0:
            break
        solution = solution + length / curvature * direction
        miss = miss - length / curvature * image
        near = scale * miss
        before, length = length, (miss * near).sum()
        direction = near + length / before * direction
    return solution


def _kernels(values: torch.Tensor) -> ModuleType | None:
    return compiled.polishing() if values.is_cpu and values.shape[-1] >= 2**compiled.SMALLEST else None


def _diagonal(moves: torch.Tensor) -> torch.Tensor:
    """Diagonal of Φ·moves·Φᵀ, (m, 2^n): what may move of all that says something of a value.

    Of AND that is what a coalition contains, of OR what it meets: all but what lies outside, and ∅.
    """
    own = moves.diagonal(dim1=1, dim2=2).movedim(-1, 1)
    nonempty = own[1].clone()
    nonempty[..., 0] = 0
    return and_inverse(own[0]) + own[1].sum(-1, keepdim=True) - and_inverse(nonempty).flip(-1)


def _gram(moves: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Φ·moves·Φᵀ for the chosen rows of Φ = (K_and⁻¹, K_or⁻¹), without Φ.

    Row S of the AND part is 1 at the subsets of S, so its product with row T sums over the subsets of S∩T; row S of the
    OR part is 1 at ∅ and at all T that meet S: the sum over all, less those outside S, less those outside T, plus those
    outside both. Only its lower triangle is sure to be there.
    """
    within = and_inverse(moves[0])
    nonempty = moves[1].clone()
    nonempty[..., 0] = 0
    outside = and_inverse(nonempty).flip(-1)  # outside[S]: over the nonempty subsets of N∖S
    total = moves[1].sum(-1)
    models, coalitions = rows.nonzero(as_tuple=True)
    kernels = _kernels(moves)
    if kernels is not None:
        arrays = (tensor.numpy() for tensor in (within, outside, total, models, coalitions))
        return torch.as_tensor(kernels.gram(*arrays))
    i, j, s, t = models[:, None], models, coalitions[:, None], coalitions
    return within[i, j, s & t] + outside[i, j, s | t] + total[i, j] - outside[i, j, s] - outside[i, j, t]
