"""Parts of the configuration, and what they are made of."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter


def part(kind: Any, plain: Any) -> Any:
    """A part of the configuration (`Model`, `Data`, `Method`, …) from the plain values a rule hands to its script."""
    return TypeAdapter(kind).validate_python(plain)


def tag(kind: type[BaseModel]) -> str:
    """The value that picks a part of the configuration out of a union: its required Literal with a single value."""
    literals = [literals_in(field.annotation) for field in kind.model_fields.values() if field.is_required()]
    return next((str(values[0]) for values in literals if len(values) == 1), "")


def models_in(annotation: Any) -> list[Any]:
    """Models named anywhere inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in models_in(inner)]


def literals_in(annotation: Any) -> tuple[Any, ...]:
    """Values of a Literal annotation."""
    return annotation.__args__ if getattr(annotation, "__origin__", None) is Literal else ()
