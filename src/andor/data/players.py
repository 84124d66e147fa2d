"""Players: which words, patches, features or parts of an item interact.

Players are chosen from the item alone, before any model or tokenizer sees it, so that all models of a task share them.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from andor import config
from andor.data.table import array_column
from andor.errors import UserError

_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_CLITIC = re.compile(r"['’](?:s|d|m|ll|re|ve)$")
_NEGATION = re.compile(r"n['’]t$")


@dataclass(frozen=True)
class Word:
    """A word and its characters [start, stop) in the text."""

    text: str
    start: int
    stop: int


def words(text: str) -> list[Word]:
    """Words in order: runs of letters and digits, held together by inner apostrophes and hyphens."""
    return [Word(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]


@functools.cache
def stop_words() -> frozenset[str]:
    """scikit-learn's English stop words and the pieces of contractions, in lower case.

    Negations are among them, as in the papers.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # seconds to import: only where words are chosen

    return ENGLISH_STOP_WORDS | {
        # forms of auxiliary verbs that the list lacks
        *("does", "did", "doing", "having"),
        # what remains of a contraction when "n't" or the apostrophe is split off ("ca n't", "don t")
        *("ain", "aren", "ca", "couldn", "didn", "doesn", "don", "hadn", "hasn", "haven", "isn", "mightn", "mustn"),
        *("needn", "shan", "shouldn", "wasn", "weren", "wo", "won", "wouldn"),
        *("d", "ll", "m", "n", "o", "re", "s", "t", "ve", "y"),
    }


def is_content(word: str) -> bool:
    """Whether a word may be a player: it has a letter and is no stop word.

    The papers draw players from the words that remain when stop words are dropped, and "not", "never" or "no" are stop
    words in the usual lists; so negations, contracted ones ("isn't") too, are background here: always present.
    """
    bare = _CLITIC.sub("", word.lower())
    return any(map(str.isalpha, bare)) and bare not in stop_words() and not _NEGATION.search(bare)


def candidates(
    table: pa.Table, players: config.Players, samples: config.Samples, seed: int, source: Path | None = None
) -> pa.Table:
    """Items to screen, each with its players.

    The test items (of `samples.label`, if set) are gone through in an order drawn with the seed; those with too few
    possible players are passed over, and the first `samples.candidates` others are taken.

    Parameters
    ----------
    table
        The tidy data: `item`, `split`, `label`, and `text`, `image`, `features` or `points`.
    source
        File of the players, for those that are given in one.

    Returns
    -------
    pa.Table
        `item`, `label` and the content as they were, and

        - `players` (list<list<int32>>): of a word, [start, stop) in characters of the text; of an image, its pixels as
          row·W + column, the same in every channel; the positions of features; the numbers of points;
        - `player_names` (list<string>): the word, ``good (2)`` if it comes again; ``row,column`` of the patch or cell;
          the column or group; ``part 3``.

        The schema's metadata keep those of `table` and add `passed_over`: how many items, by reason.

    Raises
    ------
    UserError
        If columns or pixels that make up players do not exist, or their file cannot be read.
    """
    metadata = {key.decode(): json.loads(value) for key, value in (table.schema.metadata or {}).items()}
    test = np.flatnonzero(np.asarray(table["split"].to_pylist()) == "test")
    if samples.label is not None:
        test = test[np.asarray(table["label"].to_pylist())[test] == samples.label]
    choose = _chooser(players, metadata, seed, source)
    kept, chosen, passed_over = [], [], Counter()
    for index in np.random.default_rng(seed).permutation(test).tolist():
        if len(kept) == samples.candidates:
            break
        try:
            chosen.append(choose(table.slice(index, 1).to_pylist()[0]))
            kept.append(index)
        except PlayersError as reason:
            passed_over[str(reason)] += 1
    content = array_column(table) or "text"
    result = table.take(pa.array(kept, pa.int64())).select(["item", "label", content])
    result = result.append_column(
        "players", pa.array([c["players"] for c in chosen], pa.list_(pa.list_(pa.int32())))
    ).append_column("player_names", pa.array([c["player_names"] for c in chosen], pa.list_(pa.string())))
    metadata["passed_over"] = dict(sorted(passed_over.items()))
    return result.replace_schema_metadata({key: json.dumps(value) for key, value in metadata.items()})


