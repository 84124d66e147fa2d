"""Every family of classifiers of arrays against the plain definition: each coalition masked by hand, one at a time."""

import json
import textwrap

import numpy as np
import pyarrow as pa
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from torchvision import models as torchvision_models
from transformers import ViTConfig, ViTForImageClassification

from andor import config
from andor.config import Masking
from andor.errors import UserError
from andor.models import architectures, loaded
from andor.models.accuracy import accuracy
from andor.models.families.mlp import MLP
from andor.models.families.own import OwnModel
from andor.models.families.pointnet import PointNet
from andor.models.families.pretrained_image_classifier import PretrainedImageClassifier
from andor.models.families.scikit_learn import ScikitLearn
from andor.models.loading import load
from andor.models.vision import Normalised, normalisation
from andor.outputs.evaluate import cache_content
from andor.outputs.masking import bind, locate
from andor.outputs.passes import evaluate

TOLERANCE = 1e-5
QUICK = config.Training(epochs=3, batch_size=8, learning_rate=5e-3)
ENOUGH = config.Training(epochs=40, batch_size=8, learning_rate=0.03)
"""To be right on all training rows, whatever the seed; after `QUICK` some networks say the same of every row."""


def tidy(kind, array, labels):
    """A tidy table of arrays (rows, …), every fourth row for testing."""
    count = len(array)
    flat = pa.array(np.ascontiguousarray(array, np.float32).ravel())
    return pa.table(
        {
            "item": pa.array(range(count), pa.int32()),
            "split": ["test" if row % 4 == 3 else "train" for row in range(count)],
            "label": pa.array(labels, pa.int16()),
            kind: pa.FixedSizeListArray.from_arrays(flat, int(np.prod(array.shape[1:]))),
        }
    ).replace_schema_metadata({"shape": json.dumps(array.shape[1:])})


def random_table(kind, shape, labels=2, count=48):
    """Noise whose label shifts it."""
    random = np.random.default_rng(0)
    label = np.arange(count) % labels
    noise = random.random((count, *shape), dtype=np.float32)
    return tidy(kind, 0.5 * noise + 0.5 * (label / labels).reshape(-1, *[1] * len(shape)), label)


TABLE = random_table("features", (6,))
CLOUDS = random_table("points", (12, 3))
IMAGES = random_table("image", (1, 32, 32))
KINDS = {"features": TABLE, "points": CLOUDS, "image": IMAGES}
GROUPS = {
    "features": [[0], [4, 1], [3], [5]],
    "points": [[0, 1, 2], [3, 7], [5], [8, 9, 10]],
    "image": [[5, 6, 37], list(range(100, 160)), [700], list(range(900, 1000))],
}
"""Players of a sample; some positions are nobody's."""


def sample(kind, row=3, players=4):
    table = KINDS[kind]
    array = np.asarray(table[kind][row].as_py(), np.float32).reshape(json.loads(table.schema.metadata[b"shape"]))
    return {"sample": 0, "item": row, kind: array, "players": GROUPS[kind][:players]}


def by_hand(model, kind, sample, value):
    """Outputs of every coalition: positions of absent players set one by one, a batch of one in float32."""
    outputs = []
    for mask in range(2 ** len(sample["players"])):
        array = sample[kind].copy()
        instead = np.broadcast_to(value, array.shape)
        for player, positions in enumerate(sample["players"]):
            for position in positions if not mask >> player & 1 else []:
                if kind == "image":
                    row, column = divmod(position, array.shape[2])
                    array[:, row, column] = instead[:, row, column]
                else:
                    array[position] = instead[position]
        with torch.no_grad():
            outputs.append(model(torch.from_numpy(array)[None])[0].tolist())
    return np.array(outputs)


def made(settings, table, tmp_path, **more):
    folder = tmp_path / f"model{len(list(tmp_path.iterdir()))}"
    settings.make(table, more.pop("source", None), None, folder, 0, progress=False, **more)
    return load(folder)


