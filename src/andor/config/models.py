"""The key `models` of a task: families, and how they are trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue, StringConstraints, model_validator

from andor.config.masking import Masking
from andor.data.reader import Reader
from andor.settings import IDENTIFIER, Closed, Name, NonNegative, PositiveFloat, PositiveInt


class Training(Closed):
    """How a model is trained or fine-tuned."""

    epochs: Annotated[int, Field(ge=0)] = 2
    """Passes over the training items; 0 leaves the network as it is initialised, a control."""
    batch_size: PositiveInt = 32
    """Items a step."""
    optimizer: Literal["sgd", "adamw"] = "adamw"
    """SGD with momentum 0.9, or AdamW."""
    learning_rate: PositiveFloat = 1e-3
    """Peak rate; it rises over the first tenth of the steps and falls to 0 along a cosine."""
    weight_decay: NonNegative = 0.01
    """Decay of the weights."""
    balanced: bool = False
    """Draw both labels equally often."""
    labels: Literal["true", "shuffled", "size"] = "true"
    """What it learns: the true labels; or, as a control, the same shuffled among the items, or another task with the
    same inputs: whether the item is larger than most (more ink, a longer text, a larger sum)."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of new weights and batches, for a training that is repeated; that of the whole configuration if unset."""

    @property
    def is_control(self) -> bool:
        """Whether it gives no main model of the task: one that learns nothing or something else, or a repetition."""
        return self.epochs == 0 or self.labels != "true" or self.seed is not None


class Family(Closed):
    """A family of models."""

    def misfits(self, name: str, data: Reader, masking: Masking) -> Iterator[str]:
        """What does not go with a model of this name that reads the data: nothing, unless a family says otherwise."""
        yield from ()


class TextEncoder(Family):
    """A pretrained transformers encoder with a classification head."""

    reads: ClassVar = {"text"}
    family: Literal["text_encoder"]
    """Kind of model."""
    source: Name
    """An entry of `sources`: a folder in the layout of transformers, with safetensors and a tokenizer."""
    weights: Name | None = None
    """An entry of `sources`: a state dict of a classifier of this kind (`.pth`, `.pth.tar`, `.pt`, `.bin` or
    `.safetensors`; tensors and nothing else), such as the checkpoints that the authors released; it replaces the
    weights of `source`, of which configuration and tokenizer are used."""
    layers: PositiveInt | None = None
    """Keep only so many of the first layers; all if unset."""
    training: Training | None = None
    """How to fine-tune it; unset for a model that already classifies."""

    @model_validator(mode="after")
    def _ready(self) -> TextEncoder:
        if self.weights is not None and self.training is not None:
            raise ValueError("`weights` are of a classifier that is ready; take `training` away")
        if self.weights is not None and self.layers is not None:
            raise ValueError("`layers` has no effect on a model with `weights`; take it away")
        return self


class TextCNN(Family):
    """Kim's (2014) convolutional sentence classifier, trained from scratch."""

    reads: ClassVar = {"text"}
    family: Literal["text_cnn"]
    """Kind of model."""
    tokenizer: Name
    """An entry of `sources`: the folder whose tokenizer is used (no weights are read)."""
    width: PositiveInt = 128
    """Width of the word-piece embeddings."""
    filters: PositiveInt = 100
    """Filters of each kernel width."""
    kernels: list[PositiveInt] = [3, 4, 5]
    """Kernel widths in word pieces."""
    training: Training = Training()
    """How to train it."""


class ImageClassifier(Family):
    """An image classifier trained from scratch: one logit for two labels, else one for each."""

    reads: ClassVar = {"image"}
    family: Literal["image_classifier"]
    """Kind of model."""
    architecture: Literal[
        "lenet",
        "resnet20", "resnet32", "resnet44", "resnet56", "resnet110",
        "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn",
        "alexnet", "resnet18", "resnet34", "resnet50",
    ]  # fmt: skip
    """LeNet-5, CIFAR-style ResNets (20 to 110 layers), torchvision's VGGs with a one-layer head, and torchvision's
    AlexNet and ResNets (18, 34, 50 layers) for larger images."""
    training: Training = Training()
    """How to train it."""

    def misfits(self, name: str, data: Reader, masking: Masking) -> Iterator[str]:
        """Images of which its pooling leaves nothing."""
        if data.side is not None and data.side < (smallest := smallest_side(self.architecture)):
            yield (
                f"model `{name}` ({self.architecture}) needs images of at least {smallest} pixels a side, "
                f"data.size is {data.side}; raise it"
            )


def smallest_side(architecture: str) -> int:
    """Smallest side of an image, in pixels, that leaves something after a network's last pooling."""
    sides = {"lenet": 16, "vgg": 32, "alexnet": 63, "resnet": 8}
    return next(side for name, side in sides.items() if architecture.startswith(name))


