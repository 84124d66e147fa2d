"""What the solvers reach and how fast, each ratio measured within one run.

    python benchmarks/sparsify.py [PART …]

Parts: generalizable, objectives, traditional, exact, growth, curves, plot; all by default. Each part replaces its entry
of sparsify.json; `plot` draws sparsify.png from that file. `states OLD [CASE …]` compares this source with another, the
`src` folder OLD of a checkout: each case by both in turn, in processes of one thread; "busy" beside two that do nothing
but work. The published recipe takes a minute a sample: it is run in
full, 20,000 steps, for FULL samples of each kind; its loss on all samples comes from our own `sgd`, the same steps on
fast transforms (part `objectives`, some minutes), which ends within 0.4 % of it on those.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from andor.game.transforms import and_inverse, or_inverse
from andor.sparsify import Problem, solve, tau_bounds

sys.path.insert(0, str(Path(__file__).parent))
import published_sgd
from machine import peak_mb, processor

HERE = Path(__file__).parent
INSTANCES = HERE.parent / "tests" / "data" / "instances"
RESULTS = HERE / "sparsify.json"
A = 0.1  # the authors' weight of the sum
ALPHA = A / (1 - A)
FULL = 1  # samples of each kind on which the published recipe is run in full
GAPS = (0.01, 0.001)


def planted_games(count: int, n: int, models: int) -> np.ndarray:
    """Games of 3n AND and 3n OR interactions, half of them in all models, half in some, with 1 % noise."""
    games = np.empty((count, models, 2**n))
    for seed in range(count):
        rng = np.random.default_rng(seed)
        interactions = np.zeros((2, models, 2**n))
        for kind in interactions:
            for coalition in rng.choice(np.arange(1, 2**n), 3 * n, replace=False):
                present = np.ones(models, bool) if rng.random() < 0.5 else rng.random(models) < 0.5
                kind[:, coalition] = present * rng.normal() * (1 + 0.3 * rng.normal(size=models))
        game = and_inverse(interactions[0]) + or_inverse(interactions[1])
        noise = 0.01 * np.abs(game[:, -1:] - game[:, :1])
        games[seed] = game + noise * rng.normal(size=game.shape)
    return games


def planted_problem(count: int, n: int, models: int) -> Problem:
    values = planted_games(count, n, models)
    ranges = np.abs(values[..., -1] - values[..., 0])
    return Problem(values, alpha=ALPHA, kappa=0.02 * ranges, tau=tau_bounds(values))


def real_problem() -> Problem:
    file = np.load(INSTANCES / "real_minilm_film_reviews_n10_m2.npz", allow_pickle=False)
    return Problem(file["values"], alpha=ALPHA, kappa=file["kappa"], tau=file["tau"])


def one_sample(problem: Problem, sample: int) -> Problem:
    return Problem(
        problem.values[sample],
        problem.method,
        problem.alpha,
        kappa=problem.kappa[sample, :, 0],
        tau=problem.tau[sample],
    )


def warm_up() -> None:
    """Have what is compiled, or read when it is used first, compiled and read."""
    timed(planted_problem(1, 10, 2), gap=0.01)


def timed(problem: Problem, solver: str = "first_order", **options: float) -> tuple[object, float]:
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = solve(problem, solver, **options)
    return result, time.perf_counter() - start


def ours(problem: Problem, gap: float) -> dict[str, float]:
    result, seconds = timed(problem, gap=gap)
    return {
        "seconds_per_sample": seconds / len(result.gap),
        "largest_gap": float(result.gap.max()),
        "samples": len(result.gap),
        "samples_within_gap": int((result.gap <= gap).sum()),
        "mean_iterations": float(result.iterations.mean()),
        "objectives": result.objective.tolist(),
        "lower_bounds": result.lower_bound.tolist(),
    }


def problems() -> dict[str, Problem]:
    return {"planted": planted_problem(50, 10, 2), "real": real_problem()}


def generalizable() -> dict[str, object]:
    """Seconds per sample of the default solver and of the published recipe."""
    report = {}
    for name, problem in problems().items():
        entry = {f"gap {gap:g}": ours(problem, gap) for gap in GAPS}
        runs = []
        for sample in range(FULL):
            loss, spent = published_sgd.joint(
                problem.values[sample], problem.kappa[sample, :, 0], problem.tau[sample], A
            )
            runs.append({"sample": sample, "objective": loss / (1 - A), "seconds": spent})
        entry["published in full"] = runs
        for gap in GAPS:
            mine = entry[f"gap {gap:g}"]
            mine["times_faster_than_published"] = (
                float(np.mean([run["seconds"] for run in runs])) / mine["seconds_per_sample"]
            )
        report[name] = entry
    return report


def objectives() -> dict[str, object]:
    """What the recipe's steps end at on every sample, by our own `sgd`, beside the default solver."""
    report = {}
    for name, problem in problems().items():
        fast, seconds = timed(problem, "sgd")
        entry = {"sgd_seconds_per_sample": seconds / len(fast.objective), "sgd": fast.objective.tolist()}
        for gap in GAPS:
            mine = timed(problem, gap=gap)[0].objective
            entry[f"gap {gap:g}"] = {
                "samples_with_lower_objective": int((mine < fast.objective).sum()),
                "samples": len(mine),
                "median_ratio_of_sgd": float(np.median(fast.objective / mine)),
            }
        report[name] = entry
    return report


def traditional() -> dict[str, object]:
    values = real_problem().values
    result, seconds = timed(Problem(values, "traditional"), gap=0.001)
    models = values.shape[0] * values.shape[1]
    runs = []
    for sample in range(FULL):
        game = values[sample, 0]
        loss, spent = published_sgd.single(game, 0.02 * abs(game[-1] - game[0]))
        runs.append({"sample": sample, "objective": loss, "seconds": spent})
    mine = np.abs(result.i_and[:FULL, 0]).sum(-1) + np.abs(result.i_or[:FULL, 0]).sum(-1)
    return {
        "seconds_per_model": seconds / models,
        "largest_gap": float(result.gap.max()),
        "published in full": runs,
        "objectives_of_the_same": mine.tolist(),
        "times_faster_than_published": float(np.mean([run["seconds"] for run in runs])) / (seconds / models),
    }


def exact() -> dict[str, object]:
    problem = real_problem()
    everything = ours(problem, 0.001)
    rows = []
    for sample in range(FULL):
        result, seconds = timed(one_sample(problem, sample), "exact")
        rows.append({"sample": sample, "objective": float(result.objective[0]), "seconds": seconds})
    per_sample = float(np.mean([row["seconds"] for row in rows]))
    return {
        "exact": rows,
        "seconds_per_sample": everything["seconds_per_sample"],
        "largest_gap": everything["largest_gap"],
        "objectives_of_the_same": everything["objectives"][:FULL],
        "times_faster_than_exact": per_sample / everything["seconds_per_sample"],
    }


def growth() -> list[dict[str, float]]:
    cases = [(6, 2), (8, 2), (10, 1), (10, 2), (10, 3), (10, 5), (12, 2), (14, 2)]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return pool.map(_growth, cases, chunksize=1)


def _growth(case: tuple[int, int]) -> dict[str, float]:
    """One case in a process of its own, for its peak memory."""
    n, models = case
    problem = planted_problem(8 if n <= 10 else 2 if n <= 12 else 1, n, models)
    warm_up()
    before = peak_mb()
    result, seconds = timed(problem, gap=0.01)
    after = peak_mb()
    return {
        "players": n,
        "models": models,
        "seconds_per_sample": seconds / len(result.gap),
        "largest_gap": float(result.gap.max()),
        "mean_iterations": float(result.iterations.mean()),
        "peak_mb": after,
        "peak_mb_beyond_imports": after - before,
    }


def curves() -> dict[str, object]:
    """Gap against time on one planted and one real sample."""
    report = {}
    for name, problem in (("planted", planted_problem(1, 10, 2)), ("real", one_sample(real_problem(), 0))):
        best, spent = timed(problem, "exact")
        bound = float(best.lower_bound[0])
        mine = []
        for gap in (0.3, 0.1, 0.03, 0.01, 0.003, 0.001):
            result, seconds = timed(problem, gap=gap)
            mine.append({"seconds": seconds, "gap": float(result.gap[0])})
        published = []
        for steps in (50, 200, 1000):
            loss, seconds = published_sgd.joint(
                problem.values[0], problem.kappa[0, :, 0], problem.tau[0], A, steps=steps
            )
            published.append({"seconds": seconds, "gap": 1 - bound / (loss / (1 - A)), "steps": steps})
        report[name] = {
            "first_order": mine,
            "exact": [{"seconds": spent, "gap": float(best.gap[0])}],
            "published": published,
        }
    return report


