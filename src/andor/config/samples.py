"""The keys `samples` and `target` of a task: which items are explained, and what language models predict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from andor.data.reader import Reader
from andor.settings import Closed, Name, NonNegative, PositiveFloat, PositiveInt


class Samples(Closed):
    """Which test items are explained."""

    count: PositiveInt = 20
    """Samples a task: the first eligible candidates."""
    candidates: PositiveInt = 200
    """Test items screened (drawn with the seed); raise it when too few are eligible."""
    chunk: PositiveInt = 10
    """Samples a job."""
    label: Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)] | None = None
    """Only items of this label, by its number or the name of its class; any if unset."""
    min_range: NonNegative = 1.0
    """Least |v(N) − v(∅)| that every model must reach: all bounds of the method scale with it."""

    max_error: PositiveFloat | None = None
    """Where labels are numbers: largest distance of a prediction from its number, in the same units, with which it is
    right."""

    def misfits(self, data: Reader) -> Iterator[str]:
        """What does not go with the data."""
        if self.label is not None and data.is_numeric:
            yield f"`samples.label: {self.label}` is a class, {data.title} has a number to predict; take it away"
        elif isinstance(self.label, str) and data.classes is not None and self.label not in data.classes:
            named = f"; known: {', '.join(data.classes)}" if data.classes else ": these have numbers alone"
            yield f"`samples.label: {self.label}` is none of the classes of the data{named}"
        elif isinstance(self.label, int) and self.label > 1 and data.two_labels:
            yield f"`samples.label: {self.label}` is none of the labels 0 and 1 of the data; choose one"
        if data.is_numeric and self.max_error is None:
            yield "`samples.max_error` is missing: how far a prediction that counts as right may be off; add it"
        if not data.is_numeric and self.max_error is not None:
            yield f"`samples.max_error: {self.max_error:g}` is for numbers, {data.title} has classes; take it away"


class Target(Closed):
    """What language models predict after the prompt: one text for all of them, as each one's tokenizer cuts it."""

    model: Name | None = None
    """The model whose most likely continuation it is; the first one if unset."""
    unit: Literal["token", "word"] = "token"
    """That model's most likely next token (ICLR 2024); or the word it begins, whole: one model's token may be no token
    of another."""
    text: Annotated[str, StringConstraints(min_length=1)] | None = None
    """A text instead, the same for all passages; it mostly begins with a space."""

    @model_validator(mode="after")
    def _one(self) -> Target:
        if self.text is not None and (self.model is not None or self.unit != "token"):
            raise ValueError("`text` leaves nothing to predict; take `model` and `unit` away")
        return self
