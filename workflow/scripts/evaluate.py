"""Run one model on all masked versions of a chunk of samples."""

from pathlib import Path

from _job import device, run


def main(snakemake):
    import pyarrow.compute as pc

    from andor.config import Masking
    from andor.evaluate import evaluate_chunk
    from andor.models import load
    from andor.store import OutputCache, read_table

    samples = read_table(Path(snakemake.input.samples))
    evaluate_chunk(
        snakemake.wildcards.model,
        load(Path(snakemake.input.model), device(snakemake)),
        samples.filter(pc.field("sample").isin(list(snakemake.params.numbers))),
        Masking.model_validate(snakemake.params.masking),
        OutputCache(Path(snakemake.config.get("cache", ".cache"))),
        Path(snakemake.output[0]),
        batch_size=snakemake.config.get("batch_size", "fixed"),
    )


run(main, globals())
