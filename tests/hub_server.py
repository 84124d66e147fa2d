"""A small Hugging Face hub on the loopback, for the real client (``HF_ENDPOINT``).

It answers what `snapshot_download` and `hf_hub_download` ask: listings of a commit, metadata by HEAD, files, with large
ones redirected as the hub does, ranges to resume, private repositories, and the hub's errors.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LARGE = (".safetensors", ".bin", ".parquet")
"""Kept as large files, by sha256 and behind a redirect; all others as blobs of git."""


@dataclass(frozen=True)
class Repository:
    """The one commit of a repository."""

    folder: Path
    token: str = ""
    """Who may read it; empty: everyone."""

    def files(self) -> dict[str, bytes]:
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}

    @property
    def revision(self) -> str:
        return hashlib.sha1(repr(sorted(self.files().items())).encode()).hexdigest()


@dataclass
class Hub:
    """A running server."""

    repositories: Mapping[str, Repository]
    """By ``owner/name`` or ``datasets/owner/name``."""
    endpoint: str = ""
    requests: list[str] = field(default_factory=list)
    """Method and path of all requests so far."""
    fail_on: str = ""
    """Paths that hold this text get no answer but a closed connection."""


@contextmanager
def serve(repositories: Mapping[str, Repository]) -> Iterator[Hub]:
    """Serve repositories on a free port of the loopback."""
    hub = Hub(repositories)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _oid(content: bytes) -> str:
    """Name of a blob of git."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _entry(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": _oid(content)}
    if path.endswith(LARGE):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return entry


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.hub.requests.append(f"{self.command} {path}")
        if self.hub.fail_on and self.hub.fail_on in path:
            self.close_connection = True
            self.connection.close()
        elif match := re.fullmatch(r"/api/(models/|datasets/)([^/]+/[^/]+)/tree/([^/]+)", path):
            self._listing(*match.groups())
        elif match := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(*match.groups())
        elif match := re.fullmatch(r"/large/(.+)/([0-9a-f]{64})", path):
            self._large(*match.groups())
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"")

    def _repository(self, kind: str | None, name: str, revision: str) -> Repository | None:
        """A repository's commit; if it cannot be read, that has been answered."""
        repository = self.hub.repositories.get(("datasets/" if kind == "datasets/" else "") + name)
        authorised = repository and self.headers.get("Authorization") == f"Bearer {repository.token}"
        if repository is None or (repository.token and not authorised):
            self._answer(HTTPStatus.UNAUTHORIZED, b"", {"X-Error-Code": "RepoNotFound"})
        elif revision != repository.revision:
            self._answer(HTTPStatus.NOT_FOUND, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            return repository
        return None

    def _listing(self, kind: str, name: str, revision: str) -> None:
        if repository := self._repository(kind, name, revision):
            entries = [_entry(path, content) for path, content in repository.files().items()]
            self._answer(HTTPStatus.OK, json.dumps(entries).encode(), {"Content-Type": "application/json"})

    def _file(self, kind: str | None, name: str, revision: str, path: str) -> None:
        repository = self._repository(kind, name, revision)
        if repository is None:
            return
        content = repository.files().get(path)
        if content is None:
            self._answer(
                HTTPStatus.NOT_FOUND, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": repository.revision}
            )
            return
        headers = {"X-Repo-Commit": repository.revision, "Content-Type": "application/octet-stream"}
        if path.endswith(LARGE):
            digest = hashlib.sha256(content).hexdigest()
            headers |= {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{digest}"'}
            # As on the real hub another host: the client follows redirects within one by itself.
            elsewhere = self.hub.endpoint.replace("127.0.0.1", "localhost")
            headers |= {"Location": f"{elsewhere}/large/{kind or ''}{name}/{digest}"}
            self._answer(HTTPStatus.FOUND, b"", headers)
        else:
            self._answer(HTTPStatus.OK, content, headers | {"ETag": f'"{_oid(content)}"'})

    def _large(self, name: str, digest: str) -> None:
        files = self.hub.repositories[name].files().values()
        content = next(content for content in files if hashlib.sha256(content).hexdigest() == digest)
        self._answer(HTTPStatus.OK, content, {"ETag": f'"{digest}"'})

    def _answer(self, status: HTTPStatus, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        extra = dict(headers or {})
        if status == HTTPStatus.OK and match:
            start = int(match[1])
            extra["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            status, content = HTTPStatus.PARTIAL_CONTENT, content[start:]
        self.send_response(status)
        for name, value in extra.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Say nothing."""
