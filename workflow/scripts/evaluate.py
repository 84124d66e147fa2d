"""Run one model on all masked versions of a chunk of samples."""

from pathlib import Path

from _job import device, fetched, run


def main(snakemake):
    import pyarrow.compute as pc

    from andor.config import Budget, Masking
    from andor.models.loading import load
    from andor.outputs.baselines import attach
    from andor.outputs.cache import OutputCache
    from andor.outputs.evaluate import evaluate_chunk
    from andor.store import read_table

    name, masking = snakemake.wildcards.model, Masking.model_validate(snakemake.params.masking)
    samples = read_table(Path(snakemake.input.samples))
    model = load(Path(snakemake.input.model), device(snakemake))
    evaluate_chunk(
        name,
        attach(model, fetched(snakemake.input.get("baseline", [])), name, masking.background_rows),
        samples.filter(pc.field("sample").isin(list(snakemake.params.numbers))),
        masking,
        OutputCache(Path(snakemake.config.get("cache", ".cache"))),
        Path(snakemake.output[0]),
        batch_size=snakemake.config.get("batch_size", "fixed"),
        budget=Budget.model_validate(snakemake.params.budget) if snakemake.params.budget else None,
        seed=snakemake.params.seed,
    )


run(main, globals())
