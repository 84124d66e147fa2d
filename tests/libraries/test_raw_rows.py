"""Models that read rows of a table as they were get them so: names, units and types; and masked ones too."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from andor import config
from andor.data.candidates import candidates
from andor.data.players.features import FeaturePlayers
from andor.data.readers.table import TableData
from andor.data.table import frame, rows
from andor.errors import UserError
from andor.models.accuracy import accuracy
from andor.models.families.own import OwnModel
from andor.models.inputs import for_training, typical_row
from andor.models.loading import load
from andor.outputs.baselines import attach
from andor.outputs.evaluate import screen
from andor.outputs.masking import bind, locate
from andor.outputs.passes import evaluate
from andor.store import read_table, write_table

ROWS = 120
RANDOM = np.random.default_rng(0)
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri"]
PEOPLE = pd.DataFrame({
    "income": RANDOM.lognormal(10, 0.5, ROWS).round(2),
    "children": RANDOM.integers(0, 5, ROWS),
    "town": RANDOM.choice(["Bergen", "Oslo", "Ålesund"], ROWS),
    "day": pd.Categorical(RANDOM.choice(WEEKDAYS, ROWS), categories=[*WEEKDAYS, "Sat"], ordered=True),
    "member": RANDOM.random(ROWS) < 0.5,
    "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(RANDOM.integers(0, 900, ROWS), unit="D"),
})  # fmt: skip
LABELS = np.where((PEOPLE.income > 22000) ^ (PEOPLE.town == "Oslo"), "yes", "no")
CODE = """
import joblib, torch

def load(source, device):
    return joblib.load(source)

def outputs(model, rows):
    assert list(rows.columns) == {columns}, rows.columns
    assert rows.day.dtype == "category" and str(rows.since.dtype).startswith("datetime64")
    return torch.from_numpy(model.predict_proba(rows))
"""


def pipeline():
    """A pipeline with a preparation of its own, fitted to the rows."""
    numbers, texts = make_column_selector(dtype_include="number"), ["town", "day"]
    prepared = make_column_transformer(
        (StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), texts), ("passthrough", ["member"])
    )
    return make_pipeline(prepared, LogisticRegression()).fit(PEOPLE, LABELS)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """The tidy data and a folder with the pipeline and the Python file around it."""
    import joblib

    folder = tmp_path_factory.mktemp("people")
    PEOPLE.assign(answer=LABELS).to_parquet(folder / "people.parquet")
    joblib.dump(pipeline(), folder / "pipe.joblib")
    (folder / "pipe.py").write_text(CODE.format(columns=list(PEOPLE)), encoding="utf-8")
    table = TableData(reader="table", source="t", label="answer").read(folder / "people.parquet", 0)
    write_table(folder / "data.parquet", table)
    return folder


@pytest.fixture(scope="module")
def model(people):
    settings = OwnModel(family="own", file=str(people / "pipe.py"), rows=True, gives="probabilities")
    settings.make(read_table(people / "data.parquet"), people / "pipe.joblib", None, people / "model", 0)
    return load(people / "model")


def found(people, count=4):
    """Candidates, as they are read from their file."""
    players = FeaturePlayers(kind="features", groups={"a": ["income"], "b": ["town", "member"], "c": ["day"]})
    table = candidates(read_table(people / "data.parquet"), players, count, 0)
    write_table(people / "candidates.parquet", table)
    return read_table(people / "candidates.parquet")


def test_rows_are_kept_as_they_were(people):
    table = read_table(people / "data.parquet")
    kept = frame(table)
    pd.testing.assert_frame_equal(kept, PEOPLE.astype({"town": kept.town.dtype, "since": kept.since.dtype}))
    for number, row in enumerate(rows(table)):
        assert row["row"].iloc[0].to_dict() == PEOPLE.iloc[number].to_dict()
    assert sorted(itertools.chain(*row["columns"].values())) == list(range(len(row["features"])))


def test_a_pipeline_reads_rows_as_it_was_fitted_to_them(people, model):
    table = found(people)
    screened = screen("pipe", model, table, config.Masking(baseline="mean"))
    theirs = pipeline().predict_proba(PEOPLE.iloc[table["item"].to_pylist()])
    np.testing.assert_allclose(np.exp(screened["full"].to_pylist()), theirs, rtol=1e-5)
    right, items = accuracy(model, read_table(people / "data.parquet"), "test")
    test = np.asarray(read_table(people / "data.parquet")["split"].to_pylist()) == "test"
    assert (right, items) == (int((pipeline().predict(PEOPLE[test]) == LABELS[test]).sum()), test.sum())


@pytest.mark.parametrize("baseline", ["mean", "marginal"])
def test_masked_rows_against_the_plain_definition(people, model, baseline):
    """v(S): the mean probability over rows of the background in which what is present was put in."""
    masking = config.Masking(baseline=baseline, rows=7 if baseline == "marginal" else None)
    attach(model, people / "data.parquet", "pipe", masking.background_rows)
    training = frame(for_training(read_table(people / "data.parquet")))
    others = typical_row(training) if baseline == "mean" else model.background
    assert len(others) == (1 if baseline == "mean" else 7)
    sample = next(rows(found(people)))
    outputs = evaluate(bind(model, sample, masking))
    groups, row = [["income"], ["town", "member"], ["day"]], sample["row"]
    for coalition in range(8):
        masked = pd.concat([row] * len(others), ignore_index=True)
        for player, columns in enumerate(groups):
            for name in columns if not coalition >> player & 1 else []:
                masked[name] = others[name].to_numpy() if name != "day" else others[name].reset_index(drop=True)
        expected = pipeline().predict_proba(masked).mean(axis=0)
        np.testing.assert_allclose(np.exp(outputs[coalition]), expected, rtol=1e-5)
    assert np.ptp(outputs[:, 0]) > 0.1


def test_what_names_the_outputs_of_a_row_in_the_cache(people, model):
    samples = list(rows(found(people)))
    contents = [json.dumps(locate(model, sample, config.Masking(baseline="mean")).content()) for sample in samples]
    assert len(set(contents)) == len(contents)
    assert contents[0] == json.dumps(locate(model, samples[0], config.Masking(baseline="mean")).content())


def test_an_estimator_that_was_fitted_to_names_is_not_given_numbers(people):
    settings = OwnModel(family="own", file=str(people / "pipe.py"), gives="probabilities")
    table = read_table(people / "data.parquet")
    with pytest.raises(UserError, match="fitted to columns by name; set `rows: true` to give it rows as they were"):
        settings.make(table, people / "pipe.joblib", None, people / "other", 0)


@pytest.mark.parametrize(("change", "message"), [
    ({"masking": {"baseline": "zero"}}, "masking.baseline `zero` is of standardised numbers, model `a` reads rows as"),
    ({"data": {"reader": "digits"}, "players": {"kind": "patches", "count": 4}}, "`rows` are of tables, digits is no"),
])  # fmt: skip
def test_what_does_not_go_with_rows_is_said_by_the_check(change, message, tmp_path):
    task = {
        "data": {"reader": "scikit_learn", "name": "iris"}, "masking": {"baseline": "mean"},
        "models": {"a": {"family": "own", "file": "a.py", "rows": True}},
        "players": {"kind": "features", "count": 2},
    }  # fmt: skip
    Path(tmp_path / "a.py").touch()
    config.check({"tasks": {"t": task}}, base=tmp_path)
    with pytest.raises(UserError, match=message):
        config.check({"tasks": {"t": task | change}}, base=tmp_path)
