"""What a family of models says of itself: what it reads and costs, how a model of it is made, and read from its folder.

Nothing heavy is imported at the top, here and in the families' files: the configuration imports them.
"""

from __future__ import annotations

from abc import abstractmethod
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from andor.errors import UserError
from andor.kinds import Kind
from andor.models.settings import ROW_BASELINES, Masked, Training

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    import torch
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast

    from andor.data.reader import Reader
    from andor.models.loaded import ArrayClassifier, LoadedModel, PointClassifier, TextClassifier
    from andor.models.training import Kept


class Family(Kind):
    """A family of models; an instance is an entry of a task's `models`.

    A key `training` says how a model is trained here. A key `source`, `tokenizer` or `weights` names an entry of
    `sources`.
    """

    reads: ClassVar[set[str]]
    """What it reads: any of `text`, `image`, `table` and `points`; or `passage`, which ends before a target."""
    predicts_numbers: ClassVar[bool] = False
    """Whether it also learns labels that are numbers; its output is then the prediction."""
    has_gradients: ClassVar[bool] = True
    """Whether gradients of its outputs reach its inputs, so that a baseline value can be learned."""
    uses_gpu: ClassVar[bool] = True
    """Whether a GPU is of use to it."""
    memory_mb: ClassVar[int] = 4000
    """Memory of a job with a small model, in MB: twice what was measured (logs/*/*.tsv, column max_rss), for CUDA's
    libraries."""
    seconds: ClassVar[float] = 0.03
    """Time of a forward pass: twice what was measured on one CPU core."""

    family: str
    """Kind of model."""

    @property
    def trained_by(self) -> Training | None:
        """How it is trained here, None if it is used as it comes."""
        return getattr(self, "training", None)

    @property
    def language(self) -> bool:
        """Whether its outputs are those of a target, log-probability and log-odds; else they are logits of labels."""
        return False

    @property
    def making_uses_gpu(self) -> bool:
        """Whether a GPU is of use where it is made, and classifies the data once."""
        return self.uses_gpu

    @property
    def judged(self) -> int | None:
        """Test items by which it is judged, at most; None for all, and some of those for training."""
        return None

    @property
    def is_control(self) -> bool:
        """Whether it gives no main model of the task (see `Training.is_control`)."""
        return self.trained_by is not None and self.trained_by.is_control

    def sources(self) -> dict[str, str]:
        """Entries of `sources` that it names, by the key that names them."""
        named = {key: getattr(self, key, None) for key in ("source", "tokenizer", "weights")}
        return {key: source for key, source in named.items() if source is not None}

    @property
    def taken_from(self) -> tuple[str, str] | None:
        """The task, and its model, whose files it takes over; None for a model that is made or fetched."""
        return None

    def own_files(self) -> dict[str, str]:
        """Files of the user's own that it runs, by the key that names them."""
        return {}

    def misfits(self, name: str, data: Reader, masking: Masked) -> Iterator[str]:
        """What does not go with a model of this name that reads the data and is masked so."""
        if self.trained_by is not None and not data.trains:
            more = ", or lower `data.test_fraction`" if hasattr(data, "test_fraction") else ""
            yield f"model `{name}` is trained, {data.title} has nothing for that; take a model `of_task`{more}"
        if self.trained_by is not None:
            known = data.most_for_training if self.trained_by.items == "train" else None
            yield from _misfits_of_steps(name, self.trained_by, known)
        if data.is_numeric and not self.predicts_numbers:
            other = "text_encoder" if data.modality == "text" else "mlp"
            what = f"tells classes apart, {data.title} has a number to predict"
            yield f"model `{name}` ({self.family}) {what}; use {other}"
        if data.is_numeric and self.trained_by is not None and self.trained_by.balanced:
            yield f"model `{name}`: `training.balanced` is of classes, {data.title} has a number; take it away"
        if self.trained_by is not None and self.trained_by.corrupt.features and data.modality == "text":
            yield f"model `{name}`: `training.corrupt.features` shuffles arrays, {data.title} has texts; take it away"
        if masking.baseline == "learned" and not self.has_gradients:
            yield f"masking.baseline `learned` needs gradients, model `{name}` ({self.family}) has none; use mean"

    def calls(self, inputs: int) -> int:
        """Requests over a network for so many masked inputs, at most."""
        return 0

    def tokens(self, inputs: int, words: int) -> int:
        """Tokens of these requests, about, if texts have so many words."""
        return 0

    def costs(self, name: str, inputs: int) -> Iterator[str]:
        """What has to be agreed to before so many masked inputs are evaluated by a model of this name."""
        yield from ()

    def unknown(self) -> Iterator[str]:
        """What its library does not know, or is not installed on this machine and is needed."""
        yield from ()

    def glance(self, source: Path, data: Reader) -> None:
        """Look at what `source` names, if it lies on this machine, before any work.

        Raises
        ------
        UserError
            If it is no model of this kind, or not for the data.
        """

    @classmethod
    def memory_of(cls, held: int) -> int:
        """Memory in MB of a job that holds so many bytes of a model's weights, 0 if they are not there yet."""
        return max(cls.memory_mb, 2000 + ceil(held / 1e6))

    @abstractmethod
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
        """Put a model into a folder: trained here, or taken over as it comes.

        Parameters
        ----------
        table
            The tidy data of the task (see `andor.data`), of which rows for training are used; None where a model is
            taken over without a look at them.
        source
            What its key `source` or `tokenizer` names, a file or a folder: what transformers reads is linked (copied
            where that cannot be). Weights that are no safetensors are read once, tensors and nothing else, and written
            as safetensors.
        weights
            What its key `weights` names.
        seed
            Of new weights, batches and dropout. The same seed and number of threads give the same model.
        progress
            Whether a bar on stderr shows loss, rate and time left.

        Raises
        ------
        UserError
            If a file lacks what is needed, the loss is not finite, or the model cannot read the data.
        """

    @classmethod
    @abstractmethod
    def loaded(cls, folder: Path, description: dict[str, Any], device: torch.device) -> LoadedModel:
        """The model that `make` put into a folder.

        Parameters
        ----------
        description
            What `model.json` holds: the family, and whatever else makes the model beside its weights.

        Raises
        ------
        UserError
            If a file is missing or damaged.
        """


