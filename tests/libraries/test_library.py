"""A run stops, with both numbers, where a whole item is not what the model's own library says of it."""

import json

import numpy as np
import pytest
import timm
import torch
import torchvision
from test_parity import GridPlayers, candidates, image_table, pickled, pictures, words
from test_raw_rows import found, model, people  # noqa: F401 - fixtures
from test_vision import MOBILE, VIT, lively
from transformers import MobileViTForImageClassification, ViTForImageClassification

import tiny
from andor import config
from andor.errors import UserError
from andor.models.families.pretrained_image_classifier import PretrainedImageClassifier
from andor.models.loading import load
from andor.outputs.evaluate import screen

STOPS = r"item \d+: with all players present the outputs are \[.*\], its library says \[.*\] of the input as it is"


def test_an_image_on_another_scale(tmp_path):
    lively(ViTForImageClassification(VIT)).save_pretrained(tmp_path / "m")
    (tmp_path / "m" / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.5] * 3, "image_std": [0.5] * 3})
    )
    table = image_table(pictures(), tmp_path, 64)
    settings = PretrainedImageClassifier(family="pretrained_image_classifier", library="transformers", source="x")
    settings.make(table, tmp_path / "m", None, tmp_path / "ours", 0)
    chosen = candidates(table, GridPlayers(kind="grid", rows=2, columns=2), 4, 0)
    classifier = load(tmp_path / "ours")
    screen("vit", classifier, chosen, config.Masking())
    classifier.network.mean += 0.01
    with pytest.raises(UserError, match=f"model vit, {STOPS}"):
        screen("vit", classifier, chosen, config.Masking())
    given = settings.model_copy(update={"mean": [0.51] * 3})  # meant so: nothing is compared
    given.make(table, tmp_path / "m", None, tmp_path / "given", 0)
    screen("vit", load(tmp_path / "given"), chosen, config.Masking())


@pytest.mark.parametrize(("library", "keys"), [
    ("torchvision", "`size: 224`, `resize: 256`, `resample: bilinear`"),
    ("transformers", "`size: 64`, `resize: 73`, `resample: bicubic`"),
    ("timm", "`size: 160`, `resize: 168`, `resample: bilinear`"),
    ("levit", "how its processor scales"),
])  # fmt: skip
def test_an_image_scaled_otherwise(library, keys, tmp_path):
    """It is said what to set, and that is right."""
    torch.manual_seed(0)
    settings, stated = {"library": library}, {"size": {"shortest_edge": 64}, "resample": 3}
    if library in ("transformers", "levit"):
        settings["library"], kind = "transformers", "ConvNext" if library == "transformers" else "Levit"
        lively(MobileViTForImageClassification(MOBILE)).save_pretrained(tmp_path / "m")
        stated |= {"image_processor_type": f"{kind}ImageProcessor", "crop_size": {"height": 64, "width": 64}}
        (tmp_path / "m" / "preprocessor_config.json").write_text(json.dumps(stated))
        if library == "transformers":
            pickled(tmp_path / "m")
    elif library == "timm":
        settings["architecture"] = "test_resnet"
        network = lively(timm.create_model("test_resnet", num_classes=2))
        timm.models.save_for_hf(network, tmp_path / "m", model_config={"num_classes": 2}, safe_serialization=True)
    else:
        settings["architecture"] = "squeezenet1_1"
        network = lively(torchvision.models.squeezenet1_1(num_classes=2))
        torch.save(network.state_dict(), tmp_path / "m")
    files = pictures(shape=(120, 171))
    settings = PretrainedImageClassifier(family="pretrained_image_classifier", source="x", **settings)
    with pytest.raises(
        UserError, match=rf"for an image as the data scale it, its library \[.*\]: set {keys} in `data`"
    ):
        settings.make(image_table(files, tmp_path, 64), tmp_path / "m", None, tmp_path / "ours", 0)
    given = settings.model_copy(update={"mean": [0.5] * 3, "std": [0.5] * 3})
    given.make(image_table(files, tmp_path, 64), tmp_path / "m", None, tmp_path / "given", 0)
    if library != "levit":
        said = dict(key.strip("`").split(": ") for key in keys.split(", "))
        table = image_table(files, tmp_path, int(said["size"]), resize=int(said["resize"]), resample=said["resample"])
        settings.make(table, tmp_path / "m", None, tmp_path / "said", 0)


def test_a_row_whose_types_matter(people, model, monkeypatch):  # noqa: F811
    chosen = found(people)
    screen("pipe", model, chosen, config.Masking(baseline="mean"))

    def whole_numbers(_, rows):
        integers = rows["children"].dtype.kind == "i"  # which masking by a mean makes of them floats
        return torch.full((len(rows), 2), 0.6 if integers else 0.4)

    monkeypatch.setattr(model, "_outputs", whole_numbers)
    with pytest.raises(UserError, match=STOPS):
        screen("pipe", model, chosen, config.Masking(baseline="mean"))


@pytest.mark.parametrize("make", [tiny.encoder, tiny.gpt2])
def test_a_text_whose_embeddings_are_read_otherwise(make, monkeypatch):
    texts = ["the acting is superb", "a film"]
    table, reader = words(texts, [0, 1], target=[" the", " the"]), make()
    screen("reader", reader, table, config.Masking())
    embed = type(reader).embed
    monkeypatch.setattr(type(reader), "embed", lambda self, ids: 1.01 * embed(self, ids))
    with pytest.raises(UserError, match=STOPS):
        screen("reader", reader, table, config.Masking())


def test_networks_of_this_package_are_not_compared():
    table = words(["the acting is superb"], [0])
    assert np.isfinite(screen("cnn", tiny.text_cnn(), table, config.Masking())["full"][0].as_py()).all()
