"""Records of what was written: what is noticed, and that `sha256sum` reads them too."""

import shutil
import subprocess
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import _job
from andor import digests
from andor.cli import app
from andor.errors import UserError


@pytest.fixture
def tree(tmp_path):
    """A recorded file and a recorded folder."""
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "model.json").write_text("{}")
    (tmp_path / "model" / "deep" / "weights").write_bytes(bytes(range(256)))
    (tmp_path / "model" / digests.TIMESTAMP).touch()
    (tmp_path / "model" / "__pycache__").mkdir()
    (tmp_path / "model" / "__pycache__" / "own.pyc").touch()
    (tmp_path / "a table.csv").write_text("k,v\n1,é\n", encoding="utf-8")
    for output in (tmp_path / "model", tmp_path / "a table.csv"):
        digests.write(output)
    return tmp_path


def outputs(tree):
    return list(digests.recorded(tree))


def test_what_is_as_it_was_written_passes(tree):
    assert {path.name for path in outputs(tree)} == {"model", "a table.csv"}
    for output in outputs(tree):
        digests.check(output)
    (tree / "model" / ".nfs0001").touch()  # systems leave hidden files anywhere
    digests.check(tree / "model")


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="no sha256sum here")
def test_sha256sum_reads_records(tree):
    for folder, record in ((tree / "model", ".andor.sha256"), (tree, ".a table.csv.andor.sha256")):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", record], cwd=folder, check=True)


def record(tree):
    return tree / "model" / digests.SUFFIX


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda tree: flip(tree / "model/deep/weights"), "model/deep/weights: is not as it was written"),
        (lambda tree: flip(tree / "a table.csv"), "a table.csv: is not as it was written"),
        (lambda tree: (tree / "model/model.json").write_text(""), "model/model.json: is not as it was written"),
        (lambda tree: (tree / "model/model.json").unlink(), "model/model.json: is gone"),
        (lambda tree: (tree / "a table.csv").unlink(), "a table.csv: is gone"),
        (lambda tree: (tree / "model/more.json").touch(), "model/more.json: is no part of what was written there"),
        (lambda tree: record(tree).write_text(""), "model/.andor.sha256: damaged"),
        (lambda tree: record(tree).write_bytes(b"\xff\xfe"), "model/.andor.sha256: damaged"),
        (lambda tree: record(tree).write_bytes(b"0" * 64 + b"  a\0b\n"), "model/.andor.sha256: damaged"),
    ],
)
def test_damage_is_named(tree, damage, said):
    damage(tree)
    refused = []
    for output in outputs(tree):
        try:
            digests.check(output)
        except UserError as error:
            refused.append(str(error))
    (line,) = refused
    assert f"{tree / said}" in line and "\n" not in line and "run again" in line


def test_any_changed_byte_of_a_record_is_noticed(tree):
    for output in outputs(tree):
        record = digests.record_of(output)
        whole = record.read_bytes()
        for place in range(len(whole)):
            record.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
            assert list(digests.faults(output)), place
        record.write_bytes(whole)


def test_a_job_reads_what_was_written_and_records_what_it_writes(tree):
    job = SimpleNamespace(input=[tree / "model", tree / "not recorded"], output=[tree / "out.txt"])
    _job.checked(lambda _: (tree / "out.txt").write_text("made"), job)
    assert list(digests.faults(tree / "out.txt")) == []
    flip(tree / "out.txt")
    assert list(digests.faults(tree / "out.txt"))

    flip(tree / "model/model.json")
    ran = []
    with pytest.raises(UserError, match=r"model\.json"):
        _job.checked(lambda _: ran.append(True), job)
    assert not ran, "a job must not start on damaged inputs"
    assert not digests.record_of(tree / "out.txt").exists(), "a failed job leaves no record"


def test_verify_prints_nothing_where_all_is_well_and_names_every_file_that_is_not(tree):
    run = CliRunner()
    done = run.invoke(app, ["verify", str(tree)])
    assert (done.exit_code, done.output) == (0, "")
    flip(tree / "model/deep/weights")
    (tree / "a table.csv").unlink()
    done = run.invoke(app, ["verify", str(tree)])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"{tree / 'a table.csv'}: is gone",
        f"{tree / 'model/deep/weights'}: is not as it was written",
    ]


def test_a_command_reads_what_was_written(tree):
    flip(tree / "model/deep/weights")
    done = CliRunner().invoke(
        app, ["evaluate", str(tree / "model"), "--text", "a b", "--word", "a", "--out", str(tree)]
    )
    assert isinstance(done.exception, UserError)
    assert "deep/weights: is not as it was written" in str(done.exception)
