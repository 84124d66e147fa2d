"""Models that are another one of their task but for what is given beside: another prompt, fewer bits, a fine-tune."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict

from andor.settings import Closed, Name, near


class Copy(Closed):
    """A model that is another one but for the keys beside `like`."""

    model_config = ConfigDict(extra="allow")

    like: Name
    """Another model of the task, of which this one has every key that is not given beside; of a mapping, such as
    `training`, each key in it. `null` takes a key away."""


def resolved(models: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of `models` with the keys of those that they are like; what is no mapping stays as it is.

    Raises
    ------
    ValueError
        If one is like a model that there is not, or like itself by way of others.
    """
    return {name: _resolved(name, models, ()) for name in models}


def _resolved(name: str, models: Mapping[str, Any], way: tuple[str, ...]) -> Any:
    """One entry; `way` leads to it from entries that are like it."""
    entry = models[name]
    if not isinstance(entry, Mapping) or "like" not in entry:
        return entry
    other = entry["like"]
    if not isinstance(other, str) or other not in models:
        known = list(map(str, models))  # YAML reads some names as numbers
        raise ValueError(f"`models.{name}.like: {other}` is no model of the task{near(str(other), known)}")
    if other in (*way, name):
        raise ValueError(f"`models.{name}.like: {other}` leads back to `{name}`; name a model with keys of its own")
    origin = _resolved(other, models, (*way, name))
    own = {key: value for key, value in entry.items() if key != "like"}
    return _merged(origin, own) if isinstance(origin, Mapping) else own


def _merged(origin: Mapping[Any, Any], own: Mapping[Any, Any]) -> dict[Any, Any]:
    """Keys of both, mappings in them merged in turn, and otherwise the values of ``own``; without those it has null."""
    merged = dict(origin)
    for key, value in own.items():
        both = isinstance(value, Mapping) and isinstance(origin.get(key), Mapping)
        merged[key] = _merged(origin[key], value) if both else value
    return {key: value for key, value in merged.items() if value is not None}
