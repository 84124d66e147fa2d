"""Samples with hand-drawn players, a few files each, in a folder or in folders of it."""

from __future__ import annotations

from pathlib import Path

PLAYERS = "_players.json"


def segmented(folder: Path) -> list[Path]:
    """Paths of the samples that have an image and players, without the endings of their files, in their order."""
    places = (file.with_name(file.name.removesuffix(PLAYERS)) for file in sorted(folder.rglob(f"*{PLAYERS}")))
    return [place for place in places if place.with_name(f"{place.name}_image.pth").is_file()]


def players_of(place: Path) -> Path:
    """The file of a sample's players."""
    return place.with_name(place.name + PLAYERS)
