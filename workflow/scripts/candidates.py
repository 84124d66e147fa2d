"""Choose the players of a task's test items, and the targets of a language task."""

from pathlib import Path

from _job import device, fetched, run


def main(snakemake):
    from andor.data.candidates import candidates
    from andor.data.players import players
    from andor.store import read_table, write_table

    table = candidates(
        read_table(Path(snakemake.input.data)),
        players(snakemake.params.players),
        snakemake.params.candidates,
        snakemake.params.seed,
        snakemake.params.label,
        fetched(snakemake.input.get("players", [])),
    )
    if target := snakemake.params.target:
        from andor.data.targets import with_targets

        predictor = None
        if snakemake.input.predictor:
            from andor.models.loading import load

            predictor = load(Path(snakemake.input.predictor[0]), device(snakemake))
        table = with_targets(table, target["text"], target["unit"], predictor)
    write_table(Path(snakemake.output[0]), table)


run(main, globals())
