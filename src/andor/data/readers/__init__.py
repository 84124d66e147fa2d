"""Readers: every file of this folder holds one, a subclass of `andor.data.reader.Reader`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from andor.data.reader import Reader
from andor.kinds import kinds_in, union


def readers() -> list[type[Reader]]:
    """Classes of all readers."""
    return kinds_in(__name__, __path__)


def reader(plain: Mapping[str, Any]) -> Reader:
    """The reader that the plain values of a key `data` describe."""
    return TypeAdapter(union(readers(), "reader")).validate_python(plain)
