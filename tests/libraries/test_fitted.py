"""Classifiers of tables from files of skops, XGBoost and LightGBM: what they refuse, in one line. test_parity.py has
what they say."""

import pickle
import sys

import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
import xgboost
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from andor import config
from andor.data.building import tidy_features
from andor.data.classes import Classes
from andor.errors import UserError
from andor.models.families.pretrained_table_classifier import PretrainedTableClassifier
from andor.models.loading import load

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame(RANDOM.normal(size=(60, 3)), columns=["a", "b", "c d"])
LABELS = (FRAME.a + FRAME.b > 0).to_numpy(np.int16)
TABLE = tidy_features(FRAME, Classes(LABELS, []), 0.25, 0)
NUMBERS = tidy_features(FRAME, Classes(FRAME.a.to_numpy() + 2, []), 0.25, 0)
XGB = {"family": "pretrained_table_classifier", "library": "xgboost", "source": "a"}
LOGIT = LogisticRegression().fit(FRAME, LABELS)


def doubled(rows):
    """A function of somebody's own, in a pipeline."""
    return rows * 2


def made(folder, library, source, table=TABLE, **settings):
    settings = PretrainedTableClassifier(family="pretrained_table_classifier", library=library, source="x", **settings)
    settings.make(table, source, None, folder / "m", 0)
    return load(folder / "m")


def test_types_that_are_not_known_to_be_safe_are_named_and_can_be_accepted(tmp_path):
    pipeline = make_pipeline(FunctionTransformer(doubled), LogisticRegression()).fit(FRAME, LABELS)
    skops.io.dump(pipeline, tmp_path / "p.skops")
    (wanted,) = skops.io.get_untrusted_types(file=tmp_path / "p.skops")
    with pytest.raises(UserError, match=rf"types that are not known to be safe: {wanted}; name them under `trusted`"):
        made(tmp_path, "scikit_learn", tmp_path / "p.skops")
    model = made(tmp_path, "scikit_learn", tmp_path / "p.skops", trusted=[wanted])
    np.testing.assert_allclose(model.outputs(FRAME), pipeline.predict_proba(FRAME))


def saved(folder):
    """Files by what is wrong with them: their library, and the message."""
    skops.io.dump(LinearRegression().fit(FRAME, LABELS), folder / "regression.skops")
    skops.io.dump(LogisticRegression(), folder / "unfitted.skops")
    (folder / "pickle.skops").write_bytes(pickle.dumps(LOGIT))
    skops.io.dump(LogisticRegression().fit(FRAME.assign(e=1.0), LABELS), folder / "more.skops")
    skops.io.dump(LogisticRegression().fit(FRAME.to_numpy()[:, :2], LABELS), folder / "fewer.skops")
    xgboost.train({"objective": "reg:squarederror"}, xgboost.DMatrix(FRAME, LABELS), 1).save_model(folder / "r.json")
    (folder / "damaged.ubj").write_bytes(b"{\x00")
    data = lightgbm.Dataset(FRAME, LABELS)
    lightgbm.train({"objective": "l2", "verbose": -1}, data, 1).save_model(folder / "r.txt")
    (folder / "damaged.txt").write_text("tree\nobjective=binary sigmoid:1\n")
    return {
        "regression.skops": "a LinearRegression is no classifier that is fitted; save one that is",
        "unfitted.skops": "a LogisticRegression is no classifier that is fitted; save one that is",
        "pickle.skops": "no readable model of scikit_learn",
        "more.skops": "fitted to columns that the data lack: e; the data have a, b, c d$",
        "fewer.skops": "fitted to 2 columns without names, the data have 3; name them in their order",
        "r.json": "objective `reg:squarederror` classifies nothing",
        "damaged.ubj": "no readable model of xgboost",
        "r.txt": "objective `regression` classifies nothing",
        "damaged.txt": "no readable model of lightgbm",
    }


