"""Files are whole or absent, damage is found, and the cache returns what was kept under exactly this description."""

import errno
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from andor import files, store
from andor.errors import UserError
from andor.outputs.cache import OutputCache, _values_digest
from andor.outputs.stored import classifier_outputs
from damage import flip

CONTENT = {"weights": "ab", "players": [[0, 3], [4, 7]], "baseline": 0.5}


def outputs(n: int = 6, seed: int = 0) -> pa.Table:
    logits = np.random.default_rng(seed).normal(size=2 * 2**n).astype(np.float32)
    columns = {
        "coalition": pa.array(np.arange(2**n), pa.uint32()),
        "logits": pa.FixedSizeListArray.from_arrays(pa.array(logits), 2),
    }
    return pa.table(columns, schema=classifier_outputs(2))


def test_a_table_comes_back_with_its_metadata(tmp_path):
    metadata = {"gap": 0.01, "status": "optimal", "kappa": {"a": [1, 2]}}
    store.write_table(tmp_path / "a" / "t.parquet", outputs(), metadata)
    assert store.read_table(tmp_path / "a" / "t.parquet").equals(outputs())
    assert store.read_metadata(tmp_path / "a" / "t.parquet") == metadata


def test_the_same_table_is_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        store.write_table(tmp_path / name, outputs(), {"y": 1, "x": 2})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def cut(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])


def changed(path: Path) -> None:
    flip(path, "logits")


@pytest.mark.parametrize("damage", [partial(cut, kept=-9), partial(cut, kept=40), partial(cut, kept=0), changed])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, damage):
    path = tmp_path / "t.parquet"
    store.write_table(path, outputs())
    damage(path)
    with pytest.raises(UserError, match=r"t.parquet: damaged Parquet file"):
        store.read_table(path)


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_line():
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(UserError, match="No space left on device"), files.replacing(Path("t.parquet")):
        full.write_text("x" * 10)
    assert not Path("t.parquet").exists()


def test_a_folder_that_cannot_be_written(tmp_path):
    def refuse(*_args, **_kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    with pytest.raises(UserError, match="Read-only"), files.replacing(tmp_path / "x"):
        refuse()


def test_errors_of_writers_are_told_too(tmp_path):
    with pytest.raises(UserError, match=r"x: cannot be written \(No space left on device\)"):  # noqa: SIM117
        with files.replacing(tmp_path / "x"):
            raise ValueError("Error while serializing: I/O error: No space left on device (os error 28)")
    with pytest.raises(ValueError, match="another fault"), files.replacing(tmp_path / "x"):
        raise ValueError("another fault")
    with pytest.raises(UserError, match="as it was said"), files.replacing(tmp_path / "x"):
        try:
            raise PermissionError(errno.EACCES, "Permission denied")
        except PermissionError as error:
            raise UserError("as it was said") from error
    assert not list(tmp_path.iterdir())


AS_NOBODY = """
import json, os, sys
import pyarrow.compute
from pathlib import Path
from andor import files, store
from andor.outputs.cache import OutputCache
os.chdir(sys.argv[1])
if os.geteuid() == 0:  # whom permissions do not stop
    os.setuid(65534)
cache, content = OutputCache(Path("cache")), json.loads(sys.argv[2])
files.link_or_copy(cache.find(content, rows=64), Path("out/0.parquet"))
try:
    cache.keep({"other": 1}, store.read_table(Path("out/0.parquet")))
except store.UserError as error:
    print(error)
"""


@pytest.fixture
def open_folder():
    """A folder that anybody can come to; pytest's are the user's alone."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_outputs_are_taken_from_a_cache_that_cannot_be_written(open_folder):
    kept = OutputCache(open_folder / "cache").keep(CONTENT, outputs())
    for path in [open_folder, *(open_folder / "cache").rglob("*"), open_folder / "cache"]:
        path.chmod(0o777 if path == open_folder else 0o555 if path.is_dir() else 0o444)
    environment = os.environ | {"PYTHONPATH": str(Path(store.__file__).parents[1])}
    command = [sys.executable, "-c", AS_NOBODY, str(open_folder), json.dumps(CONTENT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert (open_folder / "out" / "0.parquet").read_bytes() == kept.read_bytes()
    assert "cannot be read or written (Permission denied)" in done.stdout and done.stdout.count("\n") == 1


def test_a_link_to_a_file_is_followed(tmp_path):
    """Snapshots of the Hugging Face hub are folders of relative links to blobs."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "1").write_text("weights")
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "model").symlink_to("../blobs/1")
    files.link_or_copy(tmp_path / "snapshot" / "model", tmp_path / "elsewhere" / "deep" / "model")
    assert (tmp_path / "elsewhere" / "deep" / "model").read_text() == "weights"
    assert not (tmp_path / "elsewhere" / "deep" / "model").is_symlink()


def test_the_digest_does_not_depend_on_the_order_of_keys():
    assert files.digest({"a": 1, "b": [1.5]}) == files.digest({"b": [1.5], "a": 1})
    assert files.digest({"a": 1}) != files.digest({"a": 2})


def test_the_cache_returns_what_it_kept(tmp_path):
    cache = OutputCache(tmp_path)
    assert cache.find(CONTENT, rows=64) is None
    path = cache.keep(CONTENT, outputs())
    assert cache.find(CONTENT, rows=64) == path
    assert store.read_table(path).equals(outputs())
    assert cache.find({**CONTENT, "baseline": 0.6}, rows=64) is None


@pytest.mark.parametrize("damage", [partial(cut, kept=-9), changed])
def test_damage_in_the_cache_is_a_miss(tmp_path, damage):
    cache = OutputCache(tmp_path)
    path = cache.keep(CONTENT, outputs())
    damage(path)
    assert cache.find(CONTENT, rows=64) is None
    cache.keep(CONTENT, outputs())
    assert store.read_table(cache.find(CONTENT, rows=64)).equals(outputs())


def test_a_file_of_other_content_or_length_is_a_miss(tmp_path):
    cache = OutputCache(tmp_path)
    path = cache.keep(CONTENT, outputs())
    assert cache.find(CONTENT, rows=128) is None
    store.write_table(path, outputs(), {"content": {"weights": "other"}})
    assert cache.find(CONTENT, rows=64) is None


def kept_before(cache: OutputCache, table: pa.Table) -> Path:
    """A file as the cache kept it before its bytes had a digest."""
    path = cache.folder / files.digest(CONTENT)[:2] / f"{files.digest(CONTENT)}.parquet"
    store.write_table(path, table, {"content": CONTENT, "values": _values_digest(table)})
    return path


def test_a_file_from_before_is_found_and_given_a_digest(tmp_path):
    cache = OutputCache(tmp_path)
    before = kept_before(cache, outputs())
    found = cache.find(CONTENT, rows=64)
    assert found.name == f"{files.digest(CONTENT)}-{files.file_digest(found)}.parquet"
    assert not before.exists()
    assert store.read_table(found).equals(outputs())
    assert cache.find(CONTENT, rows=64) == found


def test_a_damaged_file_from_before_is_a_miss(tmp_path):
    cache = OutputCache(tmp_path)
    before = kept_before(cache, outputs())
    flip(before, "logits")
    assert cache.find(CONTENT, rows=64) is None
    assert before.exists()


def test_any_flipped_bit_of_a_cached_file_is_noticed(tmp_path):
    cache = OutputCache(tmp_path)
    path = cache.keep(CONTENT, outputs(), {"device": "cpu"})
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert cache.find(CONTENT, rows=64) is None, place


def keep_many(folder: Path) -> None:
    cache = OutputCache(folder)
    for number in range(20):
        cache.keep({**CONTENT, "number": number}, outputs(seed=number))


@pytest.mark.slow
def test_two_processes_may_write_one_cache(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=keep_many, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    cache = OutputCache(tmp_path)
    for number in range(20):
        found = cache.find({**CONTENT, "number": number}, rows=64)
        assert store.read_table(found).equals(outputs(seed=number))
    assert len(list(cache.folder.rglob("*"))) == 20 + len(list(cache.folder.iterdir()))
