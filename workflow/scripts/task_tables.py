"""Make all tables of a task."""

from pathlib import Path

from _job import run


def main(snakemake):
    from andor.config import check
    from andor.report.results import TaskResults
    from andor.report.tables import make, write

    task = snakemake.wildcards.task
    frames = make(TaskResults.of(f"results/{task}", check(snakemake.config), task))
    for parquet, csv in zip(snakemake.output.parquet, snakemake.output.csv, strict=True):
        name = Path(parquet).stem
        write(name, frames[name], parquet, csv)


run(main, globals())
