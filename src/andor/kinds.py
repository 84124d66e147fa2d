"""Kinds of a part of the configuration: a file each, found beside each other, told apart by a key.

Nothing heavy is imported: the Snakefile reads this at every start, on every node.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Union

from pydantic import Field

from andor.settings import Closed


class Kind(Closed):
    """One of several classes that may stand at a key of the configuration."""

    place: ClassVar[int] = 100
    """Place in messages and in the reference; those of one place come in the order of their names."""


def kinds_in(package: str, path: Iterable[str]) -> list[Any]:
    """Classes of kinds that the modules of a package define, in the order of their places.

    Modules whose names begin with an underscore are not looked into: they may hold what is slow to import.
    """
    names = [module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_")]
    modules = [importlib.import_module(f"{package}.{name}") for name in names]
    defined = [(module.__name__, value) for module in modules for value in vars(module).values()]
    found = [
        value
        for module, value in defined
        if isinstance(value, type) and issubclass(value, Kind) and value.__module__ == module
    ]
    return sorted(found, key=lambda kind: (kind.place, kind.__name__))


def union(kinds: Iterable[type[Kind]], key: str) -> Any:
    """Annotation of a value that is of one of the kinds, the one that a key of it names."""
    return Annotated[Union[tuple(kinds)], Field(discriminator=key)]  # noqa: UP007 - built at run time
