"""Data sets as tidy tables: one row per item, with its split, its label and what models read of it.

Columns: ``item`` (int32, position in the origin), ``split`` (``train`` or ``test``), ``label`` (int16), and

- ``text`` (string), or
- an array of float32, flattened, whose shape the schema's metadata key ``shape`` holds as JSON: ``image`` (in [0, 1];
  [C, H, W]), ``features`` ([F]; standardised) or ``points`` ([P, 3]; with ``part``, the number of each point's part, if
  parts are given).

Of features the metadata key ``columns`` maps each column of the origin to its positions among the F.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import pyarrow.parquet as pq
from PIL import Image

from andor import config
from andor.data.players import is_content, words
from andor.errors import UserError
from andor.files import first_line

SENTENCE_END = re.compile(r"[.!?][\"'”’)\]]*\s")


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
        case config.ScikitLearnData():
            return _scikit_learn(data, seed)
        case config.TableData():
            return _features(data, _given(data, source), seed)
        case config.ShapesData():
            return _shapes(data, seed)
        case config.PointCloudsData():
            return _point_clouds(data, _given(data, source))


# --------------------------------------------------------------------------------------------------- readers


def _digits(data: config.DigitsData, seed: int) -> pa.Table:
    from sklearn.datasets import load_digits  # takes seconds to import, and most who read tables need none of it

    origin = load_digits()
    pixels = np.stack([_pixels(Image.fromarray(np.float32(image) / 16), data.size) for image in origin.images])
    labels = _labels(origin.target, data.positive, "the digits")
    return _table(range(len(labels)), _split(labels, data.test_fraction, seed), labels, pixels, "image")


def _images(data: config.ImagesData, source: Path) -> pa.Table:
    rows, split = _splits({"train": "train", "test": "test"}, ["image", "label"], source)
    labels = _labels(rows["label"].to_numpy(), data.positive, str(source))
    pixels = [_pixels(_decoded(image, source), data.size) for image in rows["image"].to_pylist()]
    if len({image.shape for image in pixels}) > 1:  # a few grey images among colour ones: all become colour
        pixels = [np.broadcast_to(image, (3, data.size, data.size)) for image in pixels]
    return _table(range(len(labels)), split, labels, np.stack(pixels), "image")


def _film_reviews(data: config.FilmReviewsData, source: Path, seed: int) -> pa.Table:
    try:
        # A number, the mean human score (-4 to 4) and the sentence, whose quotation marks mean nothing to the format.
        rows = pd.read_csv(source, sep="\t", header=None, quoting=csv.QUOTE_NONE, encoding="utf-8")
        scored = pd.DataFrame({"text": rows[2].map(_repaired), "score": rows[1].astype(float)})
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"`data.source: {data.source}`: {source} has no number, score and sentence in each line ({error}); "
            "name VADER's movieReviewSnippets_GroundTruth.txt"
        ) from None
    # A sentence that was scored twice counts once, at its first position, with the mean of its scores.
    scored = scored.rename_axis("item").reset_index().groupby("text", as_index=False, sort=False)
    scored = scored.agg({"item": "min", "score": "mean"})
    scored = scored[(scored["score"].abs() >= data.min_score) & (scored["score"] != 0)]
    labels = (scored["score"] > 0).to_numpy(np.int8)
    table = _table(scored["item"], _split(labels, data.test_fraction, seed), labels, scored["text"])
    return table if data.train_limit is None else _limited(table, data.train_limit, seed)


def _sentences(data: config.SentencesData, source: Path) -> pa.Table:
    # The hub's test splits often hide their labels, hence validation first.
    held_out = "validation" if list(source.rglob("validation*.parquet")) else "test"
    rows, split = _splits({"train": "train", held_out: "test"}, [data.text, data.label], source)
    if unknown := set(rows[data.label].to_pylist()) - {0, 1}:
        raise UserError(f"`data.label: {data.label}`: {source} holds {unknown.pop()} there; name a column of 0 and 1")
    texts = [_repaired(text or "") for text in rows[data.text].to_pylist()]
    table = _table(range(len(texts)), split, rows[data.label].to_pylist(), texts)
    return table.filter(pc.field("text") != "")


def _passages(data: config.PassagesData, source: Path) -> pa.Table:
    rows = _records(data, source)
    _check_columns(rows, [data.text], source)
    first: dict[str, int] = {}  # one passage often serves many questions
    for item, passage in enumerate(rows[data.text].to_pylist()):
        first.setdefault(_repaired(passage or ""), item)
    prompts = {item: _prompt(passage, data.words) for passage, item in first.items()}
    prompts = {item: prompt for item, prompt in prompts.items() if prompt is not None}
    if not prompts:
        raise UserError(f"`data.words: {data.words}`: no passage of {source} has a prompt of so many words; lower it")
    return _table(prompts, ["test"] * len(prompts), [0] * len(prompts), list(prompts.values()))


def _scikit_learn(data: config.ScikitLearnData, seed: int) -> pa.Table:
    from sklearn import datasets

    origin = getattr(datasets, f"load_{data.name}")(as_frame=True)
    labels = _labels(origin.target.to_numpy(), data.positive, data.name)
    return _tabular(origin.data, labels, data, seed)


def _features(data: config.TableData, source: Path, seed: int) -> pa.Table:
    frame = _frame(data, source)
    for name in [data.label, *(data.features or [])]:
        if name not in frame.columns:
            raise UserError(f"{source}: no column `{name}`; it has {', '.join(map(str, frame.columns))}")
    if data.label in (data.features or []):
        raise UserError(f"`data.features` names the label `{data.label}`; take it away")
    classes = frame[data.label]
    if classes.isna().any():
        raise UserError(f"{source}: column `{data.label}` has {classes.isna().sum()} empty cells; fill them")
    known = sorted(classes.unique().tolist())
    if data.positive is None and len(known) > len(frame) / 2:
        raise UserError(f"`data.label: {data.label}`: {len(known)} classes in {len(frame)} rows; name a column of few")
    if data.positive is not None:
        # As YAML reads it: `1` is a number, and the cells of a column may be texts.
        labels = (classes == data.positive) | (classes.astype(str) == str(data.positive))
        labels = _labels(labels.to_numpy(np.int16), 1, str(source), data.positive, known)
    else:
        labels = classes.map({name: number for number, name in enumerate(known)}).to_numpy(np.int16)
    features = frame[data.features] if data.features else frame.drop(columns=data.label)
    return _tabular(features, labels, data, seed)


def _frame(data: config.TableData, source: Path) -> pd.DataFrame:
    """The table of a file, or of the only file in a folder."""
    kinds = (".csv", ".tsv", ".data", ".dat", ".parquet")
    files = [source] if source.is_file() else sorted(f for f in source.rglob("*") if f.suffix in kinds)
    if len(files) != 1:
        raise UserError(f"`data.source: {data.source}`: {source} holds {len(files)} tables; name one file with !member")
    try:
        if files[0].suffix == ".parquet":
            return pq.read_table(files[0]).to_pandas()
        separator = "\t" if files[0].suffix == ".tsv" else data.separator
        header = 0 if data.names is None else None
        frame = pd.read_csv(files[0], sep=separator, skipinitialspace=True, header=header)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{files[0]}: no readable table ({first_line(error)}); name a CSV or Parquet file") from None
    if data.names is not None:
        if len(data.names) != frame.shape[1]:
            raise UserError(f"`data.names` are {len(data.names)}, {files[0]} has {frame.shape[1]} columns; name each")
        frame.columns = data.names
    return frame


def _tabular(
    frame: pd.DataFrame, labels: np.ndarray, data: config.ScikitLearnData | config.TableData, seed: int
) -> pa.Table:
    """Features as models read them: numbers standardised by the training rows, an indicator for each other value."""
    split = _split(labels, data.test_fraction, seed)
    train = split == "train"
    columns: dict[str, list[int]] = {}
    encoded: list[np.ndarray] = []
    for name, cells in frame.items():
        if cells.isna().any():
            raise UserError(f"column `{name}` has {cells.isna().sum()} empty cells; fill them or name other features")
        if pd.api.types.is_numeric_dtype(cells):
            numbers = cells.to_numpy(np.float64)
            spread = numbers[train].std()
            values = [(numbers - numbers[train].mean()) / (spread if spread > 0 else 1.0)]
        else:
            texts = cells.astype(str)
            values = [(texts == value).to_numpy(np.float64) for value in sorted(texts[train].unique())]
        columns[str(name)] = list(range(len(encoded), len(encoded) + len(values)))
        encoded += values
    features = np.stack(encoded, axis=1).astype(np.float32)
    if not np.isfinite(features).all():
        raise UserError("the table holds numbers that are not finite; mend them")
    return _table(range(len(labels)), split, labels, features, "features", columns=columns)


def _shapes(data: config.ShapesData, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    labels = np.arange(data.count, dtype=np.int16) % 2
    clouds, parts = zip(*(_furniture(bool(label), data.points, random) for label in labels), strict=True)
    split = _split(labels, data.test_fraction, seed)
    return _table(range(data.count), split, labels, np.stack(clouds), "points", parts=np.stack(parts))


def _furniture(chair: bool, points: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points (P, 3) spread over the boxes of a table or a chair, and the number of the box of each (P,).

    Parts: 0 the board, 1 to 4 the legs, 5 the back of a chair. Clouds are centred and fit the unit ball.
    """
    width, depth = random.uniform(0.4, 0.9, 2)
    height, leg = random.uniform(0.4, 0.9), random.uniform(0.05, 0.1)
    boxes = [(-width, -depth, height, width, depth, height + leg)]
    for x in (-width, width - leg):
        boxes += [(x, y, 0, x + leg, y + leg, height) for y in (-depth, depth - leg)]
    if chair:
        boxes.append((-width, depth - leg, height, width, depth, height + random.uniform(0.5, 1.0)))
    low, high = np.array(boxes)[:, :3], np.array(boxes)[:, 3:]
    sides = high - low
    area = sides[:, 0] * sides[:, 1] + sides[:, 1] * sides[:, 2] + sides[:, 0] * sides[:, 2]
    part = np.sort(random.choice(len(boxes), points, p=area / area.sum()))
    part[: len(boxes)] = np.arange(len(boxes))  # every part has a point
    cloud = low[part] + random.random((points, 3)) * sides[part]
    cloud -= cloud.mean(axis=0)
    return np.float32(cloud / np.linalg.norm(cloud, axis=1).max()), np.int16(part)


