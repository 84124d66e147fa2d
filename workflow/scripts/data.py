"""Read a task's items into one tidy table."""

from pathlib import Path

from _job import fetched, run


def main(snakemake):
    from andor.config import Data, part
    from andor.data.reading import read
    from andor.store import write_table

    data = part(Data, snakemake.params.data)
    table = read(data, fetched(snakemake.input.get("source", [])), snakemake.params.seed)
    write_table(Path(snakemake.output[0]), table)


run(main, globals())
