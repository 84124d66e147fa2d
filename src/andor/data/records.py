"""Rows of the files that data sets come in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from andor.errors import UserError
from andor.files import first_line


def splits(
    parts: Mapping[str, str], columns: list[str], folder: Path, optional: Iterable[str] = ()
) -> tuple[pa.Table, np.ndarray]:
    """Rows of a folder's Parquet files and the split of each; ``parts`` maps the files' first word to the split."""
    tables = [concatenated([parquet(file) for file in _files(folder, f"{part}*.parquet")]) for part in parts]
    for table in tables:
        check_columns(table, columns, folder)
    split = np.repeat(list(parts.values()), [table.num_rows for table in tables])
    columns = columns + [name for name in optional if all(name in table.column_names for table in tables)]
    return concatenated([table.select(columns) for table in tables]), split


def parquet(file: Path) -> pa.Table:
    """Rows of a Parquet file."""
    try:
        return pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file}: no readable Parquet file ({first_line(error)}); fetch it again") from None


def json_lines(file: Path) -> pa.Table:
    """Rows of a file with a JSON object in each line."""
    try:
        return pyarrow.json.read_json(file)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file}: no readable JSON lines ({first_line(error)}); fetch it again") from None


def concatenated(tables: list[pa.Table]) -> pa.Table:
    """Rows of all tables, of types that hold the values of each."""
    return pa.concat_tables(tables, promote_options="permissive")


def class_names(schema: pa.Schema, column: str) -> list[str]:
    """Names of the classes that are numbers in a column, where the hub's data sets state them; else none."""
    try:
        stated = json.loads((schema.metadata or {})[b"huggingface"])
        return list(stated["info"]["features"][column]["names"])
    except (KeyError, TypeError, ValueError):
        return []


def check_columns(table: pa.Table, names: list[str], source: Path) -> None:
    """Refuse a table that lacks a column."""
    for name in names:
        if name not in table.column_names:
            raise UserError(f"{source}: no column `{name}`; it has {', '.join(table.column_names)}")


def _files(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder, and of folders in it, in the order of their names."""
    files = sorted(folder.rglob(pattern))
    if not files:
        raise UserError(f"{folder}: no file {pattern}; name a folder that holds one under `sources`")
    return files