def _point_clouds(data: config.PointCloudsData, source: Path) -> pa.Table:
    rows, split = _splits({"train": "train", "test": "test"}, ["points", "label"], source, optional=["part"])
    labels = _labels(rows["label"].to_numpy(), data.positive, str(source))
    clouds = [np.array(cloud, np.float32) for cloud in rows["points"].to_pylist()]
    if clouds[0].ndim != 2 or any(cloud.shape != clouds[0].shape for cloud in clouds):
        raise UserError(
            f"{source}: column `points` holds no clouds of equal shape (points, coordinates); resample them"
        )
    parts = None
    if "part" in rows.column_names:
        listed = rows["part"].to_pylist()
        if any(part is None or len(part) != len(clouds[0]) for part in listed):
            raise UserError(f"{source}: column `part` has not a number for each point; mend it")
        parts = np.array(listed, np.int16)
    return _table(range(len(labels)), split, labels, np.stack(clouds), "points", parts=parts)


# --------------------------------------------------------------------------------------------------- helpers


def _labels(
    classes: np.ndarray, positive: int | None, origin: str, said: object = None, known: list | None = None
) -> np.ndarray:
    """Class numbers as they are, or 1 for one class and 0 for the rest; int16."""
    if positive is None:
        return classes.astype(np.int16)
    labels = (classes == positive).astype(np.int16)
    if not 0 < labels.sum() < len(labels):
        raise UserError(
            f"`data.positive: {positive if said is None else said}`: {labels.sum()} of {len(labels)} items of {origin} "
            f"are of that class; choose one of {(known or sorted(set(classes.tolist())))[:10]}"
        )
    return labels


