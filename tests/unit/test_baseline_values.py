"""Baseline values that are other rows, as shap and shapiq mean them, and images that are blurred."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve1d
from test_families import random_table

import tiny
from andor import config
from andor.config import Masking, Reward
from andor.data.table import arrays
from andor.errors import UserError
from andor.models.families.mlp import MLP
from andor.models.families.scikit_learn import ScikitLearn
from andor.models.loading import load
from andor.outputs.baselines import attach
from andor.outputs.masking import bind
from andor.outputs.passes import evaluate
from andor.outputs.rewards import classifier_reward
from andor.store import write_table

TABLE = random_table("features", (5,), labels=3, count=96)
FOREST = ScikitLearn(family="scikit_learn", estimator="RandomForestClassifier", parameters={"n_estimators": 5})
NETWORK = MLP(family="mlp", layers=3, width=8, training=config.Training(epochs=3, batch_size=16))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Models by name, with twenty training rows; and the file of the data."""
    folder = tmp_path_factory.mktemp("marginal")
    write_table(folder / "data.parquet", TABLE)
    models = {}
    for name, family in (("forest", FOREST), ("network", NETWORK)):
        family.make(TABLE, None, None, folder / name, 0, progress=False)
        models[name] = attach(load(folder / name), folder / "data.parquet", name, 20)
    return models


def sample(players):
    """The row that explanations are of."""
    return {"item": 3, "label": 1, "features": arrays(TABLE)[3], "players": players}


SINGLE = [[0], [1], [2], [3], [4]]


@pytest.mark.parametrize("players", [SINGLE, [[0, 3], [2]]], ids=["every column", "groups, and others left alone"])
@pytest.mark.parametrize("name", ["forest", "network"])
def test_marginal_is_the_mean_over_rows(name, players, made):
    """Of probabilities where a model gives them, else of logits, one row and one coalition at a time."""
    model, one = made[name], sample(players)
    outputs = evaluate(bind(model, one, Masking(baseline="marginal", rows=20)))
    assert model.background.shape == (20, 5)
    for coalition in range(1 << len(players)):
        replaced = []
        for row in model.background.numpy():
            masked = one["features"].copy()
            for player, own in enumerate(players):
                if not coalition >> player & 1:
                    masked[own] = row[own]
            given = torch.from_numpy(masked)[None]
            replaced.append(model.outputs(given)[0].double().numpy())
        mean = np.mean(replaced, axis=0)
        expected = np.log(mean.clip(1e-7, 1 - 1e-7)) if name == "forest" else mean
        np.testing.assert_allclose(outputs[coalition], expected, atol=1e-5)
    assert np.ptp(outputs, axis=0).min() > 1e-3


def test_marginal_is_what_shapiq_says(made):
    from shapiq.imputer import MarginalImputer  # as slow to import as torch

    model, one = made["forest"], sample(SINGLE)
    outputs = evaluate(bind(model, one, Masking(baseline="marginal", rows=20)))
    imputer = MarginalImputer(
        model=lambda rows: model.estimator.predict_proba(rows.astype(np.float32))[:, 1], x=one["features"],
        data=model.background.numpy(), sample_size=20, normalize=False,
    )  # fmt: skip
    coalitions = np.array([[bool(mask >> player & 1) for player in range(5)] for mask in range(32)])
    ours = classifier_reward(outputs, 1, Reward(kind="probability").kind)
    np.testing.assert_allclose(ours, imputer(coalitions), atol=1e-6)


def test_every_model_of_a_task_has_the_same_rows(made):
    assert torch.equal(made["forest"].background, made["network"].background)
    train = arrays(TABLE)[np.asarray(TABLE["split"]) == "train"]
    assert all((train == row).all(axis=1).any() for row in made["forest"].background.numpy())


def test_marginal_needs_rows_of_the_same_data(made, tmp_path):
    FOREST.make(TABLE, None, None, tmp_path / "m", 0)
    with pytest.raises(UserError, match="`marginal` needs rows of the samples' own data"):
        bind(load(tmp_path / "m"), sample(SINGLE), Masking(baseline="marginal"))


@pytest.mark.parametrize("blur", [0.7, 3.0])
def test_blurred_images_take_the_place_of_pixels(blur):
    model, one = tiny.lenet(), tiny.image_sample()
    outputs = evaluate(bind(model, one, Masking(baseline="blurred", blur=blur)))
    reach = np.arange(-round(4 * blur), round(4 * blur) + 1)
    weights = np.exp(-0.5 * (reach / blur) ** 2)
    blurred = one["image"][0].astype(float)
    for axis in (0, 1):
        blurred = convolve1d(blurred, weights / weights.sum(), axis=axis, mode="nearest")
    for coalition in range(16):
        image = one["image"].copy()
        for player, own in enumerate(one["players"]):
            if not coalition >> player & 1:
                image[0].ravel()[own] = blurred.ravel()[own]
        assert outputs[coalition] == pytest.approx(model.logits(torch.from_numpy(image)[None])[0].tolist(), abs=1e-4)
    assert np.ptp(outputs) > 1e-3
