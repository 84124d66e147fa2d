"""Fonts that have the letters of a text, and the order in which its words stand."""

from __future__ import annotations

import functools
import logging
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress

from matplotlib.font_manager import findSystemFonts, fontManager, get_font

OWN = "DejaVu Sans"
"""Comes with Matplotlib: the same page on every machine."""
_NO_LETTERS = ("Last Resort", "DejaVu", "STIX", "cm")
"""Beginnings of the names of fonts that come with Matplotlib and have nothing that `OWN` lacks, or boxes alone."""
_INVISIBLE = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs", "Mn")


def families(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Families whose fonts together have all letters of texts, and the scripts of those that none here has."""
    missing = {letter for text in texts for letter in text if _is_visible(letter)} - _letters(OWN)
    found = [OWN]
    for name in _others() if missing else ():
        if missing & _letters(name):
            found.append(name)
            missing -= _letters(name)
    scripts = sorted({_script(letter) for letter in missing})
    if scripts:
        _say(tuple(scripts))
    return found, scripts


@functools.cache
def _others() -> list[str]:
    """Families of this machine, those too that are newer than Matplotlib's list of them."""
    for path in set(findSystemFonts()) - {font.fname for font in fontManager.ttflist}:
        with suppress(OSError, RuntimeError):  # a damaged font
            fontManager.addfont(path)
    return sorted({font.name for font in fontManager.ttflist if not font.name.startswith(_NO_LETTERS)})


@functools.cache
def _say(scripts: tuple[str, ...]) -> None:
    """Say once what is drawn as boxes."""
    logging.getLogger(__name__).warning(
        "no font on this machine has letters of %s, which figures show as boxes; install one, such as Noto Sans",
        ", ".join(scripts),
    )


@functools.cache
def _letters(family: str) -> frozenset[str]:
    """Characters of an upright font of a family."""
    fonts = [font for font in fontManager.ttflist if font.name == family]
    fonts.sort(key=lambda font: (font.style != "normal", str(font.weight) not in ("400", "normal", "regular")))
    try:
        return frozenset(map(chr, get_font(fonts[0].fname).get_charmap()))
    except (IndexError, OSError, RuntimeError):  # a font that has gone, or is damaged
        return frozenset()


def _is_visible(letter: str) -> bool:
    return letter > "\x7f" and unicodedata.category(letter) not in _INVISIBLE


def _script(letter: str) -> str:
    """The script of a letter, as the first word of its Unicode name says it."""
    name = unicodedata.name(letter, "unnamed").split()[0].title()
    return {"Cjk": "Han", "Unnamed": f"U+{ord(letter):04X}"}.get(name, name)


def is_turned(text: str) -> bool:
    """Whether a text is read from the right: its first letter that has a direction is (Unicode Annex 9, rule P2)."""
    strong = (unicodedata.bidirectional(letter) for letter in text)
    return next((kind for kind in strong if kind in ("L", "R", "AL")), "L") != "L"


def in_sight(words: Sequence[str], turned: bool) -> list[int]:
    """Places of the words of a line from left to right (Unicode Annex 9, rule L2, for whole words).

    Parameters
    ----------
    turned
        Whether the text that the line is part of is read from the right.
    """
    directions = [_direction(word) for word in words]
    known = [turned if own is None else own for own in directions]
    for place, own in enumerate(directions):  # what has no direction goes along with its neighbours, if they agree
        if own is None:
            before = next((one for one in reversed(directions[:place]) if one is not None), turned)
            after = next((one for one in directions[place + 1 :] if one is not None), turned)
            known[place] = before if before == after else turned
    order: list[int] = []
    run: list[int] = []
    for place, own in enumerate(known):
        if own == turned:
            order, run = [*order, *reversed(run), place], []
        else:
            run.append(place)
    order += reversed(run)
    return order[::-1] if turned else order


def _direction(word: str) -> bool | None:
    """Whether a word is read from the right; None if nothing in it says so."""
    strong = [kind for kind in map(unicodedata.bidirectional, word) if kind in ("L", "R", "AL")]
    return None if not strong else strong[0] != "L"
