import csv
import itertools
import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import save_file

import tiny
from andor import config
from andor.config import Learning, Masking, Reward
from andor.errors import UserError
from andor.models.loaded import ArrayClassifier
from andor.outputs import baselines, rewards
from andor.outputs.evaluate import cache_content
from andor.outputs.masking import bind, locate
from andor.outputs.passes import evaluate


def table(features, players=None, label=1):
    count, width = features.shape
    players = players or [[position] for position in range(width)]
    return pa.table(
        {
            "item": pa.array(range(count), pa.int32()),
            "label": pa.array([label] * count, pa.int16()),
            "features": pa.FixedSizeListArray.from_arrays(pa.array(features.astype(np.float32).ravel()), width),
            "players": pa.array([players] * count, pa.list_(pa.list_(pa.int32()))),
        }
    ).replace_schema_metadata({"shape": json.dumps([width])})


class Product(torch.nn.Module):
    """(x0 − 1)(x1 + 2)(x2 − 0.5): players interact through masked ones unless each is masked by what makes it 0."""

    def __init__(self):
        super().__init__()
        self.shift = torch.nn.Parameter(torch.tensor([-1.0, 2.0, -0.5]))

    def forward(self, inputs):
        return (inputs + self.shift).prod(dim=1, keepdim=True)


def product():
    return ArrayClassifier(Product(), {"family": "mlp"}, torch.zeros(3))


ITEMS = np.random.default_rng(0).normal(size=(12, 3))


def test_disjoint_sets_are_what_they_should_be():
    whole, without_b, without_a, neither = baselines.disjoint_sets(np.random.default_rng(0), 4000, [[0]] * 5)
    a, b, c = whole & ~without_a, whole & ~without_b, neither
    assert not (a & b).any() and not (a & c).any() and not (b & c).any()
    assert np.array_equal(whole, a | b | c) and np.array_equal(without_b, a | c) and np.array_equal(without_a, b | c)
    assert a.any(axis=1).all() and b.any(axis=1).all()
    # Two of five players are set, three are drawn from four.
    assert a.mean() == pytest.approx(1 / 5 + 3 / 5 / 4, abs=0.02) and c.mean() == pytest.approx(3 / 5 / 4, abs=0.02)
    assert np.ptp(a.mean(axis=0)) < 0.04


def test_the_criterion_is_the_published_one():
    """Against the definition, set by set, with the value that the model is masked with."""
    masking = Masking(baseline="learned", learning=Learning(items=2, draws=3, epochs=1, learning_rate=1e-12))
    value, curve = baselines.learn("m", product(), table(ITEMS), masking, Reward(kind="logit"), 5, progress=False)
    assert value.tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    random = np.random.default_rng(5)
    expected = []
    for item in range(2):
        whole, without_b, without_a, neither = baselines.disjoint_sets(random, 3, [[0]] * 3)

        def v(present, item=item):
            return float(np.prod(np.where(present, ITEMS[item], 0) + np.array([-1, 2, -0.5])))

        expected += [
            abs(v(w) - v(b) - v(a) + v(c)) for w, b, a, c in zip(whole, without_b, without_a, neither, strict=True)
        ]
    assert curve[0] == pytest.approx(np.mean(expected), rel=1e-5)


@pytest.mark.slow
def test_learning_lowers_the_criterion_and_keeps_the_best():
    learning = Learning(items=12, epochs=60, learning_rate=0.02)
    masking = Masking(baseline="learned", learning=learning)
    value, curve = baselines.learn("m", product(), table(ITEMS), masking, Reward(kind="logit"), 0, progress=False)
    assert len(curve) == 61 and min(curve) < 0.8 * curve[0]
    again, same = baselines.learn("m", product(), table(ITEMS), masking, Reward(kind="logit"), 0, progress=False)
    assert torch.equal(value, again) and curve == same
    shorter = masking.model_copy(update={"learning": learning.model_copy(update={"epochs": int(np.argmin(curve))})})
    if np.argmin(curve):  # learning for just as long ends at the kept value
        best, _ = baselines.learn("m", product(), table(ITEMS), shorter, Reward(kind="logit"), 0, progress=False)
        assert torch.equal(best, value)


@pytest.mark.parametrize("start", ["zero", "mean", "mask"])
def test_an_embedding_is_learned(start):
    samples = pa.Table.from_pylist([tiny.text_sample("gripping", "film", "superb", label=1)])
    masking = Masking(
        baseline="learned", learning=Learning(start=start, items=1, draws=4, epochs=3, learning_rate=0.01)
    )
    model = tiny.encoder()
    value, curve = baselines.learn("bert", model, samples, masking, Reward(), 0, progress=False)
    assert value.shape == (32,) and value.dtype == torch.float32 and min(curve) <= curve[0]
    if start == "mask":
        token = model.embed(torch.tensor([model.tokenizer.mask_token_id]))[0]
        still = masking.model_copy(update={"learning": Learning(start=start, epochs=1, learning_rate=1e-12)})
        kept, _ = baselines.learn("bert", model, samples, still, Reward(), 0, progress=False)
        torch.testing.assert_close(kept, token)


def test_an_image_with_integrated_background():
    image = tiny.image_sample()
    samples = pa.table(
        {
            "label": [1],
            "image": pa.FixedSizeListArray.from_arrays(pa.array(image["image"].ravel()), 256),
            "players": pa.array([image["players"]], pa.list_(pa.list_(pa.int32()))),
        }
    ).replace_schema_metadata({"shape": json.dumps(tiny.SHAPE)})
    learning = Learning(items=1, draws=8, epochs=5, learning_rate=0.5)
    masking = Masking(baseline="learned", background="integrate", steps=2, learning=learning)
    value, curve = baselines.learn("lenet", tiny.lenet(), samples, masking, Reward(kind="logit"), 0, progress=False)
    assert value.shape == tiny.SHAPE and min(curve) < curve[0]


def test_faults_of_learning():
    masking = Masking(baseline="learned", learning=Learning(items=2, epochs=9, learning_rate=1e30))
    with pytest.raises(UserError, match=r"model m: the loss of its baseline value became .*; lower `masking.learning"):
        baselines.learn("m", product(), table(ITEMS), masking, Reward(kind="logit"), 0, progress=False)
    model = product()
    model.network.forward = lambda inputs: inputs.detach().sum(dim=1, keepdim=True)
    with pytest.raises(UserError, match="no gradient reaches its input"):
        baselines.learn("m", model, table(ITEMS), masking, Reward(kind="logit"), 0, progress=False)


@pytest.mark.parametrize("classes", [1, 2, 4])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_rewards_with_gradients_are_the_rewards(classes, temperature):
    logits = np.random.default_rng(0).normal(0, 5, (6, classes)).astype(np.float32)
    for kind, label in itertools.product(
        ("logit", "true_logit", "above_smallest", "log_odds", "probability"), range(max(classes, 2))
    ):
        ours = rewards.classifier_reward(torch.from_numpy(logits), label, kind, temperature)
        expected = rewards.classifier_reward(logits, label, kind, temperature)
        np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_a_value_is_kept_with_its_curve_and_read_again(tmp_path):
    value = torch.tensor([0.5, -1.0, 2.0])
    baselines.write(value, [3.0, 2.5], tmp_path / "m")
    with (tmp_path / "m" / "curve.csv").open() as file:
        assert list(csv.reader(file)) == [["epoch", "loss"], ["0", "3.0"], ["1", "2.5"]]
    assert torch.equal(baselines.read(tmp_path / "m", "any"), value)
    model = baselines.attach(product(), tmp_path / "m", "m")
    sample = {"features": ITEMS[0].astype(np.float32), "players": [[0], [2]]}
    outputs = evaluate(bind(model, sample, Masking(baseline="learned")))
    assert outputs[0, 0] == pytest.approx(float(np.prod([-0.5, ITEMS[0, 1] + 2, 1.5])), rel=1e-5)
    first = cache_content(model, locate(model, sample, Masking(baseline="learned")))
    model.baseline = value + 1e-6
    assert cache_content(model, locate(model, sample, Masking(baseline="learned"))) != first


def test_values_from_files(tmp_path):
    value = np.float32([1, 2, 3])
    np.save(tmp_path / "v.npy", value)
    save_file({"m": torch.zeros(3), "baseline": torch.ones(3)}, tmp_path / "v.safetensors")
    assert baselines.read(tmp_path / "v.npy", "m").tolist() == [1, 2, 3]
    assert baselines.read(tmp_path / "v.safetensors", "m").tolist() == [0, 0, 0]
    assert baselines.read(tmp_path / "v.safetensors", "other").tolist() == [1, 1, 1]
    save_file({"m": torch.zeros(3)}, tmp_path / "v.safetensors")
    with pytest.raises(UserError, match="no value `other` nor `baseline`; it has m"):
        baselines.read(tmp_path / "v.safetensors", "other")
    np.save(tmp_path / "v.npy", np.array([{"code": 1}], dtype=object))
    with pytest.raises(UserError, match="no readable baseline value"):
        baselines.read(tmp_path / "v.npy", "m")
    (tmp_path / "v.pkl").write_bytes(b"")
    with pytest.raises(UserError, match=r"name a .npy or .safetensors file"):
        baselines.read(tmp_path / "v.pkl", "m")


@pytest.mark.parametrize("make", [tiny.encoder, tiny.text_cnn])
def test_embeddings_from_a_file_and_damped_ones(make):
    """Against the plain definition: embeddings of absent words replaced by hand, one text at a time."""
    model, words = make(), ("gripping", "film", "superb")
    sample = tiny.text_sample(*words)
    width = model.vocabulary_embedding.shape[1]
    model.baseline = torch.linspace(-1, 1, width)
    for masking in (Masking(baseline="file", source="x"), Masking(baseline="damp", damp=0.5)):
        located = locate(model, sample, masking)
        outputs = evaluate(located.bind(model))
        whole = model.embed(torch.tensor(located.ids))
        for mask in range(8):
            embeddings = whole.clone()
            for player, pieces in enumerate(located.players):
                for piece in pieces if not mask >> player & 1 else []:
                    embeddings[piece] = model.baseline if masking.baseline == "file" else 0.5 * whole[piece]
            with torch.no_grad():
                plain = model.logits(embeddings[None])[0].numpy()
            np.testing.assert_allclose(outputs[mask], plain, rtol=1e-5, atol=1e-5)  # float32, logits of hundreds
    model.baseline = torch.zeros(3)
    with pytest.raises(UserError, match=r"`file` is \(3,\), an embedding of the model"):
        bind(model, sample, Masking(baseline="file", source="x"))
    model.baseline = None


def test_the_settings_of_learning_reach_the_masking():
    assert Masking(baseline="learned").learned == config.Learning()
    assert Masking(baseline="learned", learning=Learning(start="mask")).tokens == ["mask"]
