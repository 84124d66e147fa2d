"""From a nearly feasible sparse point to a feasible one with few interactions."""

from __future__ import annotations

import torch

from andor.game.transforms import and_inverse
from andor.sparsify.terms import Terms, invert, invert_adjoint, transform

LARGEST = 4096  # rows of the dense systems, 128 MB each
ROUNDS = 3
REACHES = (0.05, 0.3)
"""Those to try one after the other: the fewest interactions first."""


def polish(
    terms: Terms, z: torch.Tensor, forces: torch.Tensor, reach: float
) -> tuple[torch.Tensor, torch.Tensor] | None:
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

    Returns
    -------
    A feasible split (2, 1, m, 2^n) and its objective (1,), or None if the equations are too many.
    """
    push = 0.5 * (forces[0] + forces[1])[0]
    tight = push.abs() > 1e-3 * push.abs().max()
    values, kappa = terms.values[0], terms.kappa.expand_as(terms.values)[0]
    side = torch.where(tight, torch.sign(push), 0)  # 1 where v_and + v_or is held up at v − κ, −1 where down at v + κ
    slack = (1 - terms.gauge(invert_adjoint(forces))).clamp_min(0)
    if terms.counted is not None:
        slack = slack * terms.counted[:, :, 0]  # what is not counted may move freely
    solved = _solve(z[:, 0], _moves(z[:, 0], slack[:, 0], reach), values, kappa, side)
    if solved is None:
        return None
    split = terms.repair(invert(solved)[:, None])
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
    z: torch.Tensor, moves: torch.Tensor, values: torch.Tensor, kappa: torch.Tensor, side: torch.Tensor
) -> torch.Tensor | None:
    """The nearest allowed z, in the metric of the moves, (2, m, 2^n)."""
    for _ in range(ROUNDS):
        total = invert(z).sum(0)
        target = torch.where(side != 0, values - side * kappa, torch.clamp(total, values - kappa, values + kappa))
        miss = target - total
        wrong = miss.abs() > 1e-11
        if not bool(wrong.any()):
            break
        side = torch.where(wrong & (side == 0), torch.sign(miss), side)
        rows = side != 0
        if int(rows.sum()) > LARGEST:
            return None
        gram = _gram(moves, rows)
        gram.diagonal().add_(1e-10 * gram.diagonal().mean())
        factor, failed = torch.linalg.cholesky_ex(gram)
        if int(failed):
            return None
        weights = torch.zeros_like(values)
        weights[rows] = torch.cholesky_solve(miss[rows][:, None], factor)[:, 0]
        pulled = invert_adjoint(torch.stack((weights, weights)))
        z = z + (moves * pulled[:, None]).sum(2)
    return z


def _gram(moves: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Φ·moves·Φᵀ for the chosen rows of Φ = (K_and⁻¹, K_or⁻¹), without Φ.

    Row S of the AND part is 1 at the subsets of S, so its product with row T sums over the subsets of S∩T; row S of the
    OR part is 1 at ∅ and at all T that meet S: the sum over all, less those outside S, less those outside T, plus those
    outside both.
    """
    within = and_inverse(moves[0])
    nonempty = moves[1].clone()
    nonempty[..., 0] = 0
    outside = and_inverse(nonempty).flip(-1)  # outside[S]: over the nonempty subsets of N∖S
    total = moves[1].sum(-1)
    chosen = [row.nonzero()[:, 0] for row in rows]
    starts = [0, *torch.tensor([len(s) for s in chosen]).cumsum(0).tolist()]
    gram = moves.new_empty(starts[-1], starts[-1])
    for i, s in enumerate(chosen):
        for j, t in enumerate(chosen[: i + 1]):
            block = torch.take(within[i, j], s[:, None] & t)
            block += torch.take(outside[i, j], s[:, None] | t)
            block += (total[i, j] - outside[i, j][s])[:, None]
            block -= outside[i, j][t]
            gram[starts[i] : starts[i + 1], starts[j] : starts[j + 1]] = block
    return gram  # its lower triangle
