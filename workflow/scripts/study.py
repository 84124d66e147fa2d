"""Set the methods, ensembles and tasks of a study, or its models, side by side in one table."""

from _job import run


def main(snakemake):
    from andor.config import check
    from andor.report import compared, studies
    from andor.report.results import TaskResults
    from andor.report.tables import write

    config, name = check(snakemake.config), snakemake.wildcards.study
    asked = config.studies[name]
    results = {task: TaskResults.of_study(f"results/{task}", config, task, name) for task in asked.tasks}
    if asked.models:
        table, schema = compared.compared(results, asked), compared.SCHEMA
    else:
        table, schema = studies.study(results), studies.SCHEMA
    write(name, table, snakemake.output.parquet, snakemake.output.csv, schema)


run(main, globals())
