"""Training items made worse by a stated share, and the published decay of the learning rate."""

import numpy as np
import pytest
import torch

from andor.data.building import tidy
from andor.data.table import arrays
from andor.models.corruption import corrupted
from andor.models.settings import Corruption, Training
from andor.models.training import _schedule

RANDOM = np.random.default_rng(0)
SPLIT = ["train", "test"] * 300


def table(labels, content=None, kind="features", columns=None):
    content = RANDOM.random((600, 5)) if content is None else content
    return tidy(range(600), SPLIT, labels, content, kind, columns=columns)


CLASSES = table(np.arange(600) % 3)
NUMBERS = table(RANDOM.random(600))
TRAIN = np.array(SPLIT) == "train"


@pytest.mark.parametrize("original", [CLASSES, NUMBERS], ids=["classes", "numbers"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 1.0])
def test_replaces_a_share_of_the_training_labels_by_others(original, share):
    worse = corrupted(original, Corruption(labels=share), 0)
    changed = worse["label"].to_numpy() != original["label"].to_numpy()
    assert changed[TRAIN].sum() == round(share * 300) and not changed[~TRAIN].any()
    assert worse.schema == original.schema and worse.drop_columns("label") == original.drop_columns("label")
    assert set(worse["label"].to_pylist()) <= set(original["label"].to_pylist())


def test_other_labels_are_drawn_evenly():
    worse = corrupted(CLASSES, Corruption(labels=1), 0)
    steps = (worse["label"].to_numpy() - CLASSES["label"].to_numpy())[TRAIN] % 3
    assert 110 < (steps == 1).sum() < 190 and (steps == 0).sum() == 0


def test_a_larger_share_replaces_the_same_labels_and_more():
    small, large = (corrupted(CLASSES, Corruption(labels=share), 0)["label"].to_numpy() for share in (0.2, 0.6))
    true = CLASSES["label"].to_numpy()
    assert (large[small != true] == small[small != true]).all()


def test_shuffles_each_feature_among_a_share_of_the_training_items():
    columns = {"a": [0], "colour": [1, 2, 3], "b": [4]}
    original = table(np.arange(600) % 2, columns=columns)
    worse = corrupted(original, Corruption(features=0.2), 0)
    assert worse.schema == original.schema and worse.drop_columns("features") == original.drop_columns("features")
    before, after = arrays(original), arrays(worse)
    changed = before != after
    assert not changed[~TRAIN].any()
    for positions in columns.values():
        rows = changed[:, positions]
        assert rows.any(1).sum() == 60 and (rows.all(1) == rows.any(1)).all()  # all indicators of a column together
        own = [sorted(map(tuple, side[TRAIN][:, positions])) for side in (before, after)]
        assert own[0] == own[1]
    assert not np.array_equal(changed[:, 0], changed[:, 4])


@pytest.mark.parametrize(("kind", "shape", "together"), [("image", (2, 3, 4), (1,)), ("points", (6, 3), (2,))])
def test_a_pixel_has_all_its_channels_and_a_point_its_coordinates(kind, shape, together):
    original = table(np.arange(600) % 2, RANDOM.random((600, *shape)), kind)
    changed = arrays(corrupted(original, Corruption(features=0.5), 0)) != arrays(original)
    assert (changed.all(together) == changed.any(together)).all()
    assert (changed.all(together).sum(0) == 150).all()


def test_corrupted_trainings_are_controls():
    assert not Training(corrupt={"labels": 0}).is_control
    assert Training(corrupt={"labels": 0.1}).is_control and Training(corrupt={"features": 0.1}).is_control


def test_the_rate_falls_tenfold_as_published():
    epochs, steps = 7, 5
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.01)
    schedule = _schedule(optimizer, Training(epochs=epochs, schedule="log"), epochs * steps)
    rates = []
    for _ in range(epochs * steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    published = np.logspace(np.log10(0.01), np.log10(0.01) - 1, epochs)
    np.testing.assert_allclose(rates, np.repeat(published, steps))
    for few in (0, 1):  # no step to take, or one epoch alone
        assert _schedule(optimizer, Training(epochs=few, schedule="log"), few * steps).get_last_lr() == [0.01]
