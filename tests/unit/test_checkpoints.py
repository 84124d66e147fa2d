"""What training keeps on its way is what a training that ends there gives, and a model of the task like others."""

import copy
import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch
import yaml
from safetensors.torch import load_file
from test_families import KINDS, TABLE
from test_models import pretrained, texts  # noqa: F401 - a fixture

from andor.config import Training, check
from andor.errors import UserError
from andor.models.families.image_classifier import ImageClassifier
from andor.models.families.mlp import MLP
from andor.models.families.of_task import ModelOfTask
from andor.models.families.pointnet import PointNet
from andor.models.families.text_cnn import TextCNN
from andor.models.families.text_encoder import TextEncoder
from andor.models.files import KEPT, kept_in, take_kept
from andor.models.labels import exchanged
from andor.models.loading import load
from andor.store import write_table

TRAINING = Training(epochs=2, batch_size=12, learning_rate=5e-3)
"""Of 36 arrays six steps, of 54 texts ten."""
FAMILIES = {
    "encoder": (TextEncoder(family="text_encoder", source="tiny", training=TRAINING), "text"),
    "cnn": (TextCNN(family="text_cnn", tokenizer="tiny", width=8, filters=4, training=TRAINING), "text"),
    "mlp": (MLP(family="mlp", layers=3, width=8, training=TRAINING), "features"),
    "resnet20": (ImageClassifier(family="image_classifier", architecture="resnet20", training=TRAINING), "image"),
    "pointnet": (PointNet(family="pointnet", width=4, training=TRAINING), "points"),
}


def trained(settings, table, source, folder, **training):
    """A model whose training differs in something."""
    other = settings.model_copy(update={"training": TRAINING.model_copy(update=training)})
    other.make(table, source, None, folder, 3, progress=False)
    return load(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_kept_is_what_a_training_that_ends_there_gives(name, pretrained, tmp_path):  # noqa: F811
    settings, kind = FAMILIES[name]
    table, source, steps = (texts(), pretrained, 10) if kind == "text" else (KINDS[kind], None, 6)
    plain = trained(settings, table, source, tmp_path / "plain")
    keeping = trained(settings, table, source, tmp_path / "keeping", keep=[0, 2, steps])
    assert keeping.digest == plain.digest and not (tmp_path / "plain" / KEPT).exists()
    kept = {}
    for step in (0, 2, steps):
        take_kept(tmp_path / "keeping", step, tmp_path / f"at_{step}")
        kept[step] = load(tmp_path / f"at_{step}").digest
    assert kept[steps] == plain.digest
    assert len(set(kept.values())) == 3
    assert kept[2] == trained(settings, table, source, tmp_path / "ended", until=2).digest
    assert kept[0] == trained(settings, table, source, tmp_path / "untrained", epochs=0).digest


def test_a_step_that_is_none_of_the_training_is_told_before_it_begins(tmp_path):
    settings = FAMILIES["mlp"][0]
    for wrong in ({"keep": [7]}, {"until": 7}):
        with pytest.raises(UserError, match=r"^`training`: step 7 is beyond its end, 6 steps; lower it$"):
            trained(settings, TABLE, None, tmp_path / "net", **wrong)
    assert not (tmp_path / "net").exists()
    with pytest.raises(UserError, match="kept/3: is not there; delete"):
        take_kept(tmp_path, 3, tmp_path / "other")


def test_items_for_testing_are_learnt_instead(tmp_path):
    assert exchanged(TABLE, "train") is TABLE
    other = exchanged(TABLE, "test")
    was, now = (np.asarray(table["split"]) for table in (TABLE, other))
    assert set(was) == set(now) == {"train", "test"} and not (was == now).any()
    assert other.drop_columns("split").equals(TABLE.drop_columns("split"))
    only = TABLE.filter(pa.array(was == "test"))
    alone = only.set_column(only.schema.get_field_index("split"), "split", pa.array(["train"] * len(only)))
    settings = FAMILIES["mlp"][0]
    digests = {trained(settings, table, None, tmp_path / str(n)).digest for n, table in enumerate((other, alone))}
    assert len(digests) == 1


class Named(dict):
    """Files of a rule, by name or as attributes."""

    __getattr__ = dict.__getitem__


def test_the_rule_takes_what_the_training_of_the_other_kept(tmp_path):
    spec = importlib.util.spec_from_file_location("of_model", "workflow/scripts/model.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    write_table(tmp_path / "data.parquet", TABLE)

    def make(name, training, **more):
        settings = {"family": "of_task", "task": "other", "model": "net"}
        if training is not None:
            settings = {"family": "mlp", "layers": 3, "width": 8, "training": training.model_dump(mode="json")}
        script.main(
            SimpleNamespace(
                input=Named(data=[tmp_path / "data.parquet"], **more), output=[tmp_path / name], rule="model",
                params=SimpleNamespace(model=settings, seed=3), threads=1, resources={}, config={"device": "cpu"},
            )
        )  # fmt: skip
        return load(tmp_path / name).digest

    keeping = TRAINING.model_copy(update={"keep": [1], "items": "test"})
    end = make("net", keeping)
    state = make("net@1", keeping.ended(1), trained=[tmp_path / "net"])
    assert state == load(kept_in(tmp_path / "net", 1)).digest != end
    splits = json.loads((tmp_path / "net@1" / "metrics.json").read_text())["splits"]
    assert (splits["train"]["items"], splits["test"]["items"]) == (12, 36)  # it learnt from the items for testing
    assert make("taken", None, taken=[tmp_path / "net"]) == end
    assert json.loads((tmp_path / "taken" / "metrics.json").read_text())["family"] == "mlp"


# ------------------------------------------------------------------------------------------ of another task's model


def test_another_task_takes_what_was_kept_but_not_the_others(tmp_path):
    trained(FAMILIES["mlp"][0], TABLE, None, tmp_path / "net", keep=[0])
    take_kept(tmp_path / "net", 0, tmp_path / "net@0")
    ModelOfTask(family="of_task", task="other", model="net").make(TABLE, tmp_path / "net", None, tmp_path / "a", 0)
    taken = ModelOfTask(family="of_task", task="other", model="net@0")
    taken.make(TABLE, tmp_path / "net@0", None, tmp_path / "b", 0)
    assert not (tmp_path / "a" / KEPT).exists()
    assert load(tmp_path / "b").digest == load(kept_in(tmp_path / "net", 0)).digest != load(tmp_path / "a").digest
    assert taken.is_control and not taken.model_copy(update={"training": TRAINING}).is_control


def test_an_encoder_of_another_task_is_trained_further_from_what_it_was(pretrained, tmp_path):  # noqa: F811
    first = trained(FAMILIES["encoder"][0], texts(), pretrained, tmp_path / "first")
    more = ModelOfTask(
        family="of_task", task="other", model="first", training=TRAINING.model_copy(update={"keep": [0]})
    )
    more.make(texts(), tmp_path / "first", None, tmp_path / "more", 1, progress=False)
    begun, origin = (
        load_file(path / "model.safetensors") for path in (kept_in(tmp_path / "more", 0), tmp_path / "first")
    )
    assert begun.keys() == origin.keys() and all(torch.equal(begun[name], origin[name]) for name in origin)
    assert load(tmp_path / "more").digest != first.digest


# ---------------------------------------------------------------------------------------------- in a configuration

CONFIG = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))