TRAINED = {
    "mlp": (MLP(family="mlp", layers=3, width=8, training=QUICK), "features"),
    "resmlp": (MLP(family="mlp", layers=4, width=8, residual=True, sigmoid=True, training=QUICK), "features"),
    "pointnet": (PointNet(family="pointnet", width=4, training=QUICK), "points"),
    "forest": (
        ScikitLearn(
            family="scikit_learn", estimator="RandomForestClassifier",
            parameters={"n_estimators": 5, "min_samples_leaf": 3},
        ),
        "features",
    ),
    "svm": (ScikitLearn(family="scikit_learn", estimator="LinearSVC"), "features"),
}  # fmt: skip


def bare(model):
    """The model without the package: its network, or its estimator's own outputs."""
    if model.family != "scikit_learn":
        return model.network

    def outputs(inputs):
        estimator = model.estimator
        if hasattr(estimator, "predict_proba"):
            p = np.clip(estimator.predict_proba(inputs.numpy()), 1e-7, 1 - 1e-7)
            return torch.from_numpy(np.log(p))
        return torch.from_numpy(estimator.decision_function(inputs.numpy())).reshape(len(inputs), -1)

    return outputs


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("labels", [2, 3])
def test_trained_families_against_the_plain_definition(name, labels, tmp_path):
    settings, kind = TRAINED[name]
    model = made(settings, random_table(kind, sample(kind)[kind].shape, labels), tmp_path)
    value = model.mean.numpy()
    for masking, instead in ((Masking(baseline="mean"), value), (Masking(), np.zeros((), np.float32))):
        outputs = evaluate(bind(model, sample(kind), masking))
        plain = by_hand(bare(model), kind, sample(kind), instead)
        assert outputs.shape[1] == (labels if labels > 2 or name == "forest" else 1)
        assert np.abs(outputs - plain).max() < TOLERANCE
    assert len(np.unique(outputs[:, 0])) > 2  # masking does change the output


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_a_family_is_trained_saved_and_loaded_alike(name, tmp_path):
    settings, kind = TRAINED[name]
    if settings.trained_by is not None:
        settings = settings.model_copy(update={"training": ENOUGH})
    first, again = (made(settings, KINDS[kind], tmp_path) for _ in range(2))
    assert first.digest == again.digest
    inputs = torch.from_numpy(np.stack([sample(kind, row)[kind] for row in range(8)]))
    assert torch.equal(first.logits(inputs), again.logits(inputs))
    assert not first.logits(inputs).requires_grad
    correct, items = accuracy(first, KINDS[kind], "train")
    assert items == 36 and correct > 30
    assert not [
        file for folder in tmp_path.iterdir() for file in folder.iterdir() if file.suffix in (".pkl", ".joblib")
    ]


def test_damp_and_centre():
    torch.manual_seed(0)
    network = architectures.PointNet(3, 4, 1)
    for weight in network.parameters():
        weight.data *= 3
    model = loaded.ArrayClassifier(network, {"family": "pointnet"}, torch.zeros(3))
    cloud = sample("points")
    centre = evaluate(bind(model, cloud, Masking(baseline="centre")))
    assert np.abs(centre - by_hand(network, "points", cloud, cloud["points"].mean(axis=0))).max() < TOLERANCE
    damped = evaluate(bind(model, cloud, Masking(baseline="damp", damp=0.25)))
    assert np.abs(damped - by_hand(network, "points", cloud, np.float32(0.25) * cloud["points"])).max() < TOLERANCE
    assert np.abs(centre - damped).max() > 100 * TOLERANCE


def test_training_rows_alone_shape_an_estimator(tmp_path):
    settings, _ = TRAINED["forest"]
    model = made(settings, TABLE, tmp_path)
    train = TABLE.filter(np.asarray(TABLE["split"]) == "train")
    features, labels = np.array(train["features"].to_pylist(), np.float32), train["label"].to_numpy()
    forest = RandomForestClassifier(n_estimators=5, min_samples_leaf=3, random_state=0).fit(features, labels)
    assert np.array_equal(model.estimator.predict_proba(features), forest.predict_proba(features))
    np.testing.assert_allclose(model.mean, features.mean(axis=0), rtol=1e-5)
    assert isinstance(made(TRAINED["svm"][0], TABLE, tmp_path).estimator, LinearSVC)


