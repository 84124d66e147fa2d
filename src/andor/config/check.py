"""The whole configuration, read and checked: one line for each fault."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Union

from pydantic import BaseModel, ValidationError

from andor.config.config import ARRAYS_PER_MODEL, Config
from andor.config.parts import literals_in, models_in
from andor.errors import UserError
from andor.files import first_line
from andor.settings import PATTERNS, near
from andor.sources.uri import parse as parse_uri
from andor.yaml_text import plain_values

_ARM = re.compile(r"(?:constrained-)?(?:int|str|float|bool|list|dict)(?:\[.*\])?$")
"""How pydantic names a form of a value in its paths."""
_BY_NAME = ("sources", "tasks", "models", "methods", "studies", "variants", "ensembles", "groups", "parameters")
"""Keys whose entries have names of the user's own."""
_OTHER_TYPE = re.compile(r"_(?:type|parsing|from_float)$")
SHOWN = 60
"""Letters of a long path that are told."""


def check(raw: Mapping[str, Any], origin: str = "config.yaml", base: Path | None = None) -> Config:
    """Checked configuration, or a UserError with one line per fault: key, value and fix.

    With ``base``, the folder that `path:` addresses start from, local files and this machine's memory are checked too.
    """
    try:
        config = Config.model_validate(dict(raw))
    except ValidationError as error:
        lines = [_explain(fault) for fault in _without_arms(error.errors())]
    else:
        lines = [] if base is None else [*_missing_files(config, base), *_cache(config, base), *_too_large(config)]
    if lines:
        raise UserError("\n".join(f"{origin}: {line}" for line in dict.fromkeys(lines)))
    return config


def load_raw(path: str | Path) -> dict[str, Any]:
    """Plain values of a YAML file."""
    try:
        raw = plain_values(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give the path of a configuration") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give the path of a configuration") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: no UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    except ValueError as error:
        raise UserError(f"{path}: no valid YAML: {error}") from None
    if not isinstance(raw, dict):
        raise UserError(f"{path}: holds no mapping of keys; start from config.yaml")
    return raw


def load(path: str | Path) -> Config:
    """Read and check a YAML configuration."""
    return check(load_raw(path), str(path))


def _missing_files(config: Config, base: Path) -> list[str]:
    """Sources that can only be had from a local path where nothing is, and models' own files that are not there."""
    own = [
        f"`tasks.{task_name}.models.{name}.{key}`: no file at {base / file}; mend the path"
        for task_name, task in config.tasks.items()
        for name, model in task.models.items()
        for key, file in model.own_files().items()
        if not (base / file).is_file()
    ]
    local = [
        (name, part.name)
        for name in config.used_sources()
        for mirror in map(parse_uri, config.sources[name].mirrors)
        for part in mirror.parts or (mirror,)
        if part.scheme == "path" and len(config.sources[name].mirrors) == 1
    ]
    return own + [
        f"`sources.{name}.mirrors`: no file or folder at {said}; mend the path"
        for name, given in local
        if (said := _missing(base, given))
    ]


def _missing(base: Path, given: str) -> str | None:
    """A path as it is said to be missing, if it is or cannot be one."""
    try:
        path = base / Path(given).expanduser()
        return None if path.exists() else str(path)
    except (OSError, ValueError, RuntimeError):  # too long a name, a zero byte, nobody's home
        return repr(given if len(given) <= SHOWN else f"{given[:SHOWN]}…")


def _cache(config: Config, base: Path) -> list[str]:
    """A cache that is no folder and cannot become one."""
    try:
        path = base / Path(config.cache).expanduser()
        there = next(part for part in (path, *path.parents) if part.exists())
        fault = "a zero byte in it" if "\0" in config.cache else None if there.is_dir() else f"{there} is a file"
    except (OSError, ValueError, RuntimeError) as error:
        fault = first_line(error)
    return [] if fault is None else [f"`cache: {config.cache[:SHOWN]!r}`: {fault}; name a folder"]


def _too_large(config: Config) -> list[str]:
    """Tasks whose extraction needs more memory than this machine has, even one sample at a time."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    faults = []
    for name, task in config.tasks.items():
        models = max(map(len, task.ensembles_by_name().values()), default=1)
        if task.budget is None:
            counted = "count" in type(task.players).model_fields
            key = f"players.count: {task.most_players}" if counted else f"players.kind: {task.players.kind}"
            needed = ARRAYS_PER_MODEL * models * 8 * 2**task.most_players
        else:
            key, needed = f"coalitions.budget: {task.budget.budget}", task.sampled_bytes(models)
        if needed > memory:
            faults.append(
                f"`tasks.{name}.{key}` needs about {needed / 2**30:.0f} GiB "
                f"for {models} models at once and this machine has {memory / 2**30:.0f}; lower it"
            )
    return faults


def _without_arms(faults: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Faults without those of forms of a value that was not meant: pydantic tells them of each form that there is.

    Meant is a form whose type the value has; where it has none of them, one fault says all that it may be.
    """
    kept: list[Mapping[str, Any]] = []
    groups: dict[tuple[Any, ...], list[tuple[Mapping[str, Any], tuple[Any, ...]]]] = {}
    for fault in faults:
        loc = fault["loc"]
        named = (place for place, part in enumerate(loc) if _ARM.match(str(part)))
        arm = next((place for place in named if place and loc[place - 1] not in _BY_NAME), None)
        if arm is None:
            kept.append(fault)
        else:
            groups.setdefault(loc[:arm], []).append((fault, loc[arm + 1 :]))
    for key, group in groups.items():
        meant = [(fault, rest) for fault, rest in group if rest or not _OTHER_TYPE.search(fault["type"])]
        said = " or ".join(fault["msg"].removeprefix("Input should be ").partition(",")[0] for fault, _ in group)
        if meant:
            kept += [{**fault, "loc": (*key, *rest)} for fault, rest in meant]
        else:
            kept.append({**group[0][0], "loc": key, "type": "", "msg": f"Input should be {said}"})
    return kept


def _explain(fault: Mapping[str, Any]) -> str:
    """One line for one of pydantic's errors."""
    location, owner = _locate(fault["loc"])
    key = ".".join(str(part) for part in location) or "top level"
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        return f"`{key}` is no known key{near(str(location[-1]), list(owner.model_fields))}"
    if kind == "missing":
        return f"`{key}` is missing; add it"
    if kind == "value_error":
        where = "" if not location else f"`{key}`: "
        return f"{where}{context['error']}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tag = str(context.get("discriminator", "")).strip("'")
        given = context.get("tag")
        expected = str(context.get("expected_tags", "")).replace("'", "")
        return (
            f"`{key}.{tag}{f': {given}' if given is not None else ''}` must be one of {expected}"
            if expected
            else f"`{key}.{tag}` is missing; add it"
        )
    value = fault["input"]
    if kind == "string_pattern_mismatch":
        return f"`{key}: {value}` must be {PATTERNS[context['pattern']]}"
    shown = f": {value}" if isinstance(value, str | int | float | bool) or value is None else ""
    return f"`{key}{shown}`: {fault['msg'][0].lower()}{fault['msg'][1:]}"


def _locate(loc: tuple[Any, ...]) -> tuple[list[Any], type[BaseModel]]:
    """Keys as the user wrote them (pydantic adds the tags of unions to its paths), and the owner of the last one."""
    owner: Any = Config
    keys: list[Any] = []
    for part in loc:
        if str(part).startswith("["):  # the key of a mapping, or the form of a value
            continue
        if isinstance(owner, type) and issubclass(owner, BaseModel):
            if part in owner.model_fields:
                owner = owner.model_fields[part].annotation
                keys.append(part)
            else:
                keys.append(part)
                break
            continue
        models = models_in(owner)
        tagged = [m for m in models if (part,) in [literals_in(f.annotation) for f in m.model_fields.values()]]
        if tagged and len(models) > 1:
            owner = tagged[0]
        else:
            keys.append(part)
            if len(models) == 1:
                owner = models[0]
            elif models:
                owner = Union[tuple(models)]  # noqa: UP007 - built at run time
    owner = owner if isinstance(owner, type) and issubclass(owner, BaseModel) else next(iter(models_in(owner)), Config)
    return keys, owner
