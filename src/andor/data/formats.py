"""Files of records: delimited texts, JSON lines and Parquet, compressed or not."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from andor.data.records import class_names
from andor.errors import UserError
from andor.files import first_line

DELIMITED, JSON, PARQUET = (".csv", ".tsv", ".tab"), (".jsonl", ".ndjson", ".json"), (".parquet", ".pq")
KINDS = DELIMITED + JSON + PARQUET
"""Endings of names, before that of a compression."""
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Delimiting:
    """How a delimited file is written; of other files nothing of it is used."""

    separator: str = ","
    names: Sequence[str] | None = None
    encoding: str = "utf-8"


class Records(NamedTuple):
    """Cells of files, by column, and the names of the classes that are numbers there, where a file states them."""

    cells: dict[str, list[Any]]
    classes: dict[str, list[str]]

    def __len__(self) -> int:
        return len(next(iter(self.cells.values())))


def kind_of(file: Path, kinds: Sequence[str] = KINDS) -> str | None:
    """The ending that says how a file is to be read; None if it is of no kind that is."""
    endings = [ending.lower() for ending in file.suffixes if ending.lower() not in COMPRESSED]
    return endings[-1] if endings and endings[-1] in kinds else None


def files_in(source: Path) -> list[Path]:
    """The file, or the files of a folder and of folders in it, that are of a kind that is read, by name.

    Raises
    ------
    UserError
        If there are none.
    """
    if source.is_file():
        return [source]
    files = sorted(file for file in source.rglob("*") if kind_of(file) and not file.name.startswith("."))
    # a data set's description is JSON, too
    files = [file for file in files if kind_of(file) != ".json"] or files
    if not files:
        raise UserError(f"{source}: holds no file whose name ends in {', '.join(KINDS)}; name one that does")
    return files


def joined(several: Sequence[Records], origin: str) -> Records:
    """Records of the same columns, one below the other.

    Raises
    ------
    UserError
        If they call the same class by different names; ``origin`` says whose they are.
    """
    cells = {name: [cell for one in several for cell in one.cells[name]] for name in several[0].cells}
    classes: dict[str, list[str]] = {}
    for column, names in (named for one in several for named in one.classes.items()):
        known = classes.get(column, [])
        for number, (ours, theirs) in enumerate(zip(known, names, strict=False)):
            if ours != theirs:
                raise UserError(
                    f"{origin}: its files call class {number} of column `{column}` {ours!r} and {theirs!r}; number the "
                    "classes alike in all"
                )
        classes[column] = max(known, names, key=len)
    return Records(cells, classes)


def records(file: Path, columns: Sequence[str], form: Delimiting) -> Records:
    """Columns of a file.

    Raises
    ------
    UserError
        If it is damaged, of no kind that is read, or lacks a column.
    """
    kind = kind_of(file)
    if kind is None:
        raise UserError(
            f"{file}: its name must end in {', '.join(KINDS)} to be read, or with {COMPRESSED[0]} after that"
        )
    try:
        if kind in PARQUET:
            return _of_parquet(file, columns)
        with opened(file) as binary:
            text = io.TextIOWrapper(binary, encoding_of(binary, form.encoding), newline="")
            if kind in JSON:
                return Records(_of_json(text, columns, file), {})
            separator = form.separator if kind == ".csv" else "\t"
            return Records(_of_lines(text, columns, separator, form.names, file), {})
    except UnicodeError as error:
        if kind in PARQUET:
            raise UserError(f"{file}: holds texts that are no UTF-8 ({first_line(error)}); write it again") from None
        raise UserError(
            f"{file}: is not in {form.encoding} ({first_line(error)}); set `data.encoding`, such as cp1252, or save it "
            "as UTF-8"
        ) from None
    except (ValueError, csv.Error, pa.ArrowException, *damages()) as error:
        raise UserError(f"{file}: no readable {kind} file ({first_line(error)}); fetch it again or mend it") from None


def damages() -> tuple[type[Exception], ...]:
    """Errors of reading what is compressed and damaged, or not there."""
    return OSError, EOFError, zlib.error, lzma.LZMAError


def opened(file: Path) -> IO[bytes]:
    """The bytes of a file as they were before it was compressed."""
    ending = file.suffix.lower()
    if ending == ".zst":
        return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(file)), "zstd"))
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    return openers.get(ending, open)(file, "rb")


def encoding_of(binary: Any, encoding: str) -> str:
    """The encoding with what a file says of it in its first bytes."""
    start = binary.peek(3)[:3]
    if start[:2] in _UTF16:
        return "utf-16"
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


def _of_parquet(file: Path, columns: Sequence[str]) -> Records:
    schema = pq.read_schema(file)
    _check(schema.names, columns, file)
    table = pq.ParquetFile(file).read(columns=list(dict.fromkeys(columns)))
    named = {name: class_names(schema, name) for name in columns}
    cells = {name: table[name].to_pylist() for name in columns}
    return Records(cells, {name: names for name, names in named.items() if names})


def _of_json(text: IO[str], columns: Sequence[str], file: Path) -> dict[str, list[Any]]:
    """Cells of an object on each line, or of a list of objects; what an object lacks is None."""
    cells: dict[str, list[Any]] = {name: [] for name in columns}
    seen: dict[str, None] = {}
    for row in objects(text):
        seen |= dict.fromkeys(row)
        for name in columns:
            cells[name].append(row.get(name))
    _check(list(seen), columns, file)
    return cells


def objects(text: IO[str]) -> Iterator[dict[str, Any]]:
    """Objects of JSON lines, or of one list.

    Raises
    ------
    ValueError
        If a line is no object; it names the line.
    """
    first = text.readline()
    if first.lstrip().startswith("["):
        values: Iterable[Any] = json.loads(first + text.read())
    else:
        values = (_value(number, line) for number, line in enumerate([first, *text], 1) if line.strip())
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise ValueError(f"line {number}: no object, but {json.dumps(value)[:20]}")
        yield value


def _value(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


def _of_lines(
    text: IO[str], columns: Sequence[str], separator: str, names: Sequence[str] | None, file: Path
) -> dict[str, list[str]]:
    """Cells of a delimited file as they stand there."""
    csv.field_size_limit(sys.maxsize)
    lines = _unquoted(text.read()) if separator == "\t" else csv.reader(text, delimiter=separator, strict=True)
    rows = filter(None, lines)
    header = [name.strip() for name in next(rows, [])] if names is None else list(names)
    if not header:
        raise ValueError("it is empty")
    _check(header, columns, file)
    places = [header.index(name) for name in columns]
    cells: list[list[str]] = [[] for _ in columns]
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} cells, the header {len(header)}")
        for own, place in zip(cells, places, strict=True):
            own.append(row[place])
    return dict(zip(columns, cells, strict=True))


def _unquoted(text: str) -> Iterator[list[str]]:
    """Rows of a file with tabs, whose quotation marks are letters unless a cell is in them as a whole.

    Where they hold line breaks or tabs together, they quote.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    rows = [line.split("\t") for line in lines if line]
    if "\r" in text.replace("\r\n", "") or any(len(row) != len(rows[0]) for row in rows):
        yield from csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
        return
    for row in rows:
        yield [_bare(cell) for cell in row]


def _bare(cell: str) -> str:
    inner = cell[1:-1]
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell


def _check(known: Sequence[str], columns: Sequence[str], file: Path) -> None:
    """Refuse a file that lacks a column, or has it twice."""
    for name in columns:
        if known.count(name) > 1:
            raise UserError(f"{file}: has {known.count(name)} columns `{name}`; rename the others")
        if name not in known:
            raise UserError(
                f"{file}: no column `{name}`; it has {', '.join(known) or 'none'}{separator_for(known, file)}"
            )


def separator_for(known: Sequence[str], file: Path) -> str:
    """What to set, as the end of a message, where the only column of a CSV file looks like several."""
    found = re.search(r"[;\t|]", known[0]) if len(known) == 1 and kind_of(file) == ".csv" else None
    return f"; set `data.separator: {json.dumps(found[0])}` if that parts its cells" if found else ""
