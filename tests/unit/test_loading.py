"""What was loaded is what the file holds, whatever wrapped the network when it was saved."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny
from andor import config
from andor.data.building import tidy
from andor.errors import UserError
from andor.models import adoption, pretrained
from andor.models.accuracy import accuracy
from andor.models.families.text_encoder import TextEncoder
from andor.models.loaded import ArrayClassifier
from andor.models.loading import load


def renamed(folder: Path, new) -> Path:
    """The tiny encoder and its tokenizer, the names of its weights changed; those that become None are left out."""
    model = tiny.encoder()
    model.network.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)
    state = {new(name): tensor for name, tensor in load_file(folder / "model.safetensors").items() if new(name)}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


NAMES = {
    "whole": lambda name: name,
    "parallel": lambda name: f"module.{name}",
    "compiled": lambda name: f"_orig_mod.{name}",
    "both": lambda name: f"module._orig_mod.{name}",
    "headless": lambda name: name.removeprefix("bert.") if name.startswith("bert.") else None,
    "headless parallel": lambda name: f"module.{name[5:]}" if name.startswith("bert.") else None,
    "without pooling": lambda name: name if name.startswith("bert.") and "pooler" not in name else None,
}


@pytest.mark.parametrize("names", NAMES)
def test_an_encoder_to_fine_tune_has_the_weights_of_its_file(names, tmp_path):
    source = renamed(tmp_path / "source", NAMES[names])
    settings = TextEncoder(family="text_encoder", source="tiny", training=config.Training(epochs=0))
    network, _, tokenizer = settings.untrained(source)
    pretrained.write(network, tmp_path / "made", tokenizer)
    theirs = tiny.encoder().network.state_dict()
    made = load_file(tmp_path / "made" / "model.safetensors")
    body = [
        name for name in theirs if name.startswith("bert.") and not (names == "without pooling" and "pooler" in name)
    ]
    for name in body:
        assert torch.equal(network.state_dict()[name], theirs[name])
        assert torch.equal(made[name], theirs[name])


@pytest.mark.parametrize("names", ["whole", "parallel", "compiled", "both"])
def test_a_ready_classifier_has_the_weights_of_its_file(names, tmp_path):
    source = renamed(tmp_path / "source", NAMES[names])
    TextEncoder(family="text_encoder", source="tiny").make(None, source, None, tmp_path / "m", 0)
    for name, tensor in load(tmp_path / "m").network.state_dict().items():
        assert torch.equal(tensor, tiny.encoder().network.state_dict()[name])


@pytest.mark.parametrize(
    "new",
    [
        lambda name: f"student.{name}",
        lambda name: name.replace("layer.1.", "layer.7."),
        lambda name: None if "word_embeddings" in name else name,
    ],
    ids=["unknown prefix", "another layer", "no embedding"],
)
def test_only_a_head_may_be_new(new, tmp_path):
    with pytest.raises(UserError, match=r"source: has no weights bert\..*; fetch or train the model again"):
        pretrained.encoder_to_train(renamed(tmp_path / "source", new))


def test_a_weight_of_another_shape_is_no_weight_of_the_network(tmp_path):
    source = renamed(tmp_path / "source", lambda name: name)
    state = load_file(source / "model.safetensors")
    name = "bert.embeddings.token_type_embeddings.weight"
    save_file(state | {name: torch.zeros(1, 32)}, source / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=f"has no weights {name};"):
        pretrained.encoder_to_train(source)


class Fixed(ArrayClassifier):
    """The same logits for every row."""

    def __init__(self, logits):
        super().__init__(torch.nn.Linear(1, 1), {"family": "own"}, torch.zeros(1))
        self.fixed = torch.tensor(logits)

    def logits(self, inputs):
        return self.fixed.expand(len(inputs), -1)


def rows(labels):
    return tidy(range(len(labels)), ["train"] * len(labels), labels, np.zeros((len(labels), 1)), "features")


def test_a_model_of_many_classes_says_nothing_of_labels_0_and_1():
    adoption.attempt(Fixed([0.0, 1.0]), rows([0, 1, 1]))
    adoption.attempt(Fixed([0.0] * 1000), rows([0, 1, 2]))  # the first of a model's many classes
    with pytest.raises(UserError, match=r"tells 10 classes apart, the data have labels 0 and 1; set `data.positive"):
        adoption.attempt(Fixed([0.0] * 10), rows([0, 1, 1]))


@pytest.mark.parametrize(("right", "warned"), [(0, True), (20, True), (35, False), (100, False)])
def test_what_is_worse_than_guessing_is_said(right, warned, caplog):
    """Of 100 rows of two labels guessing gets 50 right, give or take 5."""
    table = rows([1] * right + [0] * (100 - right))
    assert accuracy(Fixed([1.0]), table, "train") == (right, 100)
    assert ("fewer than by chance" in caplog.text) == warned
