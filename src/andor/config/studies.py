"""The key `studies`: questions that results side by side answer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from andor.config.methods import Method
from andor.models.family import Family
from andor.models.settings import model_and_step, state_name
from andor.settings import Closed, ModelName, Name


class Study(Closed):
    """A question that results side by side answer: what a setting, a training or a control changes.

    Each of its methods, on each ensemble, in each task is a row of its table and figure. With `models` instead of
    ensembles every two of these are compared, order by order.
    """

    question: Annotated[str, StringConstraints(min_length=1)]
    """What it asks, in words: the title of its figure."""
    tasks: Annotated[list[Name], Field(min_length=1)]
    """Tasks to look at."""
    ensembles: list[str] = []
    """Ensembles to look at, of the tasks that have them."""
    models: list[ModelName] = []
    """Models to compare instead of ensembles, every two of a task that has them: what is shared, what differs and how
    much, at which orders. They are explained apart."""
    along: Name | None = None
    """A model that keeps states of its training: each of these, and its end, is compared with each of `models`, as that
    is after the same step if it keeps it, else as it is named."""
    methods: list[Name] = []
    """Entries of the top-level `methods` to set side by side."""
    variants: dict[Name, Method] = {}
    """Methods that only this study applies, by name. What is found by each is also compared with what the study's
    first method finds in the same model."""

    @model_validator(mode="after")
    def _rows(self) -> Study:
        if not self.methods and not self.variants:
            raise ValueError("it has neither `methods` nor `variants`; add one")
        if bool(self.ensembles) == bool(self.models):
            has = (
                "both `ensembles` and `models`; keep one"
                if self.models
                else "neither `ensembles` nor `models`; add one"
            )
            raise ValueError(f"it has {has}")
        if self.along is None and len(set(self.models)) == 1:
            raise ValueError(f"`models` has one, {self.models[0]}; add another to compare it with")
        if self.along is not None and not self.models:
            raise ValueError("`along` needs `models` to compare with; add some")
        return self

    def pairs(self, models: Mapping[str, Family]) -> dict[str, list[str]]:
        """Every two models of a task that are compared, the one that is the reference first; by their names."""
        there = [name for name in dict.fromkeys(self.models) if name in models]
        found = list(itertools.combinations(there, 2))
        if self.along is not None:
            end, *kept = [name for name in models if model_and_step(name)[0] == self.along] or [""]
            found = [
                (reference, state)
                for state in [*kept, end]
                for reference in (self._beside(name, state, models) for name in there)
                if state and reference != state
            ]
        return {f"{first}-{second}": [first, second] for first, second in dict.fromkeys(found)}

    def named(self, reference: str, state: str) -> str:
        """Which of `models` a reference beside a state is: the one that is named, whatever its step, or that step's."""
        model, step = model_and_step(reference)
        return model if model in self.models and step in (None, model_and_step(state)[1]) else reference

    def _beside(self, name: str, state: str, models: Mapping[str, Family]) -> str:
        """A model as it is after the same step as a state of the one whose training is followed, if it keeps that."""
        step = model_and_step(state)[1]
        same = name if step is None else state_name(name, step)
        return same if same in models and name != self.along else name
