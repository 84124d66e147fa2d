"""Models of the user's own, behind two functions of a Python file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import StringConstraints

from andor.models.code import main_file
from andor.models.family import Family, misfits_of_rows
from andor.models.settings import Masked
from andor.settings import IDENTIFIER, Name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    import torch

    from andor.data.reader import Reader
    from andor.models import own


class OwnModel(Family):
    """A model of your own: a Python file with two functions, which is run."""

    place: ClassVar = 7
    reads: ClassVar = {"text", "image", "table", "points"}
    predicts_numbers: ClassVar = True
    family: Literal["own"]
    """Kind of model."""
    file: str
    """The Python file, relative to the working directory, or a folder with an `__init__.py`; it may import what is
    installed, and neighbours by relative names, as in `from .layers import Network`."""
    load: Annotated[str, StringConstraints(pattern=IDENTIFIER)] = "load"
    """Function of the path of `source` (None without one) and the device, that gives whatever the other needs."""
    outputs: Annotated[str, StringConstraints(pattern=IDENTIFIER)] = "outputs"
    """Function of what `load` gave and of inputs (B, …), a float32 tensor on the device (or a list of B texts, or a
    frame of B rows), that gives a tensor (B, C)."""
    gives: Literal["logits", "probabilities"] = "logits"
    """What `outputs` gives: logits, or the predicted number (C = 1) where labels are numbers; or probabilities, of
    label 1 (C = 1) or of each label."""
    rows: bool | None = None
    """Tables: give `outputs` a pandas DataFrame of rows as they were, with names, units and types of all feature
    columns, instead of standardised numbers. An estimator of scikit-learn that was fitted to a DataFrame has to say
    which."""
    source: Name | None = None
    """An entry of `sources`: its weights."""

    def misfits(self, name: str, data: Reader, masking: Masked) -> Iterator[str]:
        """Embeddings: it is given texts. Probabilities of a number. Rows as they were, of no table or masked not so."""
        if data.is_numeric and self.gives == "probabilities":
            what = f"is of classes, {data.title} has a number to predict"
            yield f"model `{name}`: `gives: probabilities` {what}; use logits"
        if data.modality == "text" and masking.is_embedding:
            yield f"masking.baseline `{masking.baseline}` is an embedding; model `{name}` (own) has none: use zero"
        if self.rows and data.modality != "table":
            yield f"model `{name}`: `rows` are of tables, {data.title} is none; take it away"
        elif self.rows:
            yield from misfits_of_rows(name, masking)

    def own_files(self) -> dict[str, str]:
        """The Python file, or that of the folder."""
        return {"file": main_file(self.file)}

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
        """Copy the Python file, and link the weights."""
        from andor.models import own
        from andor.models.adoption import settle

        own.keep(Path(main_file(self.file)), source, folder)
        described = self.model_dump(include={"load", "outputs", "gives"})
        if self.rows is not None:
            described["rows"] = self.rows
        settle(type(self), {"family": self.family, **described}, folder, table)

    @classmethod
    def loaded(cls, folder: Path, description: dict[str, Any], device: torch.device) -> own.OwnModel:
        """The model, of texts if nothing is known of a mean input."""
        from andor.models import files, own

        if description.get("rows"):
            return own.OwnModel(folder, description, files.mean_row(folder), device)
        mean = files.mean(folder) if (folder / files.INPUTS).exists() else None
        return own.OwnModel(folder, description, mean, device)