def plot(results: dict[str, object]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    styles = {"first_order": ("o-", "C0"), "published": ("s-", "C1"), "exact": ("*", "C2")}
    for axis, name in zip(axes, ("planted", "real"), strict=False):
        for solver, points in results["curves"][name].items():
            marker, colour = styles[solver]
            gaps = [max(point["gap"], 1e-7) for point in points]
            axis.loglog([point["seconds"] for point in points], gaps, marker, color=colour, label=solver)
        axis.set(title=f"{name}, n = 10, two models", xlabel="seconds, one sample", ylabel="relative gap")
        axis.legend(frameon=False)
    for label, rows in (
        ("two models, by n", [row for row in results["growth"] if row["models"] == 2]),
        ("n = 10, by models", [row for row in results["growth"] if row["players"] == 10]),
    ):
        sizes = [2 ** row["players"] * row["models"] for row in rows]
        order = np.argsort(sizes)
        axes[2].loglog(np.array(sizes)[order], [rows[i]["seconds_per_sample"] for i in order], "o-", label=label)
    axes[2].set(title="time to a gap of 1 %", xlabel="values of a sample, m·2^n", ylabel="seconds per sample")
    axes[2].legend(frameon=False)
    figure.savefig(HERE / "sparsify.png", dpi=150)


CASES = (
    "planted 10 2 24 0.01", "real 10 2 24 0.01", "planted 10 2 12 0.001", "planted 10 5 3 0.01", "planted 12 2 2 0.01",
    "planted 14 2 1 0.01", "planted 16 2 1 0.01", "null 10 2 100 0.01", "busy planted 10 2 24 0.01",
)  # fmt: skip
ALONE = ("planted 16 2 1 0.01", "null 10 2 100 0.01")  # of these the other state would take many minutes
ROUNDS = {"planted 14 2 1 0.01": 1, **dict.fromkeys(ALONE, 1)}  # 2 of others


def states(old: str, cases: list[str]) -> dict[str, object]:
    """Processor time of another state of the source and of this one, the least of ROUNDS."""
    report = {}
    for case in cases or CASES:
        busy = [
            subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * case.startswith("busy"))
        ]
        try:
            sources = ([] if case in ALONE else [old]) + [str(HERE.parent / "src")]
            runs = [[_case(source, case) for source in sources] for _ in range(ROUNDS.get(case, 2))]
        finally:
            for process in busy:
                process.kill()
        *before, after = (
            min(some, key=lambda run: run["processor_seconds_per_game"]) for some in zip(*runs, strict=True)
        )
        report[case] = {"after": after, "load": os.getloadavg()[0]}
        if before:
            times = before[0]["processor_seconds_per_game"] / after["processor_seconds_per_game"]
            report[case] |= {"before": before[0], "times_faster": times}
        print(case, json.dumps(report[case]), flush=True)
    return report


def _case(source: str, case: str) -> dict[str, float]:
    command = [sys.executable, str(HERE / "sparsify_case.py"), *case.removeprefix("busy ").split()]
    environment = {**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


PARTS = {part.__name__: part for part in (generalizable, objectives, traditional, exact, growth, curves)}


def main() -> None:
    asked = sys.argv[1:] or [*PARTS, "plot"]
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if asked[0] == "states":
        old, cases = asked[1], asked[2:]
        PARTS["states"] = lambda: {**results.get("states", {}), **states(old, cases)}
        asked = ["states"]
    warm_up()
    for name in asked:
        if name == "plot":
            plot(results)
            continue
        results[name] = PARTS[name]()
        results["machine"] = {
            "processor": processor(),
            "cores": os.cpu_count(),
            "load_at_the_end": os.getloadavg()[0],
            "torch": torch.__version__,
            "numpy": np.__version__,
        }
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        print(name, "done", flush=True)


if __name__ == "__main__":
    main()