def changed(keep, **more):
    """The default configuration whose LeNet is kept after some steps."""
    raw = copy.deepcopy(CONFIG)
    raw["tasks"]["digits"]["models"]["lenet"]["training"] |= {"keep": keep, **more}
    return raw


def test_kept_models_are_models_of_the_task_without_a_say():
    raw = changed([50, 0])
    task = check(raw).tasks["digits"]
    assert list(task.models) == ["resnet20", "vgg16", "lenet", "lenet@0", "lenet@50"]
    assert task.null_networks() == ["lenet@0", "lenet@50"]
    assert task.models["lenet@50"].trained_by == task.models["lenet"].trained_by.ended(50)
    assert task.ensembles_by_name() == check(CONFIG).tasks["digits"].ensembles_by_name()
    raw["tasks"]["digits"]["ensembles"] = {"early": ["lenet@50", "lenet"], "two": ["lenet", "vgg16"]}
    assert check(raw).tasks["digits"].ensembles_by_name()["early"] == ["lenet@50", "lenet"]


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"keep": [0, 1300]}, "model `lenet`: step 1300 is beyond the end of its training, 1290 steps; lower it"),
        ({"keep": [1], "epochs": 0}, "step 1 is beyond the end of its training, 0 steps; lower it"),
        ({"keep": [5, 5]}, "step 5 is there twice; name it once"),
        ({"keep": [-1]}, "greater than or equal to 0"),
        ({"keep": [9], "until": 8}, "`keep: 9` is beyond `until: 8`; lower it"),
    ],
)
def test_steps_that_cannot_be_kept_are_one_line(training, message):
    with pytest.raises(UserError) as caught:
        check(changed(**{"keep": [], **training}))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_step_that_was_not_kept_is_no_model():
    raw = changed([0])
    raw["tasks"]["digits"]["ensembles"] = {"early": ["lenet@5", "lenet"]}
    with pytest.raises(UserError, match="`lenet@5`, which is no model of the task; did you mean `lenet@0`"):
        check(raw)
    raw["tasks"]["digits"]["models"]["lenet@5"] = raw["tasks"]["digits"]["models"]["vgg16"]
    with pytest.raises(UserError, match="lower-case letters, digits and underscores"):
        check(raw)


def test_models_trained_further_are_encoders_of_another_task():
    raw = copy.deepcopy(CONFIG)
    further = {"family": "of_task", "task": "sentiment", "model": "minilm3", "training": {"epochs": 1}}
    raw["tasks"]["more"] = {**raw["tasks"]["sentiment"], "models": {"further": further}}
    assert check(raw).tasks["more"].null_networks() == []
    further["model"] = "cnn"
    with pytest.raises(UserError, match="family text_cnn, and only text_encoder is trained further; drop `training`"):
        check(raw)


ASKED = {"prompt": "{text} Good?", "answers": {0: " no", 1: " yes"}}
ENDPOINT = {"url": "http://localhost:8000/v1", "model": "m", "revision": "1", "most_calls": 10**6}
ASKED_MODELS = [{"family": "causal_lm", "source": "minilm6", **ASKED}, {"family": "served", **ENDPOINT, **ASKED}]


@pytest.mark.parametrize("model", ASKED_MODELS)
def test_models_that_are_asked_are_described_where_they_are_asked(model):
    """Of another task's, nothing would be counted: neither its calls, nor the items that it is judged by."""
    raw = copy.deepcopy(CONFIG)
    more = {**raw["tasks"]["sentiment"], "masking": {"baseline": "zero"}, "ensembles": {}}
    raw["tasks"]["asked"] = {**more, "models": {"asked": model}}
    raw["tasks"]["more"] = {**more, "models": {"taken": {"family": "of_task", "task": "asked", "model": "asked"}}}
    with pytest.raises(UserError, match=r"`tasks\.more\.models\.taken\.model: asked` is asked for its answers, and"):
        check(raw)


LEARNING = {"question": "How?", "tasks": ["digits"], "methods": ["traditional"], "models": ["lenet", "vgg16"]}
OTHER = {"family": "image_classifier", "architecture": "lenet", "training": {"epochs": 30, "keep": [0, 9], "seed": 1}}


def asked(**more):
    """A configuration with a study along the training of LeNet, which another seed's follows in part."""
    raw = changed([0, 50])
    raw["tasks"]["digits"]["models"]["other"] = OTHER
    raw["studies"] = {"learning": {**LEARNING, "along": "lenet", **more}}
    return raw


def test_states_are_compared_with_the_end_and_with_others_at_the_same_step():
    config = check(asked(models=["lenet", "other", "lenet@0"]))
    assert list(config.compared("learning", "digits").values()) == [
        ["lenet", "lenet@0"], ["other@0", "lenet@0"],
        ["lenet", "lenet@50"], ["other", "lenet@50"], ["lenet@0", "lenet@50"],
        ["other", "lenet"], ["lenet@0", "lenet"],
    ]  # fmt: skip
    config = check(asked(along=None, models=["lenet", "vgg16", "lenet@50"]))
    assert list(config.compared("learning", "digits")) == ["lenet-vgg16", "lenet-lenet@50", "vgg16-lenet@50"]


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ({"along": None, "models": ["lenet"]}, "`models` has one, lenet; add another to compare it with"),
        ({"ensembles": ["lenet-vgg16"]}, "it has both `ensembles` and `models`; keep one"),
        ({"along": None, "models": []}, "it has neither `ensembles` nor `models`; add one"),
        ({"along": "vgg16"}, "goes along the training of `vgg16`, which keeps no steps; set its `training.keep`"),
        ({"along": "lenet50"}, "`studies.learning.along: lenet50` is none there is; did you mean `lenet@50`?"),
        ({"models": ["lenet@7"]}, "`studies.learning.models: lenet@7` is none there is; did you mean `lenet@"),
        ({"methods": ["generalizable"]}, "`generalizable` explains them together; take it away"),
        ({"along": None, "tasks": ["digits", "sentiment"]}, "no two of its models in the task `sentiment`; take one"),
    ],
)
def test_studies_that_cannot_compare_are_one_line(study, message):
    with pytest.raises(UserError) as caught:
        check(asked(**study))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_images_have_as_many_rows_as_the_check_counts_on():
    from andor.data.readers.digits import DigitsData

    data = DigitsData(reader="digits", size=8, test_fraction=0.3)
    assert (np.asarray(data.read(None, 0)["split"]) == "train").sum() == data.most_for_training
