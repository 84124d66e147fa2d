"""Choose the players of a task's test items."""

from pathlib import Path

from _job import run


def main(snakemake):
    from andor.config import Players, Samples, part
    from andor.players import candidates
    from andor.store import read_table, write_table

    samples = Samples(count=1, candidates=snakemake.params.candidates, label=snakemake.params.label)
    table = read_table(Path(snakemake.input.data))
    write_table(
        Path(snakemake.output[0]),
        candidates(table, part(Players, snakemake.params.players), samples, snakemake.params.seed),
    )


run(main, globals())
