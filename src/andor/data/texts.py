"""Texts as the data sets hold them."""

from __future__ import annotations

import html


def repaired(text: str) -> str:
    """Text without HTML entities and with single spaces (the film reviews lost their dashes to runs of spaces)."""
    return " ".join(html.unescape(text).split())
