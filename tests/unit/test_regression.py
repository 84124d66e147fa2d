"""Labels that are numbers: read, learnt by mean squared error, judged by R², eligible by a stated error, rewarded."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import r2_score

from andor import config
from andor.data.building import tidy
from andor.data.candidates import candidates
from andor.data.players import players
from andor.data.readers import reader
from andor.data.table import arrays, is_numeric, rows
from andor.errors import UserError
from andor.models.accuracy import explained, predictions, quality
from andor.models.families import families
from andor.models.labels import relabelled
from andor.models.loading import load
from andor.outputs import baselines
from andor.outputs.evaluate import screen
from andor.outputs.masking import bind
from andor.outputs.passes import evaluate
from andor.outputs.rewards import classifier_reward, predicted_right
from andor.outputs.samples import select
from andor.report.tables import transfer
from andor.report.tables.task import ACCURACY_SCHEMA, accuracy

RANDOM = np.random.default_rng(0)
BIKES = pd.DataFrame(
    {
        "season": RANDOM.integers(1, 5, 400),
        "weather": RANDOM.choice(["clear", "mist", "rain"], 400),
        "temp": RANDOM.random(400),
        "hum": RANDOM.random(400),
    }
)
BIKES["cnt"] = 500 + 300 * BIKES["temp"] - 200 * (BIKES["weather"] == "rain") + 50 * BIKES["season"]
SETTINGS = {"reader": "table", "source": "bike", "label": "cnt", "numeric": True}
REWARD = config.Reward(kind="prediction")


@pytest.fixture(scope="module")
def bikes(tmp_path_factory):
    path = tmp_path_factory.mktemp("bike") / "hour.csv"
    BIKES.to_csv(path, index=False)
    return reader(SETTINGS).read(path, 0)


@pytest.fixture(scope="module")
def models(bikes, tmp_path_factory):
    """A perceptron, a residual one and a regressor of scikit-learn, as they are read from their folders."""
    training = {"epochs": 30, "optimizer": "sgd", "learning_rate": 0.02, "weight_decay": 0}
    asked = {
        "mlp": {"family": "mlp", "layers": 3, "training": training},
        "resmlp": {"family": "mlp", "layers": 3, "residual": True, "training": training},
        "ridge": {"family": "scikit_learn", "estimator": "Ridge"},
    }
    folder = tmp_path_factory.mktemp("models")
    for name, settings in asked.items():
        family = families()[settings["family"]](**settings)
        family.make(bikes, None, None, folder / name, 0, progress=False)
    return {name: load(folder / name) for name in asked}


def test_reads_numbers_as_they_are(bikes):
    assert is_numeric(bikes) and reader(SETTINGS).is_numeric and not reader(SETTINGS).two_labels
    np.testing.assert_allclose(bikes["label"].to_numpy(), BIKES["cnt"])
    assert bikes["split"].to_pylist().count("test") == 100
    diabetes = reader({"reader": "scikit_learn", "name": "diabetes"}).read(None, 0)
    assert is_numeric(diabetes) and arrays(diabetes).shape == (442, 10)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (BIKES.assign(cnt="many"), "column `cnt` holds what is no number; name another, or mend it"),
        (BIKES.assign(cnt=3), "column `cnt` holds 3 in all rows; name another"),
        (BIKES.assign(cnt=np.inf), "column `cnt` holds what is no number"),
    ],
)
def test_refuses_targets_that_cannot_be_predicted(frame, said, tmp_path):
    frame.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(UserError, match=said):
        reader(SETTINGS).read(tmp_path / "x.csv", 0)


def test_rows_with_empty_cells_are_left_out_if_that_is_asked(tmp_path):
    holes = BIKES.assign(other=1.0).astype({"weather": object})
    holes.loc[:9, "weather"], holes.loc[20, "cnt"], holes.loc[30:, "other"] = None, None, None
    holes.to_csv(tmp_path / "x.csv", index=False)
    asked = SETTINGS | {"features": ["season", "weather", "temp"]}
    with pytest.raises(UserError, match="empty cells; fill them"):
        reader(asked).read(tmp_path / "x.csv", 0)
    table = reader(asked | {"missing": "drop"}).read(tmp_path / "x.csv", 0)
    np.testing.assert_allclose(table["label"].to_numpy(), BIKES["cnt"].drop([*range(10), 20]))
    holes.assign(temp=None).to_csv(tmp_path / "y.csv", index=False)
    with pytest.raises(UserError, match="every row has an empty cell; fill them or name other features"):
        reader(asked | {"missing": "drop"}).read(tmp_path / "y.csv", 0)


def test_learns_to_predict_in_the_units_of_the_target(bikes, models):
    for name, model in models.items():
        assert quality(model, bikes, "test")["r2"] > 0.8, name  # a linear target without noise
        predicted = predictions(model, bikes)
        assert predicted.shape == (400,) and 400 < predicted.mean() < 1000
        again = model.logits(torch.from_numpy(arrays(bikes).copy()))
        np.testing.assert_allclose(again[:, 0].numpy(), predicted, rtol=1e-4)


def test_a_spread_of_the_target_changes_nothing_but_units(bikes, tmp_path):
    """The loss is in units of the spread: the same network is learnt for bikes and for thousands of them."""
    place = bikes.schema.get_field_index("label")
    thousands = bikes.set_column(place, "label", [bikes["label"].to_numpy() / 1000])
    family = families()["mlp"](family="mlp", layers=2, width=8, training={"epochs": 2})
    first, second = (family.train(table, None, 0, progress=False) for table in (bikes, thousands))
    np.testing.assert_allclose(predictions(second, thousands) * 1000, predictions(first, bikes), rtol=1e-3)


def test_r2_is_what_it_is_elsewhere_and_its_interval_holds_it():
    random = np.random.default_rng(1)
    held, true = 0, 1 - 1 / 5  # numbers of variance 5, errors of variance 1
    for _ in range(300):
        numbers = random.normal(0, 5**0.5, 200)
        predicted = numbers + random.normal(0, 1, 200)
        said = explained(predicted, numbers)
        assert said["r2"] == pytest.approx(r2_score(numbers, predicted)) and said["items"] == 200
        assert said["error"] == pytest.approx(np.sqrt(np.mean((predicted - numbers) ** 2)))
        held += said["low"] <= true <= said["high"]
    assert held / 300 > 0.9
    assert np.isnan(explained(np.zeros(3), np.ones(3))["r2"]) and explained(np.zeros(0), np.zeros(0))["items"] == 0


def test_a_prediction_is_the_reward_and_right_within_the_error(bikes, models):
    outputs = np.array([[3.0], [-4.0]])
    assert classifier_reward(outputs, 812.5, "prediction").tolist() == [3.0, -4.0]
    assert predicted_right(np.array([810.0]), 812.5, 3) and not predicted_right(np.array([810.0]), 812.5, 2)
    masking = config.Masking(baseline="mean")
    chosen = candidates(bikes, players({"kind": "features", "count": 3}), 60, 0)
    screened = {name: screen(name, model, chosen, masking) for name, model in models.items()}
    asked = config.Samples(count=5, candidates=60, min_range=20, max_error=60)
    samples, account = select(chosen, screened, REWARD, asked)
    labels = dict(zip(chosen["item"].to_pylist(), chosen["label"].to_pylist(), strict=True))
    for row in account.to_pylist():
        off = abs(row["output_full"] - labels[row["item"]])
        assert row["right"] == (off <= 60)
        assert row["reason"] == ("off by more than 60" if off > 60 else "|v(N) − v(∅)| below 20" * (row["range"] < 20))
    assert samples.num_rows == 5 and is_numeric(samples)


def test_a_regressor_of_rows_as_they_were(bikes, tmp_path):
    """It predicts from the cells, and v(S) is its mean prediction over rows in which what is present was put in."""
    (tmp_path / "rule.py").write_text(
        "import torch\n"
        "def load(source, device): return None\n"
        "def outputs(model, rows):\n"
        "    numbers = 500 + 300 * rows.temp - 200 * (rows.weather == 'rain') + 50 * rows.season\n"
        "    return torch.tensor(numbers.to_list())[:, None]\n"
    )
    own = families()["own"](family="own", file=str(tmp_path / "rule.py"), rows=True)
    own.make(bikes, None, None, tmp_path / "m", 0)
    model = load(tmp_path / "m")
    model.background = baselines.background(bikes, model.columns, 9)
    assert quality(model, bikes, "test")["r2"] == pytest.approx(1)
    kind = players({"kind": "features", "groups": {"a": ["temp", "weather"], "b": ["season"]}})
    sample, other = next(rows(candidates(bikes, kind, 1, 0))), model.background
    found = evaluate(bind(model, sample, config.Masking(baseline="marginal", rows=9)))[:, 0]
    # From the row itself and from others: what temperature and weather give, and what the season gives.
    weather, seasons = zip(*(_parts(cells) for cells in (other, sample["row"])), strict=True)
    np.testing.assert_allclose(found, [500 + a + b for b in seasons for a in weather], rtol=1e-6)


def _parts(cells):
    return (300 * cells.temp - 200 * (cells.weather == "rain")).mean(), 50 * cells.season.mean()


def test_baseline_values_are_learned_without_classes(bikes, models):
    chosen = candidates(bikes, players({"kind": "features", "count": 3}), 10, 0)
    settings = {"items": 4, "epochs": 2, "draws": 4, "learning_rate": 1e-6}
    masking = config.Masking(baseline="learned", learning=settings)
    value, curve = baselines.learn("mlp", models["mlp"], chosen, masking, REWARD, seed=0, progress=False)
    assert value.shape == (6,) and len(curve) == 3 and np.isfinite(curve).all()


def test_other_numbers_for_controls_have_the_mean_and_the_spread_of_the_true_ones(bikes):
    true = bikes["label"].to_numpy()
    shuffled, size = (relabelled(bikes, labels, 0)["label"].to_numpy() for labels in ("shuffled", "size"))
    assert sorted(shuffled) == sorted(true) and (shuffled != true).any()
    assert size.mean() == pytest.approx(true.mean()) and size.std() == pytest.approx(true.std())
    assert np.corrcoef(size, arrays(bikes).sum(1))[0, 1] > 0.999


def test_refuses_estimators_of_another_kind_and_outputs_of_classes(bikes, tmp_path):
    wrong = families()["scikit_learn"](family="scikit_learn", estimator="GaussianNB")
    with pytest.raises(UserError, match="`estimator: GaussianNB` is no regressor of scikit-learn"):
        wrong.make(bikes, None, None, tmp_path / "nb", 0)
    classes = tidy(range(4), ["train"] * 4, [0, 1, 0, 1], np.eye(4), "features")
    wrong = families()["scikit_learn"](family="scikit_learn", estimator="Ridge")
    with pytest.raises(UserError, match="`estimator: Ridge` is no classifier of scikit-learn"):
        wrong.make(classes, None, None, tmp_path / "ridge", 0)
    (tmp_path / "two.py").write_text(
        "import torch\ndef load(source, device): return None\ndef outputs(model, x): return torch.zeros(len(x), 2)\n"
    )
    own = families()["own"](family="own", file=str(tmp_path / "two.py"))
    with pytest.raises(UserError, match="has 2 outputs and the data a number to predict; use a model of one output"):
        own.make(bikes, None, None, tmp_path / "own", 0)
    assert json.loads((tmp_path / "own" / "model.json").read_text())["family"] == "own"


def test_the_table_of_accuracies_says_which_measure_it_holds(bikes, models):
    numbers = {"train": quality(models["mlp"], bikes, "train"), "test": quality(models["mlp"], bikes, "test")}
    counts = {"train": {"items": 10, "correct": 9}, "test": {"items": 0, "correct": 0}}
    metrics = {name: {"family": "mlp", "parameters": 1, "splits": own} for name, own in (("a", numbers), ("b", counts))}
    results = SimpleNamespace(
        models=["a", "b"], labels=dict.fromkeys("ab", "true"), weights={}, model_metrics=lambda name: metrics[name]
    )
    table = accuracy(results).set_index(["model", "split"])
    assert table["measure"].tolist() == ["R2", "R2", "accuracy", "accuracy"]
    row = table.loc["a", "test"]
    assert [row[key] for key in ("items", "accuracy", "low", "high")] == [
        numbers["test"][key] for key in ("items", "r2", "low", "high")
    ]
    assert row["low"] < row["accuracy"] <= row["high"] <= 1 and pd.isna(row["correct"])
    assert table.loc["b", "train"]["accuracy"] == 0.9 and pd.isna(table.loc["b", "test"]["accuracy"])
    pa.Table.from_pandas(table.reset_index(), ACCURACY_SCHEMA)


def test_all_samples_of_numbers_are_one_group(monkeypatch):
    """Signs are compared among samples of a label: numbers would leave each sample alone."""
    asked = {}

    def told(signs, labels, bins):
        asked["labels"] = labels
        return {key: np.zeros((1, len(bins))) for key in ("count", "beta", "low", "high", "coin")}

    monkeypatch.setattr(transfer.of_samples, "discrimination", told)
    monkeypatch.setattr(transfer, "side_by_side", lambda sets: (None, np.zeros((3, 1, 2, 4))))
    results = SimpleNamespace(samples=pa.table({"label": [1.5, 2.5, 7.0]}), same_players=True, sampled=False)
    games = SimpleNamespace(samples=[], each=lambda measure: None)
    subject = SimpleNamespace(
        results=results, members=["a"], games=games, axes={"method": ["m"], "unit": ["u"], "model": ["a"]}
    )
    transfer.discrimination(subject)
    assert asked["labels"].tolist() == [0, 0, 0]
