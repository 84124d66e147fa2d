"""The key `tasks`: a data set, a way to mask, a reward, and the models to compare."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, field_validator, model_validator

from andor.config import coalitions
from andor.config.coalitions import FEW, SAMPLED_COLUMNS, Budget, Coalitions
from andor.config.copies import resolved
from andor.config.masking import Masking
from andor.config.models import Model
from andor.config.parts import models_in, tag
from andor.config.rewards import Reward
from andor.config.samples import Samples, Target
from andor.data.player_kind import PlayerKind
from andor.data.players import player_kinds
from andor.data.reader import Reader
from andor.data.readers import readers
from andor.kinds import union
from andor.models.settings import REPEATS, model_and_step, state_name
from andor.settings import Closed, ModelName, Name, near

if TYPE_CHECKING:
    Data = Reader
    Players = PlayerKind
else:
    Data = union(readers(), "reader")
    Players = union(player_kinds(), "kind")

LONGEST = 160
"""Letters of an ensemble's name: file systems take 255, of which logs and hidden files need some for more."""


class Task(Closed):
    """A data set, a way to mask, a reward, and the models to compare."""

    data: Data
    """The data set."""
    models: Annotated[dict[Name, Model], Field(min_length=1)]
    """The models of the task, by name; or what differs from another one that an entry is `like`."""
    players: Players
    """The input variables that interact."""
    coalitions: Coalitions | None = None
    """The masked versions of a sample: all 2^n, or a budget of them; all up to 12 players, else the default budget, if
    unset."""
    masking: Masking = Masking()
    """How players are masked."""
    reward: Reward = Reward()
    """The explained output."""
    samples: Samples = Samples()
    """The explained items."""
    ensembles: dict[Name, list[ModelName]] | None = None
    """Lists of two or more models compared together; every pair and all at once if unset, without those that training
    keeps on the way."""
    target: Target | None = None
    """Language models: the text whose log-odds are explained; the first model's most likely next token if unset."""

    @model_validator(mode="before")
    @classmethod
    def _copies(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and isinstance(raw.get("models"), Mapping):
            return {**raw, "models": resolved(raw["models"])}
        return raw

    @field_validator("models")
    @classmethod
    def _with_kept(cls, models: dict[str, Model]) -> dict[str, Model]:
        """The models, and what is kept of each while it is trained: what its training would give that ended there."""
        every = {}
        for name, model in models.items():
            every[name], training = model, model.trained_by
            for step in training.keep if training is not None else []:
                every[state_name(name, step)] = model.model_copy(update={"training": training.ended(step)})
        return every

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
                    advice = near(member, self.models)
                    raise ValueError(f"ensemble `{name}` names `{member}`, which is no model of the task{advice}")
            if name in self.models:
                raise ValueError(f"ensemble `{name}` has the name of a model; rename it")
        if self.target is not None and self.data.modality != "passage":
            raise ValueError("`target` is for language models; take it away")
        named = self.target.model if self.target is not None else None
        if named is not None and named not in self.models:
            raise ValueError(f"`target.model: {named}` is no model of the task{near(named, self.models)}")
        for fault in self._misfits():
            raise ValueError(fault)
        if self.samples.candidates < self.samples.count:
            raise ValueError(
                f"samples.candidates {self.samples.candidates} is below samples.count {self.samples.count}; raise it"
            )
        return self

    def _misfits(self) -> Iterator[str]:
        """What does not go with the data or each other: models, players, masking, reward, labels."""
        data, players, masking = self.data, self.players, self.masking
        for name, model in self.models.items():
            if data.modality not in model.reads:
                families = sorted(tag(kind) for kind in models_in(Model) if data.modality in kind.reads)
                yield f"model `{name}` ({model.family}) cannot read {data.reader}; use {' or '.join(families)}"
            yield from model.misfits(name, data, masking)
            yield from model.costs(name, self.inputs)
        if data.modality not in players.of:
            kinds = sorted(tag(kind) for kind in player_kinds() if data.modality in kind.of)
            yield f"players of kind `{players.kind}` do not fit {data.reader}; use {' or '.join(kinds)}"
        yield from masking.misfits(data, players)
        yield from players.misfits(data)
        yield from coalitions.misfits(self.coalitions, self.most_players)
        yield from self.reward.misfits(data)
        if self.reward.kind == "probability" and self.samples.min_range >= 1:
            yield f"samples.min_range {self.samples.min_range:g}: probabilities differ by less than 1; lower it"
        yield from self.samples.misfits(data)

    def wanted_sources(self) -> dict[str, str]:
        """Entries of `sources` that the task needs, by the key that names them."""
        wanted = {"data.source": self.data.source}
        for name, model in self.models.items():
            wanted |= {f"models.{name}.{key}": source for key, source in model.sources().items()}
        wanted |= {"players.source": self.players.needed_source, "masking.source": self.masking.source}
        return {key: source for key, source in wanted.items() if source is not None}

    @property
    def most_players(self) -> int:
        """The most players that a sample may have."""
        return self.players.most(self.data)

    @property
    def budget(self) -> Budget | None:
        """The budget of coalitions in force; None where all are evaluated."""
        if self.coalitions is None:
            return None if self.most_players <= FEW else Budget()
        return None if self.coalitions == "all" else self.coalitions

    @property
    def masks(self) -> int:
        """Masked versions of a sample."""
        return 2**self.most_players if self.budget is None else self.budget.total

    @property
    def inputs(self) -> int:
        """Masked inputs of one model: of candidates, of samples, and those that a served one is asked about again."""
        return 2 * self.samples.candidates + self.samples.count * (self.masks + REPEATS)

    def sampled_bytes(self, models: int) -> int:
        """Bytes that finding interactions of so many models on drawn coalitions takes: columns, and their products."""
        coalitions = self.masks
        columns = models * SAMPLED_COLUMNS * (4 * coalitions + 5 * 8 * SAMPLED_COLUMNS)
        return columns + 16 * models * coalitions * self.most_players

    def ensembles_by_name(self) -> dict[str, list[str]]:
        """Ensembles by name: the stated ones, or every pair and all at once, named by their models joined with `-`.

        Names become folders: where it would be too long for one, that of all eight models is `all-8`.
        """
        if self.ensembles is not None:
            return {name: list(members) for name, members in self.ensembles.items()}
        models = [name for name in self.models if model_and_step(name)[1] is None]
        sizes = sorted({2, len(models)} - {1})
        groups = [group for size in sizes for group in itertools.combinations(models, size)]
        joined = [("-".join(group), list(group)) for group in groups]
        return {name if len(name) <= LONGEST else f"all-{len(group)}": group for name, group in joined}

    def null_networks(self) -> list[str]:
        """Null networks, repeated trainings and what training keeps on its way: models that have no say in what is
        explained."""
        return [name for name, model in self.models.items() if model.is_control]

    def chunks(self) -> dict[str, list[int]]:
        """Sample numbers of each chunk, by the chunk's name."""
        size = self.samples.chunk
        return {
            f"{start // size:04d}": list(range(start, min(start + size, self.samples.count)))
            for start in range(0, self.samples.count, size)
        }
