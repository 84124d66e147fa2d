"""Models of another task of the same configuration, as they are or trained further."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from andor.errors import UserError
from andor.models.family import Family
from andor.models.settings import KEPT, Training, model_and_step
from andor.settings import ModelName, Name

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

    from andor.models.loaded import LoadedModel

METRICS = "metrics.json"
"""What was counted of the model on its own task's items."""


class ModelOfTask(Family):
    """The classifier of another task as it is there, or trained further on this task's items."""

    place: ClassVar = 8
    reads: ClassVar = {"text", "image", "table", "points"}
    family: Literal["of_task"]
    """Kind of model."""
    task: Name
    """The other task, of data of the same kind with two labels."""
    model: ModelName
    """A model of it, or with @ and a step what its training keeps."""

    training: Training | None = None
    """How to train it further, an encoder alone; it stays as it is if unset."""

    @property
    def is_control(self) -> bool:
        """Whether it gives no main model of the task, as what another task's training keeps on its way does not."""
        return super().is_control or (self.training is None and model_and_step(self.model)[1] is not None)

    @property
    def taken_from(self) -> tuple[str, str]:
        """The other task and its model."""
        return self.task, self.model

    def make(
        self,
        table: pa.Table | None,
        source: Path | None,
        weights: Path | None,
        folder: Path,
        seed: int,
        device: torch.device | str = "cpu",
        progress: bool = True,
    ) -> None:
        """Link the files of the other task's model, whose folder ``source`` is, or train it further."""
        from andor.files import link_or_copy
        from andor.models.adoption import attempt
        from andor.models.families.text_encoder import TextEncoder
        from andor.models.loading import load

        if source is None or not source.is_dir():
            raise UserError(f"`model: {self.model}` of task `{self.task}`: {source} is not there; make it first")
        if self.training is not None:
            encoder = TextEncoder(family="text_encoder", source=self.task, training=self.training)
            encoder.make(table, source, None, folder, seed, device, progress)
            return
        for file in sorted(source.rglob("*")):
            place = file.relative_to(source)
            # Records and marks of the folder are its own, and so is what the model got right there.
            ours = not any(part.startswith(".") or part == KEPT for part in place.parts) and place.name != METRICS
            if ours and file.is_file():
                link_or_copy(file, folder / place)
        if table is not None:
            attempt(load(folder), table)

    @classmethod
    def loaded(cls, folder: Path, description: dict[str, Any], device: torch.device) -> LoadedModel:
        """Not possible: a model of another task is described by its own family."""
        raise UserError(f"{folder}: describes no model; delete the folder and run again")
