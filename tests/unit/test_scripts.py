"""Texts of any script in figures: fonts that have their letters, and words in the order in which they are read."""

import itertools
import logging
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import fontManager, get_font

from andor.report.figures import fonts, running_text, style


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("the word שלום עולם means peace", "the word עולם שלום means peace"),
        ("هذا الفيلم جميل جدا", "جدا جميل الفيلم هذا"),
        ("ראיתי את Star Wars 2 אתמול", "אתמול 2 Star Wars את ראיתי"),
        ("ראיתי את Star 2 Wars אתמול", "אתמול Star 2 Wars את ראיתי"),
        ("plain – words", "plain – words"),
        ("… שלום", "שלום …"),
    ],
)
def test_words_from_left_to_right(text, seen):
    words = text.split()
    assert " ".join(words[place] for place in fonts.in_sight(words, fonts.is_turned(text))) == seen


@given(st.lists(st.text("abאבج1.", min_size=1, max_size=3), min_size=1, max_size=8), st.booleans())
def test_every_word_stands_once_and_no_two_lie_on_each_other(words, turned):
    assert sorted(fonts.in_sight(words, turned)) == list(range(len(words)))
    text = ("א " if turned else "a ") + " ".join(words)
    with style.styled():
        for line in running_text.lines(text, [(0, 1)], [text[0]], [0], 3.0):
            line = sorted(line, key=lambda each: each[0])
            for (place, piece), (after, _) in itertools.pairwise(line):
                assert place + running_text._width(piece) <= after + 1e-9
            assert line[0][0] >= -1e-9 and line[-1][0] + running_text._width(line[-1][1]) <= 3.0 + 1e-9
    assert not turned or line[-1][0] + running_text._width(line[-1][1]) == pytest.approx(3.0)


def test_fonts_are_found_or_their_script_is_named(caplog):
    assert fonts.families(["the film", "фильм", "ταινία", "الفيلم", "סרט"]) == (["DejaVu Sans"], [])
    letters = {"Han": "电影", "Thai": "ไทย", "Devanagari": "फिल्म"}
    fonts._say.cache_clear()
    with caplog.at_level(logging.WARNING):
        found, lacking = fonts.families(letters.values())
        fonts.families(letters.values())
    known = set().union(*(fonts._letters(name) for name in found))
    for script, text in letters.items():
        visible = {letter for letter in text if unicodedata.category(letter) != "Mn"}
        assert (script in lacking) == (not visible <= known)
    assert len(caplog.records) == bool(lacking)


def test_a_font_of_the_machine_is_used(monkeypatch):
    """A font is taken for letters that Matplotlib's own lacks; here the lack is made up."""
    if not fonts._others():
        pytest.skip("no font but those of Matplotlib here")
    held = fonts._letters
    monkeypatch.setattr(fonts, "_letters", lambda name: frozenset() if name == fonts.OWN else held(name))
    found, lacking = fonts.families(["é"])
    assert found[0] == fonts.OWN and len(found) == 2 and lacking == []
    assert ord("é") in get_font(next(font.fname for font in fontManager.ttflist if font.name == found[1])).get_charmap()
