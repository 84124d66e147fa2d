"""Estimators of scikit-learn and their arguments, read from its source: importing them takes seconds."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from andor.settings import near

_CLASS = re.compile(r"^class (\w+)\(([^)]*)\):", re.MULTILINE)
KINDS = {"classifier": "ClassifierMixin", "regressor": "RegressorMixin"}
"""What there is to be of an estimator, and the base that says so."""


class Class(NamedTuple):
    """A class of scikit-learn: its file, and the names of its bases."""

    file: Path
    bases: list[str]


def faults(name: str, parameters: Iterable[str], *wanted: str) -> Iterator[str]:
    """Why a name is no estimator's of a wanted kind, or which parameters it does not take.

    Nothing if scikit-learn is not here.
    """
    if not classes():
        return
    kinds = wanted or tuple(KINDS)
    if name not in (known := estimators(*kinds)):
        yield f"`estimator: {name}` is no {' or '.join(kinds)} of scikit-learn{near(name, known)}"
        return
    taken = arguments(name)
    yield from (
        f"`parameters.{key}`: {name} has no such argument; it has {', '.join(taken)}"
        for key in parameters
        if key not in taken
    )


@functools.cache
def classes() -> dict[str, Class]:
    """Every class with bases; none if scikit-learn is not here."""
    spec = find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        return {}
    (root,) = spec.submodule_search_locations
    files = (file for file in sorted(Path(root).rglob("*.py")) if "tests" not in file.parts)
    return {
        name: Class(file, re.findall(r"[\w.]+", bases))
        for file in files
        for name, bases in _CLASS.findall(file.read_text(encoding="utf-8"))
    }


@functools.cache
def estimators(*kinds: str) -> list[str]:
    """Names of the estimators of some kinds that a public module of scikit-learn offers."""
    mixins = {KINDS[kind] for kind in kinds}
    found = (name for name in classes() if _inherits(name, mixins) and not name.startswith(("Base", "_")))
    return sorted(name for name in found if re.search(rf"\b{name}\b", _public(classes()[name].file)))


@functools.cache
def _public(file: Path) -> str:
    """What the public module says that a file is part of: a package, or the file itself."""
    inside = file.parts[len(file.parts) - 1 - file.parts[::-1].index("sklearn") :]
    if len(inside) == 2:
        return "" if inside[1].startswith("_") else file.read_text(encoding="utf-8")
    return Path(*file.parts[: 2 - len(inside)], "__init__.py").read_text(encoding="utf-8")


def _inherits(name: str, mixins: set[str]) -> bool:
    bases = classes()[name].bases if name in classes() else []
    return not mixins.isdisjoint(bases) or any(_inherits(base, mixins) for base in bases)


def arguments(name: str) -> list[str]:
    """Arguments of a class, its own or those of the first base that states some."""
    tree = ast.parse(classes()[name].file.read_text(encoding="utf-8"))
    own = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    for node in own.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return [argument.arg for argument in [*node.args.args[1:], *node.args.kwonlyargs]]
    inherited = (arguments(base) for base in classes()[name].bases if base in classes())
    return next(filter(None, inherited), [])