def misfits_of_rows(name: str, masking: Masked) -> Iterator[str]:
    """What does not go with a model of this name that reads rows of a table as they were."""
    if masking.baseline not in ROW_BASELINES:
        yield (
            f"masking.baseline `{masking.baseline}` is of standardised numbers, model `{name}` reads rows as they "
            f"were; use {' or '.join(ROW_BASELINES)}"
        )


def check_labels(labels: int, problem: str | None, where: str, numeric: bool = False) -> None:
    """Refuse a model of transformers that does not choose one of several labels, or else predict a number.

    Parameters
    ----------
    labels, problem
        Its number of labels and type of problem, as transformers states them.
    numeric
        Whether a number is to be predicted. A head of one output does so, unless it is said to be of another problem.
    """
    if numeric:
        if labels > 1 or problem not in (None, "regression"):
            what = f"has {labels} outputs" if labels > 1 else f"is for `problem_type: {problem}`"
            raise UserError(f"{where} {what}, and the data have a number to predict; name a model of one output")
        return
    if labels < 2 or problem == "regression":
        outputs = "one output" if labels < 2 else f"{labels} outputs"
        raise UserError(f"{where} predicts a number, it has {outputs}; name a classifier of two labels or more")
    if problem == "multi_label_classification":
        raise UserError(f"{where} says of each label by itself whether it holds; name a classifier that chooses one")


def _misfits_of_steps(name: str, training: Training, items: int | None) -> Iterator[str]:
    """A step that is to be kept, beyond the last one of a training on so many items; None if they are not known yet."""
    most = 0 if training.epochs == 0 else None if items is None else training.most_steps(items)
    if most is not None and training.last_step > most:
        yield f"model `{name}`: step {training.last_step} is beyond the end of its training, {most} steps; lower it"