def _prompt(passage: str, count: int) -> str | None:
    """Opening of a passage whose next word is worth predicting; None if the passage ends before there is one.

    At least `count` words; more while the next word is a stop word or a sentence ended in the last 5 words (ICLR 2024,
    section 4).
    """
    found = words(passage)
    for number in range(count, len(found)):
        recent = passage[found[max(0, number - 5)].start : found[number].start]
        if is_content(found[number].text) and not SENTENCE_END.search(recent):
            return passage[: found[number].start].rstrip()
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
    test = _stratified(labels, test_fraction, seed, f"test_fraction: {test_fraction}")
    return np.where(np.isin(np.arange(len(labels)), test), "test", "train")


def _limited(table: pa.Table, limit: int, seed: int) -> pa.Table:
    """Table with at most ``limit`` training rows, in equal shares of each label."""
    train = np.flatnonzero(np.asarray(table["split"]) == "train")
    if limit >= len(train):
        return table
    labels = np.asarray(table["label"])[train]
    dropped = train[_stratified(labels, len(train) - limit, seed, f"train_limit: {limit}")]
    return table.filter(~np.isin(np.arange(table.num_rows), dropped))


def _stratified(labels: np.ndarray, size: int | float, seed: int, key: str) -> np.ndarray:
    """Positions of a number or share of the items, drawn in equal shares of each label."""
    from sklearn.model_selection import train_test_split

    try:
        return train_test_split(np.arange(len(labels)), test_size=size, random_state=seed, stratify=labels)[1]
    except ValueError as error:
        known, sizes = np.unique(labels, return_counts=True)
        counts = " and ".join(f"{size} of label {label}" for label, size in zip(known, sizes, strict=True))
        counts = counts.replace(" of", " items of", 1)
        raise UserError(f"`data.{key}` does not fit {counts} ({error}); change it") from None