@pytest.mark.parametrize(
    ("estimator", "parameters", "message"),
    [
        ("RandomForestClasifier", {}, "no classifier of scikit-learn; did you mean `RandomForestClassifier`"),
        ("os.system", {}, "`estimator: os.system` is no classifier"),
        ("LinearSVC", {"c": 1}, "`parameters.c`: LinearSVC has no such argument; it has penalty"),
        ("LinearSVC", {"C": -1}, "cannot be fitted"),
        ("SVC", {"decision_function_shape": "ovo"}, "ovo` gives a number for each pair of classes, not for each"),
        ("LogisticRegression", {"class_weight": {"yes": 2}}, "cannot be fitted"),
    ],
)
def test_estimators_that_cannot_be(estimator, parameters, message, tmp_path):
    settings = ScikitLearn(family="scikit_learn", estimator=estimator, parameters=parameters)
    with pytest.raises(UserError, match=message):
        made(settings, random_table("features", (6,), labels=3), tmp_path)


def test_parameters_as_yaml_reads_them(tmp_path):
    text = "{estimator: LogisticRegression, parameters: {C: 1e-3, class_weight: {0: 1, 1: 5, 2: 1}}}"
    settings = ScikitLearn(family="scikit_learn", **yaml.safe_load(text))
    assert settings == ScikitLearn.model_validate_json(settings.model_dump_json())
    three = random_table("features", (6,), labels=3)
    model = made(settings, three, tmp_path)
    train = three.filter(np.asarray(three["split"]) == "train")
    features, labels = np.array(train["features"].to_pylist(), np.float32), train["label"].to_numpy()
    plain = LogisticRegression(C=1e-3, class_weight={0: 1, 1: 5, 2: 1}).fit(features, labels)
    np.testing.assert_allclose(model.logits(torch.from_numpy(features)).exp(), plain.predict_proba(features), rtol=1e-5)


@pytest.mark.parametrize("estimator", ["SVC", "NuSVC", "LinearSVC", "RidgeClassifier", "GaussianNB", "Perceptron"])
def test_an_estimator_predicts_what_its_library_predicts(estimator, tmp_path):
    three = random_table("features", (6,), labels=3)
    model = made(ScikitLearn(family="scikit_learn", estimator=estimator), three, tmp_path)
    inputs = torch.tensor(three["features"].to_pylist())
    agree = model.logits(inputs).argmax(1).numpy() == model.estimator.predict(inputs.numpy())
    assert agree.mean() > 0.9  # of equal votes, SVC takes the first class and its decision function the likelier


# ------------------------------------------------------------------------------------------------- images


def image_settings(**more):
    return PretrainedImageClassifier(family="pretrained_image_classifier", source="weights", **more)


@pytest.fixture(scope="module")
def shuffle(tmp_path_factory):
    """A torchvision network with two classes: its state dict as safetensors, and wrapped as parallel training does."""
    torch.manual_seed(0)
    network = torchvision_models.get_model("shufflenet_v2_x0_5", weights=None, num_classes=2)
    folder = tmp_path_factory.mktemp("shuffle")
    save_file(network.state_dict(), folder / "model.safetensors")
    parallel = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": parallel}, folder / "checkpoint.pth.tar")
    return folder, network.eval()


