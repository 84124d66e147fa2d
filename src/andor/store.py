"""Parquet files: written whole or not at all, verified when they are read.

A file is written beside its place, synced and renamed, so that whatever stands at a path is whole. Pages carry
checksums that are verified on reading: a damaged file is an error, never a number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from andor.errors import UserError
from andor.files import first_line, replacing


def write_table(path: Path, table: pa.Table, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a table as zstd Parquet with page checksums, atomically.

    ``metadata`` is added to the table's own, as JSON values under their keys in the file's key-value metadata (see
    `read_metadata`).
    """
    with replacing(path) as temporary:
        dump(temporary, table, metadata or {})


def dump(path: Path, table: pa.Table, metadata: Mapping[str, Any]) -> None:
    """Write a table to a path that nobody reads yet: see `write_table`."""
    texts = {key.encode(): json.dumps(value, sort_keys=True) for key, value in metadata.items()}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **texts})
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)


def parse(content: bytes) -> pa.Table:
    """The table that a file of these bytes holds, verified."""
    return pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a table and verify its checksums.

    Raises
    ------
    UserError
        If the file is missing, truncated or damaged.
    """
    with _readable(path):
        # One thread: files are small, and a job has no more unless it is given more.
        table = pq.ParquetFile(path, page_checksum_verification=True).read(columns=columns, use_threads=False)
    if columns and (missing := set(columns) - set(table.column_names)):  # read() passes over names that are not there
        raise UserError(f"{path}: holds no column `{min(missing)}`; delete it and run again")
    return table


def read_metadata(path: Path) -> dict[str, Any]:
    """Key-value metadata that `write_table` stored.

    Raises
    ------
    UserError
        If the file is missing, truncated or damaged.
    """
    with _readable(path):
        return metadata_of(pq.read_schema(path))


def metadata_of(table: pa.Table | pa.Schema) -> dict[str, Any]:
    """Key-value metadata of a table, or of a schema, that `write_table` stored."""
    schema = table.schema if isinstance(table, pa.Table) else table
    stored = schema.metadata or {}
    return {key.decode(): json.loads(value) for key, value in stored.items() if key != b"ARROW:schema"}


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Errors of reading as the user's."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run the step that makes it") from None
    except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: metadata that are no JSON, or no UTF-8
        raise UserError(f"{path}: damaged Parquet file ({first_line(error)}); delete it and run again") from error
