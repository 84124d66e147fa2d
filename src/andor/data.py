"""Data sets as tidy tables: one row per item, with its split, its label and its text or image.

Columns: ``item`` (int32, position in the origin), ``split`` (``train`` or ``test``), ``label`` (int8), and ``text`` (string)
or ``image`` (list of float32 in [0, 1]: channels × height × width, flattened; the schema's metadata key ``shape`` holds
[C, H, W] as JSON).
"""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from sklearn.model_selection import train_test_split

from andor import config
from andor.errors import UserError


def read(data: config.Data, source: Path | None, seed: int) -> pa.Table:
    """Tidy table of a data set.

    Parameters
    ----------
    data
        What to read and how.
    source
        The file or folder of the entry of `sources` it names; None for data that come with a library.
    seed
        Seed of the stratified split, where the origin has none of its own.

    Raises
    ------
    UserError
        If a file or column is missing, or a value is not what it should be.
    """
    match data:
        case config.DigitsData():
            return _digits(data, seed)
        case config.ImagesData():
            return _images(data, _given(data, source))
        case config.FilmReviewsData():
            return _film_reviews(data, _given(data, source), seed)
        case config.SentencesData():
            return _sentences(data, _given(data, source))
        case config.PassagesData():
            return _passages(data, _given(data, source))


def images(table: pa.Table) -> np.ndarray:
    """Images of a table as (rows, C, H, W) float32."""
    shape = json.loads(table.schema.metadata[b"shape"])
    return table["image"].combine_chunks().flatten().to_numpy().reshape(-1, *shape)


# --------------------------------------------------------------------------------------------------- readers


def _digits(data: config.DigitsData, seed: int) -> pa.Table:
    origin = load_digits()
    pixels = np.stack([_pixels(Image.fromarray(np.float32(image) / 16), data.size) for image in origin.images])
    labels = (origin.target == data.positive).astype(np.int8)
    return _table(range(len(labels)), _split(labels, data.test_fraction, seed), labels, pixels)


def _images(data: config.ImagesData, source: Path) -> pa.Table:
    parts = {split: _parquet(source, f"{split}*.parquet", ["image", "label"]) for split in ("train", "test")}
    rows = pa.concat_tables([part.select(["image", "label"]) for part in parts.values()], promote_options="permissive")
    labels = np.int8(_column(rows, "label", source).to_numpy() == data.positive)
    if not labels.any() or labels.all():
        raise UserError(
            f"data.positive {data.positive}: {source} has {labels.sum()} of {len(labels)} images of that class; choose another"
        )
    pixels = [_pixels(_decoded(image, source), data.size) for image in rows["image"].to_pylist()]
    if len({image.shape for image in pixels}) > 1:  # a few grey images among colour ones: all become colour
        pixels = [np.broadcast_to(image, (3, data.size, data.size)) for image in pixels]
    split = np.repeat(list(parts), [part.num_rows for part in parts.values()])
    return _table(range(len(labels)), split, labels, np.stack(pixels))


def _film_reviews(data: config.FilmReviewsData, source: Path, seed: int) -> pa.Table:
    try:
        rows = pd.read_csv(source, sep="\t", header=None, quoting=3, encoding="utf-8", lineterminator="\n")
        # A number, the mean human score (-4..4) and the sentence, in this order.
        scored = pd.DataFrame({"text": rows[2].map(_repaired), "score": rows[1].astype(float)})
    except FileNotFoundError:
        raise UserError(
            f"data.source {data.source}: {source} is no file; name VADER's file of scored sentences"
        ) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"data.source {data.source}: {source} has no tab-separated number, score and sentence in each line ({error}); "
            "name VADER's movieReviewSnippets_GroundTruth.txt"
        ) from None
    # A sentence that was scored twice counts once, with the mean of its scores, at its first position.
    scored = (
        scored.reset_index(names="item")
        .groupby("text", as_index=False, sort=False)
        .agg({"item": "min", "score": "mean"})
    )
    scored = scored[(scored["score"].abs() >= data.min_score) & (scored["score"] != 0)]
    labels = (scored["score"] > 0).to_numpy(np.int8)
    split = _split(labels, data.test_fraction, seed)
    table = _table(scored["item"], split, labels, scored["text"])
    return table if data.train_limit is None else _limited(table, data.train_limit, seed)


def _sentences(data: config.SentencesData, source: Path) -> pa.Table:
    # The hub's test splits often hide their labels, hence validation first.
    held_out = "validation" if list(source.rglob("validation*.parquet")) else "test"
    columns = [data.text, data.label]
    parts = {
        name: _parquet(source, f"{file}*.parquet", columns) for name, file in (("train", "train"), ("test", held_out))
    }
    texts, labels, split = [], [], []
    for name, part in parts.items():
        texts += [_repaired(text or "") for text in _column(part, data.text, source).to_pylist()]
        labels += _column(part, data.label, source).to_pylist()
        split += [name] * part.num_rows
    if unknown := set(labels) - {0, 1}:
        raise UserError(f"data.label {data.label}: {source} holds the value {unknown.pop()}; name a column of 0 and 1")
    keep = [row for row, text in enumerate(texts) if text]
    return _table(keep, [split[row] for row in keep], [labels[row] for row in keep], [texts[row] for row in keep])


def _passages(data: config.PassagesData, source: Path) -> pa.Table:
    passages = _column(_records(data, source), data.text, source).to_pylist()
    first = {}  # one passage often serves many questions
    for item, passage in enumerate(passages):
        first.setdefault(_repaired(passage or ""), item)
    prompts = {item: prompt for passage, item in first.items() if (prompt := _prompt(passage, data.words)) is not None}
    if not prompts:
        raise UserError(f"data.words {data.words}: no passage of {source} is longer than that; lower it")
    return _table(list(prompts), ["test"] * len(prompts), [0] * len(prompts), list(prompts.values()))