def _chooser(
    players: config.Players, metadata: Mapping[str, Any], seed: int, source: Path | None
) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """From a row of the tidy data to `players` and `player_names`; what is the same for all rows is made once."""

    def array(row: Mapping[str, Any], name: str) -> np.ndarray:
        return np.asarray(row[name], dtype=np.float32).reshape(metadata["shape"])

    match players:
        case config.WordPlayers():
            return lambda row: choose_words(row["text"], players, (seed, row["item"]))
        case config.PatchPlayers():
            return lambda row: choose_patches(array(row, "image"), players)
        case config.GridPlayers():
            cells = grid_cells(metadata["shape"], players)
            return lambda row: cells
        case config.PixelPlayers():
            given = read_pixels(source, players, metadata["shape"])
            return lambda row: given_pixels(given, row["item"], players)
        case config.FeaturePlayers():
            columns = choose_features(metadata["columns"], players)
            return lambda row: columns
        case config.PartPlayers(rule="kmeans"):
            return lambda row: cluster_points(array(row, "points"), players, (seed, row["item"]))
    return lambda row: given_parts(row.get("part"), players)


class PlayersError(UserError):
    """An item that has not the players it needs; the message is the reason, the same for all such items."""


def choose_words(text: str, players: config.WordPlayers, seed: tuple[int, int]) -> Mapping[str, Any]:
    """Content words of one text, in reading order: `players` and `player_names` of `candidates`.

    The draw depends on `seed` alone, (seed of the run, number of the item), whatever other items there are.

    Raises
    ------
    PlayersError
        If the text has too few content words, or more words than `players.max_words`.
    """
    found = words(text)
    if players.max_words is not None and len(found) > players.max_words:
        raise PlayersError(f"more than {players.max_words} words (players.max_words)")
    content = [word for word in found if is_content(word.text)]
    if len(content) < players.count:
        raise PlayersError(f"fewer than {players.count} content words (players.count)")
    picks = np.arange(players.count)
    if players.choose == "random":
        picks = np.sort(np.random.default_rng(seed).choice(len(content), players.count, replace=False))
    taken = [content[pick] for pick in picks]
    return {"players": [[w.start, w.stop] for w in taken], "player_names": unique_names([w.text for w in taken])}


def choose_patches(image: np.ndarray, players: config.PatchPlayers) -> Mapping[str, Any]:
    """Patches of one image (C, H, W) with the largest sums of intensities, in reading order.

    Of equal patches the first in reading order is taken. What the grid leaves over, right and below, is background.

    Raises
    ------
    PlayersError
        If too few patches have any intensity.
    """
    size = players.size
    _, height, width = image.shape
    rows, columns = height // size, width // size
    grid = image[:, : rows * size, : columns * size].astype(np.float64)
    ink = grid.reshape(-1, rows, size, columns, size).sum(axis=(0, 2, 4)).ravel()
    if np.count_nonzero(ink > 0) < players.count:
        raise PlayersError(f"fewer than {players.count} patches of {size} pixels that are not empty (players.count)")
    patches = np.sort(np.argsort(-ink, kind="stable")[: players.count])
    pixels = np.arange(height * width).reshape(height, width)
    corners = [divmod(int(patch), columns) for patch in patches]
    return {
        "players": [pixels[r * size : (r + 1) * size, c * size : (c + 1) * size].ravel().tolist() for r, c in corners],
        "player_names": [f"{r},{c}" for r, c in corners],
    }


def grid_cells(shape: Sequence[int], players: config.GridPlayers) -> Mapping[str, Any]:
    """All cells of a grid over images of a shape (C, H, W), in reading order."""
    _, height, width = shape
    pixels = np.arange(height * width).reshape(height, width)
    rows = np.array_split(pixels, players.rows)
    cells = [cell for row in rows for cell in np.array_split(row, players.columns, axis=1)]
    return {
        "players": [cell.ravel().tolist() for cell in cells],
        "player_names": [f"{r},{c}" for r in range(players.rows) for c in range(players.columns)],
    }


