"""Masked rows of a table as they were: a player's columns take their cells from another row, or from each of several.

A position is a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from andor import config
from andor.data.table import ROW
from andor.errors import UserError
from andor.files import digest
from andor.models.loaded import ArrayClassifier, logits_of
from andor.models.settings import ROW_BASELINES
from andor.outputs.masking.model import MaskedMarginal, MaskedModel, batch_size, owners

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class MaskedRow:
    """A row and its players."""

    row: pd.DataFrame
    """One row."""
    players: list[list[int]]
    """Columns of each player, by their places in the row."""
    masking: config.Masking
    """How they are masked."""
    others: pd.DataFrame
    """Rows (T) that masked cells are taken from."""

    def content(self) -> dict[str, Any]:
        """What determines the masked outputs besides the model."""
        masking = {"baseline": self.masking.baseline, "background": "keep", "value": digest(_cells(self.others))}
        return {"input": {"row": _cells(self.row)}, "players": self.players, "masking": masking}

    def bind(self, model: ArrayClassifier, baseline: Tensor | None = None) -> MaskedModel:
        """Outputs on this row as a function of the players that are present.

        Masking selects numbers of rows: 0 is this row, others follow.
        """
        import pandas as pd

        columns, count = self.row.shape[1], len(self.others)
        pool = pd.concat([self.row, self.others], ignore_index=True)

        def outputs(numbers: Tensor) -> Tensor:
            taken = [cells.take(own) for (_, cells), own in zip(pool.items(), numbers.numpy().T, strict=True)]
            return model.outputs(pd.concat([cells.reset_index(drop=True) for cells in taken], axis=1))

        others = torch.arange(1, count + 1)[:, None].expand(count, columns)
        size = batch_size(columns * count, on_cpu=1 << 17, on_cuda=1 << 17, device="cpu")
        owner = owners(self.players, columns)
        whole = torch.zeros(1, columns, dtype=torch.int64)
        return MaskedMarginal(
            outputs, whole, others, owner, len(self.players), size, lambda mean: logits_of(mean, model.gives)
        )


def locate_row(model: ArrayClassifier, sample: Mapping[str, Any], masking: config.Masking) -> MaskedRow:
    """The row with its players, whose features are found among its columns.

    Raises
    ------
    UserError
        If there is no row, or nothing to mask it with.
    """
    if ROW not in sample:
        raise UserError(f"a model of family `{model.family}` reads rows as they were; use samples of a table")
    others = {"mean": model.mean, "marginal": model.background}.get(masking.baseline)
    if others is None:
        raise UserError(
            f"`masking.baseline: {masking.baseline}`: a model of family `{model.family}` reads rows as they were; use "
            f"{' or '.join(ROW_BASELINES)}"
        )
    place = {feature: place for place, own in enumerate(sample["columns"].values()) for feature in own}
    players = [list(dict.fromkeys(place[feature] for feature in player)) for player in sample["players"]]
    return MaskedRow(sample[ROW], players, masking, others)


def _cells(rows: pd.DataFrame) -> list[list[Any]]:
    """Name, type and cells of each column, as JSON values; numbers are written so that they are read back the same."""
    return [[name, str(cells.dtype), list(map(repr, cells.tolist()))] for name, cells in rows.items()]
