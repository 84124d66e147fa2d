"""A reader, or a kind of players, is one file: put beside the others it is known everywhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from andor.config import tag
from andor.data.players import player_kinds
from andor.data.readers import readers

ROOT = Path(__file__).parents[2]

LINES = '''
from typing import ClassVar, Literal

from andor.data.reader import Reader
from andor.settings import Name


class LinesData(Reader):
    """Lines of a text file, each a label and a text."""

    modality: ClassVar = "text"
    reader: Literal["lines"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: the file."""

    def read(self, source, seed):
        from andor.data.building import tidy

        rows = [line.split(" ", 1) for line in self.given(source).read_text().splitlines()]
        labels, texts = zip(*rows)
        return tidy(range(len(rows)), ["test"] * len(rows), map(int, labels), texts)
'''

ENDS = '''
from typing import ClassVar, Literal

from andor.data.player_kind import PlayerKind, PlayersError
from andor.data.players.words import words


class EndPlayers(PlayerKind):
    """First and last word."""

    of: ClassVar = {"text"}
    kind: Literal["ends"]
    """Kind of players."""

    @property
    def count(self):
        return 2

    def chooser(self, metadata, seed, source):
        return lambda row: ends(row["text"])

    def misfits(self, data):
        if data.two_labels:
            yield f"players of kind `ends` are for more labels than {data.title} has"


def ends(text):
    found = words(text)
    if len(found) < 2:
        raise PlayersError("fewer than 2 words")
    taken = found[0], found[-1]
    return {"players": [[w.start, w.stop] for w in taken], "player_names": [w.text for w in taken]}
'''

PROGRAM = """
import json
from pathlib import Path

from andor.data import players, readers

for package in (players, readers):
    package.__path__.append(package.__name__.rpartition(".")[2])

from andor.config import check, reference
from andor.data.candidates import candidates
from andor.errors import UserError


def raw(reader, kind):
    model = {"family": "own", "file": "model.py"}
    task = {"data": {"reader": reader, "source": "file"}, "models": {"mine": model}, "players": {"kind": kind}}
    return {"sources": {"file": {"mirrors": ["path:lines.txt"]}}, "tasks": {"own": task}}


def fault(*names):
    try:
        check(raw(*names))
    except UserError as error:
        return str(error)


task = check(raw("lines", "ends")).tasks["own"]
found = candidates(task.data.read(Path("lines.txt"), 0), task.players, 10, seed=0)
said = {
    "rows": sorted(found.select(["item", "label", "player_names"]).to_pylist(), key=lambda row: row["item"]),
    "passed over": json.loads(found.schema.metadata[b"passed_over"]),
    "faults": [fault("sentences", "ends"), fault("lines", "patches"), fault("line", "ends")],
    "reference": reference.key_table(),
}
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What a program says that finds a reader and a kind of players in folders of its own."""
    folder = tmp_path_factory.mktemp("own")
    for name, text in {"readers/lines.py": LINES, "players/ends.py": ENDS, "readers/_slow.py": "1 / 0"}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "lines.txt").write_text("2 a tender film\n0 dull\n1 so it goes\n", encoding="utf-8")
    here = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=here, cwd=folder)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_reader_and_a_kind_of_players_are_a_file_each(said):
    assert said["rows"] == [
        {"item": 0, "label": 2, "player_names": ["a", "film"]},
        {"item": 2, "label": 1, "player_names": ["so", "goes"]},
    ]
    assert said["passed over"] == {"fewer than 2 words": 1}


def test_they_stand_in_messages_and_in_the_reference(said):
    unfit, other, unknown = said["faults"]
    assert "players of kind `ends` are for more labels than sentences has" in unfit
    assert "players of kind `patches` do not fit lines; use ends or sentences or tokens or words" in other
    assert unknown.endswith("shapes, point_clouds, reviews, lines")
    assert (
        "| `tasks.<name>.data (lines).source` | text | required | An entry of `sources`: the file. |"
        in (said["reference"])
    )


@pytest.mark.parametrize("kinds", [readers(), player_kinds()], ids=["readers", "players"])
def test_a_file_has_the_name_of_its_kind(kinds):
    assert [kind.__module__.rpartition(".")[2] for kind in kinds] == [tag(kind) for kind in kinds]
