"""The key `methods`: ways to split outputs into AND and OR interactions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from andor.settings import Closed, NonNegative, PositiveFloat, PositiveInt


class Bound(Closed):
    """A bound as a factor times a standard."""

    factor: NonNegative
    """Factor; 0 switches the quantity off."""
    standard: Literal["none", "value", "centred_value", "full", "range", "max", "max_centred", "mean_range"] = "range"
    """1, |v(S)|, |v(S)−v(∅)|, |v(N)|, |v(N)−v(∅)|, max|v(S)|, max|v(S)−v(∅)|, or the mean of |v(N)−v(∅)|
    over samples."""


class Solver(Closed):
    """How the sparsification is solved and how close to its optimum it must come."""

    name: Literal["first_order", "exact", "sgd"] = "first_order"
    """Certified first-order solver; HiGHS (small n); the published SGD, for comparison."""
    start: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of a random start, γ ~ N(0, 1); half of each output to each kind if unset."""
    rate: PositiveFloat | None = None
    """First step size of sgd; that published for texts if unset (1e-7 for several models, 1e-6 for one)."""
    gap: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    """Stop when (objective − lower bound)/objective of a sample falls below this."""
    others: Annotated[int, Field(ge=0)] = 4
    """Number of other solutions, certified to twice the gap, that first_order looks for; the share in which an
    interaction stays says how much it is the solver's choice."""
    max_iterations: Annotated[int, Field(gt=0)] | None = None
    """Give up after so many iterations and say so; the solver's own limit if unset."""

    @model_validator(mode="after")
    def _has_effect(self) -> Solver:
        if self.start is not None and self.name == "exact":
            raise ValueError("`start` has no effect on solver exact; take it away")
        if self.rate is not None and self.name != "sgd":
            raise ValueError(f"`rate` has no effect on solver {self.name}; take it away")
        if self.others != type(self).model_fields["others"].default and self.name != "first_order":
            raise ValueError(f"`others` has no effect on solver {self.name}; take it away")
        return self


class Method(Closed):
    """A way to split outputs into AND and OR interactions."""

    kind: Literal["original", "traditional", "generalizable"]
    """AND only; per model (Eq 4); all models of an ensemble at once (Eq 6)."""
    alpha: Annotated[float, Field(ge=0)] = 1 / 9
    """Weight of the sum against the maximum over models (Eq 6), `.inf` for the sum alone; the authors' `a` is
    alpha/(1+alpha), and theirs is 0.1."""
    learn: Literal["none", "gamma", "gamma_epsilon"] = "gamma_epsilon"
    """What is learned: nothing (half to each kind), the split γ, or γ and the noise ε."""
    kappa: Bound = Bound(factor=0.02, standard="range")
    """Bound of the output noise ε."""
    tau: NonNegative | None = 0.5
    """Bound of each model's own part of γ, as a factor of its mean |v(N) − v(∅)| over the eligible
    samples; free if null."""
    solver: Solver = Solver()
    """The solver."""
    order: PositiveInt | None = 3
    """Tasks with a budget of coalitions: the largest order of interactions that are looked for; all if null."""
    penalty: PositiveFloat | None = None
    """Tasks with a budget of coalitions: the penalty λ, for values in units of their standard deviation; the one that
    predicts best what is left out of folds if null."""

    @model_validator(mode="after")
    def _has_effect(self) -> Method:
        sampled = ("order", "penalty")
        idle = {"original": ("alpha", "learn", "kappa", "tau", "solver", *sampled), "traditional": ("alpha", "tau")}
        for key in idle.get(self.kind, ()):
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"`{key}` has no effect on a method of kind {self.kind}; take it away")
        return self
