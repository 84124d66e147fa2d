"""One way in for all solvers."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from andor.errors import UserError
from andor.sparsify import exact, first_order, sgd
from andor.sparsify.certificate import Result, closed_form
from andor.sparsify.problem import Problem, kappa_bounds

if TYPE_CHECKING:
    from andor.config import Method

SOLVERS = {"first_order": first_order.solve, "exact": exact.solve, "sgd": sgd.solve}


def solve(problem: Problem, solver: str = "first_order", gap: float = 0.01, **options: Any) -> Result:
    """Solve a problem and certify the result.

    Parameters
    ----------
    problem : Problem
    solver : first_order, exact (HiGHS, small n) or sgd (the authors' recipe, for comparison)
    gap : relative gap at which a sample counts as solved
    **options : of the solver; `max_iterations` for all

    Warns
    -----
    UserWarning
        Naming samples and gaps where the iterations ran out.
    """
    if solver not in SOLVERS:
        raise UserError(f"solver is `{solver}`; choose one of {', '.join(SOLVERS)}")
    if not 0 < gap < 1:
        raise UserError(f"gap is {gap}; give a number between 0 and 1")
    if problem.is_closed_form:
        return closed_form(problem)
    models = problem.values.shape[1]
    if problem.method == "traditional" and models > 1:
        result = SOLVERS[solver](problem.per_model(), gap=gap, **options).merged(models)
    else:
        result = SOLVERS[solver](problem, gap=gap, **options)
    late = [i for i, status in enumerate(result.status) if status == "max_iterations"]
    if late:
        gaps = ", ".join(f"{i} ({result.gap[i]:.2%})" for i in late)
        warnings.warn(f"solver {solver}: the iterations ran out before gap {gap:g} at samples {gaps}", stacklevel=2)
    return result


def stated(values: np.ndarray, method: Method, ranges: np.ndarray) -> Problem:
    """The problem that a configured method states.

    Parameters
    ----------
    values : (B, m, 2^n)
    method : a method of the configuration
    ranges : (m,), each model's mean |v(N) − v(∅)| over all samples that count, also those that are not among the B
    """
    ranges = np.asarray(ranges, dtype=float)
    if method.kappa.standard == "mean_range":
        kappa = method.kappa.factor * ranges
    else:
        kappa = kappa_bounds(values, method.kappa.standard, method.kappa.factor)
    return Problem(
        values,
        method=method.kind,
        alpha=method.alpha,
        learn=method.learn,
        kappa=kappa,
        tau=None if method.tau is None else method.tau * ranges,
    )
