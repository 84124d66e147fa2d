"""Records of what was written: the SHA-256 of every file of a step's output, checked wherever another step reads it.

Beside a file ``NAME`` lies ``.NAME.andor.sha256``, in a folder ``.andor.sha256``; ``sha256sum --check`` reads both.
What has no record, because it is older or somebody else's, is taken as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from andor.errors import UserError
from andor.files import file_digest, replacing

SUFFIX = ".andor.sha256"
TIMESTAMP = ".snakemake_timestamp"
"""What Snakemake leaves in a folder that a rule has made."""
_LINE = re.compile(r"([0-9a-f]{64})  ([^\0]+)")


def record_of(output: Path) -> Path:
    """Where the record of a file, or of a folder, is."""
    return output / SUFFIX if output.is_dir() else output.with_name(f".{output.name}{SUFFIX}")


def write(output: Path) -> None:
    """Record a file, or all files below a folder, as they are now.

    Raises
    ------
    UserError
        If a name cannot stand in a record, or the disk is full.
    """
    lines = [f"{digest}  {name}" for name, digest in taken(output).items()]
    if any("\n" in line or "\r" in line for line in lines):
        raise UserError(f"{output}: a file's name holds a line break; rename it")
    if lines:
        with replacing(record_of(output)) as temporary:
            temporary.write_bytes("".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"))


def taken(output: Path) -> dict[str, str]:
    """Digest of each file of an output as it is now, by its name relative to the folder of the record."""
    folder = output if output.is_dir() else output.parent
    return {name: file_digest(folder / name) for name in _names(output)}


def drop(output: Path) -> None:
    """Take the record of an output away, which is about to be made anew."""
    output.with_name(f".{output.name}{SUFFIX}").unlink(missing_ok=True)


def check(output: Path) -> None:
    """Refuse an output that is not as it was recorded.

    Raises
    ------
    UserError
        One line that names the first such file and says how many more there are.
    """
    if found := list(faults(output)):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise UserError(f"{found[0]}{more}; delete {output} and run again")


def faults(output: Path) -> Iterator[str]:
    """What is wrong with a recorded file or folder, a line for each file; nothing if there is no record."""
    try:
        digests = read(output)
    except UserError as error:
        yield str(error)
        return
    if digests is None:
        return
    folder = output if output.is_dir() else output.parent
    present = (name for name in _names(output) if not _hidden(name))  # systems leave hidden files anywhere
    for name in sorted({*digests, *present}):
        if fault := _fault(folder / name, digests.get(name)):
            yield f"{folder / name}: {fault}"


def read(output: Path) -> dict[str, str] | None:
    """Digest of each file of an output as it was written; None if there is no record.

    Raises
    ------
    UserError
        If the record itself is damaged.
    """
    record = record_of(output)
    try:
        text = record.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{record}: cannot be read ({error.strerror or error})") from None
    matches = [_LINE.fullmatch(line) for line in text.removesuffix("\n").split("\n")]
    if not all(matches):
        raise UserError(f"{record}: damaged, it holds no digest and name in each line")
    return {match[2]: match[1] for match in matches}


def recorded(root: Path) -> Iterator[Path]:
    """Every output below a folder that has a record, in the order of their names."""
    for folder, folders, names in os.walk(root, followlinks=True):
        folders.sort()
        if SUFFIX in names:
            folders.clear()  # what lies below is of this record, and may have others of its own
            yield Path(folder)
            continue
        for name in sorted(names):
            if name.startswith(".") and name.endswith(SUFFIX):
                yield Path(folder, name[1 : -len(SUFFIX)])


def _fault(file: Path, digest: str | None) -> str | None:
    if digest is None:
        return "is no part of what was written there"
    try:
        return None if file_digest(file) == digest else "is not as it was written"
    except FileNotFoundError:
        return "is gone"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def _names(output: Path) -> list[str]:
    """Names of an output's files, relative to the folder of its record, sorted; bytecode of Python is not of it."""
    if not output.is_dir():
        return [output.name] if output.is_file() else []
    files = (Path(folder, name) for folder, _, names in os.walk(output) for name in names)
    names = (file.relative_to(output).as_posix() for file in files if file.is_file())
    return sorted(name for name in names if name not in (SUFFIX, TIMESTAMP) and "__pycache__" not in name.split("/"))


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
