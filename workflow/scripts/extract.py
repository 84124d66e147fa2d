"""Split the outputs of one unit on a chunk of samples into AND and OR interactions."""

from pathlib import Path

from _job import run


def main(snakemake):
    import sys

    from tqdm import tqdm

    from _extraction import Extraction
    from andor.game.files import interactions_table
    from andor.store import write_table

    extraction, numbers = Extraction(snakemake), list(snakemake.params.numbers)
    problem = extraction.problem(extraction.games({snakemake.wildcards.chunk: numbers}))
    title = f"{snakemake.wildcards.method} {snakemake.wildcards.unit}, samples {numbers[0]} to {numbers[-1]}"
    interval = 0.5 if sys.stderr.isatty() else 10.0  # a log wants fewer lines than a terminal
    with tqdm(total=len(numbers), desc=title, unit="sample", mininterval=interval) as bar:
        solver = extraction.method.solver
        options = {"advance": bar.update, "others": solver.others} if solver.name == "first_order" else {}
        result = extraction.solve(problem, **options)
        bar.update(len(numbers) - bar.n)
    models = extraction.models
    for place, number in enumerate(numbers):
        others = [other for other in result.others if other.status[place] == "optimal"]
        metadata = {
            "method": extraction.method.model_dump(mode="json"),
            "models": models,
            **{name: getattr(result, name)[place].item() for name in ("objective", "lower_bound", "gap", "status")},
            "advice": result.advice[place],
            "iterations": int(result.iterations[place]),
            "seconds": float(result.seconds[place]),
            "solver": result.solver,
            "kappa": dict(zip(models, (bound.squeeze().tolist() for bound in problem.kappa[place]), strict=True)),
            "tau": dict(zip(models, problem.tau[place].tolist(), strict=True)),
            "others": {
                **{name: [getattr(other, name)[place].item() for other in others] for name in ("objective", "gap")},
                "seconds": sum(float(other.seconds[place]) for other in result.others),
                "dropped": len(result.others) - len(others),
            },
        }
        of_others = [(other.i_and[place], other.i_or[place]) for other in others]
        table = interactions_table(result.i_and[place], result.i_or[place], models, of_others)
        write_table(Path(snakemake.output[0]) / f"{number}.parquet", table, metadata)


run(main, globals())
