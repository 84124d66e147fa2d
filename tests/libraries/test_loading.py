"""What was loaded is what the file holds, whatever wrapped the network when it was saved."""

import json
from importlib.util import find_spec
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
from andor.models.loading import load, load_transformers


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


def settled(folder, name, **more):
    """A JSON file in a folder, with more in it."""
    content = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
    (folder / name).write_text(json.dumps(content | more))


def quantized(folder, method, **more):
    settled(folder, "config.json", quantization_config={"quant_method": method, **more})


ABSENT = {
    "bitsandbytes": lambda f: quantized(f, "bitsandbytes", load_in_4bit=True),
    "compressed-tensors": lambda f: quantized(f, "compressed-tensors"),
    "fugashi": lambda f: (
        settled(f, "tokenizer_config.json", tokenizer_class="BertJapaneseTokenizer", word_tokenizer_type="mecab"),
        (f / "vocab.txt").write_text("[PAD]\n[UNK]\na\n"), (f / "tokenizer.json").unlink(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("package", ABSENT)
def test_a_package_that_is_missing_is_named(package, tmp_path):
    if find_spec(package.replace("-", "_")):
        pytest.skip(f"{package} is installed")
    ABSENT[package](renamed(tmp_path / "source", lambda name: name))
    with pytest.raises(
        UserError, match=rf"source: needs a package that is not installed \(.*{package}.*\); install it"
    ) as e:
        load_transformers(tmp_path / "source")
    assert "\n" not in str(e.value)


def test_an_adapter_is_no_model(tmp_path):
    source = renamed(tmp_path / "source", lambda name: name)
    settled(source, "adapter_config.json", peft_type="LORA")
    with pytest.raises(UserError, match="holds an adapter, not a model; merge it into its model"):
        load_transformers(source)


def test_parts_of_a_checkpoint_are_joined(tmp_path):
    """Of pickles too, as older versions wrote them; test_parity.py has safetensors."""
    source = renamed(tmp_path / "source", lambda name: name)
    state = load_file(source / "model.safetensors")
    (source / "model.safetensors").unlink()
    parts = {f"pytorch_model-0000{n + 1}-of-00002.bin": dict(list(state.items())[n::2]) for n in (0, 1)}
    for name, part in parts.items():
        torch.save(part, source / name)
    of = {name: part for part, held in parts.items() for name in held}
    settled(source, "pytorch_model.bin.index.json", metadata={}, weight_map=of)
    TextEncoder(family="text_encoder", source="tiny").make(None, source, None, tmp_path / "m", 0)
    for name, tensor in load(tmp_path / "m").network.state_dict().items():
        assert torch.equal(tensor, tiny.encoder().network.state_dict()[name])
    next(iter(source.glob("*.bin"))).unlink()
    with pytest.raises(UserError, match="source: weights cannot be read"):
        TextEncoder(family="text_encoder", source="tiny").make(None, source, None, tmp_path / "lacking", 0)


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
