"""Read a task's items into one tidy table."""

from pathlib import Path

from _job import run


def main(snakemake):
    from andor.config import Data, part
    from andor.data import read
    from andor.store import write_table

    data = part(Data, snakemake.params.data)
    source = Path(snakemake.input.source[0]) if snakemake.input.get("source") else None
    table = read(data, source, snakemake.params.seed)
    write_table(Path(snakemake.output[0]), table)


run(main, globals())