@pytest.mark.parametrize("file", ["model.safetensors", "checkpoint.pth.tar"])
def test_torchvision_classifiers(file, shuffle, tmp_path):
    folder, network = shuffle
    settings = image_settings(library="torchvision", architecture="shufflenet_v2_x0_5")
    model = made(settings, IMAGES, tmp_path, source=folder / file)
    normalised = Normalised(network, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    grey = torch.from_numpy(sample("image")["image"])[None]
    expected = network((grey.repeat(1, 3, 1, 1) - normalised.mean) / normalised.std)
    torch.testing.assert_close(normalised(grey), expected)
    outputs = evaluate(bind(model, sample("image"), Masking()))
    assert outputs.shape == (16, 2)
    assert np.abs(outputs - by_hand(normalised, "image", sample("image"), np.float32(0))).max() < TOLERANCE
    assert len(np.unique(outputs[:, 0])) == 16


def test_transformers_image_classifiers(tmp_path):
    torch.manual_seed(0)
    settings = ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8,
        num_labels=3, initializer_range=0.5,
    )  # fmt: skip
    network = ViTForImageClassification(settings).eval()
    network.save_pretrained(tmp_path / "vit")
    (tmp_path / "vit" / "preprocessor_config.json").write_text(
        '{"image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 1, 1]}'
    )
    three = random_table("image", (1, 32, 32), labels=3)
    model = made(image_settings(library="transformers"), three, tmp_path, source=tmp_path / "vit")
    assert model.description["mean"] == [0.5, 0.4, 0.3]
    plain = Normalised(network, [0.5, 0.4, 0.3], [0.5, 1, 1])
    outputs = evaluate(bind(model, sample("image"), Masking()))
    assert outputs.shape == (16, 3)
    assert np.abs(outputs - by_hand(plain, "image", sample("image"), np.float32(0))).max() < TOLERANCE
    with pytest.raises(UserError, match=r"cannot read inputs of shape \(1, 16, 16\)"):
        small = random_table("image", (1, 16, 16))
        made(image_settings(library="transformers"), small, tmp_path, source=tmp_path / "vit")


def test_settings_of_a_transformers_image_classifier_are_in_its_digest(tmp_path):
    """Weights of one shape are another function with other heads or another activation."""
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 32, "image_size": 32, "patch_size": 8}
    weights = ViTForImageClassification(ViTConfig(**shape, num_attention_heads=2)).state_dict()
    digests = []
    for settings in ({}, {}, {"num_attention_heads": 4}, {"hidden_act": "relu"}):
        network = ViTForImageClassification(ViTConfig(**shape | {"num_attention_heads": 2} | settings))
        network.load_state_dict(weights)
        source = tmp_path / f"vit{len(digests)}"
        network.save_pretrained(source)
        digests.append(made(image_settings(library="transformers"), IMAGES, tmp_path, source=source).digest)
    assert digests[0] == digests[1] and len(set(digests)) == 3


@pytest.mark.slow
def test_pretrained_classifiers_that_do_not_fit(shuffle, tmp_path):
    folder, _ = shuffle
    weights = folder / "model.safetensors"
    with pytest.raises(UserError, match="torchvision has no classifier of that name"):
        made(image_settings(library="torchvision", architecture="shuffle"), IMAGES, tmp_path, source=weights)
    with pytest.raises(UserError, match=r"lacks \d+ of \d+ weights of the architecture"):
        made(image_settings(library="torchvision", architecture="resnet18"), IMAGES, tmp_path, source=weights)
    many = random_table("image", (1, 32, 32), labels=3)
    with pytest.raises(UserError, match="has 2 logits and the data 3 labels"):
        made(image_settings(library="torchvision", architecture="shufflenet_v2_x0_5"), many, tmp_path, source=weights)


def scaling(settings: PretrainedImageClassifier, source) -> dict[str, list[float]]:
    """Mean and standard deviation of a configured model."""
    given = {"mean": settings.mean, "std": settings.std}
    return normalisation(settings.library, source, given, settings.architecture)


@pytest.mark.parametrize("stated", [{"pretrained_cfg": {"mean": [0.5], "std": [0.25]}}, {"mean": [0.5], "std": [0.25]}])
def test_a_model_of_timm_is_normalised_as_its_folder_states(stated, tmp_path):
    """In the layout of the hub, and in the flat one that came before."""
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "test_resnet", **stated}))
    settings = image_settings(library="timm", architecture="test_resnet")
    for source in (tmp_path, tmp_path / "model.safetensors"):
        described = scaling(settings, source)
        assert described["mean"] == [0.5] and described["std"] == [0.25]
    own = image_settings(library="timm", architecture="test_resnet", mean=[0.1], std=[1.0])
    assert scaling(own, tmp_path)["mean"] == [0.1]
    other = image_settings(library="torchvision", architecture="resnet18")
    assert scaling(other, tmp_path)["mean"] == [0.485, 0.456, 0.406]
    (tmp_path / "config.json").write_text('{"pretrained_cfg": {"mean": [0.5]}}')
    with pytest.raises(UserError, match=r"config.json: no mean and standard deviation .*; set `mean` and `std`"):
        scaling(settings, tmp_path)
    (tmp_path / "config.json").write_text('{"architecture": "test_resnet"}')
    assert scaling(settings, tmp_path)["mean"] == [0.5, 0.5, 0.5]  # as timm states it of this architecture


