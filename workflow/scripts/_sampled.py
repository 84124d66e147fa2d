"""What extraction and its null games have in common where coalitions are drawn."""

from _unit import Unit


class SampledExtraction(Unit):
    """One method applied to the models of a unit, whose outputs on drawn coalitions are known."""

    def values(self, chunk, number):
        """Rewards of each model on the drawn coalitions of a sample (`andor.outputs.stored.DrawnValues`)."""
        from andor.outputs.stored import read_drawn

        (sample,) = [row for row in self.samples.to_pylist() if row["sample"] == number]
        files = (folder / chunk / f"{number}.parquet" for folder in self.folders)
        return [read_drawn(path, sample, model, self.reward) for path, model in zip(files, self.models, strict=True)]

    @property
    def settings(self):
        """Keywords of `andor.sparsify.sampled.fit.fit`."""
        alpha = self.method.alpha if self.method.kind == "generalizable" else None
        return {"alpha": alpha, "order": self.method.order, "gap": self.method.solver.gap, "device": self.device}


def proof(found, gap):
    """What was proven of a fit of one problem, as it is stored."""
    (objective,), (lower_bound,), (reached,), (penalty,) = found.objective, found.lower_bound, found.gap, found.penalty
    return {
        "solver": "sampled",
        "objective": objective,
        "lower_bound": lower_bound,
        "gap": reached,
        "status": "optimal" if reached <= gap else "max_iterations",
        "advice": "" if reached <= gap else "the gap is larger than asked for; lower `order` or raise `penalty`",
        "penalty": penalty,
        "ridge": found.ridge[0],
        "order": found.order,
        "searched": found.searched,
        "seconds": found.seconds,
    }
