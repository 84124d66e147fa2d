"""Make the page of a task."""

from pathlib import Path

from _job import run


def main(snakemake):
    from andor.config import check
    from andor.files import write_text
    from andor.report.explorer import BUDGET, payload, render
    from andor.report.results import TaskResults
    from andor.store import read_table

    task = snakemake.wildcards.task
    results = TaskResults.of(f"results/{task}", check(snakemake.config), task)
    tables = [read_table(Path(path)).to_pandas() for path in (snakemake.input.listed, snakemake.input.agreement)]
    write_text(Path(snakemake.output[0]), render(payload(results, task, BUDGET, *tables)))


run(main, globals())
