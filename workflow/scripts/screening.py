"""Run one model on every candidate, whole and with all players masked."""

from pathlib import Path

from _job import device, fetched, run


def main(snakemake):
    from andor.config import Masking
    from andor.models.loading import load
    from andor.outputs.baselines import attach
    from andor.outputs.evaluate import screen
    from andor.store import read_table, write_table

    name = snakemake.wildcards.model
    model = load(Path(snakemake.input.model), device(snakemake))
    masking = Masking.model_validate(snakemake.params.masking)
    model = attach(model, fetched(snakemake.input.get("baseline", [])), name, masking.background_rows)
    candidates = read_table(Path(snakemake.input.candidates))
    write_table(Path(snakemake.output[0]), screen(name, model, candidates, masking))


run(main, globals())
