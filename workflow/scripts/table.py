"""Make one table of a task."""

from _job import run


def main(snakemake):
    from andor.config import check
    from andor.results import TaskResults
    from andor.tables import TABLES, write

    task, name = snakemake.wildcards.task, snakemake.wildcards.table
    results = TaskResults.of(f"results/{task}", check(snakemake.config), task)
    write(name, TABLES[name](results), snakemake.output.parquet, snakemake.output.csv)


run(main, globals())
