"""Choose the players of a task's test items, and the targets of a language task."""

from pathlib import Path

from _job import device, fetched, run


def main(snakemake):
    from andor.config import Players, Samples, Target, part
    from andor.data.players import candidates
    from andor.store import read_table, write_table

    samples = Samples(count=1, candidates=snakemake.params.candidates, label=snakemake.params.label)
    players = part(Players, snakemake.params.players)
    source = fetched(snakemake.input.get("players", []))
    table = candidates(read_table(Path(snakemake.input.data)), players, samples, snakemake.params.seed, source)
    if snakemake.params.target:
        from andor.data.targets import with_targets

        predictor = None
        if snakemake.input.predictor:
            from andor.models.loading import load

            predictor = load(Path(snakemake.input.predictor[0]), device(snakemake))
        table = with_targets(table, Target.model_validate(snakemake.params.target), predictor)
    write_table(Path(snakemake.output[0]), table)


run(main, globals())
