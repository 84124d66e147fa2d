"""The key `coalitions` of a task: on which of the 2^n masked versions of a sample the models are evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from andor.settings import BLOCK, MAX_PLAYERS, Closed

FEW = 12
"""Most players of which all coalitions are evaluated if nothing is said."""


SAMPLED_COLUMNS = 3000
"""Interactions that the solver works on at once, at most about so many."""


class Budget(Closed):
    """So many coalitions drawn at random instead of all 2^n, the same for all models.

    ∅ and N are among them; of the others each has a share p ~ U(0, 1) of its players present.
    """

    budget: Annotated[int, Field(gt=0, le=10**6)] = 1000
    """Coalitions that interactions are fitted to, in blocks of 50: a larger budget computes only what is new."""
    held_out: Annotated[int, Field(ge=0, le=10**6)] = 250
    """Further coalitions on which the fit is judged; nothing is fitted to them or chosen by them."""

    @field_validator("budget", "held_out")
    @classmethod
    def _whole_blocks(cls, count: int) -> int:
        if count % BLOCK:
            near = max(BLOCK, BLOCK * round(count / BLOCK))
            raise ValueError(f"{count}: coalitions come in blocks of {BLOCK}; write {near}")
        return count

    @property
    def total(self) -> int:
        """Masked versions of a sample that each model is evaluated on."""
        return self.budget + self.held_out


def _form(given: Any) -> str:
    """Which form is meant, in brackets: `andor.config.check` leaves such parts out of the key."""
    return "[word]" if isinstance(given, str) else "[mapping]"


Coalitions = Annotated[
    Annotated[Literal["all"], Tag("[word]")] | Annotated[Budget, Tag("[mapping]")], Discriminator(_form)
]
"""All of them, or a budget."""


def misfits(coalitions: Budget | str | None, most: int) -> Iterator[str]:
    """All coalitions of too many players."""
    if coalitions == "all" and most > MAX_PLAYERS:
        yield (
            f"`coalitions: all` of {most} players are 2^{most}, at most {MAX_PLAYERS} players can be; "
            "write `coalitions: {budget: 1000, held_out: 250}`"
        )
