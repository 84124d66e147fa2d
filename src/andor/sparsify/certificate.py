"""What a solver hands back: a feasible point, a lower bound of the optimum, and how far apart they are.

Everything here is float64 and evaluated at the point that is returned.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from andor.sparsify.problem import Problem
from andor.transforms import and_inverse_adjoint, and_transform, or_inverse_adjoint, or_transform

ADVICE = {
    "optimal": "the certified gap is at most the one asked for",
    "closed_form": "nothing was learned; the interactions follow from the values",
    "max_iterations": "the iterations ran out before the gap was reached; allow more, or ask for a wider gap",
}


@dataclass(frozen=True, eq=False)
class Result:
    """Interactions of B samples under m models, and the proof of how near they are to the optimum.

    Attributes
    ----------
    i_and, i_or : (B, m, 2^n), low orders not merged; they reproduce `values + epsilon` on every coalition
    gamma_bar : (B, 2^n), the part of γ that the models share
    gamma_hat, epsilon : (B, m, 2^n), |gamma_hat| ≤ tau and |epsilon| ≤ kappa
    objective, lower_bound, gap : (B,), gap = (objective − lower_bound)/objective, 0 for objective 0
    status : (B,) names, the keys of `ADVICE`
    iterations : (B,)
    seconds : (B,), wall time of the batch over its samples
    solver : its name
    """

    i_and: np.ndarray
    i_or: np.ndarray
    gamma_bar: np.ndarray
    gamma_hat: np.ndarray
    epsilon: np.ndarray
    objective: np.ndarray
    lower_bound: np.ndarray
    gap: np.ndarray
    status: np.ndarray
    iterations: np.ndarray
    seconds: np.ndarray
    solver: str

    @property
    def advice(self) -> list[str]:
        """What each sample's status means and what to do about it."""
        return [ADVICE[status] for status in self.status]

    def merged(self, models: int) -> Result:
        """Join results of problems that were solved one model at a time: sums of objectives and bounds."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}

        def per_sample(name: str) -> np.ndarray:
            return arrays[name].reshape(-1, models, *arrays[name].shape[1:])

        objective, lower = per_sample("objective").sum(1), per_sample("lower_bound").sum(1)
        worst = per_sample("gap").argmax(1)
        bar = per_sample("gamma_bar")
        return replace(
            self,
            i_and=per_sample("i_and")[:, :, 0],
            i_or=per_sample("i_or")[:, :, 0],
            gamma_bar=np.zeros_like(bar[:, 0]),
            gamma_hat=bar + per_sample("gamma_hat")[:, :, 0],
            epsilon=per_sample("epsilon")[:, :, 0],
            objective=objective,
            lower_bound=lower,
            gap=relative_gap(objective, lower),
            status=np.take_along_axis(per_sample("status"), worst[:, None], 1)[:, 0],
            iterations=per_sample("iterations").max(1),
            seconds=per_sample("seconds").sum(1),
        )


def finish(
    problem: Problem,
    v_and: np.ndarray,
    v_or: np.ndarray,
    lower_bound: np.ndarray,
    *,
    gap: float,
    iterations: np.ndarray,
    seconds: float,
    solver: str,
) -> Result:
    """Make a solver's point exactly feasible and say how good it is.

    Parameters
    ----------
    v_and, v_or : (B, m, 2^n), as near to feasible as the solver came
    lower_bound : (B,)
    gap : asked for
    iterations : (B,)
    seconds : wall time of all samples
    """
    gamma_bar, gamma_hat, epsilon = feasible(problem, v_and, v_or)
    half, gamma = 0.5 * (problem.values + epsilon), gamma_bar[:, None] + gamma_hat
    i_and, i_or = and_transform(half + gamma), or_transform(half - gamma)
    objective = problem.objective(i_and, i_or)
    # Rounding must not leave the traces of an interaction that is 0: all that is cut off here changes no value by more
    # than a millionth of the largest.
    negligible = 1e-6 * np.abs(problem.values).max((1, 2)) / (2 * half.shape[-1])
    for interactions in (i_and, i_or):
        interactions[np.abs(interactions) <= negligible[:, None, None]] = 0
    lower_bound = np.clip(lower_bound, 0, objective)
    reached = relative_gap(objective, lower_bound)
    return Result(
        i_and=i_and,
        i_or=i_or,
        gamma_bar=gamma_bar,
        gamma_hat=gamma_hat,
        epsilon=epsilon,
        objective=objective,
        lower_bound=lower_bound,
        gap=reached,
        status=np.where(reached <= gap, "optimal", "max_iterations"),
        iterations=np.asarray(iterations),
        seconds=np.full(len(half), seconds / len(half)),
        solver=solver,
    )


def closed_form(problem: Problem, seconds: float = 0.0) -> Result:
    """The result where nothing is learned: all is AND, or half goes to each kind."""
    values = problem.values
    gamma = 0.5 * values if problem.method == "original" else np.zeros_like(values)
    i_and, i_or = and_transform(0.5 * values + gamma), or_transform(0.5 * values - gamma)
    objective = problem.objective(i_and, i_or)
    return Result(
        i_and=i_and,
        i_or=i_or,
        gamma_bar=np.zeros_like(values[:, 0]),
        gamma_hat=gamma,
        epsilon=np.zeros_like(values),
        objective=objective,
        lower_bound=objective,
        gap=np.zeros_like(objective),
        status=np.full(len(values), "closed_form"),
        iterations=np.zeros(len(values), dtype=int),
        seconds=np.full(len(values), seconds / len(values)),
        solver="closed_form",
    )


def relative_gap(objective: np.ndarray, lower_bound: np.ndarray) -> np.ndarray:
    """(objective − lower bound)/objective, 0 where the objective is 0."""
    return np.divide(objective - lower_bound, objective, out=np.zeros_like(objective), where=objective > 0)


def feasible(problem: Problem, v_and: np.ndarray, v_or: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """γ̄, γ̂ and ε of the feasible point nearest to a split of the values."""
    split = torch.as_tensor(np.stack((v_and, v_or)))
    values, kappa, tau = (torch.as_tensor(a) for a in (problem.values, problem.kappa, problem.tau[..., None]))
    v_and, v_or = project(split, values, kappa, tau).numpy()
    kappa, tau = problem.kappa, problem.tau[..., None]
    epsilon = np.clip(v_and + v_or - problem.values, -kappa, kappa)
    gamma = 0.5 * (v_and - v_or)
    # The shared part is the models' mean where that is allowed, else the nearest allowed number.
    gamma_bar = np.clip(gamma.mean(1), (gamma - tau).max(1), (gamma + tau).min(1))
    return gamma_bar, np.clip(gamma - gamma_bar[:, None], -tau, tau), epsilon


def project(split: torch.Tensor, values: torch.Tensor, kappa: torch.Tensor, tau: torch.Tensor) -> torch.Tensor:
    """Nearest (v_and, v_or), stacked along the first axis, with |v_and + v_or − v| ≤ κ and γ's distance bounded by τ.

    Shapes (2, B, m, 2^n), (B, m, 2^n), (B, m, 1 or 2^n) and (B, m, 1).
    """
    total = split[0] + split[1]
    half = 0.5 * torch.clamp(total, values - kappa, values + kappa)
    gamma = _close(0.5 * (split[0] - split[1]), tau)
    return torch.stack((half + gamma, half - gamma))


def _close(gamma: torch.Tensor, tau: torch.Tensor) -> torch.Tensor:
    """Nearest γ of which all models' lie within their τ of one number, for each coalition."""
    models = gamma.shape[-2]
    if models == 1 or (bool(torch.isinf(tau).any()) and models == 2):
        return gamma
    if models == 2:
        bound = tau.sum(-2, keepdim=True)
        difference = gamma[..., :1, :] - gamma[..., 1:, :]
        excess = 0.5 * (difference - torch.clamp(difference, -bound, bound))
        return torch.cat((gamma[..., :1, :] - excess, gamma[..., 1:, :] + excess), -2)
    apart = (gamma - tau).amax(-2) > (gamma + tau).amin(-2)
    if not bool(apart.any()):
        return gamma
    where = apart.nonzero(as_tuple=True)
    g = gamma.movedim(-2, -1)[where]
    t = tau.expand_as(gamma).movedim(-2, -1)[where]
    # The common number c makes Σ_i soft(c − γ_i, τ_i) = 0, which is piecewise linear in c: find the piece.
    knots = torch.cat((g - t, g + t), -1).clamp(-1e30, 1e30).sort(-1).values
    offset = knots[..., None] - g[..., None, :]
    slope_sum = (offset - torch.maximum(torch.minimum(offset, t[..., None, :]), -t[..., None, :])).sum(-1)
    last = (slope_sum <= 0).sum(-1).clamp(1, knots.shape[-1] - 1)[..., None]
    left, right = knots.gather(-1, last - 1), knots.gather(-1, last)
    f_left, f_right = slope_sum.gather(-1, last - 1), slope_sum.gather(-1, last)
    common = left - f_left * (right - left) / (f_right - f_left).clamp_min(torch.finfo(g.dtype).tiny)
    g = torch.maximum(torch.minimum(g, common + t), common - t)
    result = gamma.movedim(-2, -1).clone()
    result[where] = g
    return result.movedim(-1, -2)


def ball_scale(y: torch.Tensor, of_max: float, of_sum: float) -> torch.Tensor:
    """Largest factor, at most 1, that brings duals (2, B, m, 2^n) into the dual ball of the objective: shape (B,).

    The ball of of_max·max + of_sum·Σ is, per coalition, Σ_i (|y_i| − of_sum)₊ ≤ of_max: the k largest |y_i| sum to at
    most of_max + k·of_sum, for every k.
    """
    largest = y.abs().sort(dim=-2, descending=True).values.cumsum(-2)
    count = torch.arange(1, y.shape[-2] + 1, dtype=y.dtype, device=y.device)[:, None]
    allowed = of_max + of_sum * count
    return (largest / allowed).amax((0, 2, 3)).clamp_min(1).reciprocal()


def lower_bound(problem: Problem, forces: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """A lower bound of the optimum from multipliers of the constraints on (v_and, v_or).

    For any forces w on (v_and, v_or) the duals y = −K^{-T} w of the interactions, scaled into the dual ball, give
    objective ≥ ⟨y, K x⟩ = −⟨w, x⟩ for every feasible x, whose minimum is known. γ̄ being free, w must not depend on it;
    it is made so here, and what rounding leaves is charged at the largest |γ̄| that a better point could have.

    Parameters
    ----------
    forces : (2, B, m, 2^n), float64
    upper : (B,), objective of any feasible point

    Returns
    -------
    (B,)
    """

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(array, device=forces.device)

    values, kappa, tau = tensor(problem.values), tensor(problem.kappa), tensor(problem.tau)[..., None]
    push, pull = 0.5 * (forces[0] + forces[1]), 0.5 * (forces[0] - forces[1])  # on v_and + v_or and on γ
    bounded = torch.isfinite(tau)
    pull = torch.where(bounded, pull, 0)
    pull = torch.where(bounded, pull - pull.sum(1, keepdim=True) / bounded.sum(1, keepdim=True).clamp_min(1), 0)
    w = torch.stack((push + pull, push - pull))
    y = torch.stack((and_inverse_adjoint(w[0]), or_inverse_adjoint(w[1])))
    of_max, of_sum = problem.weights
    w = w * -ball_scale(y, of_max, of_sum)[:, None, None]
    on_sum, on_gamma = 0.5 * (w[0] + w[1]), w[0] - w[1]
    # A better point has Σ_S |I_i(S)| ≤ upper/(of_max + of_sum) for each model, so |γ_i| and |γ̄| are at most half that.
    largest = (0.5 * upper / (of_max + of_sum))[:, None, None]
    gain = on_sum * values - on_sum.abs() * kappa - on_gamma.abs() * torch.minimum(tau, 2 * largest)
    return gain.sum((1, 2)) - on_gamma.sum(1).abs().sum(-1) * largest[:, 0, 0]
