"""What the configuration and models have in common: how a network is trained, and what either knows by its name.

Nothing heavy is imported: the Snakefile reads this at every start, on every node.
"""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

from pydantic import Field

from andor.settings import Closed, NonNegative, PositiveInt

TOKENS = ("mask", "pad", "unk", "cls", "sep")
"""Baseline values that are tokens of a text model."""
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

    @property
    def is_control(self) -> bool:
        """Whether it gives no main model of the task: one that learns nothing, something else or from worse items,
        or a repetition."""
        return self.epochs == 0 or self.labels != "true" or self.is_corrupted or self.seed is not None

    @property
    def is_corrupted(self) -> bool:
        """Whether its training items are made worse."""
        return self.corrupt != Corruption()


def smallest_side(architecture: str) -> int:
    """Smallest side of an image, in pixels, that leaves something after a network's last pooling."""
    sides = {"lenet": 16, "vgg": 32, "alexnet": 63, "resnet": 8}
    return next(side for name, side in sides.items() if architecture.startswith(name))
