"""Games of whole inputs other than reviews, for `benchmarks/sampled.py`.

    snakemake --cores all --configfile benchmarks/games.yaml masked_outputs
    python benchmarks/games.py results games

writes `games/<task>_<sample>.npz` of every sample: `presence` (M, n), `values` (models, M), `held_out_presence`,
`held_out_values`, `names` of the players and `models`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor.config import load
from andor.report.results import TaskResults


def write(results: TaskResults, number: int, path: Path) -> None:
    """Write the game of one sample."""
    values = [results.drawn_values(model)[number] for model in results.models]
    np.savez_compressed(
        path,
        presence=values[0].presence,
        values=np.array([own.values for own in values], np.float32),
        held_out_presence=values[0].held_out_presence,
        held_out_values=np.array([own.held_out_values for own in values], np.float32),
        names=np.array(results.player_names[number]),
        models=np.array(results.models),
    )


def main() -> None:
    folder, out = map(Path, sys.argv[1:])
    config = load(Path(__file__).with_suffix(".yaml"))
    out.mkdir(exist_ok=True)
    for task in config.tasks:
        results = TaskResults.of(folder / task, config, task)
        for number in results.sample_numbers:
            write(results, number, out / f"{task}_{number}.npz")


if __name__ == "__main__":
    main()
