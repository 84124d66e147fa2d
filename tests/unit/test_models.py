import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    BloomConfig,
    BloomForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MPNetConfig,
    MPNetForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from andor import config
from andor.data.readers.texts import TextsData
from andor.errors import UserError
from andor.models import architectures, loaded
from andor.models.accuracy import accuracy
from andor.models.architectures import image_network
from andor.models.families.causal_lm import CausalLM
from andor.models.families.image_classifier import ImageClassifier
from andor.models.families.text_cnn import TextCNN
from andor.models.families.text_encoder import TextEncoder
from andor.models.loaded import OF_THE_FIRST, shorten, text_logits
from andor.models.loading import load, load_transformers
from andor.models.training import encode
from tiny import wordpieces

CPU = torch.device("cpu")
BRIEF = ImageClassifier(family="image_classifier", architecture="lenet", training=config.Training(epochs=1))
QUICK = config.Training(epochs=20, batch_size=8, learning_rate=5e-3)
SCHOOLED = {
    "encoder": TextEncoder(family="text_encoder", source="tiny", training=QUICK),
    "cnn": TextCNN(family="text_cnn", tokenizer="tiny", width=16, filters=8, training=QUICK),
    "lenet": ImageClassifier(family="image_classifier", architecture="lenet", training=QUICK),
    "resnet20": ImageClassifier(
        family="image_classifier",
        architecture="resnet20",
        training=config.Training(epochs=15, batch_size=8, optimizer="sgd", learning_rate=0.05, balanced=True),
    ),
}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def bert(**settings):
    return BertConfig(
        vocab_size=len(wordpieces()), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, initializer_range=0.3, **settings,
    )  # fmt: skip


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """A headless encoder and its tokenizer, in the layout of transformers."""
    folder = tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(0)
    BertModel(bert()).save_pretrained(folder)
    wordpieces().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    """A causal language model in the layout of transformers."""
    folder = tmp_path_factory.mktemp("language")
    tokenizer = wordpieces()
    torch.manual_seed(0)
    settings = GPT2Config(
        vocab_size=len(tokenizer) + 3, n_positions=64, n_embd=16, n_layer=2, n_head=2, initializer_range=0.3,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    GPT2LMHeadModel(settings).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def texts():
    """Sentences of several lengths whose label is whether they name the film or the acting."""
    fillers = ["", "a", "so it is", "then we go", "x y z - a b", "the"]
    rows = [
        (f"{a} {word} {b}", label) for label, word in enumerate(("film", "acting")) for a in fillers for b in fillers
    ]
    return table(rows, "text", pa.string())


def pictures(size=16):
    """Noise whose label is whether its left or its right half is bright."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(48):
        image = random.random((1, size, size), dtype=np.float32) / 4
        label = int(number % 3 == 0)
        image[..., : size // 2] += 0.5 * label
        image[..., size // 2 :] += 0.5 * (1 - label)
        rows.append((image.ravel(), label))
    return table(rows, "image", pa.list_(pa.float32())).replace_schema_metadata({"shape": json.dumps([1, size, size])})


def table(rows, name, kind):
    content, labels = zip(*rows, strict=True)
    split = ["test" if row % 4 == 3 else "train" for row in range(len(rows))]
    columns = {"item": range(len(rows)), "split": split, "label": labels}
    kinds = [pa.int32(), pa.string(), pa.int8()]
    arrays = {key: pa.array(list(values), kind) for (key, values), kind in zip(columns.items(), kinds, strict=True)}
    return pa.table(arrays | {name: pa.array(list(content), kind)})


def data_for(name):
    return texts() if name in ("encoder", "cnn") else pictures()


def source_for(name, pretrained):
    return pretrained if name in ("encoder", "cnn") else None


def outputs(model, rows):
    """Logits of the first rows of a table."""
    if isinstance(model, loaded.ImageClassifier):
        return model.logits(torch.tensor(rows["image"].to_pylist()[:8]).reshape(8, 1, 16, 16))
    token_ids = encode(model.tokenizer, rows["text"].to_pylist()[:8])
    return torch.cat([model.logits(model.embed(torch.tensor(ids))[None]) for ids in token_ids])


class TestArchitectures:
    @pytest.mark.parametrize(
        ("architecture", "parameters"),
        # 0.27 M to 0.85 M as in table 6 of He et al. (2016); VGG's published convolutions and batch norms.
        [
            ("lenet", 60_941), ("resnet20", 272_000), ("resnet32", 466_000), ("resnet44", 661_000),
            ("resnet56", 855_000), ("vgg11_bn", 9_227_000), ("vgg13_bn", 9_414_000), ("vgg16_bn", 14_722_000),
            ("vgg19_bn", 20_034_000),
        ],
    )  # fmt: skip
    @pytest.mark.slow
    def test_forward_and_backward(self, architecture, parameters):
        network = image_network(architecture, (1, 32, 32))
        assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(parameters, rel=0.005)
        logits = network(torch.rand(2, 1, 32, 32))
        assert logits.shape == (2, 1)
        logits.sum().backward()
        assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())

    def test_colour_and_other_sizes(self):
        for architecture, size in (("lenet", 28), ("resnet20", 8), ("vgg11_bn", 48)):
            assert image_network(architecture, (3, size, size))(torch.rand(2, 3, size, size)).shape == (2, 1)

    @pytest.mark.parametrize(("architecture", "size"), [("lenet", 15), ("vgg16_bn", 31)])
    def test_too_small(self, architecture, size):
        with pytest.raises(UserError, match=rf"data.size {size}: {architecture} needs images of at least {size + 1} "):
            image_network(architecture, (1, size, size))

    def test_text_cnn_is_kims(self):
        """Against the definition: the largest response of each filter to any window, rectified, into a dense layer."""
        network = architectures.TextCNN(10, width=4, filters=3, kernels=[2, 3]).eval()
        sentence = torch.randn(1, 5, 4)
        features = []
        for convolution, kernel in zip(network.convolutions, (2, 3), strict=True):
            margin = torch.zeros(kernel - 1, 4)
            padded = torch.cat([margin, sentence[0], margin])
            windows = torch.stack([padded[start : start + kernel].T for start in range(len(padded) - kernel + 1)])
            responses = torch.einsum("wdk,fdk->wf", windows, convolution.weight) + convolution.bias
            features.append(responses.amax(dim=0).clamp(min=0))
        expected = network.head(torch.cat(features))
        torch.testing.assert_close(network(sentence)[0], expected, rtol=1e-5, atol=1e-6)

    def test_text_cnn_ignores_padding(self):
        network = architectures.TextCNN(10, width=4, filters=30, kernels=[3, 4, 5]).eval()
        sentence = torch.randn(1, 2, 4)
        padded = torch.cat([sentence, torch.randn(1, 7, 4)], dim=1)
        mask = torch.tensor([[1, 1] + [0] * 7])
        torch.testing.assert_close(network(padded, mask), network(sentence), rtol=1e-5, atol=1e-6)


class TestTraining:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", SCHOOLED)
    def test_learns_saves_and_loads(self, name, pretrained, tmp_path):
        """One walk through a model's life: two equal trainings, files, and a loaded model that is the trained one."""
        rows, source = data_for(name), source_for(name, pretrained)
        trained = SCHOOLED[name].train(rows, source, 0, CPU, progress=False)
        for split, count in (("train", 3), ("test", 1)):
            correct, items = accuracy(trained, rows, split)
            assert items == rows.num_rows * count // 4
            assert correct == items

        SCHOOLED[name].make(rows, source, None, tmp_path / "model", 0, CPU, progress=False)
        assert (tmp_path / "model/model.safetensors").exists()
        assert not any(file.suffix in (".bin", ".pt", ".pkl") for file in (tmp_path / "model").iterdir())
        shutil.move(tmp_path / "model", tmp_path / "moved")
        loaded = load(tmp_path / "moved", CPU)
        assert loaded.digest == trained.digest
        assert loaded.family == SCHOOLED[name].family
        assert loaded.device == CPU
        assert loaded.parameters == sum(weight.numel() for weight in loaded.network.parameters())
        assert torch.equal(outputs(loaded, rows), outputs(trained, rows))
        assert not outputs(loaded, rows).requires_grad
        assert not loaded.network.training

    def test_the_seed_matters_and_the_generator_is_left_alone(self):
        state = torch.get_rng_state()
        digests = {BRIEF.train(pictures(), None, seed, CPU, progress=False).digest for seed in (0, 1)}
        assert len(digests) == 2
        assert torch.equal(torch.get_rng_state(), state)

    def test_without_epochs_a_network_stays_as_initialised(self):
        untrained = BRIEF.model_copy(update={"training": config.Training(epochs=0)})
        made = untrained.train(data_for("lenet"), None, 5, CPU, progress=False)
        torch.manual_seed(5)
        for (name, ours), initial in zip(
            made.network.named_parameters(), image_network("lenet", (1, 16, 16)).parameters(), strict=True
        ):
            torch.testing.assert_close(ours, initial, rtol=0, atol=0, msg=name)

    def test_test_rows_do_not_reach_training(self):
        rows = pictures()
        train_rows = rows.filter(np.asarray(rows["split"]) == "train")
        whole, part = (BRIEF.train(t, None, 0, CPU, progress=False) for t in (rows, train_rows))
        assert whole.digest == part.digest

    def test_mean_image(self):
        rows = pictures()
        trained = BRIEF.train(rows, None, 0, CPU, progress=False)
        pixels = np.array(rows["image"].to_pylist())[np.asarray(rows["split"]) == "train"].mean(axis=0)
        np.testing.assert_allclose(trained.mean.numpy().ravel(), pixels, rtol=1e-5)

    def test_first_layers(self, pretrained):
        model = TextEncoder(family="text_encoder", source="tiny", layers=1, training=config.Training(epochs=1))
        trained = model.train(texts(), pretrained, 0, CPU, progress=False)
        assert trained.network.config.num_hidden_layers == 1
        assert len(trained.network.bert.encoder.layer) == 1
        with pytest.raises(UserError, match="layers 3: `tiny` has only 2; lower it"):
            model.model_copy(update={"layers": 3}).train(texts(), pretrained, 0, CPU, progress=False)

    def test_pretrained_weights_are_where_training_starts(self, pretrained):
        still = config.Training(epochs=1, learning_rate=1e-12, weight_decay=0)
        model = TextEncoder(family="text_encoder", source="tiny", training=still)
        trained = model.train(texts(), pretrained, 0, CPU, progress=False)
        origin = load_file(pretrained / "model.safetensors")
        weights = trained.network.bert.state_dict()
        assert origin.keys() == weights.keys()
        for name, weight in origin.items():
            torch.testing.assert_close(weights[name], weight)

    def test_diverging(self, pretrained):
        wild = config.Training(epochs=20, optimizer="sgd", learning_rate=1e30)
        model = ImageClassifier(family="image_classifier", architecture="lenet", training=wild)
        with pytest.raises(UserError, match=r"`training.learning_rate: 1e\+30`: the loss became .*; lower it"):
            model.train(pictures(), None, 0, CPU, progress=False)

    def test_progress(self, capsys):
        BRIEF.train(pictures(), None, 0, CPU)
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "lenet" in shown.err and "loss=" in shown.err and "rate=" in shown.err and "2/2" in shown.err

    def test_balanced(self):
        from andor.models.training import _epoch

        labels = np.array([1] * 3 + [0] * 21)
        training = config.Training(batch_size=5, balanced=True)
        drawn = np.concatenate(list(_epoch(labels, None, training, np.random.default_rng(0))))
        assert np.bincount(labels[drawn]).tolist() == [12, 12]
        assert np.bincount(drawn, minlength=24)[:3].tolist() == [4, 4, 4]

    def test_batches_of_like_length(self):
        from andor.models.training import _epoch

        random = np.random.default_rng(0)
        lengths = random.integers(3, 60, 1000)
        batches = list(_epoch(np.zeros(1000), lengths, config.Training(batch_size=16), random))
        assert sorted(np.concatenate(batches)) == list(range(1000))
        padded = sum(len(batch) * lengths[batch].max() for batch in batches)
        assert padded < 1.1 * lengths.sum()

    def test_words_are_dropped_for_the_mask_token(self):
        from andor.models.training import WORD_DROPOUT, dropped

        tokenizer = wordpieces()
        token_ids = torch.tensor([tokenizer("the film the acting")["input_ids"]] * 2000)
        torch.manual_seed(0)
        shown = dropped(token_ids, tokenizer)
        masked = shown == tokenizer.mask_token_id
        assert torch.equal(shown[~masked], token_ids[~masked])
        assert not masked[:, [0, -1]].any()
        assert masked[:, 1:-1].float().mean() == pytest.approx(WORD_DROPOUT / 2, abs=0.02)

    def test_images_are_shifted(self):
        from andor.models.training import shifted

        image = torch.zeros(1, 32, 32)
        image[0, 10, 20] = 1
        torch.manual_seed(0)
        shown = shifted(image.expand(2000, 1, 32, 32))
        assert torch.equal(shown.sum(dim=(1, 2, 3)), torch.ones(2000))
        rows, columns = shown[:, 0].nonzero()[:, 1:].T
        assert rows.unique().tolist() == [8, 9, 10, 11, 12]
        assert columns.unique().tolist() == [18, 19, 20, 21, 22]
        corner = shifted(torch.ones(50, 1, 32, 32))
        assert corner.min() == 0  # what moves in is 0, not the other edge

    def test_long_texts_are_cut_off(self, pretrained):
        rows = texts().slice(0, 8).set_column(3, "text", pa.array(["film " * 500] * 8))
        model = TextEncoder(family="text_encoder", source="tiny", training=config.Training(epochs=1))
        trained = model.train(rows, pretrained, 0, CPU, progress=False)
        assert accuracy(trained, rows, "test")[1] == 2


class TestEmbeddings:
    def test_encoder(self, tmp_path):
        """Its own embeddings give the logits that transformers gives for token ids."""
        torch.manual_seed(0)
        network = BertForSequenceClassification(bert()).eval()
        model = loaded.TextClassifier(network, {"family": "text_encoder"}, wordpieces())
        ids = torch.tensor(model.tokenizer("the acting - a superb film")["input_ids"])
        embeddings = model.embed(ids)
        assert embeddings.shape == (len(ids), 16)
        batch = embeddings.repeat(3, 1, 1)
        expected = network(input_ids=ids[None]).logits
        assert expected.abs().max() > 0.1
        torch.testing.assert_close(model.logits(batch), expected.expand(3, -1), rtol=0, atol=1e-6)
        assert torch.equal(model.vocabulary_embedding, network.bert.embeddings.word_embeddings.weight)

    def test_language_model(self, language, tmp_path):
        CausalLM(family="causal_lm", source="tiny").make(None, language, None, tmp_path / "m", 0)
        model = load(tmp_path / "m", CPU)
        ids = torch.tensor(model.tokenizer("the acting - a superb film")["input_ids"])
        expected = GPT2LMHeadModel.from_pretrained(language)(input_ids=ids[None]).logits
        batch = model.embed(ids).repeat(2, 1, 1)
        torch.testing.assert_close(model.next_logits(batch), expected[:, -1].expand(2, -1), rtol=0, atol=1e-5)
        positions = torch.tensor([1, 4])
        torch.testing.assert_close(
            model.logits_at(batch, positions), expected[:, positions].expand(2, -1, -1), rtol=0, atol=1e-5
        )
        assert model.vocabulary_embedding.shape == (len(model.tokenizer), 16)  # without the spare rows

    def test_bfloat16(self, language, tmp_path):
        both = []
        for dtype in ("float32", "bfloat16"):
            settings = CausalLM(family="causal_lm", source="tiny", dtype=dtype)
            settings.make(None, language, None, tmp_path / dtype, 0)
            model = load(tmp_path / dtype, CPU)
            assert model.network.dtype == getattr(torch, dtype)
            embeddings = model.embed(torch.tensor([7, 8, 9]))[None]
            assert embeddings.dtype == model.next_logits(embeddings).dtype == torch.float32
            both.append((model.digest, model.next_logits(embeddings)))
        (exact_digest, exact), (rough_digest, rough) = both
        assert exact_digest != rough_digest
        assert 0 < (exact - rough).abs().max() < 0.1 * exact.abs().max()


class TestLength:
    """The longest text: what the tokenizer states or what the network has positions for, whichever is less."""

    @staticmethod
    def limits(network, family="text_encoder"):
        model = (loaded.LanguageModel if family == "causal_lm" else loaded.TextClassifier)(
            network, {"family": family}, wordpieces(10**30)
        )
        return model.tokenizer.model_max_length

    @pytest.mark.parametrize(
        ("kind", "settings", "more", "longest"),
        [
            (BertForSequenceClassification, BertConfig, {}, 32),
            (RobertaForSequenceClassification, RobertaConfig, {"pad_token_id": 1}, 30),
            (RobertaForSequenceClassification, RobertaConfig, {"pad_token_id": 3}, 28),
            (MPNetForSequenceClassification, MPNetConfig, {"pad_token_id": 0}, 30),
            (LlamaForCausalLM, LlamaConfig, {}, 32),
        ],
    )
    def test_as_many_tokens_as_the_network_has_positions(self, kind, settings, more, longest):
        shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
        network = kind(settings(vocab_size=80, max_position_embeddings=32, **shape, **more))
        family = "causal_lm" if kind is LlamaForCausalLM else "text_encoder"
        assert self.limits(network, family) == longest
        ids = torch.full((1, longest + 1), 5)
        with torch.no_grad():
            embeddings = network.get_input_embeddings()(ids)
            network(inputs_embeds=embeddings[:, :longest])
            if kind is not LlamaForCausalLM:  # whose positions are computed
                with pytest.raises((IndexError, RuntimeError)):
                    network(inputs_embeds=embeddings)

    def test_networks_without_a_limit(self):
        assert self.limits(architectures.TextCNN(80, 8, 4, [3])) > 10**9
        bloom = BloomForCausalLM(BloomConfig(vocab_size=80, hidden_size=16, n_layer=1, n_head=2))
        assert self.limits(bloom, "causal_lm") > 10**9

    def test_a_long_text_is_cut_in_training_and_use(self, tmp_path):
        torch.manual_seed(0)
        BertModel(bert()).save_pretrained(tmp_path / "source")
        wordpieces(10**30).save_pretrained(tmp_path / "source")
        rows = table([("film " * 100, 1), ("acting", 0), ("film", 1), ("acting " * 99, 0)], "text", pa.string())
        settings = SCHOOLED["encoder"].model_copy(update={"training": config.Training(epochs=1)})
        settings.make(rows, tmp_path / "source", None, tmp_path / "m", 0, CPU, progress=False)
        model = load(tmp_path / "m", CPU)
        assert model.tokenizer.model_max_length == 64
        assert accuracy(model, rows, "train")[1] == 3


@pytest.mark.slow
@pytest.mark.parametrize("size", [5, 7, 1])
def test_a_last_batch_of_one_image_trains(size):
    """36 images are seven fives and one, five sevens and one."""
    training = config.Training(epochs=1, batch_size=size)
    net = ImageClassifier(family="image_classifier", architecture="resnet18", training=training)
    if size > 1:
        assert net.train(pictures(32), None, 0, CPU, progress=False).logits(torch.zeros(1, 1, 32, 32)).isfinite().all()
        return
    with pytest.raises(UserError, match=r"training on one item at a time: .*; raise `training.batch_size`"):
        net.train(pictures(32), None, 0, CPU, progress=False)


class TestFiles:
    @pytest.fixture
    def classifier(self, tmp_path):
        """A ready classifier in the layout of transformers, with tokenizer."""
        folder = tmp_path / "classifier"
        torch.manual_seed(0)
        BertForSequenceClassification(bert()).save_pretrained(folder)
        wordpieces().save_pretrained(folder)
        return folder

    def test_ready_classifiers_are_linked(self, classifier, tmp_path):
        TextEncoder(family="text_encoder", source="tiny").make(None, classifier, None, tmp_path / "m", 0)
        assert (tmp_path / "m/model.safetensors").samefile(classifier / "model.safetensors")
        model = load(tmp_path / "m", CPU)
        ids = torch.tensor([[2, 5, 6, 3]])
        expected = BertForSequenceClassification.from_pretrained(classifier)(input_ids=ids).logits
        torch.testing.assert_close(model.logits(model.embed(ids)), expected, rtol=0, atol=1e-6)

    def test_a_folder_is_read_where_it_stands_as_if_adopted(self, classifier, language, tmp_path):
        encoder = TextEncoder(family="text_encoder", source="tiny")
        for settings, source in ((encoder, classifier), (CausalLM(family="causal_lm", source="tiny"), language)):
            settings.make(None, source, None, tmp_path / settings.family, 0)
            assert load_transformers(source).digest == load(tmp_path / settings.family).digest
        with pytest.raises(UserError, match=f"{classifier}: is a text classifier, bfloat16 is for language models"):
            load_transformers(classifier, CPU, "bfloat16")
        BertForSequenceClassification(bert(num_labels=1)).save_pretrained(classifier)
        with pytest.raises(UserError, match=f"{classifier} predicts a number, it has one output"):
            load_transformers(classifier)

    def test_first_layers_of_a_ready_classifier(self, classifier, tmp_path):
        before = (classifier / "config.json").read_bytes()
        settings = TextEncoder(family="text_encoder", source="tiny", layers=1)
        settings.make(None, classifier, None, tmp_path / "m", 0)
        assert len(load(tmp_path / "m", CPU).network.bert.encoder.layer) == 1
        assert (classifier / "config.json").read_bytes() == before

    def test_pickled_tensors_become_safetensors(self, classifier, tmp_path):
        settings = TextEncoder(family="text_encoder", source="tiny")
        settings.make(None, classifier, None, tmp_path / "safe", 0)
        weights = load_file(classifier / "model.safetensors")
        (classifier / "model.safetensors").unlink()
        torch.save(weights, classifier / "pytorch_model.bin")
        before = {path.name: path.read_bytes() for path in classifier.iterdir()}
        settings.make(None, classifier, None, tmp_path / "pickled", 0)
        assert {path.name: path.read_bytes() for path in classifier.iterdir()} == before
        assert (tmp_path / "pickled" / "model.safetensors").exists()
        assert not (tmp_path / "pickled" / "pytorch_model.bin").exists()
        ids = torch.tensor([2, 5, 6, 3])
        logits = []
        for name in ("safe", "pickled"):
            model = load(tmp_path / name, CPU)
            logits.append(model.logits(model.embed(ids)[None]))
        assert torch.equal(*logits)

    def test_a_pickle_that_runs_code_is_refused(self, classifier, tmp_path):
        settings = TextEncoder(family="text_encoder", source="tiny")
        (classifier / "model.safetensors").unlink()
        torch.save({"x": Evil(tmp_path / "ran")}, classifier / "pytorch_model.bin")
        with pytest.raises(UserError, match="weights cannot be read"):
            settings.make(None, classifier, None, tmp_path / "m", 0)
        assert not (tmp_path / "ran").exists()

    def test_what_is_no_classifier(self, pretrained, classifier, tmp_path):
        settings, data = TextEncoder(family="text_encoder", source="tiny"), TextsData(reader="texts", source="films")
        with pytest.raises(UserError, match="`source: tiny` is no classifier of texts; set `training` to"):
            settings.make(None, pretrained, None, tmp_path / "m", 0)
        BertForSequenceClassification(bert(num_labels=1)).save_pretrained(classifier)
        with pytest.raises(UserError, match="`source: tiny` predicts a number, it has one output; name a classifier"):
            settings.make(None, classifier, None, tmp_path / "m", 0)
        with pytest.raises(UserError, match="`source: tiny` predicts a number, it has one output; name a classifier"):
            settings.glance(classifier, data)
        torch.save(BertForSequenceClassification(bert(num_labels=1)).state_dict(), tmp_path / "one.pth")
        with pytest.raises(UserError, match="`weights: one` predicts a number, it has one output; name a classifier"):
            settings.model_copy(update={"weights": "one"}).make(
                None, classifier, tmp_path / "one.pth", tmp_path / "m", 0
            )
        BertForSequenceClassification(bert(num_labels=2, problem_type="regression")).save_pretrained(classifier)
        for look in (
            lambda source: settings.glance(source, data),
            lambda source: settings.make(None, source, None, tmp_path / "m", 0),
        ):
            with pytest.raises(
                UserError, match="`source: tiny` predicts a number, it has 2 outputs; name a classifier"
            ):
                look(classifier)
        several = bert(num_labels=3, problem_type="multi_label_classification")
        BertForSequenceClassification(several).save_pretrained(classifier)
        with pytest.raises(UserError, match="`source: tiny` says of each label by itself whether it holds"):
            settings.make(None, classifier, None, tmp_path / "m", 0)
        (classifier / "config.json").unlink()
        with pytest.raises(UserError, match=r"no readable config.json .* layout of transformers"):
            settings.make(None, classifier, None, tmp_path / "m", 0)

    def test_a_folder_without_tokenizer(self, pretrained, tmp_path):
        shutil.copy(pretrained / "config.json", tmp_path)
        with pytest.raises(UserError, match=r"no tokenizer; name a folder with tokenizer.json"):
            SCHOOLED["cnn"].train(texts(), tmp_path, 0, CPU, progress=False)

    def test_a_tokenizer_may_be_one_file(self, tmp_path):
        """Which knows its special tokens, but not what each is for: that is told from their names."""
        wordpieces().save_pretrained(tmp_path)
        (tmp_path / "tokenizer_config.json").unlink()
        model = SCHOOLED["cnn"].train(texts(), tmp_path / "tokenizer.json", 0, CPU, progress=False)
        whole = wordpieces()
        for name in config.TOKENS:
            assert getattr(model.tokenizer, f"{name}_token_id") == getattr(whole, f"{name}_token_id")
        assert encode(model.tokenizer, ["the film"]) == encode(whole, ["the film"])

    def test_products_on_cuda_are_told_to_be_deterministic(self, classifier, tmp_path, monkeypatch):
        """Read when CUDA makes its first handle: before a model gets there, whatever is done with it."""
        monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
        load_transformers(classifier)
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
        load_transformers(classifier)
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"

    def test_damage(self, classifier, tmp_path):
        folder = tmp_path / "m"
        with pytest.raises(UserError, match=r"model.json: missing or damaged"):
            load(folder, CPU)
        TextEncoder(family="text_encoder", source="tiny").make(None, classifier, None, folder, 0)
        weights = load_file(folder / "model.safetensors")
        weights.pop("classifier.weight")
        (folder / "model.safetensors").unlink()
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(UserError, match=r"has no weights classifier.weight; fetch or train the model again"):
            load(folder, CPU)
        (folder / "model.safetensors").write_bytes(b"cut off")
        with pytest.raises(UserError, match=r"weights cannot be read"):
            load(folder, CPU)

    def test_damaged_image_classifier(self, tmp_path):
        BRIEF.make(pictures(), None, None, tmp_path, 0, CPU, progress=False)
        weights = load_file(tmp_path / "model.safetensors")
        save_file(weights | {"0.bias": torch.zeros(7)}, tmp_path / "model.safetensors")
        with pytest.raises(UserError, match=r"model.safetensors: does not fit model.json"):
            load(tmp_path, CPU)
        (tmp_path / "model.safetensors").write_bytes(b"cut off")
        with pytest.raises(UserError, match=r"model.safetensors: missing or damaged"):
            load(tmp_path, CPU)

    def test_the_digest_covers_all_that_changes_an_output(self):
        torch.manual_seed(0)
        weights = BertForSequenceClassification(bert()).state_dict()

        def digest(family="text_encoder", tokenizer=None, bias=0.0, **settings):
            network = BertForSequenceClassification(bert(**settings))
            network.load_state_dict(weights)
            network.classifier.bias.data[0] += bias
            return loaded.TextClassifier(network, {"family": family}, tokenizer or wordpieces()).digest

        used = wordpieces()
        used("some text", padding="max_length", truncation=True)
        assert digest() == digest(tokenizer=used)
        other = wordpieces()
        other.add_tokens(["superb"])
        changed = [digest("other"), digest(tokenizer=other), digest(bias=1e-6), digest(layer_norm_eps=1e-3)]
        assert len({digest(), *changed}) == 5


@pytest.mark.parametrize("name", OF_THE_FIRST)
def test_the_last_layer_computes_the_token_alone_that_the_head_reads(name):
    more = {"embedding_size": 16} if "Electra" in name else {}
    settings = getattr(transformers, name.replace("ForSequenceClassification", "Config"))(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, vocab_size=50, **more
    )
    network, shapes = getattr(transformers, name)(settings).eval(), []
    texts = torch.randn(3, 7, network.get_input_embeddings().embedding_dim)
    expected = text_logits(network, texts)
    for layer in network.base_model.encoder.layer:
        layer.output.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape)))
    shorten(network)
    torch.testing.assert_close(text_logits(network, texts), expected, rtol=0, atol=1e-6)
    assert shapes == [(3, 7, 32), (3, 1, 32)]
