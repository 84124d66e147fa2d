"""Read a task's items into one tidy table."""

from pathlib import Path

from _job import fetched, run


def main(snakemake):
    from andor.data.readers import reader
    from andor.store import write_table

    source = fetched(snakemake.input.get("source", []))
    table = reader(snakemake.params.data).read(source, snakemake.params.seed)
    write_table(Path(snakemake.output[0]), table)


run(main, globals())
