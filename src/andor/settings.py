"""What all parts of the configuration are made of: a closed model, names and numbers.

Nothing heavy is imported: the Snakefile reads this at every start, on every node.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

MAX_PLAYERS = 24
"""Most players of a task whose coalitions are all evaluated: 2^24 of float64 are 128 MiB a model and array."""
MAX_SAMPLED = 512
"""Most players of a task with a budget of coalitions."""
BLOCK = 50
"""Drawn coalitions that are evaluated, and kept in the cache, together."""

PositiveInt = Annotated[int, Field(gt=0, le=10**6)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


PATTERNS = {
    r"^[a-z][a-z0-9_]*$": "a name of lower-case letters, digits and underscores that starts with a letter",
    r"^[0-9a-f]{64}$": "a SHA-256 digest: 64 hexadecimal digits in lower case",
    r"^(auto|cpu|cuda(:\d+)?)$": "auto, cpu, cuda or cuda:N",
    r"^[A-Za-z_]\w*$": "the name of a function",
    r"^[a-z][a-z0-9_]*(@(0|[1-9][0-9]*))?$": "the name of a model, or that with @ and a step of its training",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "the name of an environment variable",
}
"""Every pattern of this module, in words."""
NAME, SHA256, DEVICE, IDENTIFIER, STATE, VARIABLE = PATTERNS

Name = Annotated[str, StringConstraints(pattern=NAME, max_length=40)]
"""Names become folders, and ``-`` joins the models of an ensemble."""
ModelName = Annotated[str, StringConstraints(pattern=STATE, max_length=50)]
"""Of a model, be it as it was after a step of its training (`Training.keep`)."""


class Closed(BaseModel):
    """A part of the configuration: unknown keys are refused, and a checked part does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _numbers(cls, raw: Any) -> Any:
        """YAML's true and yes are no numbers, though Python counts with them."""
        for key, value in raw.items() if isinstance(raw, Mapping) else ():
            field = cls.model_fields.get(key)
            held = value if isinstance(value, list) else [value]
            if field is not None and any(isinstance(each, bool) for each in held) and not _takes_bool(field.annotation):
                raise ValueError(f"`{key}: {str(value).lower()}`: yes and no, true and false are no values of it")
        return raw


def _takes_bool(annotation: Any) -> bool:
    """Whether a type takes yes and no; what takes any JSON does."""
    return annotation is bool or annotation is JsonValue or any(map(_takes_bool, get_args(annotation)))


def near(word: str, known: Mapping[str, Any] | list[str]) -> str:
    """The advice that ends a message about an unknown name."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else f"; known: {', '.join(known) or 'none'}"