def test_what_cannot_be_used_is_one_line(tmp_path):
    libraries = {"skops": "scikit_learn", "json": "xgboost", "ubj": "xgboost", "txt": "lightgbm"}
    for name, message in saved(tmp_path).items():
        with pytest.raises(UserError, match=message) as error:
            made(tmp_path, libraries[name.rpartition(".")[2]], tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=r"holds \d files .json or .ubj; name one file with !member"):
        made(tmp_path, "xgboost", tmp_path)


def test_what_predicts_no_number_is_no_model_of_numbers(tmp_path):
    """Nor is what predicts several at once."""
    skops.io.dump(LOGIT, tmp_path / "classes.skops")
    skops.io.dump(LinearRegression(), tmp_path / "unfitted.skops")
    skops.io.dump(LinearRegression().fit(FRAME, FRAME[["a", "b"]]), tmp_path / "two.skops")
    xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(FRAME, LABELS), 1).save_model(tmp_path / "c.json")
    data = lightgbm.Dataset(FRAME, LABELS)
    lightgbm.train({"objective": "binary", "verbose": -1}, data, 1).save_model(tmp_path / "c.txt")
    for library, name, message in (
        ("scikit_learn", "classes.skops", "a LogisticRegression is no regressor that is fitted; save one that is"),
        ("scikit_learn", "unfitted.skops", "a LinearRegression is no regressor that is fitted"),
        ("scikit_learn", "two.skops", "has 2 outputs and the data a number to predict; use a model of one output"),
        ("xgboost", "c.json", "objective `binary:logistic` predicts no number; save a regressor"),
        ("lightgbm", "c.txt", "objective `binary sigmoid:1` predicts no number; save a regressor"),
    ):
        with pytest.raises(UserError, match=message):
            made(tmp_path / name.replace(".", "_"), library, tmp_path / name, NUMBERS)


@pytest.mark.parametrize("package", ["skops", "xgboost", "lightgbm"])
def test_a_missing_package_is_named(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    known = {"skops": ("scikit_learn", "skops"), "xgboost": ("xgboost", "json"), "lightgbm": ("lightgbm", "txt")}
    library, suffix = known[package]
    (tmp_path / f"x.{suffix}").touch()
    with pytest.raises(UserError, match=f"needs {package}, which is not installed; run `pip install {package}`"):
        made(tmp_path, library, tmp_path / f"x.{suffix}")


def test_the_digest_is_of_the_file_and_what_it_may_do(tmp_path):
    skops.io.dump(LOGIT, tmp_path / "a.skops")
    skops.io.dump(LogisticRegression(C=0.1).fit(FRAME, LABELS), tmp_path / "b.skops")
    digests = [made(tmp_path / name, "scikit_learn", tmp_path / f"{name}.skops").digest for name in "ab"]
    assert len(set(digests)) == 2 and digests[0] == load(tmp_path / "a" / "m").digest


@pytest.mark.parametrize(("change", "message"), [
    ({"masking": {"baseline": "zero"}}, "model `a` reads rows as they were; use mean or marginal"),
    ({"data": {"reader": "digits"}, "players": {"kind": "patches", "count": 4}}, r"classifier\) cannot read digits"),
    ({"models": {"a": XGB | {"trusted": ["b"]}}},
     "`trusted` has no effect on a model of xgboost; take it away"),
])  # fmt: skip
def test_what_does_not_go_together_is_said_by_the_check(change, message):
    task = {
        "data": {"reader": "scikit_learn", "name": "iris"}, "masking": {"baseline": "mean"},
        "models": {"a": XGB},
        "players": {"kind": "features", "count": 2},
    }  # fmt: skip
    whole = {"sources": {"a": {"mirrors": ["path:a.json"]}}, "tasks": {"t": task}}
    config.check(whole)
    with pytest.raises(UserError, match=message):
        config.check(whole | {"tasks": {"t": task | change}})
