"""Players that are words."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from re import Pattern
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from andor.data.player_kind import Choice, Chooser, PlayerKind, PlayersError
from andor.data.reader import Reader
from andor.data.segmenters import Segmenter, cutter, missing, unspaced
from andor.settings import MAX_SAMPLED, PositiveInt

_JOINS = "'’\\-‐‑·׳״"
"""What holds a word together: apostrophes, hyphens, Catalan's dot, Hebrew's marks."""
_CLITIC = re.compile(r"['’](?:s|d|m|ll|re|ve)$")
_NEGATION = re.compile(r"n['’]t$")


class WordPlayers(PlayerKind):
    """Words, all pieces of a word together: some or all content words, or every word; punctuation is never a player."""

    of: ClassVar = {"text", "passage"}
    place: ClassVar = 1
    kind: Literal["words"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_SAMPLED)] | None = 10
    """Players a sample, of `random` and `first`; texts with fewer content words are passed over."""
    choose: Literal["random", "first", "content", "all"] = "random"
    """Content words, drawn with the seed and the item's number, or the first ones; every content word; or every word,
    negations and other stop words too."""
    min_words: PositiveInt | None = None
    """Pass over texts with fewer words than this."""
    max_words: PositiveInt | None = None
    """Pass over texts with more words than this."""
    segmenter: Segmenter = "characters"
    """What cuts words of scripts without spaces between them (Chinese, Japanese, Thai, …): each letter with its marks
    is one; or the package jieba (Chinese), or budoux by language (phrases)."""

    def most(self, data: Reader) -> int:
        """The most players that a text may have."""
        return min(self.max_words or MAX_SAMPLED, MAX_SAMPLED) if self.count is None else self.count

    def unknown(self) -> Iterator[str]:
        """A segmenter whose package is not installed."""
        if fault := missing(self.segmenter):
            yield fault

    @model_validator(mode="before")
    @classmethod
    def _counted(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or raw.get("choose") not in ("content", "all"):
            return raw
        if raw.get("count") is not None:
            raise ValueError(f"`count` has no effect on `choose: {raw['choose']}`; take it away")
        return {**raw, "count": None}

    @model_validator(mode="after")
    def _fits(self) -> WordPlayers:
        if self.count is None and self.choose in ("random", "first"):
            raise ValueError(f"`choose: {self.choose}` needs a number `count`; give one, or choose `content` or `all`")
        if (self.min_words or 0) > (self.max_words or MAX_SAMPLED):
            raise ValueError(f"`min_words: {self.min_words}` is above `max_words: {self.max_words}`; lower it")
        return self

    def chooser(self, metadata: Mapping[str, Any], seed: int, source: Path | None) -> Chooser:
        """Function from a row to content words of its text."""
        cutter(self.segmenter)
        return lambda row: choose_words(row["text"], self, (seed, row["item"]))


@dataclass(frozen=True)
class Word:
    """A word and its characters [start, stop) in the text."""

    text: str
    start: int
    stop: int


def words(text: str, segmenter: str = "characters") -> list[Word]:
    """Words in order: runs of letters and digits, held together by inner apostrophes and hyphens.

    Where a script has no spaces between words, a segmenter of `andor.data.segmenters` cuts such a run.

    Marks that combine with a letter belong to it (accents, vowel signs), and characters that cannot be seen do not end
    a word (a soft hyphen, a joiner): Unicode Standard Annex 29, rule WB4.
    """
    found = [Word(match.group(), match.start(), match.end()) for match in _word().finditer(text)]
    if unspaced().search(text) is None:
        return found
    return [word for whole in found for word in _cut(whole, segmenter)]


def _cut(word: Word, segmenter: str) -> Iterator[Word]:
    """The words of a run of letters, some of which may be of scripts without spaces."""
    end = 0
    for match in [*unspaced().finditer(word.text), None]:
        start = len(word.text) if match is None else match.start()
        for other in _word().finditer(word.text[end:start]):
            yield Word(other.group(), word.start + end + other.start(), word.start + end + other.end())
        if match is None:
            return
        end = start
        for piece in cutter(segmenter)(match.group()):
            if any(map(str.isalnum, piece)):
                yield Word(piece, word.start + end, word.start + end + len(piece))
            end += len(piece)


@functools.cache
def _word() -> Pattern[str]:
    """A word."""
    import regex  # it knows Unicode's classes

    run = r"[\p{L}\p{N}](?:[\p{M}\p{Cf}]*[\p{L}\p{N}])*\p{M}*"
    return regex.compile(rf"{run}(?:[{_JOINS}]{run})*")


def visible(word: str) -> str:
    """A word without characters that cannot be seen, its accents composed."""
    seen = (character for character in word if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFC", "".join(seen))


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
    words in the usual lists; so negations, contracted ones ("isn't") too, are background: always present. Only where
    every word is a player are they players.
    """
    bare = _CLITIC.sub("", visible(word).lower())
    return any(map(str.isalpha, bare)) and bare not in stop_words() and not _NEGATION.search(bare)


def choose_words(text: str, players: WordPlayers, seed: tuple[int, int]) -> Choice:
    """Words of one text, in reading order.

    A draw depends on `seed` alone, (seed of the run, number of the item), whatever other items there are.

    Raises
    ------
    PlayersError
        If the text has too few content words, or fewer or more words than `players` asks for.
    """
    import numpy as np

    found = words(text, players.segmenter)
    if players.min_words is not None and len(found) < players.min_words:
        raise PlayersError(f"fewer than {players.min_words} words (players.min_words)")
    if players.max_words is not None and len(found) > players.max_words:
        raise PlayersError(f"more than {players.max_words} words (players.max_words)")
    if players.choose == "all":
        return spans(found)
    content = [word for word in found if is_content(word.text)]
    if players.count is None:
        return spans(content)
    if len(content) < players.count:
        raise PlayersError(f"fewer than {players.count} content words (players.count)")
    picks = np.arange(players.count)
    if players.choose == "random":
        picks = np.sort(np.random.default_rng(seed).choice(len(content), players.count, replace=False))
    return spans([content[pick] for pick in picks])


def spans(taken: list[Word]) -> Choice:
    """The choice of words that are taken."""
    return {"players": [[w.start, w.stop] for w in taken], "player_names": unique_names([w.text for w in taken])}


def unique_names(names: list[str]) -> list[str]:
    """Names with `` (2)``, `` (3)``, … added to those that come again."""
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique
