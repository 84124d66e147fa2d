"""Texts and classes are read from files as people have them, and are what pandas reads."""

import bz2
import gzip
import json
import lzma

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from andor.data.classes import class_names
from andor.data.readers.texts import TextsData
from andor.errors import UserError

ROWS = [
    ("un café très agréable", "bon"),
    ("«хороший» фильм", "gut"),
    ('a "warm", calm\nfilm', "bon"),
    ("难看的电影", "bad"),
]
FRAME = pd.DataFrame(ROWS * 5, columns=["text", "label"])


def read(path, **more):
    return TextsData(reader="texts", source="x", **more).read(path, seed=0)


def zstd(content):
    return pa.compress(content, "zstd", asbytes=True)


FORMATS = {
    "t.csv": lambda f: f.to_csv(index=False).encode(),
    "t.tsv": lambda f: f.to_csv(index=False, sep="\t").encode(),
    "t.jsonl": lambda f: f.to_json(orient="records", lines=True, force_ascii=False).encode(),
    "t.ndjson": lambda f: f.to_json(orient="records", lines=True).encode(),
    "t.json": lambda f: f.to_json(orient="records", indent=1).encode(),
    "T.CSV": lambda f: ("\ufeff" + f.to_csv(index=False, lineterminator="\r\n")).encode(),
    "utf16.csv": lambda f: f.to_csv(index=False).encode("utf-16"),
}
COMPRESSIONS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_every_format_compressed_or_not(name, ending, tmp_path):
    (tmp_path / f"{name}{ending}").write_bytes(COMPRESSIONS[ending](FORMATS[name](FRAME)))
    table = read(tmp_path / f"{name}{ending}")
    assert table["text"].to_pylist() == FRAME["text"].tolist()
    assert class_names(table) == ["bad", "bon", "gut"] and table["label"].to_pylist() == [1, 2, 1, 0] * 5
    assert table["split"].to_pylist().count("test") == 5


def test_parquet_with_names_that_the_hub_states(tmp_path):
    stated = json.dumps({"info": {"features": {"stars": {"names": ["bad", "fair", "good"], "_type": "ClassLabel"}}}})
    table = pa.table({"review": ["a", "b", "c", "d"] * 3, "stars": [2, 0, 1, 0] * 3})
    pq.write_table(table.replace_schema_metadata({"huggingface": stated}), tmp_path / "t.parquet")
    found = read(tmp_path, text="review", label="stars", test_fraction=0.5)
    assert class_names(found) == ["bad", "fair", "good"] and found["label"].to_pylist() == [2, 0, 1, 0] * 3
    good = read(tmp_path, text="review", label="stars", positive="good", test_fraction=0.5)
    assert class_names(good) == ["not good", "good"] and sum(good["label"].to_pylist()) == 3


@pytest.mark.parametrize("others", [["bad", "good"], ["good", "bad"], ["bad"]])
def test_files_that_name_classes_differently_are_refused(others, tmp_path):
    for file, names in (("train", ["bad", "good"]), ("test", others)):
        stated = json.dumps({"info": {"features": {"label": {"names": names}}}})
        table = pa.table({"text": ["a", "b"], "label": [0, 0]}).replace_schema_metadata({"huggingface": stated})
        pq.write_table(table, tmp_path / f"{file}.parquet")
    if others[0] == "bad":
        assert class_names(read(tmp_path)) == ["bad", "good"]
    else:
        with pytest.raises(UserError, match="its files call class 0 of column `label` 'bad' and 'good'; number the"):
            read(tmp_path)


@pytest.mark.parametrize("by", ["files", "folders", "column"])
def test_splits_that_are_stated(by, tmp_path):
    parts = {"train": FRAME[:8], "dev": FRAME[8:12], "test": FRAME[12:]}
    more = {}
    if by == "column":
        pd.concat([part.assign(fold=name) for name, part in parts.items()]).to_csv(tmp_path / "t.csv", index=False)
        more = {"split": "fold"}
    for name, part in parts.items() if by != "column" else ():
        path = tmp_path / (f"{name}_set.csv" if by == "files" else f"{name}/0.csv")
        path.parent.mkdir(exist_ok=True)
        part.to_csv(path, index=False)
    table = read(tmp_path, **more).to_pandas()
    assert table.query("split == 'train'")["text"].tolist() == FRAME["text"][:8].tolist()
    assert table.query("split == 'test'")["text"].tolist() == FRAME["text"][8:12].tolist()  # tests may hide labels


