"""The configuration's reference, made from its model: the JSON schema for editors and the table of every key."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import json
import sys
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticUndefined

from andor.config import Config, tag
from andor.config.copies import Copy

MODELS = "tasks.<name>.models"
"""Where an entry may be a copy of another one."""
HEADER = """# Configuration

Every key of a configuration, made from `andor.config` by `andor reference` (a test keeps this page in step).
`<name>` stands for a name you choose. Where a key depends on another, the other's value is given in brackets.

| key | type | default | meaning |
|---|---|---|---|
"""


def json_schema() -> str:
    """JSON schema of a configuration file."""
    schema, copied = (part.model_json_schema(schema_generator=_Described) for part in (Config, Copy))
    entries = schema["$defs"]["Task"]["properties"]["models"]["patternProperties"]
    entries |= {name: {"anyOf": [kind, copied]} for name, kind in entries.items()}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def key_table() -> str:
    """Markdown page with a row for every key."""
    rows = (f"| `{key}` | {kind} | {default} | {text} |\n" for key, kind, default, text in _keys(Config, ""))
    return HEADER + "".join(dict.fromkeys(rows))


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """What is said of each key of a part, by its name: the string that stands below it.

    pydantic could collect them, but would read all the files again each time that the configuration is imported.
    """
    owners = {name: owner for owner in reversed(model.__mro__) for name in vars(owner).get("__annotations__", ())}
    found = {name: _below(owners[name].__module__).get((owners[name].__name__, name)) for name in model.model_fields}
    return {name: text for name, text in found.items() if text is not None}


@functools.cache
def _below(module: str) -> dict[tuple[str, str], str]:
    """Strings that stand below the keys of a module's classes, by class and key."""
    body = ast.parse(inspect.getsource(sys.modules[module])).body
    return {
        (owner.name, key.target.id): inspect.cleandoc(str(text.value.value))
        for owner in body
        if isinstance(owner, ast.ClassDef)
        for key, text in itertools.pairwise(owner.body)
        if isinstance(key, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


class _Described(GenerateJsonSchema):
    """A schema in which keys are described."""

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """Schema of a part."""
        found = super().model_schema(schema)
        for name, text in descriptions(schema["cls"]).items():
            found["properties"][name]["description"] = text
        return found


def _keys(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Key, type, default and description of every field, depth first."""
    texts = descriptions(model)
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        default = "required" if field.is_required() else _shown(field.get_default(call_default_factory=True))
        yield key, _kind(field.annotation), default, " ".join(texts.get(name, "").split()).replace("|", r"\|")
        if key == MODELS:
            yield from _keys(Copy, f"{key}.<name>.")
        for part in _parts(field.annotation):
            inner = f"{key}.<name>" if get_origin(field.annotation) is dict or "dict[" in str(field.annotation) else key
            name_of = tag(part)
            yield from _keys(part, f"{inner}{f' ({name_of})' if name_of else ''}.")


def _parts(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]


def _kind(annotation: Any) -> str:
    """A type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        kinds = dict.fromkeys(_kind(a) for a in arguments if a is not type(None))
        return " or ".join([*kinds, *(["null"] if type(None) in arguments else [])])
    if origin is dict:
        return f"{_kind(arguments[1])} by name"
    if origin is list:
        return f"list of {_kind(arguments[0])}"
    if hasattr(annotation, "__metadata__"):
        return _kind(arguments[0])
    if annotation is JsonValue:
        return "any value"
    if annotation is type(None) or annotation is None:
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    return {"str": "text", "int": "whole number", "float": "number", "bool": "yes or no"}[annotation.__name__]


def _shown(default: Any) -> str:
    """A default as YAML would have it; a whole mapping's parts have rows of their own."""
    if default is None or default is PydanticUndefined:
        return "null"
    if isinstance(default, BaseModel):
        return "see below"
    if isinstance(default, dict):
        return ", ".join(f"`{name}`" for name in default) or "none"
    return f"`{json.dumps(default)}`"
