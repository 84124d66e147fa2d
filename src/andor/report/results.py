"""A task's results as arrays: the one room that knows how the tree ``results/<task>`` is laid out for reading.

Samples are numbered 0..K-1 and every array has them first. Files are read when they are asked for, and kept.
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
from andor.analysis import nulls
from andor.analysis.metrics import without_rounding
from andor.config import Analysis, Config, Nulls, Reward
from andor.errors import UserError
from andor.game.attributions import merge_low_orders
from andor.game.coalitions import KINDS, number_of_players
from andor.game.files import from_file, nulls_from_file
from andor.outputs.stored import read_values, sample_columns
from andor.report.catalogue import same_players


@dataclass(frozen=True, eq=False)
class TaskResults:
    """What the steps up to the interactions left in one task's folder.

    Attributes
    ----------
    folder : ``results/<task>``
    models : names, in the order of the configuration
    main : those of them that are neither null networks nor repeated trainings
    labels : by which each was trained and is judged (`training.labels`)
    ensembles : models of each ensemble, by its name
    methods : kind of each method (original, traditional, generalizable), by its name
    chunks : sample numbers of each chunk, by its name
    same_players : whether a player is the same in every sample, such as a column of a table
    reward, analysis, nulls, seed : as configured
    """

    folder: Path
    models: list[str]
    main: list[str]
    labels: dict[str, str]
    ensembles: dict[str, list[str]]
    methods: dict[str, str]
    chunks: dict[str, list[int]]
    same_players: bool
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
            main=[model for model in settings.models if model not in settings.controls()],
            labels={
                name: getattr(getattr(model, "training", None), "labels", "true")
                for name, model in settings.models.items()
            },
            ensembles=settings.units(),
            methods={name: method.kind for name, method in config.methods.items()},
            chunks=settings.chunks(),
            same_players=same_players(settings),
            reward=settings.reward,
            analysis=config.analysis,
            nulls=config.nulls,
            seed=config.seed,
        )

    @classmethod
    def of_study(cls, folder: str | Path, config: Config, task: str, study: str) -> TaskResults:
        """What a study looks at: some ensembles of a task and their models, and its own methods."""
        wanted = config.studies[study].ensembles
        ensembles = {name: members for name, members in config.tasks[task].units().items() if name in wanted}
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

    def units(self, method: str) -> dict[str, list[str]]:
        """What a method was applied to and its models: the ensembles, or each model for itself."""
        return self.ensembles if self.methods[method] == "generalizable" else {model: [model] for model in self.models}

    def first(self, kind: str) -> str | None:
        """The first method of a kind, if there is one."""
        return next((name for name, own in self.methods.items() if own == kind), None)

    def kinds(self, method: str) -> tuple[str, ...]:
        """Kinds that a method has: AND only for the original one."""
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

    def interaction_files(self, method: str, unit: str) -> list[Path]:
        """Interactions of a unit, a file per sample."""
        return self._files(self.folder / "interactions" / method / unit)

    def _files(self, folder: Path) -> list[Path]:
        """The file of each sample in a folder of chunks."""
        return [folder / chunk / f"{number}.parquet" for chunk, numbers in self.chunks.items() for number in numbers]

    # -------------------------------------------------------------------------------------------------------- arrays

    @functools.cached_property
    def player_names(self) -> list[list[str]]:
        """Names of the n players of each sample."""
        return self.samples["player_names"].to_pylist()

    @functools.cache  # noqa: B019 - a handful of these objects live as long as the process
    def raw_interactions(self, method: str, unit: str) -> np.ndarray:
        """Interactions as stored, orders <= 1 not merged; float64, shape (K, m, 2, 2^n)."""
        members = self.units(method)[unit]
        return np.stack([from_file(path, members).strengths for path in self.interaction_files(method, unit)])

    @functools.cache  # noqa: B019
    def merged_interactions(self, method: str, unit: str) -> np.ndarray:
        """Interactions of the method's kinds, orders <= 1 merged, without rounding errors; (K, m, kinds, 2^n)."""
        raw = self.raw_interactions(method, unit)
        merged = without_rounding(np.stack(merge_low_orders(raw[:, :, 0], raw[:, :, 1]), axis=2))
        return merged[:, :, : len(self.kinds(method))]

    def of_ensemble(self, method: str, ensemble: str) -> np.ndarray:
        """Merged interactions of an ensemble's models, be they found together or one by one; (K, m, kinds, 2^n)."""
        if self.methods[method] == "generalizable":
            return self.merged_interactions(method, ensemble)
        return np.concatenate([self.merged_interactions(method, model) for model in self.ensembles[ensemble]], axis=1)

    def draws(self, null: str) -> int:
        """Number of games drawn under a null."""
        return {"renaming": self.nulls.renamings, "exchange": self.nulls.exchanges}[null]

    def null_interactions(self, method: str, ensemble: str) -> dict[str, np.ndarray]:
        """Merged interactions of an ensemble by null; (draws, K, m, kinds, 2^n) each, NaN where there is none.

        Those of a joint method were extracted, and stored as float32; where models are treated apart they are the true
        ones in another place, float64. They are many, and not kept.
        """
        joint = self.methods[method] == "generalizable"
        true = self.of_ensemble(method, ensemble)
        dtype = np.float32 if joint else true.dtype
        drawn = {null: np.full((self.draws(null), *true.shape), np.nan, dtype) for null in nulls.NULLS}
        if joint and any(map(len, drawn.values())):
            for sample, path in enumerate(self._files(self.folder / "nulls" / method / ensemble)):
                draws = {null: self.draws(null) for null in nulls.NULLS}
                models, players = self.ensembles[ensemble], number_of_players(true.shape[-1])
                for null, several in nulls_from_file(path, draws, models, players).items():
                    drawn[null][:, sample] = [game.dense() for game in several]
            return drawn
        for numbers in self.chunks.values():  # kinds and models are renamed and exchanged like values
            games = nulls.null_games(true[numbers], numbers, self.nulls.renamings, self.nulls.exchanges, self.seed)
            for null, moved in games.items():
                drawn[null][:, numbers] = moved
        return drawn

    @functools.cache  # noqa: B019
    def values(self, model: str) -> np.ndarray:
        """Rewards v of a model; float64, shape (K, 2^n)."""
        samples = self.samples.select(sample_columns([model])).to_pylist()
        files = self.output_files(model)
        return np.stack([read_values(*each, model, self.reward) for each in zip(files, samples, strict=True)])

    def output_range(self, models: Sequence[str]) -> np.ndarray:
        """|v(N) - v(empty)| of models; float64, shape (K, m)."""
        outputs = np.array([self.samples[f"output_{model}"].to_pylist() for model in models])
        return np.abs(outputs[..., 0] - outputs[..., 1]).T

    def interaction_metadata(self, method: str, unit: str) -> list[dict[str, Any]]:
        """What the solver said of each sample: objective, lower_bound, gap, status, kappa and so on."""
        return [store.read_metadata(path) for path in self.interaction_files(method, unit)]


def per_model(value: Mapping[str, Any] | Any, model: str) -> Any:
    """A model's part of a metadata entry that may be given by model."""
    return value[model] if isinstance(value, Mapping) else value
