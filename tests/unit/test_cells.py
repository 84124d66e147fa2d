"""Cells of tables mean what their author meant, in whatever notation."""

import datetime
import decimal
import gzip
import json
import lzma

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
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


@pytest.mark.slow
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


ZONES = ["2020-01-05T12:00:00Z", "2020-01-05T13:00:00+01:00", "2020-01-05 07:00:00.0-05:00"]
ISO = {"2020-01-05T12:00:00Z": 18266.5, "12:00": 0.5, "6:00:30.5": 0.25 + 30.5 / 86400}


@pytest.mark.parametrize("text", ISO)
def test_dates_with_zones_and_times_of_day(text):
    np.testing.assert_allclose(numbers_of(pd.Series([text] * 2)), [ISO[text]] * 2)
    assert len(set(numbers_of(pd.Series(ZONES)).tolist())) == 1
    times = pd.Series([datetime.time(18), None, datetime.time(6, 30)])
    np.testing.assert_allclose(numbers_of(times), [0.75, np.nan, 6.5 / 24])


def as_read(frame, path, **settings):
    getattr(frame, {".csv": "to_csv", ".parquet": "to_parquet", ".jsonl": "to_json"}[path.suffix])(
        path, **({"orient": "records", "lines": True} if path.suffix == ".jsonl" else {"index": False})
    )
    table = TableData(reader="table", source="t", label="class", **settings).read(path, seed=0)
    train = np.asarray(table["split"].to_pylist()) == "train"
    return arrays(table), json.loads(table.schema.metadata[b"columns"]), train


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_missing_values(ending, tmp_path):
    frame = pd.DataFrame({"x": INCOME, "colour": ["red", "blue"] * 40, "class": CLASS})
    frame.loc[[0, 7, 33], "x"], frame.loc[[2, 5], "colour"] = np.nan, None
    path = tmp_path / f"t{ending}"
    with pytest.raises(UserError, match=r"`x` has 3 empty cells; fill them, name other features, or set `data.m"):
        as_read(frame, path)
    filled, columns, train = as_read(frame, path, missing="fill")
    assert columns == {"x": [0], "colour": [1, 2]}
    mean, spread = frame["x"][train].mean(), frame["x"][train].std(ddof=0)
    np.testing.assert_allclose(filled[:, 0], (frame["x"].fillna(mean) - mean) / spread, rtol=1e-5, atol=1e-6)
    most = frame["colour"][train].mode()[0]
    expected = np.stack([frame["colour"].fillna(most) == name for name in ("blue", "red")], 1)
    np.testing.assert_array_equal(filled[:, 1:], expected)
    marked, columns, _ = as_read(frame, path, missing="indicator")
    assert columns == {"x": [0, 1], "colour": [2, 3, 4]}
    np.testing.assert_array_equal(marked[:, 0], filled[:, 0])
    np.testing.assert_array_equal(marked[:, 1], frame["x"].isna())
    np.testing.assert_array_equal(marked[:, 2:4].argmax(1), frame["colour"] == "red")
    np.testing.assert_array_equal(marked[:, 4], frame["colour"].isna())


@pytest.mark.parametrize("mark", ["?", "n/a", "-", ".", "#DIV/0!", "NULL", "unknown"])
def test_marks_for_what_is_not_there(mark, tmp_path):
    cells = [mark if n in (3, 50) else f"{x:.2f}" for n, x in enumerate(INCOME)]
    frame = pd.DataFrame({"x": cells, "class": CLASS})
    with pytest.raises(UserError, match=r"set `data.missing`"):
        as_read(frame, tmp_path / "t.csv")
    found, columns, _ = as_read(frame, tmp_path / "t.csv", missing="indicator")
    assert columns == {"x": [0, 1]} and np.flatnonzero(found[:, 1]).tolist() == [3, 50]


def test_rows_without_what_is_there_are_left_out(tmp_path):
    frame = pd.DataFrame({"x": ["?" if n == 3 else f"{x:.2f}" for n, x in enumerate(INCOME)], "class": CLASS})
    frame["colour"] = ["?" if n == 4 else None if n == 5 else "red" for n in range(80)]  # among texts a mark is one
    left, _, _ = as_read(frame, tmp_path / "t.csv", missing="drop")
    expected = INCOME.round(2)[[n for n in range(80) if n not in (3, 5)]]
    assert np.corrcoef(left[:, 0], expected)[0, 1] > 1 - 1e-9 and left.shape == (78, 3)
    numbers = frame.assign(**{"class": ["?" if n < 2 else f"{x:.1f}" for n, x in enumerate(INCOME)]})
    assert len(as_read(numbers, tmp_path / "n.csv", missing="drop", numeric=True)[0]) == 76
    with pytest.raises(UserError, match=r"column `class`: most cells are numbers, cells such as '\?' are no numbers"):
        as_read(numbers, tmp_path / "n.csv", missing="fill", numeric=True)


