"""Find interactions in the null games of one ensemble on the drawn coalitions of a chunk of samples."""

from pathlib import Path

from _job import run


def main(snakemake):
    from _sampled import SampledExtraction
    from andor.config import Nulls
    from andor.game.files import sampled_null_table
    from andor.game.nulls import sampled_null_games
    from andor.sparsify.sampled.fit import fit
    from andor.sparsify.sampled.problem import SampledGames
    from andor.store import read_metadata, write_table

    extraction, nulls = SampledExtraction(snakemake), Nulls.model_validate(snakemake.params.nulls)
    shown = dict(snakemake.params.shown)
    values = {number: extraction.values(chunk, number) for chunk, of_chunk in shown.items() for number in of_chunk}
    counts = (snakemake.params.samples, nulls.renamings, nulls.exchanges)
    for number in snakemake.params.numbers:
        name = f"{number}.parquet"
        true = read_metadata(Path(snakemake.input.interactions) / name)
        chosen = {"penalty": true["penalty"], "ridge": true["ridge"], "with_errors": False}
        drawn = sampled_null_games(values, number, *counts, snakemake.params.seed)
        found = {
            null: [fit(SampledGames(*game), **chosen, **extraction.settings) for game in games]
            for null, games in drawn.items()
        }
        metadata = {
            "method": extraction.method.model_dump(mode="json"),
            "models": extraction.models,
            "penalty": true["penalty"],
            "gap": {null: [each.gap[0] for each in fits] for null, fits in found.items()},
        }
        games = {null: [(each.kinds, each.members, each.strengths) for each in fits] for null, fits in found.items()}
        write_table(Path(snakemake.output[0]) / name, sampled_null_table(games), metadata)


run(main, globals())
