"""Files: Arrow schemas, atomic Parquet, and the content-addressed cache of masked outputs.

A file is written beside its place, synced and renamed, so that whatever stands at a path is whole. Pages carry
checksums that are verified on reading: a damaged file is an error (or, in the cache, computed again), never a number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from andor.errors import UserError
from andor.files import canonical, digest, file_digest, first_line, replacing, settle, staged

INTERACTIONS = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("kind", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("coalition", pa.uint32(), nullable=False),
        pa.field("order", pa.uint8(), nullable=False),
        pa.field("strength", pa.float64(), nullable=False),
    ]
)
"""One row per kind × coalition × model; orders ≤ 1 not merged; kind is ``and`` or ``or``."""

NULL_INTERACTIONS = pa.schema(
    [
        pa.field("null", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("draw", pa.int16(), nullable=False),
        pa.field("model", pa.int16(), nullable=False),
        pa.field("kind", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("coalition", pa.uint32(), nullable=False),
        pa.field("strength", pa.float32(), nullable=False),
    ]
)
"""Interactions of one sample's null games that are not 0, orders ≤ 1 merged; `model` is the place in the ensemble."""

LANGUAGE_OUTPUTS = pa.schema(
    [
        pa.field("coalition", pa.uint32(), nullable=False),
        pa.field("log_prob", pa.float32(), nullable=False),
        pa.field("log_odds", pa.float32(), nullable=False),
    ]
)
"""One row per coalition, sorted: log-probability and log-odds of the target under a language model."""


ARRAYS = ("image", "features", "points")
"""Columns that hold arrays; a table has at most one of them."""


def classifier_outputs(classes: int) -> pa.Schema:
    """Schema of a classifier's masked outputs: one row per coalition, sorted, with all its logits."""
    return pa.schema(
        [
            pa.field("coalition", pa.uint32(), nullable=False),
            pa.field("logits", pa.list_(pa.float32(), classes), nullable=False),
        ]
    )


def interactions_table(i_and: np.ndarray, i_or: np.ndarray, models: Sequence[str]) -> pa.Table:
    """Interactions of one sample, both float64 (m, 2^n), as they are stored."""
    count, size = i_and.shape
    kinds = pa.DictionaryArray.from_arrays(np.tile(np.repeat(np.int8([0, 1]), size), count), ["and", "or"])
    coalition = np.tile(np.arange(size, dtype=np.uint32), 2 * count)
    columns = [
        pa.array(np.repeat(np.array(models, dtype=object), 2 * size), pa.string()),
        kinds,
        coalition,
        np.bitwise_count(coalition),
        np.stack([i_and, i_or], axis=1).ravel(),
    ]
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=INTERACTIONS)


def null_table(interactions: Mapping[str, np.ndarray]) -> pa.Table:
    """Merged interactions (draws, m, 2, 2^n) of one sample under each null, as they are stored."""
    tables = []
    for place, games in enumerate(interactions.values()):
        draw, model, kind, coalition = np.nonzero(games)
        columns = [
            pa.DictionaryArray.from_arrays(np.full(len(draw), place, np.int8), list(interactions)),
            draw.astype(np.int16),
            model.astype(np.int16),
            pa.DictionaryArray.from_arrays(kind.astype(np.int8), ["and", "or"]),
            coalition.astype(np.uint32),
            games[draw, model, kind, coalition].astype(np.float32),
        ]
        tables.append(pa.Table.from_arrays([pa.array(column) for column in columns], schema=NULL_INTERACTIONS))
    return pa.concat_tables(tables) if tables else NULL_INTERACTIONS.empty_table()


def array_column(table: pa.Table) -> str | None:
    """The column that holds arrays, if there is one."""
    return next((name for name in ARRAYS if name in table.column_names), None)


def arrays(table: pa.Table) -> np.ndarray:
    """Arrays of a table as float32 (rows, …): (rows, C, H, W) images, (rows, F) features or (rows, P, 3) points."""
    shape = json.loads(table.schema.metadata[b"shape"])
    return table[array_column(table)].combine_chunks().flatten().to_numpy().reshape(-1, *shape)


# ------------------------------------------------------------------------------------------------ whole files


