"""`andor evaluate`: one sample or a file of them, without the workflow."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pytest
import torch
import typer
from typer.testing import CliRunner

import tiny
from andor.cli.evaluate import _check_fit, _table, evaluate
from andor.config import Masking
from andor.data.targets import predicted
from andor.errors import UserError
from andor.models.families.own import OwnModel
from andor.models.files import save
from andor.models.loaded import ImageClassifier, PointClassifier, TableClassifier
from andor.models.loading import load
from andor.outputs.masking import bind
from andor.outputs.passes import evaluate as outputs_of
from andor.store import read_metadata, read_table, write_table


def andor(*arguments: object) -> list[dict]:
    app = typer.Typer()
    app.command()(evaluate)
    done = CliRunner().invoke(app, [*map(str, arguments), "--device", "cpu"])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    """A language model as transformers saves it."""
    folder = tmp_path_factory.mktemp("gpt2")
    tiny.gpt2().network.save_pretrained(folder)
    tiny.gpt2().tokenizer.save_pretrained(folder)
    return folder


def places(tmp_path) -> list[str]:
    return ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]


def test_one_text(tmp_path, gpt2):
    words = ["--word", "gripping", "--word", "film"]
    (row,) = andor(gpt2, "--text", tiny.TEXT, *words, "--target", " the", *places(tmp_path))
    table = read_table(tmp_path / "out" / "0.parquet")
    expected = outputs_of(bind(tiny.gpt2(), tiny.text_sample("gripping", "film", target=" the"), Masking()))
    assert np.array_equal(np.stack([table["log_prob"], table["log_odds"]], axis=1), expected)
    assert row["sample"] == 0 and row["coalitions"] == 4 and row["target"] == " the"
    assert row["player_names"] == ["gripping", "film"]
    assert row["full"]["log_odds"] == pytest.approx(float(expected[-1, 1]))
    assert read_metadata(tmp_path / "out" / "0.parquet")["made"]["device"] == "cpu"
    assert len(list((tmp_path / "cache").rglob("*.parquet"))) == 1


def test_a_snapshot_of_the_hub_is_read_where_it_stands(tmp_path, gpt2):
    blobs, snapshot = tmp_path / "hub" / "blobs", tmp_path / "hub" / "snapshots" / "1"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for file in gpt2.iterdir():
        shutil.copy(file, blobs)
        (snapshot / file.name).symlink_to(f"../../blobs/{file.name}")
    text = ["--text", tiny.TEXT, "--word", "film", "--target", " the"]
    assert andor(snapshot, *text, *places(tmp_path)) == andor(gpt2, *text, *places(tmp_path))
    assert len(list((tmp_path / "cache").rglob("*.parquet"))) == 1
    (blobs / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(UserError, match=f"{snapshot}: weights cannot be read"):
        andor(snapshot, *text, *places(tmp_path))


def test_a_file_of_texts(tmp_path, gpt2):
    lines = [
        {"text": tiny.TEXT, "players": [[2, 10], "acting", "nobody"], "target": " is"},
        {"text": "The acting is superb, the film unforgettable."},
    ]
    (tmp_path / "texts.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    rows = andor(gpt2, "--samples", tmp_path / "texts.jsonl", "--count", 2, *places(tmp_path), "--batch-size", 4)
    assert [row["coalitions"] for row in rows] == [8, 4]
    assert rows[0]["player_names"] == ["gripping", "acting", "nobody"] and rows[0]["target"] == " is"
    assert rows[1]["target"].strip()  # predicted
    assert read_metadata(tmp_path / "out" / "0.parquet")["made"]["batch_size"] == 4


def test_samples_and_a_model_of_the_workflow(tmp_path):
    from test_evaluate import image_table

    lenet = ImageClassifier(
        tiny.lenet().network,
        tiny.lenet().description | {"architecture": "lenet", "outputs": 1, "shape": list(tiny.SHAPE)},
        tiny.lenet().mean,
    )
    save(lenet, tmp_path / "lenet")
    write_table(tmp_path / "samples.parquet", image_table(2))
    rows = andor(tmp_path / "lenet", "--samples", tmp_path / "samples.parquet", "--baseline", "mean", *places(tmp_path))
    assert [row["coalitions"] for row in rows] == [16, 16] and len(rows[0]["full"]["logits"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either --samples or --text"),
        (["--text", "a film"], "no players; give --word for each, or --count"),
        (["--text", "a film", "--word", "zoo"], "player 'zoo' is no word of the text"),
        (["--text", "a film", "--count", "5"], "fewer than 5 content words"),
        (["--text", "a film", "--word", "film", "--baseline", "nul"], "`--baseline nul`"),
        (["--text", "a film", "--word", "film", "--baseline", "mask"], "no such token"),
        (["--text", "a film", "--word", "film", "--baseline", "damp"], "`--baseline damp` needs `--damp`"),
        (["--text", "a film", "--word", "film", "--baseline", "damp", "--damp", "1"], "`--damp 1.0`: input should be"),
        (["--text", "a film", "--word", "film", "--damp", "0.5"], "`--damp` has no effect on `--baseline zero`"),
        (["--text", "a film", "--word", "film", "--baseline", "file"], "`--baseline file` needs `--baseline-file`"),
        (["--text", "a film", "--word", "film", "--baseline", "learned"], "learned` needs `--baseline-file`"),
        (["--text", "a film", "--word", "film", "--baseline", "centre"], "--baseline `centre` is for point clouds"),
        (["--text", "a film", "--word", "film", "--background", "integrate"], "`integrate` is for images; use keep"),
        (["--text", "a film", "--word", "film", "--dtype", "int8"], "`--dtype int8`: write float32 or bfloat16"),
        (["--text", "a film", "--word", "film", "--count", "1"], "either --word or --count"),
        (["--text", "a film", "--word", "film", "--batch-size", "0"], "`--batch-size 0`"),
        (["--samples", "none.jsonl"], "none.jsonl: no readable JSON lines"),
        (["--samples", "none.parquet"], "none.parquet: no such file"),
    ],
)
def test_bad_input_is_one_line(tmp_path, gpt2, arguments, message):
    with pytest.raises(UserError, match=message) as error:
        andor(gpt2, *arguments, *places(tmp_path))
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("*.parquet"))


MLP = TableClassifier(torch.nn.Linear(3, 1), {"family": "mlp"}, torch.zeros(3))
POINTNET = PointClassifier(torch.nn.Linear(3, 1), {"family": "pointnet"}, torch.zeros(3))


@pytest.mark.parametrize(
    ("family", "model"), [("mlp", MLP), ("pointnet", POINTNET), ("image_classifier", tiny.lenet())]
)
def test_a_model_that_reads_no_texts_says_so(family, model):
    with pytest.raises(UserError, match=rf"the model \({family}\) reads no texts: give --samples"):
        _table([{"text": "a film", "players": [[2, 6]], "player_names": ["film"]}], model, None)


def test_samples_of_another_kind_say_so(tmp_path):
    texts = pa.table({"sample": [0], "text": ["a film"], "players": [[[2, 6]]]})
    with pytest.raises(UserError, match=r"no column `features`, which the model \(mlp\) reads"):
        _table(texts, MLP, None)
    with pytest.raises(UserError, match=r"no column `text`, which the model \(text_cnn\) reads"):
        _table(texts.drop_columns("text"), tiny.text_cnn(), None)
    with pytest.raises(UserError, match="`--target` is for language models"):
        _table(texts, tiny.text_cnn(), " the")
    with pytest.raises(UserError, match="a model of your own has none"):
        _check_fit(Masking(baseline="mean"), own_model(tmp_path), texts)


def own_model(tmp_path):
    """A model of the user's own that reads texts."""
    code = "import torch\ndef load(source, device): ...\ndef outputs(model, texts): return torch.zeros(len(texts), 1)\n"
    (tmp_path / "mine.py").write_text(code)
    OwnModel(family="own", file=str(tmp_path / "mine.py")).make(None, None, None, tmp_path / "own", 0)
    return load(tmp_path / "own")


