"""Learn the baseline value of one model."""

from pathlib import Path

from _job import device, run


def main(snakemake):
    from andor.config import Masking, Reward
    from andor.models.loading import load
    from andor.outputs import baselines
    from andor.store import read_table

    value, curve = baselines.learn(
        snakemake.wildcards.model,
        load(Path(snakemake.input.model), device(snakemake)),
        read_table(Path(snakemake.input.candidates)),
        Masking.model_validate(snakemake.params.masking),
        Reward.model_validate(snakemake.params.reward),
        snakemake.params.seed,
    )
    baselines.write(value, curve, Path(snakemake.output[0]))


run(main, globals())
