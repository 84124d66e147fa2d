"""Families of models, a file each: every module that lies here defines one, and bears its name."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from andor.models.family import Family


@cache
def families() -> dict[str, type[Family]]:
    """All families by name, in the order of their places."""
    found = {name: _family_in(import_module(f"{__name__}.{name}")) for _, name, _ in iter_modules(__path__)}
    return dict(sorted(found.items(), key=lambda named: (named[1].place, named[0])))


def _family_in(module: ModuleType) -> type[Family]:
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Family)]
    (family,) = [kind for kind in kinds if kind.__module__ == module.__name__]
    return family
