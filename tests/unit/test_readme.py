"""What the README shows works as it stands there."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from andor import config, store
from andor.data.candidates import candidates
from andor.data.table import rows
from andor.models.accuracy import accuracy
from andor.models.loading import load
from andor.outputs import evaluate, samples
from andor.outputs.cache import OutputCache
from andor.outputs.stored import values

pytestmark = pytest.mark.slow
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def shown(name: str) -> str:
    """The block of the README that begins with a comment of the file's name."""
    blocks = re.findall(r"```(?:python|yaml)\n(.*?)```", README, re.DOTALL)
    return next(block for block in blocks if block.startswith(f"# {name}\n"))


@pytest.fixture
def task(tmp_path, monkeypatch):
    """The example's task, its models in folders."""
    monkeypatch.chdir(tmp_path)
    for name in ("my_model.py", "own.yaml"):
        Path(name).write_text(shown(name), encoding="utf-8")
    settings = config.check(config.load_raw("own.yaml"), base=tmp_path).tasks["breast_cancer"]
    table = settings.data.read(None, 0)
    for name, model in settings.models.items():
        model.make(table, None, None, Path(name), 0, progress=False)
    return settings, table


def test_a_model_of_your_own(task, tmp_path):
    settings, table = task
    loaded = {name: load(Path(name)) for name in settings.models}
    correct = {name: accuracy(model, table, "test") for name, model in loaded.items()}
    assert all(right > 0.85 * items for right, items in correct.values()), correct

    found = candidates(table, settings.players, settings.samples.candidates, 0)
    screened = {name: evaluate.screen(name, model, found, settings.masking) for name, model in loaded.items()}
    chosen, _ = samples.select(found, screened, settings.reward, settings.samples)
    assert chosen.num_rows == 5
    cache = OutputCache(tmp_path / "cache")
    for name, model in loaded.items():
        evaluate.evaluate_chunk(name, model, chosen, settings.masking, cache, tmp_path / "out" / name, progress=False)
    sample = next(rows(chosen))
    kept = store.read_table(tmp_path / "out" / "thumb" / "0.parquet")
    v = values(kept, sample["label"], settings.reward)
    assert len(v) == 16

    # The rule by hand: two of the four columns matter, the others do not.
    scope = {}
    exec(shown("my_model.py"), scope)
    features, mean = torch.from_numpy(sample["features"]), loaded["thumb"].mean
    for coalition in range(16):
        masked = mean.clone()
        background = np.setdiff1d(np.arange(30), np.concatenate(sample["players"]))
        masked[background] = features[background]
        for player, own in enumerate(sample["players"]):
            if coalition >> player & 1:
                masked[own] = features[own]
        by_hand = scope["outputs"](scope["load"](None, "cpu"), masked[None]).item()
        assert kept["logits"][coalition].as_py()[0] == pytest.approx(by_hand, abs=1e-5)
