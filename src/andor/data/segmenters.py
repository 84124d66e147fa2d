"""Words of scripts that have no spaces between them: Chinese, Japanese, Thai, Lao, Khmer and Burmese."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import logging
from collections.abc import Callable
from re import Pattern
from typing import Any, Literal

from andor.errors import UserError

Segmenter = Literal["characters", "jieba", "budoux_ja", "budoux_zh_hans", "budoux_zh_hant", "budoux_th"]
_LANGUAGES = {"ja": "japanese", "zh_hans": "simplified_chinese", "zh_hant": "traditional_chinese", "th": "thai"}
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"


@functools.cache
def unspaced() -> Pattern[str]:
    """A run of letters of these scripts, with their marks."""
    import regex  # it knows Unicode's classes

    return regex.compile(rf"[{_UNSPACED}][{_UNSPACED}\p{{M}}\p{{Cf}}]*")


@functools.cache
def _characters() -> Pattern[str]:
    """A letter with its marks; letters of Katakana together (Unicode Standard Annex 29, rule WB13)."""
    import regex

    return regex.compile(r"[\p{Katakana}ー][\p{Katakana}ー\p{M}\p{Cf}]*|\X")


def missing(segmenter: str) -> str | None:
    """What to say where the package of a segmenter is not installed."""
    package = segmenter.partition("_")[0]
    if segmenter == "characters" or importlib.util.find_spec(package):
        return None
    return (
        f"`players.segmenter: {segmenter}` needs the package {package}, which is not installed: pip install {package}"
    )


@functools.cache
def cutter(segmenter: str) -> Callable[[str], list[str]]:
    """Function that cuts a run of letters into words, which together are the run.

    Raises
    ------
    UserError
        If its package is not installed.
    """
    if segmenter == "characters":
        return lambda run: [match.group() for match in _characters().finditer(run)]
    if fault := missing(segmenter):
        raise UserError(fault)
    package, _, language = segmenter.partition("_")
    module: Any = importlib.import_module(package)
    if package == "jieba":
        module.setLogLevel(logging.WARNING)
        return lambda run: list(module.cut(run))
    return getattr(module, f"load_default_{_LANGUAGES[language]}_parser")().parse
