"""Write what was found in plain words."""

from pathlib import Path

from _job import run


def main(snakemake):
    from andor.files import write_text
    from andor.report.catalogue import FOUND_IN
    from andor.report.findings import findings
    from andor.store import read_table

    def table(path):
        return read_table(Path(path)).to_pandas()

    tasks = {
        task: (modality, {name: table(f"results/{task}/tables/{name}.parquet") for name in FOUND_IN})
        for task, modality in snakemake.params.read.items()
    }
    studies = {
        name: (question, table(f"results/studies/{name}.parquet"))
        for name, question in snakemake.params.questions.items()
    }
    write_text(Path(snakemake.output[0]), findings(tasks, studies))


run(main, globals())