class PretrainedImageClassifier(Family):
    """A pretrained image classifier, used as it comes, with as many logits as it has."""

    reads: ClassVar = {"image"}
    family: Literal["pretrained_image_classifier"]
    """Kind of model."""
    library: Literal["torchvision", "transformers", "timm"]
    """Whose architecture it is; timm has to be installed."""
    source: Name
    """An entry of `sources`: a folder in the layout of transformers, or a state dict (safetensors, or `.pth`,
    `.pth.tar`, `.pt`, `.bin` with tensors and nothing else), alone or in a folder."""
    architecture: str | None = None
    """Name of the architecture in torchvision or timm, such as `resnet50`."""
    mean: list[float] | None = None
    """Mean of each channel that the model expects to be subtracted from images in [0, 1]; if unset, that of the
    source's `preprocessor_config.json` (of timm `config.json`), or ImageNet's."""
    std: list[PositiveFloat] | None = None
    """Standard deviation of each channel by which images are divided; if unset, as for `mean`."""

    @property
    def training(self) -> None:
        """It is used as it comes."""
        return None

    @model_validator(mode="after")
    def _named(self) -> PretrainedImageClassifier:
        if (self.architecture is None) != (self.library == "transformers"):
            said = "is in the source's config.json; take it away" if self.architecture else "is missing; add it"
            raise ValueError(f"`architecture` of a model of {self.library} {said}")
        return self


class MLP(Family):
    """A multilayer perceptron for tables (ICML 2023), trained from scratch: one logit for two labels, else one each."""

    reads: ClassVar = {"table"}
    family: Literal["mlp"]
    """Kind of model."""
    layers: Annotated[int, Field(ge=2, le=10)] = 5
    """Linear layers, the last one included."""
    width: PositiveInt = 100
    """Units of each hidden layer."""
    residual: bool = False
    """Add to each inner layer its own input (ResMLP)."""
    sigmoid: bool = False
    """End the last hidden layer in a sigmoid instead of a rectifier."""
    training: Training = Training()
    """How to train it."""


class ScikitLearn(Family):
    """Any classifier of scikit-learn, trained from the configuration.

    Nothing is unpickled: its training rows are kept and it is fitted anew, with the seed, wherever it is needed.
    """

    reads: ClassVar = {"table"}
    family: Literal["scikit_learn"]
    """Kind of model."""
    estimator: str
    """Name of its class, such as `RandomForestClassifier`."""
    parameters: dict[str, JsonValue] = {}
    """Arguments of the class."""

    def misfits(self, name: str, data: Reader, masking: Masking) -> Iterator[str]:
        """What needs gradients."""
        if masking.baseline == "learned":
            yield f"masking.baseline `learned` needs gradients, model `{name}` ({self.family}) has none; use mean"

    @property
    def training(self) -> None:
        """Its parameters say how it is trained."""
        return None


class PointNet(Family):
    """A small PointNet for point clouds, trained from scratch: one logit for two labels, else one each."""

    reads: ClassVar = {"points"}
    family: Literal["pointnet"]
    """Kind of model."""
    width: PositiveInt = 64
    """Units of the first layer that all points share; the second has twice, the third four times as many."""
    training: Training = Training()
    """How to train it."""


class OwnModel(Family):
    """A model of your own: a Python file with two functions, which is run."""

    reads: ClassVar = {"text", "image", "table", "points"}
    family: Literal["own"]
    """Kind of model."""
    file: str
    """The Python file, relative to the working directory; it may import what is installed, not its neighbours."""
    load: Annotated[str, StringConstraints(pattern=IDENTIFIER)] = "load"
    """Function of the path of `source` (None without one) and the device, that gives whatever the other needs."""
    outputs: Annotated[str, StringConstraints(pattern=IDENTIFIER)] = "outputs"
    """Function of what `load` gave and of inputs (B, …), a float32 tensor on the device (or a list of B texts), that
    gives a tensor (B, C)."""
    gives: Literal["logits", "probabilities"] = "logits"
    """What `outputs` gives: logits; or probabilities, of label 1 (C = 1) or of each label."""
    source: Name | None = None
    """An entry of `sources`: its weights."""

    def misfits(self, name: str, data: Reader, masking: Masking) -> Iterator[str]:
        """Embeddings: it is given texts."""
        if data.modality == "text" and masking.is_embedding:
            yield f"masking.baseline `{masking.baseline}` is an embedding; model `{name}` (own) has none: use zero"

    @property
    def training(self) -> None:
        """It is used as it comes."""
        return None


class CausalLM(Family):
    """A pretrained causal language model."""

    reads: ClassVar = {"passage"}
    family: Literal["causal_lm"]
    """Kind of model."""
    source: Name
    """An entry of `sources`: a folder in the layout of transformers, with safetensors and a tokenizer; or a GGUF file,
    which is read once and written in that layout."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Precision of the forward pass. bfloat16 adds noise of some σ to v and of σ·2^(order/2) to the interactions; σ is
    measured on every sample and stands in the metadata of its masked outputs."""

    @property
    def training(self) -> None:
        """Language models are used as they come."""
        return None


Model = Annotated[
    TextEncoder
    | TextCNN
    | ImageClassifier
    | PretrainedImageClassifier
    | MLP
    | ScikitLearn
    | PointNet
    | OwnModel
    | CausalLM,
    Field(discriminator="family"),
]