def test_quotation_marks_of_files_with_tabs_are_letters(tmp_path):
    (tmp_path / "t.tsv").write_text('text\tlabel\n"Bad," she said\t0\nnot 5" long\t1\n"fine"\t1\nso so\t0\n')
    found = read(tmp_path / "t.tsv", test_fraction=1)
    assert found["text"].to_pylist() == ['"Bad," she said', 'not 5" long', "fine", "so so"]
    assert set(found["split"].to_pylist()) == {"test"}


def test_empty_texts_halves_of_characters_and_numbers_that_are_texts(tmp_path):
    rows = [
        {"text": None, "label": 3},
        {"label": 0},
        {"text": "a \\ud83d\\ude00 b\\ud83d", "label": 1},
        {"text": "c", "label": 0},
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(row).replace("\\\\", "\\") for row in rows))
    found = read(tmp_path / "t.jsonl", test_fraction=1)
    assert found.to_pylist() == [
        {"item": 2, "split": "test", "label": 1, "text": "a 😀 b\ufffd"},
        {"item": 3, "split": "test", "label": 0, "text": "c"},
    ]


@pytest.mark.parametrize(
    ("name", "content", "more", "message"),
    [
        ("t.csv", "text;label\na;1\n", {}, r'no column `text`; it has text;label; set `data.separator: ";"` if'),
        ("t.csv", "text,label\na,1,2\n", {}, "no readable .csv file .row 1 has 3 cells, the header 2"),
        ("t.csv", "text,text,label\na,b,1\n", {}, "has 2 columns `text`"),
        ("t.csv", "", {}, "it is empty"),
        ("t.csv", "caf\u00e9,label".encode("cp1252"), {}, "is not in utf-8 .* set `data.encoding`, such as cp1252"),
        ("t.jsonl", '{"text": "a", "label": 1}\n{"text": ', {}, "line 2: "),
        ("t.jsonl", "[1, 2]", {}, "line 1: no object, but 1"),
        ("t.jsonl", '{"text": 3, "label": 1}', {}, "column `text` holds '3', no text"),
        ("t.jsonl", '{"text": "a", "label": ["x"]}', {}, r"column `label` holds \['x'\]; name one of names"),
        ("t.csv.gz", b"\x1f\x8bno", {}, "no readable .csv file"),
        ("t.csv.zst", b"no", {}, "no readable .csv file"),
        ("t.parquet", b"PAR1", {}, "no readable .parquet file"),
        ("t.xlsx", b"PK", {}, "its name must end in .csv, .tsv"),
        ("t.csv", "text,label\n,1\n", {}, "column `text` holds no text with a word; name another"),
        ("t.csv", "text,label\n😀 …,1\n", {}, "column `text` holds no text with a word"),
        ("t.csv", "text,label\na,\n", {}, "column `label` has 1 empty cells"),
        ("t.csv", "text,label\na,-1\n", {}, "column `label` holds -1, in 1 rows negative numbers"),
        ("t.csv", "text,label,fold\na,1,1\n", {"split": "fold"}, "`fold` says neither train nor test, but 1; name an"),
        ("t.csv", "text,label\na,1\nb,1\n", {"positive": "x"}, "`data.positive: x`: 0 of 2 items"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_line(name, content, more, message, tmp_path):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path / name, **more)
    assert "\n" not in str(caught.value)


PLAIN = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp", "Cf"], exclude_characters='&"'), min_size=1
)


@given(
    st.lists(st.tuples(PLAIN, st.sampled_from(["a", "B", "ç"])), min_size=4, max_size=12),
    st.sampled_from(sorted(FORMATS)),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_pandas_writes_is_read(tmp_path, rows, name):
    assume(any(map(str.isalnum, "".join(text for text, _ in rows))))  # no text with a word is refused
    frame = pd.DataFrame(rows, columns=["text", "label"])
    (tmp_path / name).write_bytes(FORMATS[name](frame))
    found = read(tmp_path / name, test_fraction=1)
    assert found["text"].to_pylist() == frame["text"].tolist()
    codes, names = pd.factorize(frame["label"], sort=True)
    assert found["label"].to_pylist() == codes.tolist() and class_names(found) == names.tolist()
    assert found["item"].to_pylist() == np.arange(len(frame)).tolist()
