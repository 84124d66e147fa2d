"""Players that are words."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from andor.data.player_kind import Choice, Chooser, PlayerKind, PlayersError
from andor.settings import MAX_PLAYERS, PositiveInt

_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_CLITIC = re.compile(r"['’](?:s|d|m|ll|re|ve)$")
_NEGATION = re.compile(r"n['’]t$")


class WordPlayers(PlayerKind):
    """Content words: all pieces of a word together; stop words and punctuation are never players."""

    of: ClassVar = {"text", "passage"}
    place: ClassVar = 1
    kind: Literal["words"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)] = 10
    """Players a sample; texts with fewer content words are passed over."""
    choose: Literal["random", "first"] = "random"
    """Which content words: drawn with the seed and the item's number, or the first ones."""
    max_words: PositiveInt | None = None
    """Pass over texts with more words than this."""

    def chooser(self, metadata: Mapping[str, Any], seed: int, source: Path | None) -> Chooser:
        """Function from a row to content words of its text."""
        return lambda row: choose_words(row["text"], self, (seed, row["item"]))


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


def choose_words(text: str, players: WordPlayers, seed: tuple[int, int]) -> Choice:
    """Content words of one text, in reading order.

    The draw depends on `seed` alone, (seed of the run, number of the item), whatever other items there are.

    Raises
    ------
    PlayersError
        If the text has too few content words, or more words than `players.max_words`.
    """
    import numpy as np

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


def unique_names(names: list[str]) -> list[str]:
    """Names with `` (2)``, `` (3)``, … added to those that come again."""
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique
