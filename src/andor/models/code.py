"""Python files of the user's own, and the neighbours they import. Nothing is run here, and nothing heavy imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

FOLDERS_FILE = "__init__.py"
"""The file that stands for a folder."""


def main_file(path: str) -> str:
    """The file that is run: the one of that path, or that of a folder."""
    return path if path.endswith(".py") else f"{path.rstrip('/')}/{FOLDERS_FILE}"


def with_neighbours(main: Path) -> list[Path]:
    """A file, and all of its own folder that it, or what it imports, imports by relative names (`from .layers import`).

    Names that lead out of that folder, or nowhere, are left to whoever runs the file.
    """
    home, found, waiting = main.parent, {main}, [main]
    while waiting:
        file = waiting.pop()
        near = {place for place in _named(file) if place.is_file() and home in place.parents} - found
        found |= near
        waiting += sorted(near)
    return [main, *sorted(found - {main})]


def _named(file: Path) -> Iterator[Path]:
    """Places where the relative imports of a file may lead."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        folder = file.parents[node.level - 1] if node.level <= len(file.parents) else file.parent
        parts = node.module.split(".") if node.module else []
        for count in range(len(parts) + 1):
            yield folder.joinpath(*parts[:count], FOLDERS_FILE)
        for name in [*parts[-1:], *(alias.name for alias in node.names)]:
            within = parts[:-1] if name in parts[-1:] else parts
            yield folder.joinpath(*within, f"{name}.py")
            yield folder.joinpath(*within, name, FOLDERS_FILE)
