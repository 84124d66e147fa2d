"""A task's results, sample by sample: the one room that knows how the tree ``results/<task>`` is laid out for reading.

Samples are numbered 0..K-1; lists and arrays have them first. Files are read when they are asked for, and kept.
"""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from andor import store
from andor.config import Analysis, Config, Nulls, Reward, Task
from andor.errors import UserError
from andor.game import nulls
from andor.game.coalitions import KINDS
from andor.game.files import (
    from_file,
    nulls_from_file,
    others_from_file,
    sampled_from_file,
    sampled_others_from_file,
)
from andor.game.interactions import Interactions
from andor.game.partners import partner
from andor.outputs.stored import DrawnValues, read_drawn, read_values, sample_columns
from andor.report.catalogue import same_players

NONE = np.zeros(0, dtype=np.int64)
"""Places of no coalitions."""


@dataclass(frozen=True, eq=False)
class TaskResults:
    """What the steps up to the interactions left in one task's folder.

    Attributes
    ----------
    folder : ``results/<task>``
    models : names, in the order of the configuration
    main : those of them that are neither null networks nor repeated trainings
    labels : by which each was trained and is judged (`training.labels`)
    weights : entries of `sources` whose weights models have or start from; of the others they are new
    ensembles : models of each ensemble, by its name
    methods : what each method is (original, traditional, generalizable), by its name
    chunks : sample numbers of each chunk, by its name
    same_players : whether a player is the same in every sample, such as a column of a table
    same_number : whether every sample has as many players
    sampled : whether masked outputs are those of drawn coalitions
    reward, analysis, nulls, seed : as configured
    """

    folder: Path
    models: list[str]
    main: list[str]
    labels: dict[str, str]
    weights: dict[str, str]
    ensembles: dict[str, list[str]]
    methods: dict[str, str]
    chunks: dict[str, list[int]]
    same_players: bool
    same_number: bool
    sampled: bool
    reward: Reward
    analysis: Analysis
    nulls: Nulls
    seed: int

    @classmethod
    def of(cls, folder: str | Path, config: Config, task: str) -> TaskResults:
        """Results of a task of a checked configuration."""
        settings = config.tasks[task]
        return cls(
            folder=Path(folder),
            models=list(settings.models),
            main=[model for model in settings.models if model not in settings.null_networks()],
            labels={
                name: getattr(getattr(model, "training", None), "labels", "true")
                for name, model in settings.models.items()
            },
            weights=_weights(config, settings),
            ensembles=settings.ensembles_by_name(),
            methods={name: method.kind for name, method in config.methods_of(task).items()},
            chunks=settings.chunks(),
            same_players=same_players(settings),
            same_number=settings.players.same_number,
            sampled=settings.budget is not None,
            reward=settings.reward,
            analysis=config.analysis,
            nulls=config.nulls,
            seed=config.seed,
        )

    @classmethod
    def of_study(cls, folder: str | Path, config: Config, task: str, study: str) -> TaskResults:
        """What a study looks at: some ensembles of a task, or pairs of models, and its own methods."""
        ensembles = config.compared(study, task)
        present = {model for members in ensembles.values() for model in members}
        return replace(
            cls.of(folder, config, task),
            models=[model for model in config.tasks[task].models if model in present],
            ensembles=ensembles,
            methods={name: method.kind for name, method in config.of_study(study).items()},
        )

    # ------------------------------------------------------------------------------------------------ what there is

    @property
    def sample_numbers(self) -> list[int]:
        """0..K-1."""
        return [number for numbers in self.chunks.values() for number in numbers]

    def subjects(self, method: str) -> dict[str, list[str]]:
        """Subjects of a method and their models: what one extraction explains, an ensemble or a model by itself."""
        return self.ensembles if self.methods[method] == "generalizable" else {model: [model] for model in self.models}

    def first(self, wanted: str) -> str | None:
        """The first original, traditional or generalizable method, if there is one."""
        return next((name for name, own in self.methods.items() if own == wanted), None)

    def kinds(self, method: str) -> tuple[str, ...]:
        """Kinds of interactions that a method has: AND only for the original one."""
        return KINDS[:1] if self.methods[method] == "original" else KINDS

    # --------------------------------------------------------------------------------------------------------- files

    @functools.cached_property
    def samples(self) -> pa.Table:
        """``samples.parquet``, one row per sample in the order of their numbers."""
        path = self.folder / "samples.parquet"
        table = store.read_table(path).sort_by("sample")
        if table["sample"].to_pylist() != self.sample_numbers:
            wanted = len(self.sample_numbers)
            raise UserError(f"{path}: holds {len(table)} samples instead of {wanted}; delete it and run again")
        return table

    @property
    def passed_over(self) -> dict[str, int]:
        """Test items that were no candidates for want of players, counted by reason."""
        return json.loads((self.samples.schema.metadata or {}).get(b"passed_over", b"{}"))

    @functools.cached_property
    def eligibility(self) -> pa.Table:
        """``eligibility.parquet``: one row per candidate and model."""
        return store.read_table(self.folder / "eligibility.parquet")

    def model_metrics(self, model: str) -> dict[str, Any]:
        """``models/<model>/metrics.json``: family, parameters, and items and correct of each split."""
        path = self.folder / "models" / model / "metrics.json"
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"{path}: no such file; run the step that trains the model") from None
        except ValueError as error:
            raise UserError(f"{path}: no valid JSON ({error}); delete it and run again") from None

    def output_files(self, model: str) -> list[Path]:
        """Masked outputs of a model, a file per sample."""
        return self._files(self.folder / "masked_outputs" / model)

    def output_timings(self, model: str) -> list[dict[str, Any]]:
        """``timings.csv`` of a model's chunks: sample, seconds, and whether its masked outputs came from the cache."""
        rows = []
        for chunk in self.chunks:
            path = self.folder / "masked_outputs" / model / chunk / "timings.csv"
            try:
                table = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
            except FileNotFoundError:
                raise UserError(f"{path}: no such file; delete its folder and run again") from None
            rows += [
                {"sample": int(row["sample"]), "seconds": float(row["seconds"]), "cached": row["cached"] == "true"}
                for row in table
            ]
        return rows

    def interaction_files(self, method: str, subject: str) -> list[Path]:
        """Interactions of a subject, a file per sample."""
        return self._files(self.folder / "interactions" / method / subject)

    def _files(self, folder: Path) -> list[Path]:
        """The file of each sample in a folder of chunks."""
        return [folder / chunk / f"{number}.parquet" for chunk, numbers in self.chunks.items() for number in numbers]

    # -------------------------------------------------------------------------------------------------------- samples

    @functools.cached_property
    def player_names(self) -> list[list[str]]:
        """Names of the n players of each sample."""
        return self.samples["player_names"].to_pylist()

    @functools.cached_property
    def classes(self) -> list[str | None]:
        """Name of each sample's class; None where classes are known by number alone."""
        if "class" not in self.samples.column_names:
            return [None] * len(self.samples)
        return self.samples["class"].to_pylist()

    @functools.cache  # noqa: B019 - a handful of these objects live as long as the process
    def _found(self, method: str, subject: str) -> list[tuple[Interactions, Interactions]]:
        """The interactions of each sample as stored, and merged; without coalitions that are 0."""
        files, members = self.interaction_files(method, subject), self.subjects(method)[subject]
        if self.sampled:
            return [(one, one) for one, _ in self._sampled(method, subject)]
        stored = (from_file(path, members) for path in files)
        return [(one.compact(), one.merge().of_kinds(self.kinds(method)).compact()) for one in stored]

    @functools.cache  # noqa: B019
    def _sampled(self, method: str, subject: str) -> list[tuple[Interactions, Interactions]]:
        """The interactions of each sample found on drawn coalitions, and their standard errors."""
        files, members = self.interaction_files(method, subject), self.subjects(method)[subject]
        stored = [sampled_from_file(path, members, n) for path, n in zip(files, self.sizes, strict=True)]
        return [(one, replace(one, strengths=errors)) for one, errors in stored]

    def errors(self, method: str, ensemble: str) -> list[Interactions] | None:
        """Standard errors of an ensemble's interactions in each sample, where they were found on drawn coalitions."""
        if not self.sampled:
            return None
        if self.methods[method] == "generalizable":
            return [errors for _, errors in self._sampled(method, ensemble)]
        apart = [[errors for _, errors in self._sampled(method, model)] for model in self.ensembles[ensemble]]
        return [Interactions.together(parts) for parts in zip(*apart, strict=True)]

    @functools.cache  # noqa: B019
    def _others(self, method: str, subject: str) -> list[list[Interactions]]:
        """The merged interactions of each sample in other solutions that are nearly as good."""
        files, members = self.interaction_files(method, subject), self.subjects(method)[subject]
        if self.sampled:
            return [sampled_others_from_file(path, members, n) for path, n in zip(files, self.sizes, strict=True)]
        stored = (others_from_file(path, members) for path in files)
        return [[one.merge().of_kinds(self.kinds(method)).compact() for one in several] for several in stored]

    def others_of_ensemble(self, method: str, ensemble: str) -> list[list[Interactions]]:
        """Merged interactions of an ensemble's models in other solutions of each sample that are nearly as good.

        Where models are treated apart, the k-th solution of each stands beside the k-th of the others. There are none
        where nothing is chosen, or none was looked for.
        """
        if self.methods[method] == "generalizable":
            return self._others(method, ensemble)
        apart = [self._others(method, model) for model in self.ensembles[ensemble]]
        return [
            [Interactions.together(parts) for parts in zip(*of_sample, strict=False)]  # some may have been dropped
            for of_sample in zip(*apart, strict=True)
        ]

    def raw_interactions(self, method: str, subject: str) -> list[Interactions]:
        """Interactions of each sample as stored, orders <= 1 not merged."""
        return [raw for raw, _ in self._found(method, subject)]

    def merged_interactions(self, method: str, subject: str) -> list[Interactions]:
        """Interactions of each sample, of the method's kinds, orders <= 1 merged, without rounding errors."""
        return [merged for _, merged in self._found(method, subject)]

    def of_ensemble(self, method: str, ensemble: str) -> list[Interactions]:
        """Merged interactions of an ensemble's models in each sample, be they found together or one by one."""
        if self.methods[method] == "generalizable":
            return self.merged_interactions(method, ensemble)
        apart = [self.merged_interactions(method, model) for model in self.ensembles[ensemble]]
        return [Interactions.together(parts) for parts in zip(*apart, strict=True)]

    @functools.cached_property
    def sizes(self) -> list[int]:
        """Number of players of each sample."""
        return [len(names) for names in self.player_names]

    def draws(self, null: str) -> int:
        """Number of games drawn under a null; samples of different numbers of players cannot be exchanged."""
        exchanges = self.nulls.exchanges if self.same_number else 0
        return {"renaming": self.nulls.renamings, "exchange": exchanges}[null]

    def null_interactions(self, method: str, ensemble: str) -> dict[str, list[list[Interactions]]]:
        """Merged interactions of an ensemble in each sample, by null and draw; on no coalition where there is no null.

        Those of a joint method were extracted, and stored as float32; where models are treated apart they are the true
        ones in another place, float64. They are many, and not kept.
        """
        true = self.of_ensemble(method, ensemble)
        draws = {null: self.draws(null) for null in nulls.NULLS}
        if self.methods[method] == "generalizable" and any(draws.values()):
            stored = self._stored_nulls(method, ensemble, true, draws)
            return {
                null: [[of_sample[null][draw] for of_sample in stored] for draw in range(draws[null])]
                for null in nulls.NULLS
            }
        return {
            "renaming": [self._renamed(true, draw) for draw in range(draws["renaming"])],
            "exchange": [self._exchanged(true, draw) for draw in range(draws["exchange"])],
        }

    def _stored_nulls(
        self, method: str, ensemble: str, true: Sequence[Interactions], draws: Mapping[str, int]
    ) -> list[dict[str, list[Interactions]]]:
        """The interactions of each sample's null games as they were extracted, by null and draw."""
        stored = []
        for path, own in zip(self._files(self.folder / "nulls" / method / ensemble), true, strict=True):
            nothing = {null: [own.take(NONE)] * draws[null] for null in nulls.NULLS}
            stored.append(nothing | nulls_from_file(path, draws, own.models, own.coalitions.n, own.order))
        return stored

    def _renamed(self, true: Sequence[Interactions], draw: int) -> list[Interactions]:
        """The interactions of games whose models have renamed players: renamed like the values."""
        return [
            own.renamed(nulls.permutations(own.coalitions.n, len(own.models), self.seed, number, draw))
            for number, own in zip(self.sample_numbers, true, strict=True)
        ]

    def _exchanged(self, true: Sequence[Interactions], draw: int) -> list[Interactions]:
        """The interactions of games whose models show other samples; a single sample has no such game."""
        if len(true) == 1:
            return [true[0].take(NONE)]
        models = true[0].models
        return [
            Interactions.together(
                [
                    true[partner(number, len(true), place, draw)].of_models([model]).compact()
                    for place, model in enumerate(models)
                ]
            )
            for number in self.sample_numbers
        ]

    @functools.cache  # noqa: B019
    def values(self, model: str) -> np.ndarray:
        """Rewards v of a model; float64, shape (K, 2^n)."""
        samples = self.samples.select(sample_columns([model])).to_pylist()
        files = self.output_files(model)
        return np.stack([read_values(*each, model, self.reward) for each in zip(files, samples, strict=True)])

    @functools.cache  # noqa: B019
    def drawn_values(self, model: str) -> list[DrawnValues]:
        """Rewards v of a model on the drawn coalitions of each sample."""
        samples = self.samples.select(sample_columns([model])).to_pylist()
        return [read_drawn(*each, model, self.reward) for each in zip(self.output_files(model), samples, strict=True)]

    def output_range(self, models: Sequence[str]) -> np.ndarray:
        """|v(N) - v(empty)| of models; float64, shape (K, m)."""
        outputs = np.array([self.samples[f"output_{model}"].to_pylist() for model in models])
        return np.abs(outputs[..., 0] - outputs[..., 1]).T

    def interaction_metadata(self, method: str, subject: str) -> list[dict[str, Any]]:
        """What the solver said of each sample: objective, lower_bound, gap, status, kappa and so on."""
        return [store.read_metadata(path) for path in self.interaction_files(method, subject)]


def per_model(value: Mapping[str, Any] | Any, model: str) -> Any:
    """A model's part of a metadata entry that may be given by model."""
    return value[model] if isinstance(value, Mapping) else value


def _weights(config: Config, task: Task) -> dict[str, str]:
    """Entries of `sources` whose weights the models of a task have or start from."""
    found = {}
    for name, model in task.models.items():
        other, original = model.taken_from or ("", "")
        named = (config.tasks[other].models[original] if other else model).sources()
        if weights := named.get("weights", named.get("source")):
            found[name] = weights
    return found
