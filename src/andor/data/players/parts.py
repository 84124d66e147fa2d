"""Players that are parts of a point cloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from andor.data.player_kind import Choice, Chooser, PlayerKind, PlayersError
from andor.data.reader import Reader
from andor.errors import UserError
from andor.settings import MAX_SAMPLED

if TYPE_CHECKING:
    import numpy as np


class PartPlayers(PlayerKind):
    """Parts of the point cloud; there is no background unless more parts are given than counted."""

    of: ClassVar = {"points"}
    place: ClassVar = 6
    kind: Literal["parts"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_SAMPLED)] = 8
    """Players a sample."""
    rule: Literal["kmeans", "given"] = "kmeans"
    """k-means over the points of each cloud, drawn with the seed and the item's number; or the data's own parts, those
    with the most points."""

    aligned: bool = False
    """Given parts: explain only clouds that have exactly these `count` parts, so that a player is the same in all."""

    @property
    def same_in_all(self) -> bool:
        """Parts by k-means are ordered by their height."""
        return self.rule == "kmeans" or self.aligned

    @model_validator(mode="after")
    def _aligned(self) -> PartPlayers:
        if self.aligned and self.rule != "given":
            raise ValueError(f"`aligned` has no effect on rule `{self.rule}`; take it away")
        return self

    def chooser(self, metadata: Mapping[str, Any], seed: int, source: Path | None) -> Chooser:
        """Function from a row to the parts of its cloud."""
        import numpy as np

        if self.rule == "given":
            return lambda row: given_parts(row.get("part"), self)
        shape = metadata["shape"]
        return lambda row: cluster_points(
            np.asarray(row["points"], np.float32).reshape(shape), self, (seed, row["item"])
        )

    def misfits(self, data: Reader) -> Iterator[str]:
        """More parts than the cloud has points."""
        if data.cloud is not None and data.cloud < self.count:
            yield f"players.count {self.count} is more than the {data.cloud} points of a cloud; lower it"


def cluster_points(cloud: np.ndarray, players: PartPlayers, seed: tuple[int, int]) -> Choice:
    """k-means over the points (P, 3) of one cloud; parts in ascending order of their centres' height (last axis)."""
    import numpy as np
    from sklearn.cluster import KMeans

    state = int(np.random.default_rng(seed).integers(2**31))
    fitted = KMeans(players.count, n_init=4, random_state=state).fit(cloud.astype(np.float64))
    ascending = np.argsort(fitted.cluster_centers_[:, -1], kind="stable")
    return {
        "players": [np.flatnonzero(fitted.labels_ == part).tolist() for part in ascending],
        "player_names": [f"part {number}" for number in range(players.count)],
    }


def given_parts(part: Sequence[int] | None, players: PartPlayers) -> Choice:
    """The data's own parts of one cloud, those with the most points, in the order of their numbers.

    Raises
    ------
    PlayersError
        If the cloud has too few parts.
    UserError
        If the data name no parts.
    """
    import numpy as np

    if part is None:
        raise UserError("`players.rule: given`: the data have no column `part`; use kmeans")
    sizes = Counter(part)
    if len(sizes) < players.count:
        raise PlayersError(f"fewer than {players.count} parts (players.count)")
    if players.aligned and len(sizes) > players.count:
        raise PlayersError(f"more than {players.count} parts (players.count)")
    largest = sorted(name for name, _ in sizes.most_common(players.count))
    numbers = np.asarray(part)
    return {
        "players": [np.flatnonzero(numbers == name).tolist() for name in largest],
        "player_names": [f"part {name}" for name in largest],
    }
