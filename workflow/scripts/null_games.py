"""Extract interactions from the null games of one ensemble on a chunk of samples."""

from pathlib import Path

from _job import run


def main(snakemake):
    import numpy as np

    from _extraction import Extraction
    from andor.config import Nulls
    from andor.game.attributions import merge_low_orders
    from andor.game.files import null_table
    from andor.game.nulls import null_games
    from andor.store import write_table

    extraction, nulls = Extraction(snakemake), Nulls.model_validate(snakemake.params.nulls)
    numbers, shown = list(snakemake.params.numbers), dict(snakemake.params.shown)
    every = [number for of_chunk in shown.values() for number in of_chunk]
    true = dict(zip(every, extraction.games(shown), strict=True))
    counts = (snakemake.params.samples, nulls.renamings, nulls.exchanges)
    drawn = null_games(true, numbers, *counts, snakemake.params.seed)
    interactions, gaps = {}, {}
    for null, several in drawn.items():  # (draws, B, m, 2^n)
        result = extraction.solve(extraction.problem(several.reshape(-1, *several.shape[2:])))
        merged = np.stack(merge_low_orders(result.i_and, result.i_or), axis=2)
        interactions[null] = merged.reshape(*several.shape[:-1], 2, -1)
        gaps[null] = result.gap.reshape(several.shape[:2])
    for place, number in enumerate(numbers):
        metadata = {
            "method": extraction.method.model_dump(mode="json"),
            "models": extraction.models,
            "gap": {null: gap[:, place].tolist() for null, gap in gaps.items()},
        }
        table = null_table({null: merged[:, place] for null, merged in interactions.items()})
        write_table(Path(snakemake.output[0]) / f"{number}.parquet", table, metadata)


run(main, globals())
