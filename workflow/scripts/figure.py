"""Draw one figure of a task from its tables."""

import json
from pathlib import Path

from _job import run


def main(snakemake):
    from andor.report.figures import TaskInfo, draw, save
    from andor.store import read_table

    tables = {Path(path).stem: read_table(Path(path)) for path in [snakemake.input.samples, *snakemake.input.tables]}
    samples = tables["samples"]
    metadata = {key.decode(): json.loads(value) for key, value in (samples.schema.metadata or {}).items()}
    task = TaskInfo(
        title=snakemake.wildcards.task,
        players=max(map(len, samples["player_names"].to_pylist())),
        models=tuple(snakemake.params.models),
        output=snakemake.params.output,
        shape=tuple(metadata["shape"]) if "shape" in metadata else None,
        sampled=snakemake.params.sampled,
    )
    figure = draw(snakemake.wildcards.figure, {name: table.to_pandas() for name, table in tables.items()}, task)
    save(figure, [snakemake.output.pdf, snakemake.output.svg, snakemake.output.png])


run(main, globals())
