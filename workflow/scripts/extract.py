"""Split the outputs of one unit on a chunk of samples into AND and OR interactions."""

from pathlib import Path

from _job import device, run


def main(snakemake):
    import sys

    import numpy as np
    from tqdm import tqdm

    from andor.config import Method, Reward
    from andor.game.files import interactions_table
    from andor.outputs.samples import mean_range
    from andor.outputs.stored import games, sample_columns
    from andor.sparsify import solve, stated
    from andor.store import read_table, write_table

    method = Method.model_validate(snakemake.params.method)
    reward = Reward.model_validate(snakemake.params.reward)
    models, numbers = list(snakemake.params.models), list(snakemake.params.numbers)
    samples = read_table(Path(snakemake.input.samples), sample_columns(models))
    eligibility = read_table(Path(snakemake.input.eligibility), ["model", "range", "eligible"])

    ranges = np.array([mean_range(eligibility, model) for model in models])
    problem = stated(games(snakemake.input.outputs, models, samples, numbers, reward), method, ranges)
    options = method.solver.model_dump(exclude={"name"}, exclude_none=True)
    title = f"{snakemake.wildcards.method} {snakemake.wildcards.unit}, samples {numbers[0]} to {numbers[-1]}"
    interval = 0.5 if sys.stderr.isatty() else 10.0  # a log wants fewer lines than a terminal
    with tqdm(total=len(numbers), desc=title, unit="sample", mininterval=interval) as bar:
        if method.solver.name == "first_order":
            options["advance"] = bar.update
        result = solve(problem, method.solver.name, device=device(snakemake), **options)
        bar.update(len(numbers) - bar.n)
    for place, number in enumerate(numbers):
        metadata = {
            "method": method.model_dump(mode="json"),
            "models": models,
            **{name: getattr(result, name)[place].item() for name in ("objective", "lower_bound", "gap", "status")},
            "advice": result.advice[place],
            "iterations": int(result.iterations[place]),
            "seconds": float(result.seconds[place]),
            "solver": result.solver,
            "kappa": dict(zip(models, (bound.squeeze().tolist() for bound in problem.kappa[place]), strict=True)),
            "tau": dict(zip(models, problem.tau[place].tolist(), strict=True)),
        }
        table = interactions_table(result.i_and[place], result.i_or[place], models)
        write_table(Path(snakemake.output[0]) / f"{number}.parquet", table, metadata)


run(main, globals())
