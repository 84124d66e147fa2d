"""Draw the figure of a study from its table."""

from pathlib import Path

from _job import run


def main(snakemake):
    from andor.report.figures import draw_study, save
    from andor.store import read_table

    figure = draw_study(read_table(Path(snakemake.input.table)).to_pandas(), snakemake.params.question)
    save(figure, [snakemake.output.pdf, snakemake.output.svg, snakemake.output.png])


run(main, globals())
