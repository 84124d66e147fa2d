"""Set the methods, ensembles and tasks of a study side by side in one table."""

from _job import run


def main(snakemake):
    from andor.config import check
    from andor.report.results import TaskResults
    from andor.report.studies import SCHEMA, study
    from andor.report.tables import write

    config, name = check(snakemake.config), snakemake.wildcards.study
    results = {task: TaskResults.of_study(f"results/{task}", config, task, name) for task in config.studies[name].tasks}
    write(name, study(results), snakemake.output.parquet, snakemake.output.csv, SCHEMA)


run(main, globals())
