"""Players that are columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from andor.data.player_kind import Choice, Chooser, PlayerKind
from andor.data.reader import Reader
from andor.errors import UserError
from andor.settings import MAX_SAMPLED, near

if TYPE_CHECKING:
    Count = int | None
else:  # `all` is None to whoever asks: only the data say how many columns there are
    All = Annotated[Literal["all"], AfterValidator(lambda _: None)]
    Count = Annotated[int, Field(ge=1, le=MAX_SAMPLED)] | All | None


class FeaturePlayers(PlayerKind):
    """Columns of the table; all indicators of a column together."""

    of: ClassVar = {"table"}
    place: ClassVar = 5
    kind: Literal["features"]
    """Kind of players."""
    count: Count = 10
    """Players a sample: the first columns, `all` of them, or as many as `groups` names; other columns are
    background."""
    groups: Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=1)] | None = None
    """Players by name, each one or more columns that are masked together; the first `count` columns, each alone, if
    unset."""

    def most(self, data: Reader) -> int:
        """The columns of the table, where they are known before it is read."""
        return data.columns or MAX_SAMPLED if self.count is None else self.count

    @property
    def same_in_all(self) -> bool:
        """Every row has the same columns."""
        return True

    @model_validator(mode="before")
    @classmethod
    def _counted(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and "count" not in raw and isinstance(raw.get("groups"), Mapping):
            return {**raw, "count": len(raw["groups"])}
        return raw

    @model_validator(mode="after")
    def _disjoint(self) -> FeaturePlayers:
        columns = [column for group in (self.groups or {}).values() for column in group]
        if twice := [column for column in columns if columns.count(column) > 1]:
            raise ValueError(f"`groups` names the column `{twice[0]}` twice; let one player have it")
        if self.groups is not None and len(self.groups) != self.count:
            count = self.count or "all"
            raise ValueError(f"`count: {count}` is not the number of `groups`, {len(self.groups)}; take it away")
        return self

    def chooser(self, metadata: Mapping[str, Any], seed: int, source: Path | None) -> Chooser:
        """Function from any row to the columns."""
        columns = choose_features(metadata["columns"], self)
        return lambda row: columns

    def misfits(self, data: Reader) -> Iterator[str]:
        """More columns than the table has, or others."""
        known = data.column_names
        for group, names in (self.groups or {}).items() if known is not None else ():
            for name in names:
                if name not in known:
                    yield f"players.groups.{group}: no column `{name}`{near(name, known)}"
        columns, asked = data.columns, self.count or 1
        if self.groups is None and columns is not None and asked > columns:
            yield f"players.count {asked} is more than the {columns} columns of {data.title}; lower it"


def choose_features(columns: Mapping[str, list[int]], players: FeaturePlayers) -> Choice:
    """Columns, or groups of them, as positions among the features.

    Raises
    ------
    UserError
        If a column does not exist, or there are too few.
    """
    if players.count is None and len(columns) > MAX_SAMPLED:
        raise UserError(f"`players.count: all`: the table has {len(columns)} columns, above {MAX_SAMPLED}; name fewer")
    groups = players.groups or {name: [name] for name in list(columns)[: players.count]}
    for group, names in groups.items():
        for name in names:
            if name not in columns:
                raise UserError(f"`players.groups.{group}`: no column `{name}`; the table has {', '.join(columns)}")
    if len(groups) < (players.count or 0):
        raise UserError(f"`players.count: {players.count}`: the table has only {len(columns)} columns; lower it")
    return {
        "players": [[position for name in names for position in columns[name]] for names in groups.values()],
        "player_names": list(groups),
    }
