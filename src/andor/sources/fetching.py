"""Fetching a source: mirrors in order, one digest, and the store before any of them."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from andor.errors import UserError
from andor.sources.archives import extract
from andor.sources.errors import MirrorError
from andor.sources.store import Store, content_digest, copy, key, place
from andor.sources.uri import Mirror, parse

_LOG = logging.getLogger("andor.sources")
_STAGED = "staged"
"""In the workspace: what is being made; beside it lie downloads that can be taken up again."""


def fetch(
    mirrors: Sequence[str],
    sha256: str | None,
    destination: Path,
    *,
    store: Path,
    base: Path = Path(),
    offline: bool = False,
    instead: str = "",
    log: logging.Logger = _LOG,
) -> Path:
    """Put a file or a folder into ``destination``, from the store or else from the first mirror that has it.

    Nothing that is fetched is installed, imported, unpickled or run.

    Parameters
    ----------
    mirrors : sequence of str
        Addresses (see `andor.sources.uri`) of the same content, tried in order.
    sha256 : str or None
        Digest of that content (see `content_digest`). Only ``hf:`` addresses, whose revision names the content, and
        ``path:`` may go without.
    destination : Path
        Folder that will hold the content: a folder's files, or one file, named by the first address that names one.
        Files are hard links to the store where that can be done, so they are not to be edited in place.
    store : Path
        Folder that keeps what was fetched. Content that it holds, and that still has its digest, costs no network.
    base : Path
        What relative ``path:`` addresses start from.
    offline : bool
        Ask no server (the hub's own cache may still serve).
    instead : str
        What to use if every mirror fails, for the message.
    log : logging.Logger
        Is told what comes from where.

    Returns
    -------
    Path
        The file in ``destination``, or ``destination`` itself for a folder.

    Raises
    ------
    UserError
        If no mirror gives content with the digest (naming each and its reason), an address or digest is no such thing,
        or the disk does not take the files.
    """
    parsed = _check(mirrors, sha256)
    name = next((mirror.file_name for mirror in parsed if mirror.file_name), "content")
    try:
        content = _stored_or_fetched(parsed, sha256, Store(store), base, offline, log)
        return place(content, destination, name)
    except MirrorError as error:
        advice = f"; use {instead} instead" if instead else ""
        raise UserError(f"{destination.name}: no mirror gave it: {error}{advice}") from None
    except OSError as error:
        where = error.filename or store
        advice = f"make room or mend permissions and start again: what was fetched is kept in {store}"
        raise UserError(f"{where}: {error.strerror or error}; {advice}") from error


def _check(mirrors: Sequence[str], sha256: str | None) -> list[Mirror]:
    parsed = [parse(uri) for uri in mirrors]
    if not parsed:
        raise UserError("a source needs at least one mirror")
    if sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise UserError(f"sha256 {sha256!r}: write 64 hexadecimal digits, in lower case")
    unpinned = [mirror.uri for mirror in parsed if mirror.needs_digest]
    if sha256 is None and unpinned:
        raise UserError(f"{unpinned[0]}: needs a sha256, that of what it must give")
    return parsed


def _stored_or_fetched(
    mirrors: list[Mirror], sha256: str | None, store: Store, base: Path, offline: bool, log: logging.Logger
) -> Path:
    """Path of the content in the store, put there if need be."""
    known = sha256 or store.recall(mirrors[0].uri) or _local_digest(mirrors[0], base)
    if known and (content := store.find(known)):  # before anything is written: the store may be another's
        return content
    failures = []
    with store.workspace(sha256 or key("\n".join(mirror.uri for mirror in mirrors)), log) as workspace:
        for mirror in mirrors:
            digest = sha256 or store.recall(mirror.uri)
            if digest and (content := store.find(digest)):  # now, or by the process that was waited for
                log.info("%s: is in the store", mirror.uri)
                return content
            try:
                staged = _obtain(mirror, workspace, base, offline, log)
                actual = content_digest(staged)
                if sha256 and actual != sha256:
                    raise MirrorError(f"sha256 is {actual}, expected {sha256}")
            except MirrorError as error:
                log.warning("%s: %s", mirror.uri, error)
                failures.append(f"{mirror.uri}: {error}")
                shutil.rmtree(workspace / _STAGED, ignore_errors=True)
                continue
            content = store.add(staged, actual)
            if mirror.scheme == "hf":
                store.remember(mirror.uri, actual)
            log.info("%s: fetched, sha256 %s", mirror.uri, actual)
            return content
        raise MirrorError("; ".join(failures))


def _local_digest(mirror: Mirror, base: Path) -> str | None:
    """Digest of what a local address names now, if it is there to be read as it is."""
    if mirror.scheme != "path" or mirror.parts or mirror.members:
        return None
    content = Path(base, Path(mirror.name).expanduser())
    return content_digest(content) if content.exists() else None


def _obtain(mirror: Mirror, workspace: Path, base: Path, offline: bool, log: logging.Logger) -> Path:
    """Get what an address names into the workspace, unverified."""
    if mirror.parts:
        return _joined(mirror, workspace, base, offline, log)
    staged = workspace / _STAGED
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    members = list(mirror.members)
    if mirror.scheme == "path":
        content = Path(base, Path(mirror.name).expanduser())
        if not content.exists():
            raise MirrorError(f"no such file or folder ({content})")
        if members and content.is_dir():
            raise MirrorError("is a folder, not an archive: write the path without !")
        if not members:
            copy(content, staged / "0", link=False)
            content = staged / "0"
    elif mirror.scheme == "hf":
        from andor.sources import hub  # like all that goes to the network, heavy to import and often not needed

        content = staged / "0"
        hub.fetch_snapshot(mirror, content, offline=offline)
        members = members[1:]
    elif offline:
        raise MirrorError("offline, and the store has no intact copy")
    else:
        content = staged / "0"
        _download(mirror, workspace, log).replace(content)
    for depth, member in enumerate(members, start=1):
        archive, content = content, staged / str(depth)
        extract(archive, member, content)
    if not content.exists():
        raise MirrorError("is empty")
    return content


def _joined(mirror: Mirror, workspace: Path, base: Path, offline: bool, log: logging.Logger) -> Path:
    """One file from the parts of an address."""
    whole = workspace / "joined"
    with whole.open("wb") as file:
        for part in mirror.parts:
            content = _obtain(part, workspace, base, offline, log)
            if not content.is_file():
                raise MirrorError(f"{part.uri} is no file that could be joined")
            with content.open("rb") as piece:
                shutil.copyfileobj(piece, file)
    return whole.replace(content)


def _download(mirror: Mirror, workspace: Path, log: logging.Logger) -> Path:
    from andor.sources import registries
    from andor.sources.download import download, session

    with session(plain_http=mirror.scheme != "https") as http:
        if mirror.scheme == "pypi":
            url, digests = registries.find_pypi(http, mirror)
        elif mirror.scheme == "npm":
            url, digests = registries.find_npm(http, mirror)
        else:
            url, digests = mirror.name, {}
        target = workspace / key(mirror.uri)
        log.info("%s: downloading", mirror.uri)
        download(http, url, target, digests=digests, label=mirror.uri.partition("!")[0], log=log)
    return target
