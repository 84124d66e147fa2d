"""Kinds of players: every file of this folder holds one, a subclass of `andor.data.player_kind.PlayerKind`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from andor.data.player_kind import PlayerKind
from andor.kinds import kinds_in, union


def player_kinds() -> list[type[PlayerKind]]:
    """Classes of all kinds of players."""
    return kinds_in(__name__, __path__)


def players(plain: Mapping[str, Any]) -> PlayerKind:
    """The players that the plain values of a key `players` describe."""
    return TypeAdapter(union(player_kinds(), "kind")).validate_python(plain)
