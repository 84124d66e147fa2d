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
    listed = read_table(Path(snakemake.input.listed)).to_pandas()
    write_text(Path(snakemake.output[0]), render(payload(results, task, BUDGET, listed)))


run(main, globals())