def test_rows_are_left_out_until_no_cell_is_empty(tmp_path):
    """Without the row of the only text, what is left of the column are numbers, and a mark among them is empty."""
    x = [f"{x:.2f}" for x in INCOME]
    frame = pd.DataFrame({"x": [None, *x[1:]], "y": ["none at all", "?", *["1.5", "2", "3"] * 26], "class": CLASS})
    left, columns, _ = as_read(frame, tmp_path / "t.csv", missing="drop")
    assert columns == {"x": [0], "y": [1]} and len(left) == 78


@pytest.mark.parametrize("rows", ["0,1,2,yes\n1,2,3,no\n", "0,1,2,yes\n2,3,no\n"])
def test_rows_longer_than_the_header_are_refused(rows, tmp_path):
    (tmp_path / "t.csv").write_text(f"x,y,class\n{rows}")
    with pytest.raises(UserError, match=r"t\.csv: .*rows have more cells than there are names of columns"):
        TableData(reader="table", source="t", label="class").look(tmp_path / "t.csv")


def test_whole_numbers_beyond_64_bits(tmp_path):
    lines = [json.dumps({"x": 10**30 + n * 10**28, "class": name}) for n, name in enumerate(CLASS)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    table = TableData(reader="table", source="t", label="class").read(tmp_path / "t.jsonl", seed=0)
    assert np.corrcoef(arrays(table)[:, 0], np.arange(80))[0, 1] > 1 - 1e-6


@pytest.mark.parametrize("ending", ["", ".gz", ".xz", ".zst"])
def test_exports(ending, tmp_path):
    """Row numbers before the table, spaces around names and classes, a byte order mark, another encoding."""
    frame = pd.DataFrame({" größe ": INCOME.round(1), "class": np.char.add(CLASS, " ")})
    text = "\ufeff" + frame.to_csv(sep=";")
    compress = {".gz": gzip.compress, ".xz": lzma.compress, ".zst": lambda b: pa.compress(b, "zstd", asbytes=True)}
    (tmp_path / f"t.csv{ending}").write_bytes(compress.get(ending, bytes)(text.encode()))
    settings = TableData(reader="table", source="t", label="class", separator=";", positive="yes")
    table = settings.read(tmp_path, seed=0)
    assert json.loads(table.schema.metadata[b"columns"]) == {"größe": [0]}
    assert sum(table["label"].to_pylist()) == 40
    (tmp_path / f"t.csv{ending}").unlink()
    (tmp_path / "t.csv").write_bytes(text[1:].encode("cp1252"))
    with pytest.raises(UserError, match=r"is not in utf-8 .* set `data.encoding`, such as cp1252"):
        settings.read(tmp_path, seed=0)
    assert settings.model_copy(update={"encoding": "cp1252"}).read(tmp_path, seed=0).equals(table)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": [None] * 80}, "column `x` is empty; name other features"),
        ({"x": [np.inf, *INCOME[1:]]}, "column `x` holds numbers that are not finite"),
        ({"x ": INCOME, "x": INCOME}, "several columns `x`; rename them"),
        ({"x": [[1, 2], {"a": 1}] + ["z"] * 78}, ""),
        ({"x": [b"\xff"] * 80}, ""),
    ],
)
def test_odd_columns(columns, message, tmp_path):
    made = {name: _array(cells) for name, cells in columns.items()}
    pq.write_table(pa.table(made | {"class": CLASS}), tmp_path / "t.parquet")
    settings = TableData(reader="table", source="t", label="class", missing="fill")
    if not message:
        assert arrays(settings.read(tmp_path, seed=0)).shape[0] == 80
        return
    with pytest.raises(UserError, match=message):
        settings.read(tmp_path, seed=0)


def _array(cells):
    try:
        return pa.array(cells)
    except pa.ArrowInvalid:
        return pa.array(map(str, cells))


EARLY, LATE = datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)
KINDS = (
    st.integers(-(2**62), 2**62),
    st.floats(-1e9, 1e9),
    st.booleans(),
    st.decimals(-1000, 1000, places=2),
    st.datetimes(EARLY, LATE),
    st.dates(EARLY.date(), LATE.date()),
)
CELLS = st.one_of([st.lists(st.one_of(st.none(), kind), min_size=8, max_size=8) for kind in KINDS])


@pytest.mark.slow
@given(CELLS)
@hypothesis_settings(max_examples=80, deadline=None)
def test_numbers_of_any_type_are_those_of_pandas(cells):
    column = pa.array(cells).to_pandas()
    column = column.rename("x") if isinstance(column, pd.Series) else pd.Series(column, name="x")
    if column.isna().all():
        return
    kept = column.dropna()
    if isinstance(next(cell for cell in cells if cell is not None), datetime.date):
        expected = (pd.to_datetime(kept) - pd.Timestamp(0)) / pd.Timedelta(days=1)
    else:
        expected = kept.astype(float)
    found = numbers_of(column)
    np.testing.assert_allclose(found[column.notna()], expected, rtol=1e-12)
    assert np.isnan(found[column.isna()]).all()