def read_pixels(source: Path | None, players: config.PixelPlayers, shape: Sequence[int]) -> list | dict[str, list]:
    """Sets of pixels from a JSON file: a list of players for all images, or one for each image by its number.

    Raises
    ------
    UserError
        If the file is not that, or a pixel is outside an image of a shape (C, H, W).
    """
    where = f"`players.source: {players.source}`"
    try:
        given = json.loads(Path(source).read_text(encoding="utf-8"))
    except (OSError, TypeError, ValueError) as error:
        raise UserError(f"{where}: {source} is no readable JSON file ({error}); name one") from None
    pixels = shape[1] * shape[2]
    for sets in given.values() if isinstance(given, dict) else [given]:
        if not isinstance(sets, list) or not all(isinstance(own, list) and own for own in sets):
            raise UserError(f"{where}: {source} holds no lists of lists of pixels; write [[0, 1], [32, 33]]")
        flat = [pixel for own in sets for pixel in own]
        if wrong := [p for p in flat if not isinstance(p, int) or isinstance(p, bool) or not 0 <= p < pixels]:
            raise UserError(f"{where}: {wrong[0]!r} is no pixel of the {pixels} of an image; use row·width + column")
        if len(set(flat)) < len(flat):
            raise UserError(f"{where}: two players share a pixel; give it to one")
    return given


def given_pixels(given: list | dict[str, list], item: int, players: config.PixelPlayers) -> Mapping[str, Any]:
    """The given sets of pixels of one image.

    Raises
    ------
    PlayersError
        If the file does not name the image, or has another number of players for it.
    """
    sets = given.get(str(item)) if isinstance(given, dict) else given
    if sets is None:
        raise PlayersError("not in the file of pixels (players.source)")
    if len(sets) != players.count:
        raise PlayersError(f"not {players.count} sets of pixels (players.count)")
    return {"players": sets, "player_names": [f"set {number}" for number in range(len(sets))]}


def choose_features(columns: Mapping[str, list[int]], players: config.FeaturePlayers) -> Mapping[str, Any]:
    """Columns, or groups of them, as positions among the features.

    Raises
    ------
    UserError
        If a column does not exist, or there are too few.
    """
    groups = players.groups or {name: [name] for name in list(columns)[: players.count]}
    for group, names in groups.items():
        for name in names:
            if name not in columns:
                raise UserError(f"`players.groups.{group}`: no column `{name}`; the table has {', '.join(columns)}")
    if len(groups) < players.count:
        raise UserError(f"`players.count: {players.count}`: the table has only {len(columns)} columns; lower it")
    return {
        "players": [[position for name in names for position in columns[name]] for names in groups.values()],
        "player_names": list(groups),
    }


def cluster_points(cloud: np.ndarray, players: config.PartPlayers, seed: tuple[int, int]) -> Mapping[str, Any]:
    """k-means over the points (P, 3) of one cloud; parts in ascending order of their centres' height (last axis)."""
    from sklearn.cluster import KMeans

    state = int(np.random.default_rng(seed).integers(2**31))
    fitted = KMeans(players.count, n_init=4, random_state=state).fit(cloud.astype(np.float64))
    ascending = np.argsort(fitted.cluster_centers_[:, -1], kind="stable")
    return {
        "players": [np.flatnonzero(fitted.labels_ == part).tolist() for part in ascending],
        "player_names": [f"part {number}" for number in range(players.count)],
    }


def given_parts(part: Sequence[int] | None, players: config.PartPlayers) -> Mapping[str, Any]:
    """The data's own parts of one cloud, those with the most points, in the order of their numbers.

    Raises
    ------
    PlayersError
        If the cloud has too few parts.
    UserError
        If the data name no parts.
    """
    if part is None:
        raise UserError("`players.rule: given`: the data have no column `part`; use kmeans")
    sizes = Counter(part)
    if len(sizes) < players.count:
        raise PlayersError(f"fewer than {players.count} parts (players.count)")
    largest = sorted(name for name, _ in sizes.most_common(players.count))
    numbers = np.asarray(part)
    return {
        "players": [np.flatnonzero(numbers == name).tolist() for name in largest],
        "player_names": [f"part {name}" for name in largest],
    }


def unique_names(names: list[str]) -> list[str]:
    """Names with `` (2)``, `` (3)``, … added to those that come again."""
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique
