"""Numbers to predict of texts: read, learnt by encoders and convolutions, predicted by heads as they come, rewarded."""

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel, pipeline

import tiny
from andor import config
from andor.cli.explain import _function
from andor.data.candidates import candidates
from andor.data.players import players
from andor.data.readers.texts import TextsData
from andor.data.table import is_numeric, rows
from andor.errors import UserError
from andor.models.accuracy import predictions, quality
from andor.models.families.causal_lm import CausalLM
from andor.models.families.text_cnn import TextCNN
from andor.models.families.text_encoder import TextEncoder
from andor.models.loading import load, load_transformers
from andor.outputs.evaluate import screen
from andor.outputs.masking import bind
from andor.outputs.passes import evaluate
from andor.outputs.samples import select
from andor.report.inputs import text_input

NUMBERS = TextsData(reader="texts", source="x", numeric=True)
CLASSES = TextsData(reader="texts", source="x")
MASK, REWARD = config.Masking(baseline="mask"), config.Reward(kind="prediction")
SHAPE = {
    "vocab_size": len(tiny.wordpieces()), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 32, "max_position_embeddings": 64, "initializer_range": 0.3,
}  # fmt: skip


def prices():
    """Sentences and a number that is large if they name the film, and somewhat larger if they name the acting."""
    fillers = ["so", "so it is", "then we go", "x y z a b"]
    return pd.DataFrame([
        {"text": f"{a} {film} {b} {acting}", "label": 2000 + 300 * (film == "film") + 100 * (acting == "acting")}
        for a in fillers for b in fillers for film in ("film", "rest") for acting in ("acting", "rest")
    ] * 3)  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    file = tmp_path_factory.mktemp("texts") / "prices.csv"
    prices().to_csv(file, index=False)
    return NUMBERS.read(file, 0)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """An encoder without a head."""
    torch.manual_seed(0)
    return saved(BertModel(BertConfig(**SHAPE | {"initializer_range": 0.1})), tmp_path_factory.mktemp("pretrained"))


@pytest.fixture(scope="module")
def trained(table, source, tmp_path_factory):
    """Folders of an encoder and of a convolutional network."""
    training = config.Training(epochs=12, batch_size=8, learning_rate=4e-3)
    asked = {
        "encoder": TextEncoder(family="text_encoder", source="x", training=training),
        "cnn": TextCNN(family="text_cnn", tokenizer="x", width=16, filters=8, training=training),
    }
    folder = tmp_path_factory.mktemp("models")
    for name, settings in asked.items():
        settings.make(table, source, None, folder / name, 0, progress=False)
    return folder


def saved(network, folder, tokenizer=None):
    network.save_pretrained(folder)
    (tokenizer or tiny.wordpieces()).save_pretrained(folder)
    return folder


def head(folder, **stated):
    """An encoder with a head, as it comes."""
    torch.manual_seed(0)
    return saved(BertForSequenceClassification(BertConfig(**SHAPE, **stated)), folder)


def test_reads_numbers_in_every_format(tmp_path):
    texts = {"text": ["a film", "no film", " ", "the film", "rest"], "stars": [4.5, -1.0, None, 1000.0, 2.0]}
    frame = pd.DataFrame(texts)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.astype({"stars": str}).replace("1000.0", "1,000").to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    for name in ("t.csv", "t.jsonl", "t.parquet", "t.tsv"):
        read = TextsData(reader="texts", source="x", label="stars", numeric=True).read(tmp_path / name, 0)
        assert is_numeric(read) and read["label"].to_pylist() == [4.5, -1, 1000, 2], name
        assert sorted(read["split"].to_pylist()) == ["test"] + 3 * ["train"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["3", "", "4"], "column `label` has 1 empty cells; fill them or leave these rows out"),
        (["3", "good", "4"], "column `label` holds what is no number; name another, or mend it"),
        (["3", "inf", "4"], "column `label` holds what is no number"),
        (["3", "3.0", "3"], "column `label` holds 3 in all rows; name another"),
    ],
)
def test_refuses_what_cannot_be_predicted(labels, said, tmp_path):
    pd.DataFrame({"text": ["a film", "no film", "rest"], "label": labels}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UserError, match=said):
        NUMBERS.glance(tmp_path / "t.csv")
    (tmp_path / "n.jsonl").write_text('{"text": "a film", "label": 1}\n{"text": "rest"}\n')
    with pytest.raises(UserError, match="has 1 empty cells"):
        NUMBERS.glance(tmp_path / "n.jsonl")


@pytest.mark.slow
def test_learns_masks_and_explains_in_the_units_of_the_target(table, trained):
    """From training to samples; what is saved predicts the same by transformers' own pipeline."""
    models = {name: load(trained / name) for name in ("encoder", "cnn")}
    for name, model in models.items():
        assert quality(model, table, "test")["r2"] > 0.7, name  # a sum of two words without noise
        assert 1900 < predictions(model, table).mean() < 2500
    theirs = pipeline("text-classification", model=str(trained / "encoder"), device="cpu")  # applies no sigmoid
    texts = table["text"].to_pylist()[:4]
    expected = [said["score"] for said in theirs(texts)]
    np.testing.assert_allclose(predictions(models["encoder"], table)[:4], expected, rtol=1e-5)
    chosen = candidates(table, players({"kind": "words", "count": 2}), 20, 0)
    screened = {name: screen(name, model, chosen, MASK) for name, model in models.items()}
    asked = config.Samples(count=2, candidates=20, min_range=20, max_error=100)
    samples, account = select(chosen, screened, REWARD, asked)
    assert is_numeric(samples) and samples.num_rows == 2
    labels = dict(zip(chosen["item"].to_pylist(), chosen["label"].to_pylist(), strict=True))
    assert all(row["right"] == (abs(row["output_full"] - labels[row["item"]]) <= 100) for row in account.to_pylist())
    sample = next(rows(samples))
    for model in models.values():
        outputs = evaluate(bind(model, sample, MASK))
        assert outputs.shape == (4, 1) and np.ptp(outputs) >= 20
        one = chosen.filter(np.asarray(chosen["item"]) == sample["item"])
        np.testing.assert_allclose(outputs[-1, 0], predictions(model, one)[0], rtol=1e-5)


