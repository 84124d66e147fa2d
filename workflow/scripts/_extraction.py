"""What extraction and its null games have in common: how a problem on all coalitions is stated and solved."""

from pathlib import Path

from _unit import Unit


class Extraction(Unit):
    """One method applied to the models of a unit, whose outputs on all coalitions are known."""

    def __init__(self, snakemake):
        super().__init__(snakemake)
        from andor.outputs.samples import mean_range
        from andor.store import read_table

        eligibility = read_table(Path(snakemake.input.eligibility), ["model", "range", "eligible"])
        self._ranges = [mean_range(eligibility, model) for model in self.models]

    def games(self, chunks):
        """Rewards of the models on samples whose numbers are given by chunk; float64, shape (B, m, 2^n)."""
        import numpy as np

        from andor.outputs.stored import games

        read = [
            games([folder / chunk for folder in self.folders], self.models, self.samples, numbers, self.reward)
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

        settings = self.method.solver.model_dump(exclude={"name", "others"}, exclude_none=True)
        return solve(problem, self.method.solver.name, device=self.device, **settings, **options)
