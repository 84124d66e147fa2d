"""Extract interactions from the null games of one ensemble on a chunk of samples."""

from pathlib import Path

from _job import device, run


def main(snakemake):
    import numpy as np

    from andor.config import Method, Nulls, Reward
    from andor.game.attributions import merge_low_orders
    from andor.game.files import null_table
    from andor.game.nulls import null_games
    from andor.outputs.samples import mean_range
    from andor.outputs.stored import games, sample_columns
    from andor.sparsify import solve, stated
    from andor.store import read_table, write_table

    method = Method.model_validate(snakemake.params.method)
    reward = Reward.model_validate(snakemake.params.reward)
    nulls = Nulls.model_validate(snakemake.params.nulls)
    models, numbers = list(snakemake.params.models), list(snakemake.params.numbers)
    samples = read_table(Path(snakemake.input.samples), sample_columns(models))
    eligibility = read_table(Path(snakemake.input.eligibility), ["model", "range", "eligible"])

    ranges = np.array([mean_range(eligibility, model) for model in models])
    true = games(snakemake.input.outputs, models, samples, numbers, reward)
    drawn = null_games(true, numbers, nulls.renamings, nulls.exchanges, snakemake.params.seed)
    options = method.solver.model_dump(exclude={"name"}, exclude_none=True)
    interactions, gaps = {}, {}
    for null, several in drawn.items():  # (draws, B, m, 2^n)
        problem = stated(several.reshape(-1, *true.shape[1:]), method, ranges)
        result = solve(problem, method.solver.name, device=device(snakemake), **options)
        merged = np.stack(merge_low_orders(result.i_and, result.i_or), axis=2)
        interactions[null] = merged.reshape(*several.shape[:-1], 2, -1)
        gaps[null] = result.gap.reshape(several.shape[:2])
    for place, number in enumerate(numbers):
        metadata = {
            "method": method.model_dump(mode="json"),
            "models": models,
            "gap": {null: gap[:, place].tolist() for null, gap in gaps.items()},
        }
        table = null_table({null: merged[:, place] for null, merged in interactions.items()})
        write_table(Path(snakemake.output[0]) / f"{number}.parquet", table, metadata)


run(main, globals())