class Trained(Family):
    """A family whose models are trained here."""

    @abstractmethod
    def train(
        self,
        table: pa.Table,
        source: Path | None,
        seed: int,
        device: torch.device | str = "cpu",
        progress: bool = True,
        kept: Kept | None = None,
    ) -> LoadedModel:
        """A model trained on the rows of a table that are for training.

        After each step of `training.keep`, `kept` is called with that step and the model as it is then.
        """

    def write(self, model: LoadedModel, folder: Path) -> None:
        """Put a model that was trained into a folder."""
        from andor.models.files import save

        save(model, folder)

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
        """Train a model and put it into a folder, what is kept on the way in folders of its own inside it."""
        from andor.models.files import kept_in

        def keep(step: int, model: LoadedModel) -> None:
            self.write(model, kept_in(folder, step))

        self.write(self.train(table, source, seed, device, progress, keep), folder)


class TrainedOnTexts(Trained):
    """A family of models of texts that are trained here, to classify them or to predict a number."""

    predicts_numbers: ClassVar = True

    @abstractmethod
    def untrained(self, source: Path, labels: int = 2) -> tuple[nn.Module, dict[str, Any], PreTrainedTokenizerFast]:
        """The network of so many labels that training begins with, what `model.json` states of it, and its tokenizer.

        One label is a number that is to be predicted. New weights are drawn from torch's generator.
        """

    def varied(self, token_ids: Tensor, tokenizer: PreTrainedTokenizerFast) -> Tensor:
        """Token ids (B, L) as they are shown in training."""
        return token_ids

    def train(
        self,
        table: pa.Table,
        source: Path | None,
        seed: int,
        device: torch.device | str = "cpu",
        progress: bool = True,
        kept: Kept | None = None,
    ) -> TextClassifier:
        """A model trained on the rows of a table that are for training."""
        from andor.models.training import train_texts

        return train_texts(self, table, source, seed, device, progress, kept)


class TrainedOnArrays(Trained):
    """A family of classifiers of images, features or points that are trained here, from new weights."""

    @property
    def title(self) -> str:
        """Name of the network, for the bar that shows its training."""
        return self.family

    @abstractmethod
    def described(self) -> dict[str, Any]:
        """What `model.json` states: the family and all that makes the network, but nothing of its training."""

    @classmethod
    @abstractmethod
    def untrained(cls, description: dict[str, Any], mean: Tensor, device: torch.device) -> ArrayClassifier:
        """A classifier with new weights, drawn from torch's generator.

        Parameters
        ----------
        description
            What was described, `shape` of an input, and `outputs`, the number of logits; where a number is predicted
            its `target`, mean and spread in the training rows.
        mean
            Mean over the training inputs.
        """

    def varied(self, inputs: Tensor) -> Tensor:
        """Inputs (B, …) as they are shown in training."""
        return inputs

    def train(
        self,
        table: pa.Table,
        source: Path | None,
        seed: int,
        device: torch.device | str = "cpu",
        progress: bool = True,
        kept: Kept | None = None,
    ) -> ArrayClassifier:
        """A model trained on the rows of a table that are for training."""
        from andor.models.training import train_arrays

        return train_arrays(self, table, seed, device, progress, kept)

    @classmethod
    def loaded(cls, folder: Path, description: dict[str, Any], device: torch.device) -> ArrayClassifier:
        """The model that `make` put into a folder."""
        from andor.models import files

        model = cls.untrained(description, files.mean(folder), device)
        files.fill(model.network, folder)
        return model


class TrainedOnPoints(TrainedOnArrays):
    """A family of classifiers of point clouds."""

    place: ClassVar = 6
    reads: ClassVar = {"points"}
    training: Training = Training()
    """How to train it."""

    def described(self) -> dict[str, Any]:
        """The family, whose sizes are the published ones."""
        return {"family": self.family}

    @classmethod
    @abstractmethod
    def network(cls, description: dict[str, Any]) -> nn.Module:
        """The network with new weights."""

    @classmethod
    def untrained(cls, description: dict[str, Any], mean: Tensor, device: torch.device) -> PointClassifier:
        """A classifier of point clouds with new weights."""
        from andor.models.loaded import PointClassifier

        return PointClassifier(cls.network(description).to(device), description, mean.to(device))