def _table(
    items: Iterable[int],
    split: Iterable[str],
    labels: Iterable[int],
    content: np.ndarray | Iterable[str],
    kind: str = "text",
    columns: Mapping[str, list[int]] | None = None,
    parts: np.ndarray | None = None,
) -> pa.Table:
    """The tidy table; ``content`` is texts, or an array (rows, …) of one of the kinds in `andor.store.ARRAYS`."""
    table = {
        "item": pa.array(list(items), pa.int32()),
        "split": pa.array(list(split), pa.string()),
        "label": pa.array(list(labels), pa.int16()),
    }
    if kind == "text":
        return pa.table(table | {"text": pa.array(list(content), pa.string())})
    shape = content.shape[1:]
    flat = pa.array(np.ascontiguousarray(content, np.float32).ravel())
    table[kind] = pa.FixedSizeListArray.from_arrays(flat, int(np.prod(shape)))
    if parts is not None:
        table["part"] = pa.FixedSizeListArray.from_arrays(pa.array(parts.ravel()), parts.shape[1])
    more = {} if columns is None else {"columns": json.dumps(columns)}
    return pa.table(table).replace_schema_metadata({"shape": json.dumps(shape)} | more)


def _given(data: config.Data, source: Path | None) -> Path:
    if source is None or not source.exists():
        raise UserError(f"`data.source: {data.source}`: {source} is not there; fetch the sources first")
    return source


def _splits(
    parts: Mapping[str, str], columns: list[str], folder: Path, optional: Iterable[str] = ()
) -> tuple[pa.Table, np.ndarray]:
    """Rows of a folder's Parquet files and the split of each; ``parts`` maps the files' first word to the split."""
    tables = [_concatenated([_parquet(file) for file in _files(folder, f"{part}*.parquet")]) for part in parts]
    for table in tables:
        _check_columns(table, columns, folder)
    split = np.repeat(list(parts.values()), [table.num_rows for table in tables])
    columns = columns + [name for name in optional if all(name in table.column_names for table in tables)]
    return _concatenated([table.select(columns) for table in tables]), split


def _records(data: config.PassagesData, source: Path) -> pa.Table:
    """Rows of a Parquet or JSON-lines file, or of the files of a folder: its held-out part if it has one."""
    if source.is_file():
        return _parquet(source) if source.suffix == ".parquet" else _json_lines(source)
    for part in ("validation*", "test*", "*"):
        if files := list(source.rglob(f"{part}.parquet")):
            return _concatenated([_parquet(file) for file in sorted(files)])
        if files := list(source.rglob(f"{part}.jsonl")):
            return _concatenated([_json_lines(file) for file in sorted(files)])
    raise UserError(f"`data.source: {data.source}`: {source} holds no .parquet or .jsonl file; name one that does")


def _files(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder, and of folders in it, in the order of their names."""
    files = sorted(folder.rglob(pattern))
    if not files:
        raise UserError(f"{folder}: no file {pattern}; name a folder that holds one under `sources`")
    return files


def _parquet(file: Path) -> pa.Table:
    try:
        return pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file}: no readable Parquet file ({first_line(error)}); fetch it again") from None


def _json_lines(file: Path) -> pa.Table:
    try:
        return pyarrow.json.read_json(file)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file}: no readable JSON lines ({first_line(error)}); fetch it again") from None


def _concatenated(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables, promote_options="permissive")


def _check_columns(table: pa.Table, names: list[str], source: Path) -> None:
    for name in names:
        if name not in table.column_names:
            raise UserError(f"{source}: no column `{name}`; it has {', '.join(table.column_names)}")
