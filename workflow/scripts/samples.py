"""Keep the candidates that every model gets right with enough range."""

from pathlib import Path

from _job import run


def main(snakemake):
    from andor.config import Reward, Samples
    from andor.outputs.samples import select
    from andor.store import read_table, write_table

    screenings = zip(snakemake.params.models, snakemake.input.screenings, strict=True)
    samples, eligibility = select(
        read_table(Path(snakemake.input.candidates)),
        {model: read_table(Path(path)) for model, path in screenings},
        Reward.model_validate(snakemake.params.reward),
        Samples.model_validate(snakemake.params.samples),
        snakemake.params.controls,
    )
    write_table(Path(snakemake.output.samples), samples)
    write_table(Path(snakemake.output.eligibility), eligibility)


run(main, globals())
