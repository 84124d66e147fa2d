"""The whole configuration."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from andor.config import adopted
from andor.config.analysis import Analysis, Nulls
from andor.config.methods import Method
from andor.config.sources import Source
from andor.config.studies import Study
from andor.config.tasks import Task
from andor.models.settings import model_and_step
from andor.settings import DEVICE, Closed, Name, PositiveInt, near

ARRAYS_PER_MODEL = 40
"""Arrays of 2^n float64 that the extraction keeps for each model: both kinds' iterates, copies and duals."""

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

    @field_validator("tasks")
    @classmethod
    def _own_folders(cls, tasks: dict[str, Task]) -> dict[str, Task]:
        for name in ("sources", "studies"):
            if name in tasks:
                raise ValueError(f"task `{name}` has the name of a folder of the results; rename it")
        return tasks

    @model_validator(mode="after")
    def _names(self) -> Config:
        for task_name, task in self.tasks.items():
            for key, source in task.wanted_sources().items():
                if source not in self.sources:
                    raise ValueError(
                        f"`tasks.{task_name}.{key}: {source}` is no entry of `sources`{near(source, self.sources)}"
                    )
        return self

    @model_validator(mode="after")
    def _adopted(self) -> Config:
        for fault in adopted.misfits(self.tasks):
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _studied(self) -> Config:
        for name, study in self.studies.items():
            tasks = [self.tasks[task] for task in study.tasks if task in self.tasks]
            ensembles = [name for task in tasks for name in task.ensembles_by_name()]
            models = [name for task in tasks for name in task.models]
            wanted = {**dict(study), "along": [] if study.along is None else [study.along]}
            for key, known in (
                ("tasks", self.tasks), ("methods", self.methods), ("ensembles", ensembles), ("models", models),
                ("along", models),
            ):  # fmt: skip
                for value in wanted[key]:
                    if value not in known:
                        raise ValueError(f"`studies.{name}.{key}: {value}` is none there is{near(value, list(known))}")
            if fault := self._incomparable(name):
                raise ValueError(f"`studies.{name}` {fault}")
        names = [*self.methods, *(variant for study in self.studies.values() for variant in study.variants)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"method `{name}` is defined twice in `methods` and `studies`; rename one")
        return self

    @model_validator(mode="after")
    def _explained(self) -> Config:
        for name in self.tasks:
            if not self.methods_of(name):
                raise ValueError(
                    f"`tasks.{name}` has a budget of coalitions, and methods of AND interactions alone need all of "
                    "them; add a traditional or generalizable one to `methods`"
                )
        for name, study in self.studies.items():
            for task, (method, settings) in itertools.product(study.tasks, self.of_study(name).items()):
                if task in self.tasks and not self._takes(task, settings):
                    raise ValueError(
                        f"`studies.{name}` asks for `{method}` of the task `{task}`, which has a budget of coalitions; "
                        "methods of AND interactions alone need all of them: take one of the two away"
                    )
        return self

    def _incomparable(self, name: str) -> str | None:
        """What keeps a study from comparing models with each other."""
        study = self.studies[name]
        if not study.models:
            return None
        joint = next((method for method, own in self.of_study(name).items() if own.kind == "generalizable"), None)
        if joint is not None:
            return f"compares models that are explained apart, `{joint}` explains them together; take it away"
        kept = {model_and_step(model)[0] for task in study.tasks for model in self.tasks[task].models if "@" in model}
        if study.along is not None and study.along not in kept:
            return f"goes along the training of `{study.along}`, which keeps no steps; set its `training.keep`"
        if task := next((task for task in study.tasks if not self.compared(name, task)), None):
            return f"finds no two of its models in the task `{task}`; take one of the two away"
        return None

    def compared(self, study: str, task: str) -> dict[str, list[str]]:
        """What a study looks at in a task: its ensembles, or every two models that it compares; by name."""
        asked, settings = self.studies[study], self.tasks[task]
        if asked.models:
            return asked.pairs(settings.models)
        return {name: models for name, models in settings.ensembles_by_name().items() if name in asked.ensembles}

    def method(self, name: str) -> Method:
        """A method by its name, be it for all tasks or a study's variant."""
        return self.every_method()[name]

    def every_method(self) -> dict[str, Method]:
        """All methods by name, those of the studies last."""
        variants = [study.variants for study in self.studies.values()]
        return {name: method for group in (self.methods, *variants) for name, method in group.items()}

    def methods_of(self, task: str) -> dict[str, Method]:
        """Methods that a task is explained by, by name: with a budget of coalitions only those that are sparse."""
        return {name: method for name, method in self.methods.items() if self._takes(task, method)}

    def _takes(self, task: str, method: Method) -> bool:
        """Whether a method can explain a task: AND interactions alone need all 2^n coalitions."""
        return self.tasks[task].budget is None or method.kind != "original"

    def of_study(self, study: str) -> dict[str, Method]:
        """Methods that a study sets side by side, by name."""
        asked = self.studies[study]
        return {name: self.methods[name] for name in asked.methods} | asked.variants

    def used_sources(self) -> list[str]:
        """Names of the sources that some task needs, in the order of the configuration."""
        used = {source for task in self.tasks.values() for source in task.wanted_sources().values()}
        return [name for name in self.sources if name in used]
