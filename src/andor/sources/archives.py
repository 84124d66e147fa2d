"""Taking named members out of tar and zip archives that nobody vouches for.

Nothing is unpacked by the archive's own rules: the bytes of regular files that were asked for are written under checked
names, and that is all. Links and devices are refused where they are part of what was asked for.
"""

from __future__ import annotations

import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from andor.sources.errors import MirrorError
from andor.sources.uri import is_safe

MAX_BYTES = 2**30
MAX_RATIO = 100
"""An archive may unpack to a GiB, or to a hundred times its own size if that is more: real ones stay far below."""
_CHUNK = 2**20
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression method of zip that Python lacks
    RuntimeError,  # an encrypted zip
    ValueError,
)


class _Entry(NamedTuple):
    name: str
    is_folder: bool
    is_regular: bool
    size: int
    open: Callable[[], IO[bytes]]


def extract(archive: Path, member: str, target: Path) -> None:
    """Write one member of an archive to ``target``: a file, or, if ``member`` ends in ``/``, a folder's content.

    Raises
    ------
    MirrorError
        If the archive is damaged or none, lacks the member, or the member's names, kinds or size are not to be trusted.
    """
    budget = max(MAX_BYTES, MAX_RATIO * archive.stat().st_size)
    prefix = "" if member == "./" else member
    found = False
    try:
        for entry in _entries(archive):
            if entry.is_folder:
                continue
            name = entry.name.removeprefix("./")
            if name.startswith(prefix) if member.endswith("/") else name == member:
                path = target / _checked(entry, name[len(prefix) :]) if member.endswith("/") else target
                budget -= _write(entry, path, budget)
                found = True
            else:
                budget -= entry.size  # a compressed tar is unpacked to pass over a member
            if budget < 0:
                raise MirrorError(f"the archive unpacks to more than {MAX_RATIO} times its size")
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise MirrorError(f"the archive holds two members of one name in {member}") from None
    except _DAMAGED as error:
        raise MirrorError(f"damaged archive ({error})") from error
    except OSError as error:
        if error.errno is not None:  # the disk's; decompressors set none
            raise
        raise MirrorError(f"damaged archive ({error})") from error
    if not found:
        raise MirrorError(f"the archive holds no {member}")


def _checked(entry: _Entry, name: str) -> str:
    """``name`` if it stays below the folder it is put into."""
    if not is_safe(name):
        raise MirrorError(f"the archive's member {entry.name!r} would leave its folder")
    return name


def _write(entry: _Entry, path: Path, budget: int) -> int:
    """Write a regular member to a new file; the number of bytes. What is written is counted: a stated size may lie."""
    if not entry.is_regular:
        raise MirrorError(f"the archive's member {entry.name!r} is a link or a device, not a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with entry.open() as source, path.open("xb") as file:
        while written <= budget and (chunk := source.read(_CHUNK)):
            written += file.write(chunk)
    return written


def _entries(archive: Path) -> Iterator[_Entry]:
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive, "r:*") as tar:
            for member in tar:
                opened = partial(tar.extractfile, member)
                yield _Entry(member.name, member.isdir(), member.isreg(), member.size, opened)
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive was not made on Unix
                is_regular = kind in (0, stat.S_IFREG)
                yield _Entry(info.filename, info.is_dir(), is_regular, info.file_size, partial(zipped.open, info))
    else:
        raise MirrorError("is neither a tar nor a zip archive")
