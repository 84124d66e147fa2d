"""Texts as the data sets hold them."""

from __future__ import annotations

import html
import re

_BREAK = re.compile(r"<br\s*/?>|\n", re.IGNORECASE)


def repaired(text: str) -> str:
    """Text without HTML entities and with single spaces (the film reviews lost their dashes to runs of spaces)."""
    return " ".join(html.unescape(text).split())


def whole(text: str) -> str:
    """Text whose halves of characters are joined; those without the other half become U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def with_lines(text: str) -> str:
    """Repaired text that keeps its line breaks, those of HTML too; of several empty lines one."""
    lines = "\n".join(map(repaired, _BREAK.split(text)))
    return re.sub(r"\n{3,}", "\n\n", lines).strip()
