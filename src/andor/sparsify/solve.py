"""One way in for all solvers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import numpy as np

from andor.errors import UserError
from andor.sparsify import solvers
from andor.sparsify.certificate import Result, closed_form
from andor.sparsify.problem import Problem, kappa_bounds

if TYPE_CHECKING:
    from andor.config import Method

SOLVERS = tuple(sorted(module.name for module in iter_modules(solvers.__path__)))
"""Names of the modules of `andor.sparsify.solvers`."""


def solve(problem: Problem, solver: str = "first_order", gap: float = 0.01, **options: Any) -> Result:
    """Solve a problem and certify the result.

    Methods that treat models apart (*traditional*) are solved to the gap for every model; the result adds them up.

    Parameters
    ----------
    problem : Problem
    solver : first_order, exact (HiGHS, small n) or sgd (the authors' recipe, for comparison)
    gap : relative gap at which a sample counts as solved
    **options : of the solver; `max_iterations` and `device` for all

    Raises
    ------
    UserError
        If there is no such solver, the gap is none, or the problem is too large for the solver.

    Warns
    -----
    UserWarning
        Naming samples and gaps where the iterations ran out.
    """
    if solver not in SOLVERS:
        raise UserError(f"solver is `{solver}`; choose one of {', '.join(SOLVERS)}")
    if not 0 < gap < 1:
        raise UserError(f"gap is {gap}; give a number between 0 and 1")
    models = problem.values.shape[1]
    if problem.is_closed_form:
        result = closed_form(problem)
    elif problem.method == "traditional" and models > 1:
        result = _solver(solver)(problem.per_model(), gap=gap, **options).merged(models)
    else:
        result = _solver(solver)(problem, gap=gap, **options)
    late = [i for i, status in enumerate(result.status) if status == "max_iterations"]
    if late:
        gaps = ", ".join(f"{i} ({result.gap[i]:.2%})" for i in late)
        warnings.warn(f"solver {solver}: the iterations ran out before gap {gap:g} at samples {gaps}", stacklevel=2)
    return result


def _solver(name: str) -> Callable[..., Result]:
    """Imported when it is needed: HiGHS takes a second, torch three, and there are jobs by the hundred."""
    return import_module(f"{solvers.__name__}.{name}").solve


def stated(values: np.ndarray, method: Method, ranges: np.ndarray) -> Problem:
    """The problem that a configured method states for some samples.

    Parameters
    ----------
    values : (B, m, 2^n)
    method : of the configuration
    ranges : (m,), each model's mean |v(N) − v(∅)| over all samples that count, not only these B
    """
    standard, factor = method.kappa.standard, method.kappa.factor
    ranges = np.asarray(ranges, dtype=float)
    return Problem(
        values,
        method=method.kind,
        alpha=method.alpha,
        learn=method.learn,
        kappa=factor * ranges if standard == "mean_range" else kappa_bounds(values, standard, factor),
        tau=None if method.tau is None else method.tau * ranges,
    )
