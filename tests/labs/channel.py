"""A conda channel of files: CPython trees of this machine, and pure wheels.

    python channel.py CHANNEL [WHEEL | TREE ...]

Needs zstandard. Records no dependencies but Python's: what pip needs, pip brings.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from email.parser import Parser
from pathlib import Path

import zstandard

UNUSED = {"test", "tests", "__pycache__", "site-packages", "idlelib", "turtledemo", "lib2to3"}


def archive(entries):
    """A zstd-compressed tar of (name, path)."""
    buffer = io.BytesIO()
    with (
        zstandard.ZstdCompressor(level=3).stream_writer(buffer, closefd=False) as compressed,
        tarfile.open(fileobj=compressed, mode="w|") as tar,
    ):
        for name, path in entries:
            info = tar.gettarinfo(str(path), name)
            info.uid = info.gid = 0
            info.uname = info.gname = "root"
            if info.isreg():
                with path.open("rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)
    return buffer.getvalue()


def described(path, stage, prefix):
    """A file's entry in paths.json; text that names the prefix is marked for conda to replace it."""
    entry = {"_path": path.relative_to(stage).as_posix(), "path_type": "softlink" if path.is_symlink() else "hardlink"}
    content = b"" if path.is_symlink() else path.read_bytes()
    if prefix and prefix in content and b"\0" not in content:
        entry |= {"prefix_placeholder": prefix.decode(), "file_mode": "text"}
    return entry | {"sha256": hashlib.sha256(content).hexdigest(), "size_in_bytes": len(content)}


def pack(stage, channel, index, prefix=None, link=None):
    """Make a .conda file of a folder; its name and record."""
    files = [Path(folder, name) for folder, _, names in os.walk(stage) for name in names]
    files += [Path(folder, n) for folder, names, _ in os.walk(stage) for n in names if Path(folder, n).is_symlink()]
    files.sort()
    name = f"{index['name']}-{index['version']}-{index['build']}"
    info = stage.with_name(stage.name + "-info")
    info.mkdir()
    paths = [described(path, stage, prefix) for path in files]
    (info / "index.json").write_text(json.dumps(index))
    (info / "paths.json").write_text(json.dumps({"paths": paths, "paths_version": 1}))
    (info / "files").write_text("".join(f"{entry['_path']}\n" for entry in paths))
    marked = [entry for entry in paths if "prefix_placeholder" in entry]
    if marked:
        lines = [f"{entry['prefix_placeholder']} text {entry['_path']}\n" for entry in marked]
        (info / "has_prefix").write_text("".join(lines))
    if link:
        (info / "link.json").write_text(json.dumps(link))
    target = channel / index["subdir"] / f"{name}.conda"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as whole:
        whole.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        whole.writestr(f"pkg-{name}.tar.zst", archive([(p.relative_to(stage).as_posix(), p) for p in files]))
        whole.writestr(f"info-{name}.tar.zst", archive([(f"info/{p.name}", p) for p in sorted(info.iterdir())]))
    content = target.read_bytes()
    digests = {kind: hashlib.new(kind, content).hexdigest() for kind in ("md5", "sha256")}
    return target.name, index | digests | {"size": len(content)}


def python_package(tree, stage, channel):
    """A CPython tree without tests and packages, whose libraries are found beside it."""
    program = [tree / "bin" / "python3", "-c", "import platform; print(platform.python_version())"]
    version = subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip()
    minor = "python" + version.rpartition(".")[0]
    (stage / "bin").mkdir()
    shutil.copy2(tree / "bin" / minor, stage / "bin")
    for name in ("python3", "python"):
        (stage / "bin" / name).symlink_to(minor)
    skipped = lambda folder, names: [n for n in names if n in UNUSED or n.endswith((".a", ".pyc"))]  # noqa: E731
    shutil.copytree(tree / "lib" / minor, stage / "lib" / minor, symlinks=True, ignore=skipped)
    (stage / "lib" / minor / "site-packages").mkdir()
    (stage / "lib" / minor / "site-packages" / "README.txt").write_text("Packages go here.\n")
    shutil.copytree(tree / "include" / minor, stage / "include" / minor)
    for library in tree.glob(f"lib/lib{minor}*.so*"):
        shutil.copy2(library, stage / "lib", follow_symlinks=False)
    built, relative = f"{tree}/lib".encode() + b"\0", b"$ORIGIN/../lib\0"
    programs = [stage / "bin" / minor, *stage.glob("lib/*.so*"), *stage.glob(f"lib/{minor}/lib-dynload/*.so")]
    for path in programs:
        content = b"" if path.is_symlink() else path.read_bytes()
        if built in content:
            path.chmod(0o755)
            path.write_bytes(content.replace(built, relative.ljust(len(built), b"\0")))
    index = {
        "name": "python",
        "version": version,
        "build": "0_cpython",
        "build_number": 0,
        "depends": [],
        "subdir": "linux-64",
    }
    return index["subdir"], pack(stage, channel, index, prefix=str(tree).encode())


def wheel_package(wheel, stage, channel):
    """A pure wheel as a noarch package."""
    with zipfile.ZipFile(wheel) as whole:
        whole.extractall(stage / "site-packages")
    info = next((stage / "site-packages").glob("*.dist-info"))
    metadata = Parser().parsestr((info / "METADATA").read_text(encoding="utf-8"))
    (info / "RECORD").unlink()
    (info / "INSTALLER").write_text("conda\n")
    scripts, part = [], ""
    entry_points = info / "entry_points.txt"
    for line in entry_points.read_text().splitlines() if entry_points.exists() else []:
        part = line.strip() if line.startswith("[") else part
        if part == "[console_scripts]" and "=" in line:
            scripts.append(line.strip())
    index = {
        "name": metadata["Name"].lower(), "version": metadata["Version"], "build": "py_0", "build_number": 0,
        "depends": ["python"], "noarch": "python", "subdir": "noarch",
    }  # fmt: skip
    link = {"noarch": {"type": "python", "entry_points": scripts}, "package_metadata_version": 1}
    return index["subdir"], pack(stage, channel, index, link=link)


def main():
    channel, *sources = map(Path, sys.argv[1:])
    records = {"linux-64": {}, "noarch": {}}
    for source in sources:
        with tempfile.TemporaryDirectory() as scratch:
            stage = Path(scratch, "stage")
            stage.mkdir()
            make = wheel_package if source.suffix == ".whl" else python_package
            subdir, (name, record) = make(source.resolve(), stage, channel)
            records[subdir][name] = record
    for subdir, packages in records.items():
        (channel / subdir).mkdir(parents=True, exist_ok=True)
        listing = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": packages, "repodata_version": 1}
        (channel / subdir / "repodata.json").write_text(json.dumps(listing))


if __name__ == "__main__":
    main()
