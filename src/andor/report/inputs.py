"""One input and its masked versions, by which of its players are present."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from andor.errors import UserError

Spans = Sequence[Sequence[int]]


@dataclass(frozen=True, eq=False)
class Input:
    """A text or an array whose players can be masked.

    Attributes
    ----------
    item : the text or the array
    names : of the n players
    places : where each player is: characters [start, stop) of a text, places in an array when flattened
    versions : of presence, bool (B, n), to B masked versions: a list of texts, or an array (B, …)
    """

    item: Any
    names: list[str]
    places: list[list[int]]
    versions: Callable[[np.ndarray], Any]

    def content(self) -> dict[str, Any]:
        """What determines the masked versions, as JSON values: players, and the input whole and with all masked."""
        ends = self.versions(np.array([[True], [False]]).repeat(len(self.names), 1))
        if isinstance(ends, np.ndarray):
            sha256 = hashlib.sha256(np.ascontiguousarray(ends).tobytes()).hexdigest()
            ends = [str(ends.dtype), list(ends.shape), sha256]
        return {"players": self.names, "places": self.places, "ends": ends}


def text_input(text: str, players: str | Spans = "words", masked: str = "") -> Input:
    """A text.

    Parameters
    ----------
    players : characters [start, stop) of each, or ``"words"`` or ``"sentences"`` for all of them
    masked : what stands for a masked player; the text does without it if it is empty

    Raises
    ------
    UserError
        If there are no players, or two share a character.
    """
    from andor.data.players.sentences import sentences
    from andor.data.players.words import unique_names, words

    if isinstance(players, str):
        kinds = {"words": words, "sentences": sentences}
        if players not in kinds:
            raise UserError(f"players `{players}` are neither `words` nor `sentences`; name one of them")
        found = [(part.start, part.stop) for part in kinds[players](text)]
    else:
        found = [(start, stop) for start, stop in players]
    ordered = sorted(found)
    if not ordered:
        raise UserError("the text has no words; give `players`")
    if any(stop > start for (_, stop), (start, _) in itertools.pairwise(ordered)):
        raise UserError("two players share a character; give spans that do not overlap")

    def version(present: np.ndarray) -> str:
        pieces, end = [], 0
        for (start, stop), here in zip(ordered, present, strict=True):
            pieces += [text[end:start], text[start:stop] if here else masked]
            end = stop
        joined = "".join([*pieces, text[end:]])
        return joined if masked else " ".join(joined.split())

    names = unique_names([text[start:stop] for start, stop in ordered])
    spans = [list(span) for span in ordered]
    return Input(text, names, spans, lambda presence: [version(present) for present in presence])


def array_input(
    item: Any, groups: str | Spans | None, baseline: np.ndarray | float | None, names: Sequence[str] | None = None
) -> Input:
    """An array.

    Parameters
    ----------
    groups : places of each player when flattened; each place by itself if None
    baseline : what stands for masked entries
    names : of the players; their numbers if None

    Raises
    ------
    UserError
        If there is no baseline value, two players share a place, or names are not as many as players.
    """
    array = np.asarray(item)
    if baseline is None:
        raise UserError("an array needs `baseline`: what stands for its masked entries")
    if isinstance(groups, str):
        raise UserError(f"players `{groups}` are parts of a text; give places in the array")
    value = np.broadcast_to(np.asarray(baseline).astype(array.dtype), array.shape).ravel()
    if array.dtype.kind not in "fc" and (np.asarray(baseline) != np.asarray(baseline).astype(array.dtype)).any():
        raise UserError(f"baseline {baseline} is no value of an array of {array.dtype}; give an array of floats")
    groups = [[place] for place in range(array.size)] if groups is None else groups
    owner = np.full(array.size, len(groups))  # nobody's entries stay
    for player, places in enumerate(groups):
        if (owner[list(places)] != len(groups)).any():
            raise UserError(f"player {player} shares a place of the array with another one; give it to one")
        owner[list(places)] = player
    called = [str(player) for player in range(len(groups))] if names is None else list(names)
    if len(called) != len(groups):
        raise UserError(f"{len(called)} names of {len(groups)} players; give one for each")

    def versions(presence: np.ndarray) -> np.ndarray:
        present = np.column_stack([presence, np.ones(len(presence), bool)])[:, owner]
        return np.where(present, array.ravel(), value).reshape(len(presence), *array.shape)

    return Input(array, called, [list(own) for own in groups], versions)