@pytest.mark.slow
def test_a_spread_of_the_target_changes_nothing_but_units(table, source):
    """Each learns standardised numbers, from its first step to its last; heads are scaled afterwards."""
    place = table.schema.get_field_index("label")
    thousandth = table.set_column(place, "label", [table["label"].to_numpy() / 1000])
    training = config.Training(epochs=1, keep=[0, 2])
    for settings in (
        TextEncoder(family="text_encoder", source="x", training=training),
        TextCNN(family="text_cnn", tokenizer="x", width=8, filters=4, training=training),
    ):
        found = []
        for data in (table, thousandth):
            kept = {}
            kept["end"] = settings.train(data, source, 0, progress=False, kept=kept.__setitem__)
            found.append({step: predictions(model, data) for step, model in kept.items()})
        first, second = found
        assert list(first) == [0, 2, "end"]
        for step, predicted in first.items():
            np.testing.assert_allclose(second[step] * 1000, predicted, rtol=1e-4, err_msg=str(step))


@pytest.mark.slow
def test_a_head_that_comes_with_one_output_is_a_number(table, tmp_path):
    """Whether or not its configuration calls that regression; raw outputs are explained, no sigmoid of them."""
    texts = table["text"].to_pylist()[:5]
    for name, stated in (("said", {"problem_type": "regression"}), ("unsaid", {})):
        folder = head(tmp_path / name, num_labels=1, **stated)
        settings = TextEncoder(family="text_encoder", source="x")
        settings.glance(folder, NUMBERS)
        settings.make(table, folder, None, tmp_path / f"{name} made", 0)
        model = load(tmp_path / f"{name} made")
        theirs = pipeline("text-classification", model=str(folder), device="cpu", function_to_apply="none")
        expected = [said["score"] for said in theirs(texts)]
        assert np.ptp(expected) > 0.1
        np.testing.assert_allclose(predictions(model, table)[:5], expected, rtol=1e-4, atol=1e-5)
    stands = load_transformers(tmp_path / "said")
    assert stands.digest == load(tmp_path / "said made").digest
    torch.save(BertForSequenceClassification.from_pretrained(tmp_path / "said").state_dict(), tmp_path / "w.pth")
    weights = TextEncoder(family="text_encoder", source="x", weights="w")
    weights.make(table, head(tmp_path / "other"), tmp_path / "w.pth", tmp_path / "filled", 0)
    np.testing.assert_array_equal(predictions(load(tmp_path / "filled"), table), predictions(stands, table))
    for label in (0, 1):  # `andor explain` shows the prediction, whatever label it is told
        said, _ = _function("m", stands, text_input(texts[0], "words"), "mask", label)
        whole = np.ones((1, len(texts[0].split())), bool)
        np.testing.assert_allclose(said(whole), predictions(stands, table)[:1], rtol=1e-4, atol=1e-5)


def test_models_of_classes_are_refused_for_numbers(table, tmp_path):
    settings = TextEncoder(family="text_encoder", source="x")
    for stated, said in (
        ({"num_labels": 3}, "`source: x` has 3 outputs, and the data have a number to predict; name a model of one"),
        ({"problem_type": "regression"}, "`source: x` has 2 outputs, and the data have a number"),
        (
            {"num_labels": 1, "problem_type": "multi_label_classification"},
            "`source: x` is for `problem_type: multi_label_classification`, and the data have a number to predict",
        ),
    ):
        folder = head(tmp_path / "m", **stated)
        with pytest.raises(UserError, match=said):
            settings.glance(folder, NUMBERS)
        with pytest.raises(UserError, match=said):
            settings.make(table, folder, None, tmp_path / "made", 0)
    torch.save(BertForSequenceClassification(BertConfig(**SHAPE)).state_dict(), tmp_path / "two.pth")
    with pytest.raises(UserError, match="`weights: two` has 2 outputs, and the data have a number to predict"):
        settings.model_copy(update={"weights": "two"}).make(table, folder, tmp_path / "two.pth", tmp_path / "made", 0)
    asked = CausalLM(family="causal_lm", source="x", prompt="Good? {text}", answers={0: " no", 1: " yes"})
    assert list(asked.misfits("lm", NUMBERS, MASK)) == [
        "model `lm` (causal_lm) tells classes apart, texts has a number to predict; use text_encoder"
    ]


def test_a_head_that_predicts_a_number_is_refused_for_classes(tmp_path):
    folder = head(tmp_path / "m", num_labels=1, problem_type="regression")
    with pytest.raises(UserError, match="`source: x` predicts a number, it has one output; name a classifier"):
        TextEncoder(family="text_encoder", source="x").glance(folder, CLASSES)
