"""What every extraction begins with: the method, the models of a unit, and where their masked outputs are."""

from pathlib import Path

from _job import device


class Unit:
    """One method applied to the models of a unit.

    Attributes
    ----------
    method : as configured
    models : names
    device : of the solver
    """

    def __init__(self, snakemake):
        from andor.config import Method, Reward
        from andor.outputs.stored import sample_columns
        from andor.store import read_table

        self.method = Method.model_validate(snakemake.params.method)
        self.models = list(snakemake.params.models)
        self.reward = Reward.model_validate(snakemake.params.reward)
        self.samples = read_table(Path(snakemake.input.samples), sample_columns(self.models))
        self.folders = [Path(f"results/{snakemake.wildcards.task}/masked_outputs/{model}") for model in self.models]
        self.device = device(snakemake)
