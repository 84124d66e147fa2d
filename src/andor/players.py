"""Players: which words or patches of an item interact.

Players are chosen from the item alone, before any model or tokenizer sees it, so that all models of a task share them.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from andor import config
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
    table: pa.Table, players: config.WordPlayers | config.PatchPlayers, samples: config.Samples, seed: int
) -> pa.Table:
    """Items to screen, each with its players.

    The test items (of `samples.label`, if set) are gone through in an order drawn with the seed; those with too few
    possible players are passed over, and the first `samples.candidates` others are taken.

    Parameters
    ----------
    table
        The tidy data: `item`, `split`, `label`, and `text` or `image`.

    Returns
    -------
    pa.Table
        `item`, `label`, `text` or `image` as they were, and

        - `players` (list<list<int32>>): of a word, [start, stop) in characters of the text; of a patch, its pixels as
          row·W + column, the same in every channel;
        - `player_names` (list<string>): the word, ``good (2)`` if it comes again; ``row,column`` of the patch.

        The schema's metadata keep those of `table` and add `passed_over`: how many items, by reason.
    """
    metadata = {key.decode(): json.loads(value) for key, value in (table.schema.metadata or {}).items()}
    test = np.flatnonzero(np.asarray(table["split"].to_pylist()) == "test")
    if samples.label is not None:
        test = test[np.asarray(table["label"].to_pylist())[test] == samples.label]
    kept, chosen, passed_over = [], [], Counter()
    for index in np.random.default_rng(seed).permutation(test):
        if len(kept) == samples.candidates:
            break
        item = table["item"][index].as_py()
        try:
            if players.kind == "words":
                chosen.append(choose_words(table["text"][index].as_py(), players, (seed, item)))
            else:
                pixels = np.asarray(table["image"][index].as_py(), dtype=np.float32).reshape(metadata["shape"])
                chosen.append(choose_patches(pixels, players))
            kept.append(index)
        except PlayersError as reason:
            passed_over[str(reason)] += 1
    content = "text" if players.kind == "words" else "image"
    result = table.take(pa.array(kept, pa.int64())).select(["item", "label", content])
    result = result.append_column(
        "players", pa.array([c["players"] for c in chosen], pa.list_(pa.list_(pa.int32())))
    ).append_column("player_names", pa.array([c["player_names"] for c in chosen], pa.list_(pa.string())))
    metadata["passed_over"] = dict(sorted(passed_over.items()))
    return result.replace_schema_metadata({key: json.dumps(value) for key, value in metadata.items()})


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


def unique_names(names: list[str]) -> list[str]:
    """Names with `` (2)``, `` (3)``, … added to those that come again."""
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique
