"""What a solver hands back: a feasible point, a lower bound of the optimum, and how far apart they are.

Everything here is float64 and evaluated at the point that is returned.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from andor.game.transforms import and_transform, or_transform
from andor.sparsify.problem import Problem

ADVICE = {
    "optimal": "the certified gap is at most the one asked for",
    "closed_form": "nothing was learned; the interactions follow from the values",
    "uncertified": "this solver gives no lower bound; compare its objective with that of first_order",
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
    others : other solutions, certified by the same lower bound to a wider gap; status says where that is not reached
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
    others: tuple[Result, ...] = ()

    @property
    def advice(self) -> list[str]:
        """Meaning of each sample's status, and what to do about it."""
        return [ADVICE[status] for status in self.status]

    def merged(self, models: int) -> Result:
        """Join problems that were solved one model at a time: objectives and bounds add up, γ is each model's own."""
        arrays = {
            f.name: getattr(self, f.name).reshape(-1, models, *getattr(self, f.name).shape[1:])
            for f in fields(self)
            if f.name not in ("solver", "others")
        }
        objective, lower_bound = arrays["objective"].sum(1), arrays["lower_bound"].sum(1)
        worst = arrays["gap"].argmax(1)[:, None]
        return replace(
            self,
            i_and=arrays["i_and"][:, :, 0],
            i_or=arrays["i_or"][:, :, 0],
            gamma_bar=np.zeros_like(arrays["gamma_bar"][:, 0]),
            gamma_hat=arrays["gamma_bar"] + arrays["gamma_hat"][:, :, 0],
            epsilon=arrays["epsilon"][:, :, 0],
            objective=objective,
            lower_bound=lower_bound,
            gap=relative_gap(objective, lower_bound),
            status=np.take_along_axis(arrays["status"], worst, 1)[:, 0],
            iterations=arrays["iterations"].max(1),
            seconds=arrays["seconds"].sum(1),
            others=tuple(other.merged(models) for other in self.others),
        )


def certify(
    problem: Problem,
    split: np.ndarray,
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
    split : (2, B, m, 2^n), v_and and v_or, as near to feasible as the solver came
    lower_bound : (B,)
    gap : asked for
    iterations : (B,)
    seconds : wall time of all samples
    """
    values, kappa, tau = problem.values, problem.kappa, problem.tau[..., None]
    epsilon = np.clip(split[0] + split[1] - values, -kappa, kappa)
    gamma = 0.5 * (split[0] - split[1])
    # The shared part is the models' mean where that is allowed, else the nearest allowed number.
    gamma_bar = np.clip(gamma.mean(1), (gamma - tau).max(1), (gamma + tau).min(1))
    gamma_hat = np.clip(gamma - gamma_bar[:, None], -tau, tau)

    half, gamma = 0.5 * (values + epsilon), gamma_bar[:, None] + gamma_hat
    i_and, i_or = and_transform(half + gamma), or_transform(half - gamma)
    objective = problem.objective(i_and, i_or)
    # Rounding must not leave traces of interactions that are 0. All that is cut off here together changes no value by
    # more than a millionth of the largest.
    negligible = 1e-6 * np.abs(values).max((1, 2), keepdims=True) / (2 * values.shape[-1])
    for interactions in (i_and, i_or):
        interactions[np.abs(interactions) <= negligible] = 0
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
        seconds=np.full(len(values), seconds / len(values)),
        solver=solver,
    )


def closed_form(problem: Problem) -> Result:
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
        seconds=np.zeros(len(values)),
        solver="closed_form",
    )


def relative_gap(objective: np.ndarray, lower_bound: np.ndarray) -> np.ndarray:
    """(objective − lower bound)/objective, 0 where the objective is 0."""
    return np.divide(objective - lower_bound, objective, out=np.zeros_like(objective), where=objective > 0)
