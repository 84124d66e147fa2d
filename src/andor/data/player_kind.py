"""What every kind of players is: the key `players` of a task, which knows how to choose those of an item."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from andor.data.reader import Modality, Reader
from andor.errors import UserError
from andor.kinds import Kind
from andor.settings import MAX_SAMPLED

Choice = Mapping[str, Any]
"""Of one item, `players` and `player_names` as `andor.data.candidates.candidates` describes them."""
Chooser = Callable[[Mapping[str, Any]], Choice]
"""What makes the choice of an item from its row of the tidy data, or raises a PlayersError."""


class PlayersError(UserError):
    """An item that has not the players it needs; the message is the reason, the same for all such items."""


class PlayerKind(Kind):
    """The input variables that interact.

    They are chosen from the item alone, before any model or tokenizer sees it, so that all models of a task share them.
    """

    of: ClassVar[set[Modality]]
    """What the players are part of."""
    leaves_background: ClassVar[bool] = True
    """Whether an item may have something that is no player."""

    if TYPE_CHECKING:  # each kind's own: fields with a description, or a property
        kind: str

        @property
        def count(self) -> int | None:
            """Players a sample; None where samples differ, or where only the data say it."""

    @abstractmethod
    def chooser(self, metadata: Mapping[str, Any], seed: int, source: Path | None) -> Chooser:
        """Function that chooses the players of an item; what is the same for all items is made once.

        Parameters
        ----------
        metadata
            Those of the tidy data: `shape` of the arrays, `columns` of features.
        source
            The file of the entry of `sources` that `needed_source` names.

        Raises
        ------
        UserError
            If columns or pixels that make up players do not exist, or their file cannot be read.
        """

    def most(self, data: Reader) -> int:
        """The most players that a sample may have."""
        return MAX_SAMPLED if self.count is None else self.count

    @property
    def needed_source(self) -> str | None:
        """The entry of `sources` that holds the players, if they are given in a file."""
        return None

    @property
    def same_in_all(self) -> bool:
        """Whether a player is the same in every item."""
        return False

    @property
    def same_number(self) -> bool:
        """Whether every item has as many players, so that outputs of samples can be exchanged."""
        return self.count is not None or self.same_in_all

    def unknown(self) -> Iterator[str]:
        """What is not installed on this machine and is needed."""
        yield from ()

    def misfits(self, data: Reader) -> Iterator[str]:
        """What does not go with data of a fitting modality: nothing, unless a kind says otherwise."""
        yield from ()