def test_samples_of_a_file_need_no_target_but_say_who_plays(tmp_path, gpt2):
    write_table(tmp_path / "samples.parquet", pa.table({"sample": [0], "text": [tiny.TEXT], "players": [[[2, 10]]]}))
    given = ["--samples", tmp_path / "samples.parquet", *places(tmp_path)]
    assert andor(gpt2, *given)[0]["target"] == predicted(tiny.gpt2(), tiny.TEXT)
    assert andor(gpt2, *given, "--target", " the")[0]["target"] == " the"
    with pytest.raises(UserError, match="names its players; take `--count` away"):
        andor(gpt2, *given, "--count", 2)


def test_values_that_mask_and_precision(tmp_path, gpt2):
    text = [gpt2, "--text", tiny.TEXT, "--word", "film", "--target", " the", *places(tmp_path)]
    zero = andor(*text)
    np.save(tmp_path / "zero.npy", np.zeros(32, np.float32))
    assert andor(*text, "--baseline", "file", "--baseline-file", tmp_path / "zero.npy") == zero
    assert andor(*text, "--baseline", "damp", "--damp", 0) == zero
    assert andor(*text, "--baseline", "damp", "--damp", 0.5)[0]["empty"] != zero[0]["empty"]
    assert andor(*text, "--dtype", "bfloat16")[0]["full"] != zero[0]["full"]
    assert read_metadata(tmp_path / "out" / "0.parquet")["content"]["precision"] == "bfloat16"
    with pytest.raises(UserError, match=r"none\.npy: no readable baseline value"):
        andor(*text, "--baseline", "file", "--baseline-file", tmp_path / "none.npy")


def test_no_model(tmp_path):
    text = ["--text", "a film", "--word", "film"]
    with pytest.raises(UserError, match="no such model"):
        andor(tmp_path / "none", *text, *places(tmp_path))
    (tmp_path / "half.gguf").write_bytes(b"GGUF")
    with pytest.raises(UserError, match=r"half\.gguf: cannot be read"):
        andor(tmp_path / "half.gguf", *text, *places(tmp_path))
    (tmp_path / "text.gguf").write_bytes(b"text")
    with pytest.raises(UserError, match=r"text\.gguf: cannot be read \(no GGUF file\)"):
        andor(tmp_path / "text.gguf", *text, *places(tmp_path))
