"""Train, fine-tune or take over one model, and count what it gets right."""

import json
from pathlib import Path

from _job import device, fetched, run


def main(snakemake):
    from andor import models
    from andor.config import Model, part
    from andor.files import write_text
    from andor.models.labels import relabelled
    from andor.store import read_table

    settings = part(Model, snakemake.params.model)
    table = read_table(Path(snakemake.input.data[0])) if snakemake.input.get("data") else None
    training = settings.training
    seed = snakemake.params.seed if training is None or training.seed is None else training.seed
    if table is not None and training is not None:
        table = relabelled(table, training.labels, seed)
    source = fetched(snakemake.input.get("source", []))
    folder = Path(snakemake.output[0])
    weights = fetched(snakemake.input.get("weights", []))
    models.make(settings, table, source, folder, seed, device(snakemake), weights=weights)

    metrics = {"family": settings.family, "splits": {}}
    if table is not None:  # language models are taken as they come
        model = models.load(folder, device(snakemake))
        metrics["parameters"] = model.parameters
        for split in ("train", "test"):
            correct, items = models.accuracy(model, table, split)
            metrics["splits"][split] = {"items": items, "correct": correct}
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")


run(main, globals())
