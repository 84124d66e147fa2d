"""Choose the players of a task's test items, and the targets of a language task."""

from pathlib import Path

from _job import device, fetched, run


def main(snakemake):
    from andor.config import Players, Samples, part
    from andor.players import candidates
    from andor.store import read_table, write_table

    samples = Samples(count=1, candidates=snakemake.params.candidates, label=snakemake.params.label)
    players = part(Players, snakemake.params.players)
    source = fetched(snakemake.input.get("players", []))
    table = candidates(read_table(Path(snakemake.input.data)), players, samples, snakemake.params.seed, source)
    if snakemake.input.get("target"):
        from andor.evaluate import with_targets
        from andor.models import load

        table = with_targets(load(Path(snakemake.input.target[0]), device(snakemake)), table)
    write_table(Path(snakemake.output[0]), table)


run(main, globals())
