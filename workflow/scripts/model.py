"""Train, fine-tune or take over one model, and count what it gets right."""

import json
from pathlib import Path

from _job import device, fetched, run


def main(snakemake):
    from andor.config import Model, part
    from andor.files import write_text
    from andor.models.accuracy import qualities
    from andor.models.corruption import corrupted
    from andor.models.files import description_of, take_kept
    from andor.models.labels import exchanged, relabelled
    from andor.models.loading import load
    from andor.store import read_table

    settings = part(Model, snakemake.params.model)
    table = read_table(Path(snakemake.input.data[0])) if snakemake.input.get("data") else None
    training = settings.trained_by
    seed = snakemake.params.seed if training is None or training.seed is None else training.seed
    if table is not None and training is not None:
        table = exchanged(relabelled(table, training.labels, seed), training.items)
    worse = corrupted(table, training.corrupt, seed) if training is not None and training.is_corrupted else table
    source, weights = (fetched(snakemake.input.get(key, [])) for key in ("source", "weights"))
    if snakemake.input.get("taken"):
        source = Path(snakemake.input.taken[0])
    folder = Path(snakemake.output[0])
    if snakemake.input.get("trained"):
        take_kept(Path(snakemake.input.trained[0]), training.until, folder)
    else:
        settings.make(worse, source, weights, folder, seed, device(snakemake))

    metrics = {"family": description_of(folder)["family"], "splits": {}}
    if table is not None:  # language models are taken as they come
        model = load(folder, device(snakemake))
        metrics["parameters"] = model.parameters
        metrics["splits"] = qualities(model, table, settings.judged)
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")


run(main, globals())
