"""The store: what was fetched, each file or folder under its own digest.

``<store>/<sha256>`` *is* the content, a file or a folder, put there by one rename. Nothing in it is trusted: it is
hashed again before every use, so a damaged entry is as good as none. Beside the entries lie ``<key>.lock``,
``<key>.partial/`` (an interrupted download) and ``<key>.uri`` (the digest that a pinned address turned out to have).
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from andor.errors import UserError
from andor.files import file_digest


def content_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, or of a folder's content.

    A folder's digest is that of its sorted lines ``<sha256 of the file>  <relative posix path>``; empty folders do not
    count. ``find . -type f -printf '%P\\0' | xargs -0 sha256sum | LC_ALL=C sort | sha256sum`` prints the same.

    Raises
    ------
    UserError
        If a file's name would make those lines ambiguous.
    """
    if not path.is_dir():
        return file_digest(path)
    lines = []
    for name in file_names(path):
        if not name.isprintable() or "\\" in name:
            raise UserError(f"{path}: the name {name!r} holds a backslash or a control character, rename that file")
        lines.append(f"{file_digest(path / name)}  {name}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def file_names(folder: Path) -> list[str]:
    """Relative posix paths of all files below a folder, sorted; links to files count, links to folders do not."""
    return sorted(
        path.relative_to(folder).as_posix()
        for root, _, names in os.walk(folder)
        for path in (Path(root, name) for name in names)
        if path.is_file()
    )


def copy(source: Path, target: Path, *, link: bool) -> None:
    """Copy a file or a folder's files to where nothing is yet; ``link`` makes hard links where it can be done."""
    if source.is_dir():
        for name in file_names(source):
            copy(source / name, target / name, link=link)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(source.resolve(), target)
            return
        except OSError:  # another file system, or one without hard links
            target.unlink(missing_ok=True)
    shutil.copyfile(source, target)


def place(content: Path, destination: Path, name: str) -> Path:
    """Put stored content into the folder ``destination``, a file under ``name``; return where it is.

    Raises
    ------
    UserError
        If ``destination`` is a file, or content is a folder and ``destination`` holds other (not hidden) files.
    """
    if destination.exists() and not destination.is_dir():
        raise UserError(f"{destination}: is a file, a folder is needed: move it away")
    if not content.is_dir():
        _replace(content, destination / name)
        return destination / name
    names = file_names(content)
    others = [other for other in set(file_names(destination)) - set(names) if not Path(other).name.startswith(".")]
    if others:
        raise UserError(f"{destination}: holds {min(others)!r}, which is no part of the source: empty the folder")
    for each in names:
        _replace(content / each, destination / each)
    return destination


def _replace(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        copy(source, temporary, link=True)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


class Store:
    """A folder of fetched content, shared by processes (and by machines, where the file system can lock)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, digest: str) -> Path | None:
        """Path of the content with a digest, hashed just now; ``None`` if it is not there or damaged."""
        path = self.root / digest
        return path if path.exists() and content_digest(path) == digest else None

    def add(self, content: Path, digest: str) -> Path:
        """Move content with a digest from a `workspace` to its place."""
        path = self.root / digest
        if path.exists() and not self.find(digest):
            path.rename(content.with_name("damaged"))
        if not path.exists():
            try:
                content.rename(path)
            except OSError:  # the same content, just added under another address?
                if not self.find(digest):
                    raise
        return path

    def faults(self) -> Iterator[str]:
        """What is wrong with each damaged entry."""
        for path in sorted(self.root.glob("*")):
            if re.fullmatch(r"[0-9a-f]{64}", path.name) and content_digest(path) != path.name:
                yield f"{path}: is not as it was fetched"

    def recall(self, uri: str) -> str | None:
        """Digest that an address was found to have."""
        try:
            return self._note(uri).read_text().strip()
        except FileNotFoundError:
            return None

    def remember(self, uri: str, digest: str) -> None:
        """Keep the digest of what an address that names its content gave."""
        self._note(uri).write_text(digest + "\n")

    def _note(self, uri: str) -> Path:
        return self.root / f"{key(uri)}.uri"

    @contextmanager
    def workspace(self, name: str, log: logging.Logger) -> Iterator[Path]:
        """A folder of one process at a time, for unfinished work on one source.

        It vanishes when the block ends well; else it stays, so that the next run can go on with a broken download.
        """
        from filelock import FileLock, Timeout

        self.root.mkdir(parents=True, exist_ok=True)
        folder = self.root / f"{name}.partial"
        lock = FileLock(self.root / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("waiting for another process that fetches the same source (%s)", lock.lock_file)
            lock.acquire()
        try:
            folder.mkdir(exist_ok=True)
            yield folder
            shutil.rmtree(folder)
        finally:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
            lock.release()


def key(text: str) -> str:
    """A file name that stands for a text."""
    return hashlib.sha256(text.encode()).hexdigest()