# --------------------------------------------------------------------------------------------------- helpers


def _prompt(passage: str, words: int) -> str | None:
    """Opening of a passage whose next word is worth predicting; None if the passage ends before there is one.

    At least `words` words; more while the next one is a stop word (or mere punctuation) or a sentence ended in the last
    5 words (section 4 of the ICLR 2024 paper).
    """
    tokens = list(re.finditer(r"\S+", passage))
    for end in range(words, len(tokens)):
        following = re.sub(r"^\W+|\W+$", "", tokens[end].group()).lower()
        ended = any(re.search(r"[.!?][\"'”’)\]]*$", token.group()) for token in tokens[max(0, end - 5) : end])
        if following and following not in ENGLISH_STOP_WORDS and not ended:
            return passage[: tokens[end - 1].end()]
    return None


def _repaired(text: str) -> str:
    """Text without HTML entities and with single spaces (the film reviews lost their dashes to runs of spaces)."""
    return " ".join(html.unescape(text).split())


def _pixels(image: Image.Image, size: int) -> np.ndarray:
    """Image scaled to ``size`` × ``size`` as (C, H, W) float32 in [0, 1]: one channel if grey, three if not."""
    scale = 1.0 if image.mode == "F" else 255.0
    if image.mode not in ("F", "L"):
        image = image.convert("L" if image.mode in ("1", "I;16", "LA") else "RGB")
    array = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), dtype=np.float32) / np.float32(scale)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def _decoded(image: dict | bytes, source: Path) -> Image.Image:
    """Image from bytes, alone or beside a path as the hub stores them."""
    content = image["bytes"] if isinstance(image, dict) else image
    try:
        return Image.open(io.BytesIO(content))
    except (OSError, TypeError, Image.DecompressionBombError) as error:
        raise UserError(f"{source}: column `image` holds no readable image ({error}); fetch it again") from None


def _split(labels: np.ndarray, test_fraction: float, seed: int) -> np.ndarray:
    """``train`` or ``test`` for each item, in equal shares of each label."""
    _, test = train_test_split(np.arange(len(labels)), test_size=test_fraction, random_state=seed, stratify=labels)
    split = np.full(len(labels), "train", dtype=object)
    split[test] = "test"
    return split


def _limited(table: pa.Table, limit: int, seed: int) -> pa.Table:
    """Table with at most ``limit`` training rows, in equal shares of each label."""
    train = np.flatnonzero(table["split"].to_numpy() == "train")
    if limit >= len(train):
        return table
    labels = table["label"].to_numpy()[train]
    _, dropped = train_test_split(train, train_size=limit, random_state=seed, stratify=labels)
    return table.filter(~np.isin(np.arange(table.num_rows), dropped))


def _table(
    items: Iterable[int], split: Iterable[str], labels: Iterable[int], content: np.ndarray | Iterable[str]
) -> pa.Table:
    """The tidy table; ``content`` is (rows, C, H, W) for images, texts otherwise."""
    columns = {
        "item": pa.array(list(items), pa.int32()),
        "split": pa.array(list(split), pa.string()),
        "label": pa.array(list(labels), pa.int8()),
    }
    if not isinstance(content, np.ndarray):
        return pa.table(columns | {"text": pa.array(list(content), pa.string())})
    shape = content.shape[1:]
    flat = pa.array(np.ascontiguousarray(content, np.float32).ravel())
    columns["image"] = pa.FixedSizeListArray.from_arrays(flat, int(np.prod(shape)))
    return pa.table(columns).replace_schema_metadata({"shape": json.dumps(shape)})


def _given(data: config.Data, source: Path | None) -> Path:
    if source is None or not source.exists():
        raise UserError(f"data.source {data.source}: {source or 'nothing'} is there; fetch the sources first")
    return source


def _parquet(folder: Path, pattern: str, columns: list[str] | None = None) -> pa.Table:
    """All Parquet files of a folder (and folders in it) that match a pattern, in the order of their names."""
    files = sorted(folder.rglob(pattern))
    if not files:
        raise UserError(f"{folder}: no file {pattern}; name a folder that holds one under `sources`")
    return pa.concat_tables([_readable(file, columns) for file in files], promote_options="permissive")


def _readable(file: Path, columns: list[str] | None = None) -> pa.Table:
    try:
        known = pq.read_schema(file).names
        return pq.read_table(file, columns=[name for name in columns or known if name in known])
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file}: no readable Parquet file ({str(error).splitlines()[0]}); fetch it again") from None


def _records(data: config.PassagesData, source: Path) -> pa.Table:
    """Rows of a Parquet or JSON-lines file, or of the files of a folder: its held-out part if it has one."""
    files = [source]
    if source.is_dir():
        named = [
            sorted(source.rglob(f"{part}*.{kind}"))
            for part in ("validation", "test", "*")
            for kind in ("parquet", "jsonl")
        ]
        files = next((found for found in named if found), [])
    if not files:
        raise UserError(f"data.source {data.source}: {source} holds no .parquet or .jsonl file; name one that does")
    return pa.concat_tables(
        [_readable(file) if file.suffix == ".parquet" else _json_lines(file) for file in files],
        promote_options="permissive",
    )


def _json_lines(file: Path) -> pa.Table:
    try:
        return pyarrow.json.read_json(file)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file}: no JSON lines ({str(error).splitlines()[0]}); fetch it again") from None


def _column(table: pa.Table, name: str, source: Path) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise UserError(f"{source}: no column `{name}`; it has {', '.join(table.column_names)}")
    return table[name]
