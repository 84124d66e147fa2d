"""One measurement of the default solver of the `andor` that is found first, as JSON: see `sparsify.py states`.

    PYTHONPATH=SOURCE python benchmarks/sparsify_case.py planted|real|null PLAYERS MODELS SAMPLES GAP

Time is the processor's, on one thread, beside wall time. What is compiled, or read when it is used first, is so before.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch
from machine import peak_mb
from sparsify import ALPHA, planted_problem, real_problem, warm_up

from andor.sparsify import Problem, solve


def null_problem(draws: int, samples: int) -> Problem:
    """Real games, one of whose models has its players renamed, `draws` times each."""
    real, random = real_problem(), np.random.default_rng(0)
    values = real.values[:samples]
    games = np.repeat(values[None], draws, axis=0)
    players = np.arange(real.players)
    for game in games:
        renamed = (np.arange(values.shape[-1])[:, None] >> random.permutation(players) & 1) @ (1 << players)
        game[:, 1] = game[:, 1][:, renamed]
    kappa, tau = (np.tile(bound[:samples].reshape(samples, -1), (draws, 1)) for bound in (real.kappa, real.tau))
    return Problem(games.reshape(-1, *values.shape[1:]), alpha=ALPHA, kappa=kappa, tau=tau)


def main() -> None:
    kind, (n, models, samples), gap = sys.argv[1], map(int, sys.argv[2:5]), float(sys.argv[5])
    torch.set_num_threads(1)
    if kind == "null":
        problem = null_problem(samples, 12)
    else:
        problem = planted_problem(samples, n, models) if kind == "planted" else real_problem()
    warm_up()
    before, wall, spent = peak_mb(), time.perf_counter(), time.process_time()
    result = solve(problem, gap=gap)
    spent, wall = time.process_time() - spent, time.perf_counter() - wall
    count = len(result.gap)
    report = {
        "case": " ".join(sys.argv[1:]),
        "games": count,
        "processor_seconds_per_game": spent / count,
        "wall_seconds_per_game": wall / count,
        "largest_gap": float(result.gap.max()),
        "mean_iterations": float(result.iterations.mean()),
        "objective": float(result.objective.sum()),
        "lower_bound": float(result.lower_bound.sum()),
        "interactions_per_game": float(((result.i_and != 0).sum() + (result.i_or != 0).sum()) / count),
        "peak_mb_beyond_imports": peak_mb() - before,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
