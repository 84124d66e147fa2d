"""A results tree of whole reviews: games of many players with planted interactions, known on drawn coalitions.

Nothing is fitted: what stands for the fit are the planted interactions, and outputs are their sum with a little noise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from andor import store
from andor.config import Config, Task, check
from andor.data.players.words import unique_names
from andor.game.coalitions import KINDS, Coalitions
from andor.game.files import sampled_table
from andor.game.interactions import Interactions
from andor.outputs.drawn import HELD_OUT, drawn
from andor.outputs.stored import outputs_table

MODELS = ("minilm", "cnn", "bag")
WORDS = ["the", "a", "film", "story", "not", "never", "good", "dull", "slow", "actors", "music", "war", "town"]
ORDER = 3
NOISE = 0.05


def config(samples: int, budget: int, held_out: int) -> Config:
    """The configuration that the tree belongs to."""
    folder = {"mirrors": ["path:nowhere"]}
    task = {
        "data": {"reader": "film_reviews", "source": "reviews"},
        "models": {
            "minilm": {"family": "text_encoder", "source": "encoder"},
            "cnn": {"family": "text_cnn", "tokenizer": "encoder"},
            "bag": {"family": "text_cnn", "tokenizer": "encoder"},
        },
        "players": {"kind": "words", "count": 10},
        "coalitions": {"budget": budget, "held_out": held_out},
        "reward": {"kind": "log_odds"},
        "samples": {"count": samples, "chunk": 2},
    }
    return check(
        {"sources": {"encoder": folder, "reviews": folder}, "tasks": {"reviews": task}},
        "configuration of whole reviews",
    )


def write_whole_results(
    folder: Path, players: list[int], budget: int = 200, held_out: int = 100, interactions: int = 12, seed: int = 0
) -> Config:
    """Write ``<folder>/reviews`` up to the interactions: a sample for each number of players."""
    settings, random = config(len(players), budget, held_out), np.random.default_rng(seed)
    task = settings.tasks["reviews"]
    games = [planted(random, n, interactions) for n in players]
    folder = folder / "reviews"
    ends = []
    for chunk, numbers in task.chunks().items():
        for number in numbers:
            file, game = f"{number}.parquet", games[number]
            n = players[number]
            asked = np.concatenate([drawn(n, budget, number), drawn(n, held_out, number, HELD_OUT)])
            v = game.predict(asked)
            v += random.normal(0, NOISE, v.shape) * ~(asked.all(1) | ~asked.any(1))
            ends.append(v[:, :2])
            for model, own in zip(MODELS, v, strict=True):
                _write_outputs(folder / "masked_outputs" / model / chunk / file, own, asked, budget)
            for method, details in settings.methods_of("reviews").items():
                subjects: dict[str, Any] = {model: [model] for model in MODELS}
                if details.kind == "generalizable":
                    subjects = task.ensembles_by_name()
                for subject, members in subjects.items():
                    path = folder / "interactions" / method / subject / chunk / file
                    _write_interactions(path, game.of_models(members), random)
    _write_samples(folder, task, players, ends, random)
    return settings


def planted(random: np.random.Generator, n: int, count: int) -> Interactions:
    """Interactions of all models: the first third shared, the second opposed, the others of some models each."""
    orders = random.integers(1, ORDER + 1, count).tolist()
    players = [sorted(random.choice(n, order, replace=False).tolist()) for order in orders]
    coalitions = Coalitions.of_players(n, [[], *players])
    strengths = np.zeros((len(MODELS), len(KINDS), len(coalitions)))
    for number, own in enumerate(players):
        kind = int(random.integers(2)) if len(own) > 1 else 0
        sizes = random.uniform(0.3, 2, len(MODELS)) * random.choice([-1, 1])
        if count <= 3 * number < 2 * count:
            sizes[1] *= -1
        elif 3 * number >= 2 * count:
            sizes *= random.permutation([1.0, 0.0, float(random.integers(2))])
        strengths[:, kind, coalitions.position(own)] = sizes
    return Interactions(coalitions, MODELS, KINDS, strengths, merged=True, order=ORDER)


def _write_outputs(path: Path, v: np.ndarray, asked: np.ndarray, budget: int) -> None:
    """Logits whose log-odds of label 1 are v."""
    logits = np.column_stack([np.zeros(len(v)), v]).astype(np.float32)
    table = outputs_table(logits, language=False, drawn=asked)
    held_out = pa.array(np.arange(len(v)) >= budget)
    store.write_table(path, table.append_column(pa.field("held_out", pa.bool_(), nullable=False), held_out))


def _write_interactions(path: Path, game: Interactions, random: np.random.Generator) -> None:
    """One file of the extraction."""
    kind, place = np.nonzero((game.magnitude > 0).any(0))
    strengths = game.strengths[:, kind, place]
    # in every other sample small enough for what is not found in a model to be not salient beyond error
    largest = 0.04 if int(path.stem) % 2 else 0.1
    errors = random.uniform(0.1, 1, strengths.shape) * largest * (strengths != 0)
    constants = game.strengths[:, 0, game.coalitions.empty]
    table = sampled_table(kind, game.coalitions.presence[place], strengths, strengths, errors, constants)
    metadata = {"models": list(game.models), "gap": 0.01, "order": ORDER, "fidelity": [0.9] * len(game.models)}
    store.write_table(path, table, metadata)


def _write_samples(
    folder: Path, task: Task, players: list[int], ends: list[np.ndarray], random: np.random.Generator
) -> None:
    """Reviews of which every word is a player."""
    words = [random.choice(WORDS, n).tolist() for n in players]
    stops = [np.cumsum([len(word) + 2 for word in own]) - 2 for own in words]  # a comma and a space between them
    columns: dict[str, Any] = {
        "sample": pa.array(range(len(players)), pa.int32()),
        "item": pa.array(range(len(players)), pa.int32()),
        "label": pa.array([1] * len(players), pa.int8()),
        "text": [", ".join(own) + "." for own in words],
        "players": [
            [[int(stop) - len(word), int(stop)] for word, stop in zip(own, ending, strict=True)]
            for own, ending in zip(words, stops, strict=True)
        ],
        "player_names": [unique_names(own) for own in words],
    }
    for place, model in enumerate(task.models):
        columns[f"output_{model}"] = [[float(v[place, 0]), float(v[place, 1])] for v in ends]
    store.write_table(folder / "samples.parquet", pa.table(columns), {})
