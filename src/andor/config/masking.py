"""The key `masking` of a task: what stands in place of a masked player."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from andor.data.player_kind import PlayerKind
from andor.data.reader import Reader
from andor.models.settings import TOKENS
from andor.settings import Closed, Name, PositiveFloat, PositiveInt


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
        "zero", "mean", "marginal", "damp", "blurred", "centre", "mask", "pad", "unk", "cls", "sep", "file", "learned"
    ] = "zero"  # fmt: skip
    """Baseline value: 0; the mean (of the training inputs, or of the vocabulary's embeddings; of rows as they were,
    most frequent values where there are no numbers); the values of each of some training rows, over which outputs are
    averaged as the model gives them (tables; what shap and shapiq do by default); the player's own value times `damp`;
    the image blurred; the centre of the point cloud; the embedding of a special token; a value from a file; or one
    learned for each model."""
    rows: PositiveInt | None = None
    """Training rows of the baseline value `marginal`, drawn once for all samples and models; 100 if unset."""
    blur: PositiveFloat | None = None
    """Standard deviation, in pixels, of the Gaussian that blurs the image for the baseline value `blurred`."""
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
        names = {"damp": "damp", "source": "file", "learning": "learned", "rows": "marginal", "blur": "blurred"}
        for key, name in names.items():
            if getattr(self, key) is not None and self.baseline != name:
                raise ValueError(f"`{key}` has no effect on baseline `{self.baseline}`; take it away or use `{name}`")
        for key, name in (("damp", "damp"), ("source", "file"), ("blur", "blurred")):
            if self.baseline == name and getattr(self, key) is None:
                raise ValueError(f"baseline `{name}` needs `{key}`; add it")
        return self

    @property
    def tokens(self) -> list[str]:
        """Tokens that it names."""
        named = [self.baseline, self.learned.start if self.baseline == "learned" else ""]
        return [name for name in named if name in TOKENS]

    @property
    def background_rows(self) -> int:
        """Training rows of the baseline value `marginal`."""
        return self.rows or 100

    @property
    def learned(self) -> Learning:
        """How a learned baseline value is learned."""
        return self.learning or Learning()

    @property
    def is_embedding(self) -> bool:
        """Whether text models are given a vector in place of a player, and no token."""
        return self.baseline not in ("zero", *TOKENS)

    def misfits(self, data: Reader, players: PlayerKind) -> Iterator[str]:
        """What does not go with the data or the players."""
        yield from self.misfits_of(data.modality)
        if self.baseline == "learned" and players.most(data) < 2:
            yield "masking.baseline `learned` needs two players, and there is one; raise their number"
        if self.background == "integrate" and not players.leaves_background:
            yield (
                f"masking.background `integrate` has no effect on a {players.kind}, which leaves no background; "
                "use keep"
            )

    def misfits_of(self, modality: str) -> Iterator[str]:
        """What does not go with inputs of a modality."""
        if self.tokens and modality not in ("text", "passage"):
            of = {"image": "images", "table": "tables", "points": "point clouds"}[modality]
            yield f"masking.baseline `{self.tokens[0]}` is a token; {of} take zero or mean"
        if self.baseline == "marginal" and modality != "table":
            yield "masking.baseline `marginal` is for tables; use mean"
        if self.baseline == "blurred" and modality != "image":
            yield "masking.baseline `blurred` is for images; use mean"
        if self.baseline == "centre" and modality != "points":
            yield "masking.baseline `centre` is for point clouds; use mean"
        if self.baseline == "learned" and modality == "passage":
            yield "masking.baseline `learned` is for classifiers; use zero or mean"
        if self.background == "integrate" and modality != "image":
            yield "masking.background `integrate` is for images; use keep"
