"""Classifiers and regressors of scikit-learn by their names; torch is not needed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import sklearn
from sklearn.base import ClassifierMixin, RegressorMixin

from andor.errors import UserError
from andor.settings import near

Estimator = type[ClassifierMixin] | type[RegressorMixin]
KINDS: dict[str, Estimator] = {"classifier": ClassifierMixin, "regressor": RegressorMixin}
"""What there is to be of an estimator, and the class that says so."""


def estimator(name: str, parameters: Iterable[str], *wanted: str) -> Estimator:
    """The class of a name, one of the wanted kinds (see `KINDS`).

    Raises
    ------
    UserError
        If there is none, or it does not take one of the parameters.
    """
    kind = _named(name, wanted) or _every(wanted).get(name)
    if kind is None:
        raise UserError(f"`estimator: {name}` is no {' or '.join(wanted)} of scikit-learn{near(name, _every(wanted))}")
    arguments = inspect.signature(kind).parameters
    if wrong := [key for key in parameters if key not in arguments]:
        raise UserError(f"`parameters.{wrong[0]}`: {name} has no such argument; it has {', '.join(arguments)}")
    return kind


def _named(name: str, wanted: Sequence[str]) -> Estimator | None:
    """The class, if a public module of scikit-learn names it: only that module is imported, all take many seconds."""
    for module in iter_modules(sklearn.__path__):
        path = Path(sklearn.__path__[0], module.name)
        file = path / "__init__.py" if module.ispkg else path.with_suffix(".py")
        public = not module.name.startswith("_") and file.is_file()
        if public and re.search(rf"\b{re.escape(name)}\b", file.read_text(encoding="utf-8")):
            found = getattr(import_module(f"sklearn.{module.name}"), name, None)
            mixins = tuple(KINDS[kind] for kind in wanted)
            if inspect.isclass(found) and issubclass(found, mixins) and not inspect.isabstract(found):
                return found
    return None


def _every(wanted: Sequence[str]) -> dict[str, Estimator]:
    """All of the wanted kinds by name."""
    from sklearn.utils import all_estimators

    return dict(all_estimators(type_filter=list(wanted)))
