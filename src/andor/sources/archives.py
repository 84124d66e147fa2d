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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from andor.sources.errors import MirrorError
from andor.sources.uri import is_safe

MAX_BYTES = 2**30
MAX_RATIO = 100
"""An archive may unpack to a GiB, or to a hundred times its own size if that is more: real ones stay far below."""
MAX_MEMBERS = 2_000_000
MAX_EMPTY = 10_000
"""Members of an archive, and those asked for that hold nothing: ImageNet has 1.3 million, a package some hundred."""
_TOO_MUCH = f"the archive unpacks to more than {MAX_RATIO} times its size"
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
    try:
        with _entries(archive) as entries:
            for entry, path in _chosen(entries, member, target, budget):
                budget -= _write(entry, path, budget)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise MirrorError(f"the archive holds two members of one name in {member}") from None
    except _DAMAGED as error:
        raise MirrorError(f"damaged archive ({error})") from error
    except OSError as error:
        if error.errno is not None:  # the disk's; decompressors set none
            raise
        raise MirrorError(f"damaged archive ({error})") from error


def _chosen(entries: Iterable[_Entry], member: str, target: Path, budget: int) -> list[tuple[_Entry, Path]]:
    """What was asked for and where it goes, all of it checked before the first is written."""
    prefix = "" if member == "./" else member
    chosen, empty = [], 0
    for count, entry in enumerate(entries, start=1):
        budget -= max(entry.size, 0)  # of all: a compressed tar is unpacked to pass over a member
        if budget < 0:
            raise MirrorError(_TOO_MUCH)
        if count > MAX_MEMBERS:
            raise MirrorError(f"the archive has more than {MAX_MEMBERS:,} members")
        name = entry.name.removeprefix("./")
        if entry.is_folder or not (name.startswith(prefix) if member.endswith("/") else name == member):
            continue
        _check(entry, name)
        chosen.append((entry, target / name[len(prefix) :] if member.endswith("/") else target))
        empty += entry.size == 0
        if empty > MAX_EMPTY:
            raise MirrorError(f"the archive has more than {MAX_EMPTY:,} empty members")
    if not chosen:
        raise MirrorError(f"the archive holds no {member}")
    return chosen


def _check(entry: _Entry, name: str) -> None:
    """Refuse what is no file, or has a name by which it would not stay below the folder it is put into."""
    if not is_safe(name):
        raise MirrorError(f"the archive's member {entry.name!r} would leave its folder")
    if not entry.is_regular:
        raise MirrorError(f"the archive's member {entry.name!r} is a link or a device, not a file")


def _write(entry: _Entry, path: Path, budget: int) -> int:
    """Write a member to a new file; the number of bytes. What is written is counted: a stated size may lie."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with entry.open() as source, path.open("xb") as file:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > budget:
                raise MirrorError(_TOO_MUCH)
            file.write(chunk)
    return written


@contextmanager
def _entries(archive: Path) -> Iterator[Iterator[_Entry]]:
    """The members of an archive, one after the other, as long as it is open."""
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive, "r:*") as tar:
            yield (_Entry(m.name, m.isdir(), m.isreg(), m.size, partial(tar.extractfile, m)) for m in tar)
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            yield (
                _Entry(info.filename, info.is_dir(), _is_regular(info), info.file_size, partial(zipped.open, info))
                for info in zipped.infolist()
            )
    else:
        raise MirrorError("is neither a tar nor a zip archive")


def _is_regular(info: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive was not made on Unix
    return kind in (0, stat.S_IFREG)
