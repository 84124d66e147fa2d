"""Players that are sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

from andor.data.player_kind import Choice, Chooser, PlayerKind
from andor.data.players.words import Word, unique_names

_END = re.compile(r"""(?P<marks>[.!?…؟۔।॥]+)["'”’»)\]]*(?=\s|$)|[。！？｡]+["'”’»)\]」』）]*|\n\s*(?=\n)""")
"""Where a sentence may end: marks with what they close, before white space where there is any; or an empty line."""
_OPENS = re.compile(r"""[\s"'“”‘’«»()\[\]]""")
_DOTTED = re.compile(r"(?:\w\.)+\w")
"""Letters with dots between: U.S, p.m, e.g."""

_BEFORE_NAMES = {"capt", "col", "dr", "e.g", "gen", "gov", "hon", "i.e", "lt", "mme", "mr", "mrs", "ms", "mt", "prof"}
_BEFORE_NAMES |= {"rep", "rev", "sen", "sgt", "st", "vs", "viz", "cf"}
"""Abbreviations, after which a sentence goes on, whatever follows."""
_BEFORE_NUMBERS = {"ca", "ch", "ed", "ep", "fig", "no", "nos", "p", "pp", "pt", "vol"}
_ANYWHERE = {"al", "approx", "co", "corp", "dept", "est", "etc", "inc", "jr", "ltd", "min", "sr"}
"""Abbreviations, after which a sentence goes on unless a capital follows."""
LONGEST = 40
"""Characters of a sentence's name."""


class SentencePlayers(PlayerKind):
    """All sentences of the text, each with its punctuation."""

    of: ClassVar = {"text", "passage"}
    place: ClassVar = 7
    kind: Literal["sentences"]
    """Kind of players."""

    @property
    def count(self) -> None:
        """Texts differ."""
        return None

    def chooser(self, metadata: Mapping[str, Any], seed: int, source: Path | None) -> Chooser:
        """Function from a row to the sentences of its text."""
        return lambda row: choose_sentences(row["text"])


def choose_sentences(text: str) -> Choice:
    """All sentences of one text; long ones are named by their beginnings."""
    found = sentences(text)
    return {"players": [[s.start, s.stop] for s in found], "player_names": unique_names([_name(s.text) for s in found])}


def sentences(text: str) -> list[Word]:
    """Sentences in order; every character but the white space around them belongs to one.

    A sentence ends with its marks (``.``, ``!``, ``?``, ``…``) and the quotes and brackets that close after them, or
    before an empty line. It goes on after abbreviations and initials, and in lower case after an ellipsis or a question
    or exclamation that is quoted. What has no letter or digit belongs to the sentence before.
    """
    starts = [0, *_ends(text), len(text)]
    merged: list[tuple[int, int]] = []
    for start, stop in pairwise(starts):
        silent = not any(map(str.isalnum, text[start:stop]))
        opened = bool(merged) and not any(map(str.isalnum, text[slice(*merged[-1])]))
        if merged and (silent or opened):
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    return [word for start, stop in merged if (word := _stripped(text, start, stop)).text]


def _ends(text: str) -> Iterator[int]:
    """Places where a sentence ends and another may begin."""
    start = 0
    for match in _END.finditer(text):
        if match["marks"] is None or _is_end(text, start, match):
            yield match.end()
            start = match.end()


def _is_end(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the marks that were found end the sentence that begins at ``start``."""
    after = text[match.end() :].lstrip().lstrip("\"'“‘«([")[:1]
    marks, closes = match["marks"], match.end() > match.end("marks")
    if marks != ".":
        ellipsis = "…" in marks or ".." in marks
        return not (after.islower() and (ellipsis or closes))
    before = text[start : match.start()]
    word = _OPENS.split(before)[-1]
    if closes and after.islower():
        return False
    if word.isdigit() and before.strip() == word:
        return False  # the number of an item in a list
    lower = word.lower()
    if lower in _BEFORE_NAMES or (lower in _BEFORE_NUMBERS and after.isdigit()):
        return False
    if len(word) == 1 and word.isupper() and word != "I":
        return False
    return not (after.islower() and (lower in _ANYWHERE or _DOTTED.fullmatch(word)))


def _stripped(text: str, start: int, stop: int) -> Word:
    own = text[start:stop]
    start += len(own) - len(own.lstrip())
    return Word(own.strip(), start, start + len(own.strip()))


def _name(sentence: str) -> str:
    """A sentence in one line, or its first words."""
    line = " ".join(sentence.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rsplit(" ", 1)[0] + "…"
