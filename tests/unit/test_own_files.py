"""Files of the user's own: with neighbours, or a folder; and what is explained of their outputs."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from test_families import TABLE, random_table, sample

from andor import config
from andor.config import Masking
from andor.errors import UserError
from andor.models.code import with_neighbours
from andor.models.families.own import OwnModel
from andor.models.loading import load
from andor.outputs.masking import bind
from andor.outputs.passes import evaluate
from andor.outputs.rewards import classifier_reward

FILES = {
    "model.py": """
from dataclasses import dataclass

from .parts import layers
from .parts.layers import weight
from . import numbers_ as n

@dataclass
class Rule:
    weight: float

def load(source, device):
    return Rule(weight())

def outputs(rule, inputs):
    return rule.weight * inputs[:, :1] + n.BIAS
""",
    "numbers_.py": "BIAS = 0.25\n",
    "parts/__init__.py": "",
    "parts/layers.py": "from ..numbers_ import BIAS\nfrom .deep import TWO\n\ndef weight():\n    return TWO + BIAS\n",
    "parts/deep.py": "TWO = 2\n",
    "unused.py": "raise SystemExit\n",
    "parts/broken.py": "def",
}


def written(folder, main="model.py"):
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / (main if name == "model.py" else name)).write_text(text)
    return folder


def made(file, folder, table=TABLE, **settings):
    OwnModel(family="own", file=str(file), **settings).make(table, None, None, folder, 0)
    return load(folder)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_neighbours_come_along(kind, tmp_path):
    home = written(tmp_path / "home", "__init__.py" if kind == "folder" else "model.py")
    model = made(home if kind == "folder" else home / "model.py", tmp_path / "m")
    assert torch.equal(model.logits(torch.ones(2, 6)), torch.full((2, 1), 2.5))
    assert not list((tmp_path / "m").rglob("*.pyc")) and not list((tmp_path / "m").rglob("unused.py"))
    (home / "parts" / "deep.py").write_text("TWO = 3\n")
    changed = made(home if kind == "folder" else home / "model.py", tmp_path / "changed")
    assert torch.equal(changed.logits(torch.ones(2, 6)), torch.full((2, 1), 3.5))
    assert changed.digest != model.digest == load(tmp_path / "m").digest
    assert torch.equal(load(tmp_path / "m").logits(torch.ones(2, 6)), torch.full((2, 1), 2.5))


def test_what_is_copied_is_what_is_imported(tmp_path):
    home = written(tmp_path)
    names = [file.relative_to(home).as_posix() for file in with_neighbours(home / "model.py")]
    assert names == ["model.py", "numbers_.py", "parts/__init__.py", "parts/deep.py", "parts/layers.py"]
    (home / "alone.py").write_text("from ..other import x\nfrom .nowhere import y\nimport torch\n")
    assert with_neighbours(home / "alone.py") == [home / "alone.py"]
    assert with_neighbours(home / "parts" / "broken.py") == [home / "parts" / "broken.py"]


def test_a_change_in_a_neighbour_makes_the_model_anew_and_a_missing_one_is_said(tmp_path):
    written(tmp_path / "home")
    models = {"a": {"family": "own", "file": "home/model.py"}, "b": {"family": "own", "file": "home"}}
    task = {"data": {"reader": "scikit_learn", "name": "iris"}, "models": models}
    task |= {"players": {"kind": "features", "count": 2}, "masking": {"baseline": "mean"}}
    with pytest.raises(UserError, match=r"`tasks.t.models.b.file`: no file at .*home/__init__.py; mend the path"):
        config.check({"tasks": {"t": task}}, base=tmp_path)
    (tmp_path / "home" / "__init__.py").touch()
    config.check({"tasks": {"t": task}}, base=tmp_path)


def test_a_neighbour_that_is_not_there_is_one_line(tmp_path):
    (tmp_path / "model.py").write_text("from .nothing import x\n")
    with pytest.raises(UserError, match="your model: `import` failed: ImportError") as error:
        made(tmp_path / "model.py", tmp_path / "m")
    assert "\n" not in str(error.value)
    assert Path(sys.modules[__name__].__file__).exists()


GIVES = """
import torch

def load(source, device):
    return torch.linspace(-1, 1, 18, device=device).reshape(6, 3)

def outputs(weight, inputs):
    return {said}
"""


@pytest.mark.parametrize("kind", ["log_odds", "probability", "true_logit", "above_smallest"])
@pytest.mark.parametrize("gives", ["logits", "probabilities"])
def test_rewards_of_three_labels(kind, gives, tmp_path):
    """By hand from the user's own function; of probabilities logits are their logarithms."""
    said = "(inputs @ weight)" + (".softmax(1)" if gives == "probabilities" else "")
    (tmp_path / "model.py").write_text(GIVES.format(said=said))
    model = made(tmp_path / "model.py", tmp_path / "m", random_table("features", (6,), labels=3), gives=gives)
    one = sample("features")
    outputs = evaluate(bind(model, one, Masking(baseline="mean")))
    for label in range(3):
        reward = classifier_reward(outputs, label, kind)
        for coalition in range(1 << len(one["players"])):
            masked = model.mean.numpy().copy()
            background = np.setdiff1d(np.arange(6), np.concatenate(one["players"]))
            masked[background] = one["features"][background]
            for player, own in enumerate(one["players"]):
                if coalition >> player & 1:
                    masked[own] = one["features"][own]
            z = masked.astype(float) @ np.linspace(-1, 1, 18).reshape(6, 3)
            p = np.exp(z) / np.exp(z).sum()
            z = np.log(p) if gives == "probabilities" else z
            expected = {
                "log_odds": np.log(p[label] / (1 - p[label])), "probability": p[label], "true_logit": z[label],
                "above_smallest": z[label] - z.min(),
            }[kind]  # fmt: skip
            assert reward[coalition] == pytest.approx(expected, abs=2e-5)
