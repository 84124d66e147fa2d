"""The key `studies`: questions that results side by side answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from andor.config.methods import Method
from andor.settings import Closed, Name


class Study(Closed):
    """A question that results side by side answer: what a setting, a training or a control changes.

    Each of its methods, on each ensemble, in each task is a row of its table and figure.
    """

    question: Annotated[str, StringConstraints(min_length=1)]
    """What it asks, in words: the title of its figure."""
    tasks: Annotated[list[Name], Field(min_length=1)]
    """Tasks to look at."""
    ensembles: Annotated[list[str], Field(min_length=1)]
    """Ensembles to look at, of the tasks that have them."""
    methods: list[Name] = []
    """Entries of the top-level `methods` to set side by side."""
    variants: dict[Name, Method] = {}
    """Methods that only this study applies, by name. What is found by each is also compared with what the study's
    first method finds in the same model."""

    @model_validator(mode="after")
    def _rows(self) -> Study:
        if not self.methods and not self.variants:
            raise ValueError("it has neither `methods` nor `variants`; add one")
        return self
