"""What extraction and its null games have in common: whose outputs are read, and how a problem is stated and solved."""

from pathlib import Path

from _job import device


class Extraction:
    """One method applied to the models of a unit.

    Attributes
    ----------
    method : as configured
    models : names
    """

    def __init__(self, snakemake):
        from andor.config import Method, Reward
        from andor.outputs.samples import mean_range
        from andor.outputs.stored import sample_columns
        from andor.store import read_table

        self.method = Method.model_validate(snakemake.params.method)
        self.models = list(snakemake.params.models)
        self._reward = Reward.model_validate(snakemake.params.reward)
        self._samples = read_table(Path(snakemake.input.samples), sample_columns(self.models))
        eligibility = read_table(Path(snakemake.input.eligibility), ["model", "range", "eligible"])
        self._ranges = [mean_range(eligibility, model) for model in self.models]
        self._folders = [Path(f"results/{snakemake.wildcards.task}/masked_outputs/{model}") for model in self.models]
        self._device = device(snakemake)

    def games(self, chunks):
        """Rewards of the models on samples whose numbers are given by chunk; float64, shape (B, m, 2^n)."""
        import numpy as np

        from andor.outputs.stored import games

        read = [
            games([folder / chunk for folder in self._folders], self.models, self._samples, numbers, self._reward)
            for chunk, numbers in chunks.items()
        ]
        return np.concatenate(read)

    def problem(self, games):
        """The method's problem for games (B, m, 2^n)."""
        from andor.sparsify import stated

        return stated(games, self.method, self._ranges)

    def solve(self, problem, **options):
        """The certified result of a problem, by the method's solver."""
        from andor.sparsify import solve

        settings = self.method.solver.model_dump(exclude={"name"}, exclude_none=True)
        return solve(problem, self.method.solver.name, device=self._device, **settings, **options)
