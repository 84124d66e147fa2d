"""Sparse AND-OR interactions: the problem, its solvers, and the certificate that comes with every result."""

from andor.sparsify.certificate import ADVICE, Result
from andor.sparsify.problem import Problem, kappa_bounds, tau_bounds
from andor.sparsify.solve import SOLVERS, solve, stated

__all__ = ["ADVICE", "SOLVERS", "Problem", "Result", "kappa_bounds", "solve", "stated", "tau_bounds"]
