"""The problem as a linear program for HiGHS: for checks and small n."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
import torch
from scipy.optimize import linprog

from andor.errors import UserError
from andor.sparsify.certificate import Result, certify
from andor.sparsify.problem import Problem
from andor.sparsify.terms import Terms, transform, transform_adjoint

LIMIT = 2**14  # values of a sample; at n = 10 and two models HiGHS takes about 20 s


def solve(problem: Problem, gap: float = 0.01, max_iterations: int | None = None, device: str = "cpu") -> Result:
    """Solve every sample to optimality with HiGHS's interior point method and crossover.

    Parameters
    ----------
    problem : Problem
    gap : at which the status calls a sample optimal; the solution is as exact as HiGHS makes it in any case
    max_iterations : of HiGHS
    device : ignored; HiGHS runs on the CPU

    Raises
    ------
    UserError
        If the problem is too large.
    """
    batch, models, size = problem.values.shape
    if models * size > LIMIT:
        raise UserError(
            f"solver is `exact` and a sample has {models} x {size} values, more than {LIMIT}; choose first_order"
        )
    start = time.perf_counter()
    scale = np.abs(problem.values).max((1, 2))
    scale[scale == 0] = 1
    terms = Terms.of(problem, scale)
    split, duals, iterations = np.zeros((2, 2, batch, models, size)), None, np.zeros(batch, dtype=int)
    split, duals = split
    for sample in range(batch):
        one = terms.take(torch.tensor([sample]))
        split[:, sample], duals[:, sample], iterations[sample] = _run(one, max_iterations)
    upper = terms.objective(transform(terms.project(torch.as_tensor(split))))
    duals = torch.as_tensor(duals)
    lower = terms.lower_bound(transform_adjoint(duals), upper, duals).numpy()
    return certify(
        problem, split * scale[:, None, None], lower * scale,
        gap=gap, iterations=iterations, seconds=time.perf_counter() - start, solver="exact",
    )  # fmt: skip


@dataclass
class _Program:
    """Columns with costs and bounds, and sparse rows, of a linear program in the making."""

    cost: list[np.ndarray] = field(default_factory=list)
    low: list[np.ndarray] = field(default_factory=list)
    high: list[np.ndarray] = field(default_factory=list)
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    columns: int = 0
    rows: int = 0

    def add_columns(self, count: int, cost: float | np.ndarray = 0, low: float | np.ndarray = -np.inf,
                    high: float | np.ndarray = np.inf) -> np.ndarray:  # fmt: skip
        for store, value in ((self.cost, cost), (self.low, low), (self.high, high)):
            store.append(np.broadcast_to(np.asarray(value, dtype=float), count))
        self.columns += count
        return np.arange(self.columns - count, self.columns)

    def add_rows(self, *terms: tuple[np.ndarray, float | np.ndarray]) -> np.ndarray:
        """Rows Σ coefficient·column; the right-hand sides are 0."""
        count = len(terms[0][0])
        rows = np.arange(self.rows, self.rows + count)
        for columns, coefficient in terms:
            self.entries.append((rows, columns, np.broadcast_to(np.asarray(coefficient, dtype=float), count)))
        self.rows += count
        return rows

    def matrix(self, rows: int) -> sp.csr_array:
        row, column, value = (np.concatenate(parts) for parts in zip(*self.entries, strict=True))
        return sp.csr_array((value, (row, column)), shape=(rows, self.columns))


def _run(terms: Terms, max_iterations: int | None) -> tuple[np.ndarray, np.ndarray, int]:
    """Split and duals of the interactions of one sample, (2, m, 2^n) each, and HiGHS's iterations."""
    values, kappa, tau = (
        terms.values[0].numpy(),
        terms.kappa.expand_as(terms.values)[0].numpy(),
        terms.tau[0, :, 0].numpy(),
    )
    counted = np.ones((2, 1)) if terms.counted is None else terms.counted[:, 0, 0].numpy().astype(float)
    models, size = values.shape
    program = _Program()
    shared = program.add_columns(size)
    splits, strengths, links = [], [[], []], []
    for i in range(models):
        v_and, v_or = program.add_columns(size), program.add_columns(size)
        total = program.add_columns(size, low=values[i] - kappa[i], high=values[i] + kappa[i])
        program.add_rows((v_and, 1), (v_or, 1), (total, -1))
        if terms.is_coupled and np.isfinite(tau[i]):
            own = program.add_columns(size, low=-tau[i], high=tau[i])
            program.add_rows((v_and, 0.5), (v_or, -0.5), (shared, -1), (own, -1))
        if np.isfinite(terms.limit):
            gamma = program.add_columns(size, low=-terms.limit, high=terms.limit)
            program.add_rows((v_and, 0.5), (v_or, -0.5), (gamma, -1))
        splits.append((v_and, v_or))
        sign = np.where(np.arange(size) == 0, 1, -1)
        of_or = _differences(program, v_or[::-1])
        of_or[0] = v_or[0]
        for kind, (transformed, signs) in enumerate(((_differences(program, v_and), 1), (of_or, sign))):
            weight = terms.of_sum + (terms.of_max if models == 1 else 0)
            parts = [program.add_columns(size, cost=weight * counted[kind], low=0) for _ in range(2)]
            links.append(program.add_rows((parts[0], 1), (parts[1], -1), (transformed, -signs)))
            strengths[kind].append(parts)
    bounds = _Program()
    if models > 1 and terms.of_max:
        for kind in range(2):
            largest = program.add_columns(size, cost=terms.of_max * counted[kind], low=0)
            for plus, minus in strengths[kind]:
                bounds.add_rows((plus, 1), (minus, 1), (largest, -1))
    bounds.columns = program.columns
    options = {} if max_iterations is None else {"maxiter": max_iterations}
    answer = linprog(
        np.concatenate(program.cost),
        A_ub=bounds.matrix(bounds.rows) if bounds.rows else None,
        b_ub=np.zeros(bounds.rows) if bounds.rows else None,
        A_eq=program.matrix(program.rows),
        b_eq=np.zeros(program.rows),
        bounds=np.stack((np.concatenate(program.low), np.concatenate(program.high)), 1),
        method="highs-ipm",
        options=options,
    )
    if answer.x is None:
        half = 0.5 * values
        return np.stack((half, half)), np.zeros((2, models, size)), answer.nit
    split = np.stack([[answer.x[columns] for columns in pair] for pair in splits], 1)
    duals = np.stack([answer.eqlin.marginals[rows] for rows in links]).reshape(models, 2, size).swapaxes(0, 1)
    return split, duals, answer.nit


def _differences(program: _Program, columns: np.ndarray) -> np.ndarray:
    """Columns of the subset differences Σ_{T⊆S} (−1)^(|S|−|T|) of `columns`: a butterfly, three entries a row."""
    columns = columns.copy()
    masks = np.arange(len(columns))
    for player in range(len(columns).bit_length() - 1):
        present = masks[masks >> player & 1 == 1]
        new = program.add_columns(len(present))
        program.add_rows((new, 1), (columns[present], -1), (columns[present ^ 1 << player], 1))
        columns[present] = new
    return columns
