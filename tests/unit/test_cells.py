"""Cells of tables mean what their author meant, in whatever notation."""

import datetime
import decimal
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.data.cells import numbers_of
from andor.data.readers.table import TableData
from andor.data.table import arrays
from andor.errors import UserError

INCOME = np.random.default_rng(0).normal(3000, 500, 80).round(2)
CLASS = np.array(["yes", "no"] * 40)


def features(path, **settings):
    """Features of the column `x`, and what its numbers become when they are standardised by the training rows."""
    table = TableData(reader="table", source="t", label="class", **settings).read(path, seed=0)
    assert json.loads(table.schema.metadata[b"columns"]) == {"x": [0]}
    train = np.asarray(table["split"].to_pylist()) == "train"
    return arrays(table)[:, 0], (INCOME - INCOME[train].mean()) / INCOME[train].std()


COMMA = {"decimal": ","}
NOTATIONS = {
    "plain": (lambda x: f"{x:.2f}", {}),
    "comma": (lambda x: f"{x:.2f}".replace(".", ","), COMMA),
    "thousands": (lambda x: f"{x:,.2f}", {}),
    "comma and full stop": (lambda x: f"{x:,.2f}".translate(str.maketrans(".,", ",.")), COMMA),
    "Swiss": (lambda x: f"{x:,.2f}".replace(",", "’"), {}),
    "French": (lambda x: f"{x:,.2f}".replace(",", "\u202f").replace(".", ","), COMMA),
    "dollars": (lambda x: f"${x:,.2f}", {}),
    "euros": (lambda x: f"{x:.2f} €".replace(".", ","), COMMA),
    "percent": (lambda x: f"{x:.2f}%", {}),
    "exponent": (lambda x: f"{x:.8e}", {}),
    "minus": (lambda x: f"−{-x:.2f}" if x < 0 else f"+{x:.2f}", {}),
}


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("separator", [";", "\t"])
def test_notations_of_numbers(notation, separator, tmp_path):
    write, settings = NOTATIONS[notation]
    pd.DataFrame({"x": map(write, INCOME), "class": CLASS}).to_csv(tmp_path / "t.csv", sep=separator, index=False)
    found, expected = features(tmp_path / "t.csv", separator=separator, **settings)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


START = datetime.datetime(2020, 1, 5)
TYPES = {
    "decimal": pa.array([decimal.Decimal(str(x)) for x in INCOME]),
    "texts": pa.array(INCOME.astype(str)),
    "float32": pa.array(INCOME, pa.float32()),
    "dates": pa.array([START + datetime.timedelta(days=x) for x in INCOME], pa.timestamp("us")),
    "dates of a zone": pa.array([START + datetime.timedelta(days=x) for x in INCOME], pa.timestamp("us", "Asia/Tokyo")),
    "dates as texts": pa.array([(START + datetime.timedelta(days=x)).isoformat(" ") for x in INCOME]),
    "spans": pa.array([datetime.timedelta(days=x) for x in INCOME]),
}


@pytest.mark.parametrize("name", TYPES)
def test_types_of_numbers(name, tmp_path):
    pq.write_table(pa.table({"x": TYPES[name], "class": CLASS}), tmp_path / "t.parquet")
    found, expected = features(tmp_path / "t.parquet")
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=30), st.sampled_from([".", ","]))
def test_what_pandas_writes_is_read(values, mark):
    other = {".": ",", ",": "."}[mark]
    texts = pd.Series([f"{value:,.4f}".translate(str.maketrans(".,", mark + other)) for value in values], name="x")
    np.testing.assert_allclose(numbers_of(texts, mark), np.round(values, 4), rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("text", ["red", "1,5", "12,34,567", "1.2.3", "--5", "05.01.2020", "1e", "0x1F", "12-3", "4+"])
def test_what_is_no_number(text):
    assert numbers_of(pd.Series([text, "1"], name="x", dtype=str)) is None


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            np.char.replace(INCOME.astype(str), ".", ","),
            r"`x` has \d+ different texts in 60 rows, .* set `data.decimal`",
        ),
        ([f"Mr {n}" for n in range(80)], "`x` has 60 different texts in 60 rows, such as 'Mr 10'; name other features"),
        (
            [*INCOME.astype(str)[:79], "?"],
            r"column `x`: most cells are numbers, cells such as '\?' are no numbers; mend",
        ),
        ([*INCOME.astype(str)[:79], "7%"], "column `x`: most cells are numbers, some cells have a percent sign"),
        (["2020-01-05"] * 79 + ["2020-13-45"], "column `x` holds no date"),
    ],
)
def test_what_is_neither_numbers_nor_a_few_texts_is_refused_by_name(cells, message, tmp_path):
    pq.write_table(pa.table({"x": cells, "class": CLASS}), tmp_path / "t.parquet")
    with pytest.raises(UserError, match=message):
        features(tmp_path / "t.parquet")


def test_a_few_texts_stay_indicators(tmp_path):
    pq.write_table(pa.table({"x": ["1", "2", "3", "4+"] * 20, "class": CLASS}), tmp_path / "t.parquet")
    table = TableData(reader="table", source="t", label="class").read(tmp_path / "t.parquet", seed=0)
    np.testing.assert_array_equal(arrays(table), np.tile(np.eye(4), (20, 1)))
