"""The content-addressed cache of masked outputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from andor.errors import UserError
from andor.files import canonical, digest, file_digest, first_line, settle, staged
from andor.store import dump, metadata_of, parse


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
            dump(temporary, table, values)
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
            table = parse(content)
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
