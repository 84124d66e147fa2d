"""A family of models is one file: with it alone a model is configured, made, loaded, counted and masked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_families import TABLE, sample

from andor.models.families import families
from andor.store import write_table

ROOT = Path(__file__).parents[2]

FAMILY = '''
"""Means of the labels, the nearest of which is an item's own."""

from typing import ClassVar, Literal

from andor.models.family import Family


class NearestMean(Family):
    """The label whose mean is nearest, as a linear layer: -|x - m|^2 is 2 m x - |m|^2, less |x|^2 of any label."""

    reads: ClassVar = {"table"}
    seconds: ClassVar = 0.001
    family: Literal["nearest_mean"]
    """Kind of model."""

    def make(self, table, source, weights, folder, seed, device="cpu", progress=True):
        """Find the means."""
        import torch

        from andor.models.files import save
        from andor.models.inputs import for_training, inputs, labels_of, mean_input

        rows = for_training(table)
        means = torch.stack([inputs(rows)[labels_of(rows) == label].mean(dim=0) for label in (0, 1)])
        model = self.untrained({"family": self.family, "features": means.shape[1]}, mean_input(rows))
        model.network.weight.data = 2 * means
        model.network.bias.data = -means.square().sum(dim=1)
        save(model, folder)

    @staticmethod
    def untrained(description, mean):
        """A linear layer."""
        import torch

        from andor.models.loaded import TableClassifier

        return TableClassifier(torch.nn.Linear(description["features"], 2), description, mean)

    @classmethod
    def loaded(cls, folder, description, device):
        """The layer with its weights."""
        from andor.models import files

        model = cls.untrained(description, files.mean(folder))
        files.fill(model.network, folder)
        return model
'''

USE = """
import json, sys
from pathlib import Path
from andor.models import families

families.__path__.append(sys.argv[1])

from andor.config import check
from andor.errors import UserError

players, data = {"kind": "features", "count": 4}, {"reader": "scikit_learn", "name": "iris", "positive": 1}
raw = {"data": data, "players": players, "models": {"mean": {"family": "nearest_mean"}, "mlp": {"family": "mlp"}}}
task = check({"tasks": {"iris": raw}}).tasks["iris"]
try:
    check({"tasks": {"iris": {**raw, "data": {"reader": "digits"}}}})
except UserError as error:
    refused = str(error)

import numpy as np
from andor.config import Masking
from andor.models.accuracy import accuracy
from andor.models.loading import load
from andor.outputs.passes import evaluate
from andor.outputs.masking import locate
from andor.store import read_table

table, folder = read_table(Path("table.parquet")), Path("model")
task.models["mean"].make(table, None, None, folder, 0)
model = load(folder)
sample = json.loads(Path("sample.json").read_text())
located = locate(model, sample, Masking(baseline="mean"))
print(json.dumps({
    "refused": refused, "seconds": task.models["mean"].seconds, "accuracy": accuracy(model, table, "train"),
    "outputs": evaluate(located.bind(model)).tolist(), "content": located.content(), "digest": model.digest,
}))
"""


@pytest.mark.slow
def test_a_family_is_one_file(tmp_path):
    (tmp_path / "families").mkdir()
    (tmp_path / "families" / "nearest_mean.py").write_text(FAMILY, encoding="utf-8")
    write_table(tmp_path / "table.parquet", TABLE)
    one = sample("features", players=2)
    (tmp_path / "sample.json").write_text(json.dumps(one | {"features": one["features"].tolist()}))
    done = subprocess.run(
        [sys.executable, "-c", USE, tmp_path / "families"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "model `mean` (nearest_mean) cannot read digits" in found["refused"]
    assert found["seconds"] == 0.001 and len(found["digest"]) == 64 and found["content"]["players"] == one["players"]

    train = np.asarray(TABLE["split"]) == "train"
    features, labels = np.array(TABLE["features"].to_pylist())[train], TABLE["label"].to_numpy()[train]
    means = np.stack([features[labels == label].mean(axis=0) for label in (0, 1)])

    def logits(rows):
        return 2 * rows @ means.T - (means**2).sum(axis=1)

    assert found["accuracy"] == [int((logits(features).argmax(axis=1) == labels).sum()), train.sum()]
    for coalition, outputs in enumerate(found["outputs"]):
        masked = one["features"].astype(float)
        for player, positions in enumerate(one["players"]):
            if not coalition >> player & 1:
                masked[positions] = features.mean(axis=0)[positions]
        assert outputs == pytest.approx(logits(masked).tolist(), abs=1e-5)


@pytest.mark.parametrize("name", families())
def test_a_family_is_named_as_its_file(name):
    assert families()[name].model_fields["family"].annotation.__args__ == (name,)
