"""What the configuration and models have in common: how a network is trained, and what either knows by its name.

Nothing heavy is imported: the Snakefile reads this at every start, on every node.
"""

from __future__ import annotations

from math import ceil
from typing import Annotated, Literal, Protocol

from pydantic import Field, field_validator, model_validator

from andor.settings import Closed, NonNegative, PositiveInt

TOKENS = ("mask", "pad", "unk", "cls", "sep")
"""Baseline values that are tokens of a text model."""
KEPT = "kept"
"""Folder of a trained model in which it is as it was after some steps, a folder each."""
ROW_BASELINES = ("mean", "marginal")
"""Baseline values of rows of a table as they were: numbers in their own units, and values that are no numbers."""


Quantization = Literal["q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
"""Types of GGUF into which the package gguf can write weights: bits a weight, with a scale (and least) for each 32."""


REPEATS = 4
"""Masked inputs of a sample that a served model is asked about once more, to measure its noise."""


class Masked(Protocol):
    """What a model has to know of how it is masked: `andor.config.masking.Masking`."""

    @property
    def baseline(self) -> str:
        """Name of the baseline value."""

    @property
    def is_embedding(self) -> bool:
        """Whether the baseline value is one of word embeddings."""


class Corruption(Closed):
    """What is made worse of the training items; items for testing and explaining stay as they are."""

    labels: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the labels that are replaced by another one. Of two labels, half is noise, and 1 turns them around."""
    features: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the items that, in each feature anew, exchange their values among each other."""


class Training(Closed):
    """How a model is trained or fine-tuned."""

    epochs: Annotated[int, Field(ge=0, le=10**6)] = 2
    """Passes over the training items; 0 leaves the network as it is initialised, a control."""
    batch_size: PositiveInt = 32
    """Items a step."""
    optimizer: Literal["sgd", "adamw"] = "adamw"
    """SGD with momentum 0.9, or AdamW."""
    learning_rate: Annotated[float, Field(gt=0, le=1e38)] = 1e-3
    """Largest rate of the schedule."""
    schedule: Literal["cosine", "log"] = "cosine"
    """The rate rises over the first tenth of the steps and falls to 0 along a cosine; or (ICML 2023) it falls by one
    factor from epoch to epoch, to a tenth in the last."""
    weight_decay: NonNegative = 0.01
    """Decay of the weights."""
    balanced: bool = False
    """Draw both labels equally often."""
    labels: Literal["true", "shuffled", "size"] = "true"
    """What it learns: the true labels; or, as a control, the same shuffled among the items, or another task with the
    same inputs: whether the item is larger than most (more ink, a longer text, a larger sum)."""
    corrupt: Corruption = Corruption()
    """What of its training items is made worse, for a control."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of new weights and batches, for a training that is repeated; that of the whole configuration if unset."""
    items: Literal["train", "test"] = "train"
    """Which items it learns from: those for training; or, as a control, those that are kept for testing and explaining,
    so that what it shares with the others is no accident of theirs."""
    keep: list[Annotated[int, Field(ge=0)]] = []
    """Steps after which the network is kept as it then is, 0 for its initial weights: `[0, 50]` of a model `cnn` gives
    the models `cnn@0` and `cnn@50` beside it."""
    until: Annotated[int, Field(ge=0)] | None = None
    """Stop after so many steps, at the rates of the whole schedule; after all epochs if unset."""

    @field_validator("keep")
    @classmethod
    def _in_order(cls, steps: list[int]) -> list[int]:
        if twice := next((step for step in steps if steps.count(step) > 1), None):
            raise ValueError(f"step {twice} is there twice; name it once")
        return sorted(set(steps))

    @model_validator(mode="after")
    def _before_the_end(self) -> Training:
        if self.until is not None and self.keep and self.keep[-1] > self.until:
            raise ValueError(f"`keep: {self.keep[-1]}` is beyond `until: {self.until}`; lower it")
        return self

    @property
    def is_control(self) -> bool:
        """Whether it gives no main model of the task: one that learns nothing, something else, from other or worse
        items or not to the end, or a repetition."""
        return (
            self.epochs == 0
            or self.labels != "true"
            or self.items != "train"
            or self.is_corrupted
            or self.seed is not None
            or self.until is not None
        )

    @property
    def last_step(self) -> int:
        """The last of the steps that are asked for, 0 if none is."""
        return max([*self.keep, self.until or 0])

    def most_steps(self, items: int) -> int:
        """Steps of a whole training on so many items: fewer where it is balanced, or one item is left for the last."""
        return self.epochs * ceil(items / self.batch_size)

    def ended(self, step: int) -> Training:
        """The same training, stopped after a step."""
        return self.model_copy(update={"keep": [], "until": step})

    @property
    def is_corrupted(self) -> bool:
        """Whether its training items are made worse."""
        return self.corrupt != Corruption()


def state_name(model: str, step: int) -> str:
    """Name of a model as it was after a step of its training."""
    return f"{model}@{step}"


def model_and_step(name: str) -> tuple[str, int | None]:
    """The model that a name is of, and the step of its training after which it is meant; None for its end."""
    model, _, step = name.partition("@")
    return model, int(step) if step else None


def smallest_side(architecture: str) -> int:
    """Smallest side of an image, in pixels, that leaves something after a network's last pooling."""
    sides = {"lenet": 16, "vgg": 32, "alexnet": 63, "resnet": 8}
    return next(side for name, side in sides.items() if architecture.startswith(name))
