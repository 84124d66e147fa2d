"""Weights of others: what wraps a state dict is taken away, and nothing in a file is ever run."""

import io
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy
import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification

import tiny
from andor.errors import UserError
from andor.models import pretrained, states
from andor.models.families.text_encoder import TextEncoder
from andor.models.loading import load


def network():
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"epoch": 7, "state_dict": state, "best": 0.5},
        lambda state: {"model": {f"module.{name}": tensor for name, tensor in state.items()}},
        lambda state: {"model_state_dict": {f"module.net.{name}": tensor for name, tensor in state.items()}},
        lambda state: {**state, "spare.weight": torch.zeros(3)},
    ],
    ids=["bare", "state_dict", "parallel", "nested", "spare"],
)
@pytest.mark.parametrize("name", ["w.pth", "w.pth.tar"])
def test_wrapped_state_dicts(wrap, name, tmp_path):
    torch.manual_seed(0)
    origin, other = network(), network()
    torch.save(wrap(origin.state_dict()), tmp_path / name)
    states.fill(other, states.read_state(tmp_path), tmp_path)
    for own, theirs in zip(origin.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(own, theirs)


def test_safetensors_are_preferred(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / "x.safetensors")
    torch.save({"a": torch.zeros(2)}, tmp_path / "x.pth")
    assert states.read_state(tmp_path)["a"].tolist() == [1, 1]
    save_file({"a": torch.ones(2)}, tmp_path / "y.safetensors")
    with pytest.raises(UserError, match=r"holds 2 .safetensors files; name one"):
        states.read_state(tmp_path)


def test_weights_that_do_not_fit(tmp_path):
    state = network().state_dict()
    with pytest.raises(UserError, match=r"lacks 1 of 8 weights of the architecture, such as 2.bias \(it has 0.weight"):
        states.fill(network(), {name: tensor for name, tensor in state.items() if name != "2.bias"}, tmp_path)
    with pytest.raises(UserError, match=r"0.weight has the shape \(9, 3\), the architecture wants \(4, 3\)"):
        states.fill(network(), state | {"0.weight": torch.zeros(9, 3)}, tmp_path)


def zipped(path, pickled):
    """torch's own container around a pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")


def tarred(path, pickled):
    """torch's oldest container: a tar archive of pickles."""
    with tarfile.open(path, "w") as archive:
        for name in ("storages", "tensors", "pickle"):
            member = tarfile.TarInfo(name)
            member.size = len(pickled)
            archive.addfile(member, io.BytesIO(pickled))


@pytest.mark.parametrize("name", ["w.pth", "w.pth.tar", "w.bin", "w.pt"])
@pytest.mark.parametrize(
    "write", [zipped, tarred, lambda path, pickled: path.write_bytes(pickled)], ids=["zip", "tar", "bare"]
)
def test_a_pickle_that_runs_code_is_refused(name, write, tmp_path):
    ran = tmp_path / "ran"
    write(tmp_path / name, pickle.dumps({"state_dict": {"0.weight": Evil(ran)}}))
    with pytest.raises(UserError, match="weights cannot be read"):
        states.read_state(tmp_path)
    assert not ran.exists()
    pickle.loads(pickle.dumps(Evil(ran)))  # the same pickle does run where it is trusted
    assert ran.exists()


def test_torch_saved_objects_other_than_tensors_are_refused(tmp_path):
    torch.save({"state_dict": network().state_dict(), "evil": Evil(tmp_path / "ran")}, tmp_path / "w.pth")
    with pytest.raises(UserError, match="only tensors and plain values"):
        states.read_state(tmp_path)
    torch.save(network(), tmp_path / "w.pth")  # a whole module is a pickle of its class
    with pytest.raises(UserError, match="save the state dict alone"):
        states.read_state(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x80\x04 nonsense"])
def test_damaged_files(content, tmp_path):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(UserError, match="weights cannot be read"):
        states.read_state(tmp_path)


def test_files_without_weights(tmp_path):
    with pytest.raises(UserError, match="holds no weights; name a file"):
        states.read_state(tmp_path)
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(UserError, match="no tensors by name"):
        states.read_state(tmp_path)


@pytest.mark.parametrize(
    ("content", "held"),
    [
        (lambda: network(), "torch.nn.modules.container.Sequential"),
        (lambda: {"best": numpy.float64(0.5), "state_dict": network().state_dict()}, r"numpy.\w+.multiarray.scalar"),
        (lambda: Evil(Path("ran")), "getattr|pathlib"),
    ],
    ids=["module", "number of numpy", "code"],
)
def test_a_refusal_names_what_a_pickle_holds_and_advises_nothing_unsafe(content, held, tmp_path):
    torch.save(content(), tmp_path / "w.pth")
    with pytest.raises(UserError, match=rf"weights cannot be read \(the pickle holds {held}\); only tensors") as caught:
        states.read_state(tmp_path)
    for advice in ("weights_only", "safe_globals", "trust", "\x1b", "\n"):
        assert advice not in str(caught.value)


def test_a_name_that_a_pickle_made_up_is_not_repeated(tmp_path):
    (tmp_path / "w.pth").write_bytes(b"\x80\x02cposix\nsystem; \x1b[31m rm\n)R.")
    with pytest.raises(UserError) as caught:
        states.read_state(tmp_path)
    assert "\x1b" not in str(caught.value) and "rm" not in str(caught.value)


def test_a_refused_pickle_in_the_layout_of_transformers(tmp_path):
    BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32).save_pretrained(
        tmp_path
    )
    torch.save({"evil": Evil(tmp_path / "ran")}, tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"weights cannot be read \(the pickle holds [\w.]+\)") as caught:
        pretrained.classifier(tmp_path)
    assert "weights_only" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_that_holds_itself(tmp_path):
    itself = {"a": torch.ones(2)}
    itself["state_dict"] = {"model": itself}
    torch.save(itself, tmp_path / "w.pth")
    with pytest.raises(UserError, match="no tensors by name"):
        states.read_state(tmp_path)
    itself["state_dict"] = itself
    torch.save(itself, tmp_path / "w.pth")
    assert states.read_state(tmp_path)["a"].tolist() == [1, 1]


class TestTextClassifiers:
    """The layout of the ICLR 2024 authors' checkpoints: under `model`, each name behind the wrapper's `bert.`."""

    settings = TextEncoder(family="text_encoder", source="bert", weights="checkpoint")

    @pytest.fixture
    def checkpoint(self, tmp_path):
        torch.manual_seed(0)
        tokenizer = tiny.wordpieces()
        bert = BertConfig(
            vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=64, initializer_range=0.3,
        )  # fmt: skip
        source = tmp_path / "source"
        bert.save_pretrained(source)
        tokenizer.save_pretrained(source)
        network = BertForSequenceClassification(bert).eval()
        theirs = {f"bert.{name}": tensor for name, tensor in network.state_dict().items()}
        theirs["bert.bert.embeddings.position_ids"] = torch.arange(64)[None]  # what old versions kept
        torch.save({"epoch": 2, "model": theirs, "best_score": 0.93}, tmp_path / "best.pth.tar")
        return source, tmp_path / "best.pth.tar", network

    def test_a_checkpoint_of_the_authors(self, checkpoint, tmp_path):
        source, weights, network = checkpoint
        self.settings.make(None, source, weights, tmp_path / "m", 0)
        model = load(tmp_path / "m")
        ids = torch.tensor([2, 5, 6, 3])
        torch.testing.assert_close(model.logits(model.embed(ids)[None]), network(input_ids=ids[None]).logits)
        assert (tmp_path / "m/model.safetensors").exists()
        assert not [file for file in (tmp_path / "m").iterdir() if file.suffix in (".tar", ".bin", ".pth")]

    def test_an_evil_checkpoint(self, checkpoint, tmp_path):
        source, weights, _ = checkpoint
        torch.save({"model": Evil(tmp_path / "ran")}, weights)
        with pytest.raises(UserError, match="weights cannot be read"):
            self.settings.make(None, source, weights, tmp_path / "m", 0)
        assert not (tmp_path / "ran").exists()
