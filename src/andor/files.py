"""Files: whole or not there at all, their digests, and what an error says in one line. Needs no library."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from andor.errors import UserError, cannot_write, refused


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place, synced, when the block ends well, and vanishes when not.

    Raises
    ------
    UserError
        If the disk is full or the folder cannot be written.
    """
    path = Path(path)
    with staged(path.parent, path.name) as temporary:
        yield temporary
        settle(temporary)
        temporary.replace(path)


@contextmanager
def staged(folder: Path, name: str) -> Iterator[Path]:
    """A new hidden file in ``folder``, made if need be, that vanishes unless the block moves it elsewhere.

    Raises
    ------
    UserError
        If the disk is full or the folder cannot be written.
    """
    temporary = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        os.close(handle)
        temporary = Path(made)
        yield temporary
    except UserError:
        raise
    except Exception as error:  # writers have errors of their own for a full disk
        if refusal := refused(error):
            read = temporary is not None and refusal.filename not in (None, str(temporary), temporary)
            raise cannot_write(refusal.filename if read else folder / name, refusal) from error
        raise
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def settle(path: Path) -> None:
    """Make a new file readable to all, and wait until its bytes are on the disk."""
    path.chmod(0o644)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Write a text file, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def digest(content: Any) -> str:
    """SHA-256 of a value's canonical JSON: the same for equal values, whatever the order of keys."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def canonical(content: Any) -> str:
    """JSON with sorted keys and no spare space."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_or_copy(source: Path, target: Path) -> None:
    """Put ``source`` at ``target`` without a second copy where the file system allows it."""
    source = Path(source).resolve()  # a link to a symbolic link would be one too, and a relative one leads nowhere
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its name if it has none."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
