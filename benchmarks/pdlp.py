"""The default solver beside two general ones for linear programs, on the same real samples, in one run.

    python benchmarks/pdlp.py PYTHON [SAMPLES]

PYTHON has OR-tools (`pip install ortools scipy`, in an environment of its own), whose PDLP is a first-order method
too. HiGHS and PDLP read the same program, on one thread; what they answer is certified by the same code, so that each
gap is a proved one. Writes its entry of sparsify.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import scipy.sparse as sp

HERE = Path(__file__).parent
TOLERANCES = (1e-2, 1e-3, 1e-4)  # of PDLP: of residuals and gap, relative to the program's norms


def pdlp(path: str, tolerance: float) -> None:
    """In the environment of OR-tools: solve the program in a file, and put the answer beside it."""
    from ortools.pdlp import solve_log_pb2, solvers_pb2
    from ortools.pdlp.python import pdlp as library

    given = np.load(path)
    matrix = sp.csc_matrix((given["data"], given["indices"], given["indptr"]), shape=given["shape"])
    program = library.QuadraticProgram()
    program.objective_vector = given["cost"]
    program.constraint_matrix = matrix
    program.constraint_lower_bounds, program.constraint_upper_bounds = given["least"], given["most"]
    program.variable_lower_bounds, program.variable_upper_bounds = given["low"], given["high"]
    options = solvers_pb2.PrimalDualHybridGradientParams(num_threads=1)
    criteria = options.termination_criteria.simple_optimality_criteria
    criteria.eps_optimal_relative, criteria.eps_optimal_absolute = tolerance, 1e-2 * tolerance
    options.termination_criteria.time_sec_limit = 600
    start = time.perf_counter()
    found = library.primal_dual_hybrid_gradient(program, options)
    seconds = time.perf_counter() - start
    reason = solve_log_pb2.TerminationReason.Name(found.solve_log.termination_reason)
    np.savez(path, x=found.primal_solution, y=found.dual_solution, seconds=seconds, reason=reason,
             iterations=found.solve_log.iteration_count)  # fmt: skip


def main() -> None:
    python, samples = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    os.environ["OMP_NUM_THREADS"] = "1"
    from sparsify import RESULTS, one_sample, real_problem, timed, warm_up

    from andor.sparsify.solvers import exact

    highs, problem, rows = exact.linprog, real_problem(), []
    asked = SimpleNamespace(tolerance=None, seconds=0.0, reason="")

    def instead(cost: np.ndarray, **program) -> SimpleNamespace:
        matrix = sp.csc_matrix(sp.vstack((program["A_eq"], program["A_ub"])))
        b_eq, b_ub, bounds = (program[name] for name in ("b_eq", "b_ub", "bounds"))
        least = np.concatenate((b_eq, np.full(len(b_ub), -np.inf)))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "program.npz"
            np.savez(path, cost=cost, data=matrix.data, indices=matrix.indices, indptr=matrix.indptr,
                     shape=matrix.shape, least=least, most=np.concatenate((b_eq, b_ub)), low=bounds[:, 0],
                     high=bounds[:, 1])  # fmt: skip
            subprocess.run([python, __file__, "pdlp", str(path), repr(asked.tolerance)], check=True)
            answer = np.load(path)
            asked.seconds, asked.reason = float(answer["seconds"]), str(answer["reason"])
            duals = SimpleNamespace(marginals=answer["y"][: len(b_eq)])
            return SimpleNamespace(x=answer["x"], nit=int(answer["iterations"]), eqlin=duals)

    warm_up()
    for sample in range(samples):
        one = one_sample(problem, sample)
        for name, gap in (
            ("ours", 0.01),
            ("ours", 0.001),
            ("ours", 1e-4),
            ("highs", None),
            *(("pdlp", t) for t in TOLERANCES),
        ):
            asked.tolerance, exact.linprog = gap, instead if name == "pdlp" else highs
            result, seconds = timed(one, gap=gap) if name == "ours" else timed(one, "exact")
            rows.append({"sample": sample, "solver": name, "asked": gap, "objective": float(result.objective[0]),
                         "lower_bound": float(result.lower_bound[0]), "gap": float(result.gap[0]),
                         "iterations": int(result.iterations[0]),
                         "seconds": asked.seconds if name == "pdlp" else seconds})  # fmt: skip
            if name == "pdlp":
                rows[-1]["said"] = asked.reason
            print(rows[-1], flush=True)
    results = json.loads(RESULTS.read_text())
    RESULTS.write_text(json.dumps({**results, "general": rows}, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "pdlp":
        pdlp(sys.argv[2], float(sys.argv[3]))
    else:
        main()