def test_timm_is_used_if_installed(tmp_path):
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    network = timm.create_model("test_resnet", pretrained=False, num_classes=2).eval()
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    settings = image_settings(library="timm", architecture="test_resnet")
    model = made(settings, IMAGES, tmp_path, source=tmp_path / "w.safetensors")
    plain = Normalised(network, network.pretrained_cfg["mean"], network.pretrained_cfg["std"])
    outputs = evaluate(bind(model, sample("image"), Masking()))
    assert np.abs(outputs - by_hand(plain, "image", sample("image"), np.float32(0))).max() < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["resnet110", "vgg11", "alexnet", "resnet18"])
def test_further_networks_for_training(architecture):
    network = architectures.image_network(architecture, (1, 64, 64), outputs=3)
    assert network.eval()(torch.rand(1, 1, 64, 64)).shape == (1, 3)


# ------------------------------------------------------------------------------------------------ own model


OWN = textwrap.dedent(
    """
    import torch
    from safetensors.torch import load_file

    def begin(source, device):
        return {"w": load_file(source)["w"].to(device)}

    def answer(model, inputs):
        return torch.sigmoid(inputs @ model["w"])
    """
)


def own_model(tmp_path, code=OWN, **more):
    (tmp_path / "mine.py").write_text(code)
    save_file({"w": torch.arange(6.0).reshape(6, 1) / 3}, tmp_path / "w.safetensors")
    settings = {"load": "begin", "outputs": "answer", "gives": "probabilities", "source": "w", **more}
    settings = OwnModel(family="own", file=str(tmp_path / "mine.py"), **settings)
    return made(settings, TABLE, tmp_path, source=tmp_path / "w.safetensors")


def test_a_model_of_the_users_own(tmp_path):
    model = own_model(tmp_path)
    outputs = evaluate(bind(model, sample("features"), Masking(baseline="mean")))
    weight = torch.arange(6.0).reshape(6, 1) / 3
    plain = by_hand(lambda inputs: inputs @ weight, "features", sample("features"), model.mean.numpy())
    assert np.abs(outputs - plain).max() < TOLERANCE  # the log-odds of a probability are its logit
    same = own_model(tmp_path)
    assert same.digest == model.digest
    assert own_model(tmp_path, OWN + "\n# changed").digest != model.digest
    logits = own_model(tmp_path, OWN.replace("torch.sigmoid", ""), gives="logits")
    assert np.abs(evaluate(bind(logits, sample("features"), Masking(baseline="mean"))) - plain).max() < TOLERANCE


def test_a_file_may_hold_a_dataclass(tmp_path):
    code = """
    from __future__ import annotations
    from dataclasses import dataclass

    @dataclass
    class Rule:
        column: int
        weight: float

    def begin(source, device):
        return Rule(2, -2.0)

    def answer(rule: Rule, inputs):
        return (rule.weight * inputs[:, rule.column]).unsqueeze(1)
    """
    model = own_model(tmp_path, textwrap.dedent(code), gives="logits")
    inputs = torch.rand(3, 6)
    assert torch.equal(model.logits(inputs), -2 * inputs[:, 2:3])


WORD_COUNTS = """
WEIGHTS = {"superb": 2.0, "film": 0.25, "bleak": -3.0, "[MASK]": 0.5}

def load(source, device):
    return WEIGHTS

def outputs(weights, texts):
    import torch
    return torch.tensor([[sum(weights.get(word, 0.0) for word in text.split())] for text in texts])
"""


def test_a_model_of_the_users_own_that_reads_texts(tmp_path):
    texts = ["a superb film", "a bleak film", "superb", "a bleak end", "film film film", "bleak bleak", "a film", "x"]
    labels = [1, 0, 1, 0, 1, 0, 1, 1]
    table = pa.table(
        {"item": range(8), "split": ["train", "test"] * 4, "label": pa.array(labels, pa.int16()), "text": texts}
    )
    (tmp_path / "mine.py").write_text(WORD_COUNTS)
    model = made(OwnModel(family="own", file=str(tmp_path / "mine.py")), table, tmp_path)
    assert accuracy(model, table, "train") == (4, 4) and accuracy(model, table, "test") == (3, 4)
    words = {"text": "superb, a bleak film superb", "players": [[10, 15], [21, 27], [0, 6]]}
    weights = {"superb": 2.0, "film": 0.25, "bleak": -3.0, "[MASK]": 0.5}
    for baseline, instead in (("zero", ""), ("mask", "[MASK]")):
        outputs = evaluate(bind(model, words, Masking(baseline=baseline)))
        for mask in range(8):
            bleak, last, first = (
                word if mask >> player & 1 else instead for player, word in enumerate(["bleak", "superb", "superb"])
            )
            by_hand = f"{first}, a {bleak} film {last}"
            assert outputs[mask].tolist() == [sum(weights.get(word, 0) for word in by_hand.split())]
    contents = [
        json.dumps(cache_content(model, locate(model, changed, masking)))
        for changed in (words, words | {"text": words["text"] + "."}, words | {"players": words["players"][:2]})
        for masking in (Masking(), Masking(baseline="mask"))
    ]
    assert len(set(contents)) == 6
    with pytest.raises(UserError, match="two players share characters"):
        locate(model, words | {"players": [[0, 6], [5, 8]]}, Masking())


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import nothing_of_that_name", "your model: `import` failed: ModuleNotFoundError"),
        ("x = 1", r"has no function `begin`; define it"),
        (OWN.replace('["w"].to', '["v"].to'), "your model: `begin` failed: KeyError"),
        (OWN.replace("torch.sigmoid", "len"), r"`answer` gave int for 1 inputs; give a tensor \(1, C\)"),
        (OWN.replace('model["w"]', 'model["w"][0]'), "your model: `answer` failed: RuntimeError"),
        ("import sys; sys.exit()", "your model: `import` failed: SystemExit: SystemExit; see the log"),
        (OWN.replace("return {", "raise SystemExit(0); return {"), "your model: `begin` failed: SystemExit: 0"),
        (OWN.replace("return torch", "exit('done'); return torch"), "your model: `answer` failed: SystemExit: done"),
        (OWN.replace("return torch", "raise BaseException; return torch"), "`answer` failed: BaseException"),
    ],
)
def test_faults_of_the_users_own_model(code, message, tmp_path):
    with pytest.raises(UserError, match=message):
        own_model(tmp_path, code)


# -------------------------------------------------------------------------------------------------- content


def test_what_names_outputs_in_the_cache(tmp_path):
    model = made(TRAINED["mlp"][0], TABLE, tmp_path)
    table = sample("features")
    contents = [
        locate(model, table, Masking()),
        locate(model, table, Masking(baseline="mean")),
        locate(model, table, Masking(baseline="damp", damp=0.5)),
        locate(model, table, Masking(baseline="damp", damp=0.25)),
        locate(model, table | {"players": GROUPS["features"][:3]}, Masking()),
        locate(model, table | {"features": table["features"] + np.float32(1e-6)}, Masking()),
    ]
    before = [json.dumps(cache_content(model, located)) for located in contents]
    model.mean = model.mean + 1e-3  # what is not used does not count
    assert json.dumps(cache_content(model, locate(model, table, Masking()))) == before[0]
    changed = json.dumps(cache_content(model, locate(model, table, Masking(baseline="mean"))))
    assert len({*before, changed}) == 7


def test_a_value_of_another_shape_is_refused(tmp_path):
    model = made(TRAINED["mlp"][0], TABLE, tmp_path)
    model.baseline = torch.zeros(5)
    with pytest.raises(UserError, match=r"`file` is \(5,\), the sample \(6,\); give one for each value"):
        locate(model, sample("features"), Masking(baseline="file", source="x"))


def test_saved_weights_are_tensors_alone(tmp_path):
    made(TRAINED["forest"][0], TABLE, tmp_path)
    assert set(load_file(tmp_path / "model0" / "model.safetensors")) == {"features", "labels"}