def write_table(path: Path, table: pa.Table, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a table as zstd Parquet with page checksums, atomically.

    ``metadata`` is added to the table's own, as JSON values under their keys in the file's key-value metadata (see
    `read_metadata`).
    """
    with replacing(path) as temporary:
        _write(temporary, table, metadata or {})


def _write(path: Path, table: pa.Table, metadata: Mapping[str, Any]) -> None:
    texts = {key.encode(): json.dumps(value, sort_keys=True) for key, value in metadata.items()}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **texts})
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)


def _parsed(content: bytes) -> pa.Table:
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


# ------------------------------------------------------------------------------------------------------ cache


class OutputCache:
    """Masked outputs by the digest of everything that can change a number in them.

    A file is named ``<key>-<digest>.parquet``. The key is the digest of what determines its numbers, which also stands
    in the file; behind it is the SHA-256 of the file's bytes: a file says what it is and whether it is whole. Two runs
    may share a folder: under one name both write the same bytes, and a rename is atomic. A file from before bytes had
    digests is called ``<key>.parquet``, is checked by the digest of its numbers, and is given one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder) / "masked_outputs"

    def find(self, content: Mapping[str, Any], rows: int) -> Path | None:
        """The whole, undamaged file of ``content`` with ``rows`` rows, or None.

        A damaged file counts as none and is left alone: removing it could hit the good one that another run has just
        put in its place.
        """
        key = digest(content)
        folder = self.folder / key[:2]
        for path in [*sorted(folder.glob(f"{key}-*.parquet")), folder / f"{key}.parquet"]:
            if not path.exists():
                continue
            try:
                kept = self.read(path)
            except UserError:
                continue
            if kept.rows == rows:
                return path if "-" in path.name else _given_a_digest(path)
        return None

    def keep(self, content: Mapping[str, Any], table: pa.Table, made: Mapping[str, Any] | None = None) -> Path:
        """Store outputs and return their path.

        ``made`` says how they were computed; it is stored beside ``content`` but is no part of the key.
        """
        key = digest(content)
        values = {"content": json.loads(canonical(content))} | ({"made": dict(made)} if made else {})
        folder = self.folder / key[:2]
        with staged(folder, key) as temporary:
            _write(temporary, table, values)
            settle(temporary)
            path = folder / f"{key}-{file_digest(temporary)}.parquet"
            temporary.replace(path)
        return path

    def files(self) -> list[Path]:
        """Every file of outputs, by name."""
        return sorted(self.folder.glob("??/*.parquet"))

    def leftovers(self) -> list[Path]:
        """Temporary files of runs that were killed, and of those that go on."""
        return sorted(self.folder.glob("??/.*"))

    def read(self, path: Path) -> Kept:
        """What a file of the cache holds, verified: its bytes and its name.

        Raises
        ------
        UserError
            If it is damaged or not what its name says.
        """
        key, _, written = path.stem.partition("-")
        try:
            content, status = path.read_bytes(), path.stat()
            if written and hashlib.sha256(content).hexdigest() != written:
                raise UserError(f"{path}: is not as it was written")
            table = _parsed(content)
            metadata = metadata_of(table.schema)
            whole = digest(metadata["content"]) == key and (written or metadata["values"] == _values_digest(table))
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise UserError(f"{path}: damaged ({first_line(error)})") from None
        if not whole:
            raise UserError(f"{path}: its numbers or its name are not those it was written with")
        made = metadata.get("made", {})
        return Kept(path, metadata["content"], made, table.num_rows, status.st_size, status.st_mtime)


def _given_a_digest(path: Path) -> Path:
    """New place of a whole file from before bytes had digests; its old one where the cache cannot be written."""
    try:
        new = path.with_name(f"{path.stem}-{file_digest(path)}.parquet")
        path.rename(new)
    except OSError:  # read-only, or another run was first
        return next(iter(sorted(path.parent.glob(f"{path.stem}-*.parquet"))), path)
    return new


@dataclass(frozen=True)
class Kept:
    """A verified file of the cache."""

    path: Path
    content: dict[str, Any]
    """What determines its numbers."""
    made: dict[str, Any]
    """How they were computed."""
    rows: int
    """Coalitions."""
    size: int
    """Bytes on disk."""
    written: float
    """When, in seconds since the epoch."""


def _values_digest(table: pa.Table) -> str:
    """SHA-256 of a table of numbers, or of lists of so many numbers.

    Checksums cover pages only: in a damaged footer a column may change its type.
    """
    sha256 = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        flat = column.combine_chunks()
        if pa.types.is_fixed_size_list(flat.type):
            flat = flat.flatten()
        if not pa.types.is_primitive(flat.type):
            raise ValueError(f"column {name} holds {flat.type}, no numbers")
        sha256.update(f"{name} {flat.type} {len(flat)}".encode())
        sha256.update(flat.to_numpy().tobytes())
    return sha256.hexdigest()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Errors of reading as the user's."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run the step that makes it") from None
    except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: metadata that are no JSON, or no UTF-8
        raise UserError(f"{path}: damaged Parquet file ({first_line(error)}); delete it and run again") from error
