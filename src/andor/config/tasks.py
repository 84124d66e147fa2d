"""The key `tasks`: a data set, a way to mask, a reward, and the models to compare."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from andor.config.data import Data, two_labels
from andor.config.masking import TOKENS, Masking
from andor.config.models import Model, smallest_side
from andor.config.parts import models_in, tag
from andor.config.players import Players
from andor.config.rewards import Reward
from andor.config.samples import Samples, Target
from andor.settings import MAX_PLAYERS, Closed, Name, near


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
                    advice = near(member, self.models)
                    raise ValueError(f"ensemble `{name}` names `{member}`, which is no model of the task{advice}")
            if name in self.models:
                raise ValueError(f"ensemble `{name}` has the name of a model; rename it")
        if self.target is not None and self.data.reader != "passages":
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
        """What does not go with the data: models, players, masking, reward, labels."""
        data, players, masking, reward = self.data, self.players, self.masking, self.reward
        modality = data.modality
        families = sorted(tag(kind) for kind in models_in(Model) if modality in kind.reads)
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
            kinds = sorted(tag(kind) for kind in models_in(Players) if modality in kind.of)
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

    def ensembles_by_name(self) -> dict[str, list[str]]:
        """Ensembles by name: the stated ones, or every pair and all at once, named by their models joined with `-`."""
        if self.ensembles is not None:
            return {name: list(members) for name, members in self.ensembles.items()}
        sizes = sorted({2, len(self.models)} - {1})
        groups = [group for size in sizes for group in itertools.combinations(self.models, size)]
        return {"-".join(group): list(group) for group in groups}

    def null_networks(self) -> list[str]:
        """Null networks, and repeated trainings: models that have no say in which samples are explained."""
        trained = {name: getattr(model, "training", None) for name, model in self.models.items()}
        return [name for name, training in trained.items() if training is not None and training.is_control]

    def chunks(self) -> dict[str, list[int]]:
        """Sample numbers of each chunk, by the chunk's name."""
        size = self.samples.chunk
        return {
            f"{start // size:04d}": list(range(start, min(start + size, self.samples.count)))
            for start in range(0, self.samples.count, size)
        }
