"""Find the sparse AND and OR interactions of one unit on the drawn coalitions of a chunk of samples."""

from pathlib import Path

from _job import run


def main(snakemake):
    import sys

    from tqdm import tqdm

    from _sampled import SampledExtraction, proof
    from andor.game.files import sampled_table
    from andor.sparsify.sampled.fidelity import judged
    from andor.sparsify.sampled.fit import fit
    from andor.sparsify.sampled.problem import SampledGames
    from andor.store import write_table

    extraction, chunk, numbers = SampledExtraction(snakemake), snakemake.wildcards.chunk, snakemake.params.numbers
    title = f"{snakemake.wildcards.method} {snakemake.wildcards.unit}, samples {numbers[0]} to {numbers[-1]}"
    interval = 0.5 if sys.stderr.isatty() else 10.0  # a log wants fewer lines than a terminal
    for number in tqdm(numbers, desc=title, unit="sample", mininterval=interval):
        values = extraction.values(chunk, number)
        games = SampledGames([own.presence for own in values], [own.values for own in values])
        solver = extraction.method.solver
        found = fit(games, penalty=extraction.method.penalty, others=solver.others, **extraction.settings)
        held_out = [(own.held_out_presence, own.held_out_values) for own in values]
        metadata = {
            "method": extraction.method.model_dump(mode="json"),
            "models": extraction.models,
            "coalitions": len(games.values[0]),
            **proof(found, solver.gap),
            "others": {
                "objective": [other.objective[0] for other in found.others],
                "gap": [other.gap[0] for other in found.others],
                "seconds": sum(other.seconds for other in found.others),
                "dropped": solver.others - len(found.others),
            },
            **judged(games, found, held_out, **extraction.settings),
        }
        others = [(other.kinds, other.members, other.strengths, other.constants) for other in found.others]
        table = sampled_table(
            found.kinds, found.members, found.strengths, found.penalised, found.errors, found.constants, others
        )
        write_table(Path(snakemake.output[0]) / f"{number}.parquet", table, metadata)


run(main, globals())
