"""Split the outputs of one unit on a chunk of samples into AND and OR interactions."""

from pathlib import Path

from _job import device, run


def main(snakemake):
    import numpy as np

    from andor.config import Method, Reward, part
    from andor.results import read_outputs
    from andor.rewards import values
    from andor.samples import mean_range
    from andor.sparsify import extract
    from andor.store import interactions_table, read_table, write_table

    method, reward = part(Method, snakemake.params.method), part(Reward, snakemake.params.reward)
    models, numbers = list(snakemake.params.models), list(snakemake.params.numbers)
    labels = dict(read_table(Path(snakemake.input.samples), ["sample", "label"]).to_pylist())
    eligibility = read_table(Path(snakemake.input.eligibility))
    games = np.array(
        [
            [values(read_outputs(Path(folder) / f"{number}.parquet"), labels[number], reward) for folder in snakemake.input.outputs]
            for number in numbers
        ]
    )
    ranges = [mean_range(eligibility, model) for model in models]
    result = extract(games, method, ranges)
    for place, number in enumerate(numbers):
        table, metadata = interactions_table(result, place, models)
        write_table(Path(snakemake.output[0]) / f"{number}.parquet", table, metadata)


run(main, globals())
