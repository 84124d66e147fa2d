"""What local data and models lack of what a configuration asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from andor.config.config import Config
from andor.config.tasks import Task
from andor.data.players.features import FeaturePlayers, choose_features
from andor.data.readers.table import TableData
from andor.errors import UserError
from andor.sources.uri import parse as parse_uri


def lacking(config: Config, base: Path) -> Iterator[str]:
    """Columns, splits and classes that data of local files lack, a line for each task; models that are of another kind.

    Parameters
    ----------
    base
        Folder that `path:` addresses start from.
    """
    for name, task in config.tasks.items():
        source = _local(config, task.data.source, base)
        try:
            seen = None if source is None else task.data.glance(source)
            if seen is not None:
                _check_players(task, seen)
        except UserError as error:
            yield f"`tasks.{name}`: {error}"
        for model_name, model in task.models.items():
            source = _local(config, model.sources().get("source"), base)
            try:
                if source is not None:
                    model.glance(source, task.data)
            except UserError as error:
                yield f"`tasks.{name}.models.{model_name}`: {error}"


def _check_players(task: Task, seen: Any) -> None:
    """Refuse columns that are to make up players and that a table lacks."""
    data, players = task.data, task.players
    if isinstance(data, TableData) and isinstance(players, FeaturePlayers):
        frame, _ = seen
        choose_features({column: [] for column in data.features_of(list(frame.columns))}, players)


def _local(config: Config, source: str | None, base: Path) -> Path | None:
    """Where a source lies on this machine, if its only address is of a file or folder as it is."""
    if source is None or len(config.sources[source].mirrors) != 1:
        return None
    mirror = parse_uri(config.sources[source].mirrors[0])
    if mirror.scheme != "path" or mirror.parts or mirror.members:
        return None
    path = base / Path(mirror.name).expanduser()
    return path if path.exists() else None
