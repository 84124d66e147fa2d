"""Time the transforms against dense matrices, shapiq and the limit of plain butterflies.

`python benchmarks/transforms.py` takes about two minutes, prints the ratios and keeps the last run beside this file, in
`transforms.json` and `transforms.png`. A ratio is the opponent's time over ours. All times are processor seconds of one
thread, which other work on the machine disturbs less than the clock's. Opponents that take seconds run once, all else
is the best of several, taken in turns.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from machine import processor
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor.game import transforms
from andor.game.coalitions import Coalitions
from andor.game.transforms import and_inverse, and_transform

HERE = Path(__file__).parent


def best(runs: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Shortest of several times of each run, in seconds, after one to warm up."""
    for run in runs.values():
        run()
    times = [{name: once(run)[0] for name, run in runs.items()} for _ in range(repeats)]
    return {name: min(seconds[name] for seconds in times) for name in runs}


def once(run: Callable[[], Any]) -> tuple[float, Any]:
    start = time.thread_time()
    result = run()
    return time.thread_time() - start, result


def build_and_multiply(v: np.ndarray) -> np.ndarray:
    """The published way: a dense matrix, filled one coalition at a time, and one product, for every sample anew."""
    n = v.size.bit_length() - 1
    present = Coalitions.all(n).presence
    sizes = present.sum(-1)
    matrix = np.zeros((2**n, 2**n))
    for s in range(2**n):
        subsets = np.flatnonzero(~(present & ~present[s]).any(-1))
        matrix[s, subsets] = (-1.0) ** (sizes[s] - sizes[subsets])
    return matrix @ v


def plain_butterflies(v: np.ndarray) -> np.ndarray:
    """One player after the other, each reading and writing the whole array."""
    interactions = v.copy()
    for i in range(v.shape[-1].bit_length() - 1):
        pairs = interactions.reshape(-1, 2, 2**i)
        pairs[:, 1] -= pairs[:, 0]
    return interactions


def against_others(n: int = 12) -> dict[str, Any]:
    """One sample of n players in float64: ours, build-and-multiply, shapiq."""
    import shapiq

    v = np.random.default_rng(0).standard_normal(2**n)
    batch = np.random.default_rng(1).standard_normal((64, 2**n))
    seconds = best({"ours": lambda: and_transform(v), "ours, of 64": lambda: and_transform(batch)}, 100)
    seconds["ours, of 64"] /= len(batch)
    dense, dense_result = once(lambda: build_and_multiply(v))
    # Of shapiq's ways to Möbius coefficients only this one takes all 2^n values; evaluating the game is not timed.
    computer = shapiq.ExactComputer(lambda x: v[x @ (1 << np.arange(n))], n_players=n, evaluate_game=True)
    theirs, their_result = once(lambda: computer("Moebius"))
    np.testing.assert_allclose(dense_result, and_transform(v), atol=1e-9)
    np.testing.assert_allclose(
        [their_result[tuple(players)] for players in Coalitions.all(n).players], and_transform(v), atol=1e-9
    )
    return {
        "n": n,
        "seconds": seconds | {"build and multiply": dense, "shapiq": theirs},
        "ratio": {"build and multiply": dense / seconds["ours"], "shapiq": theirs / seconds["ours"]},
        "wanted": {"build and multiply": 5000, "shapiq": 3000},
    }


def against_memory(n: int = 20, batch: int = 16) -> list[dict[str, Any]]:
    """A batch of n players: ours into another array and in place, against copying the array n times."""
    rows = []
    for dtype in (np.float64, np.float32):
        seconds = against_copies(n, batch, dtype, 7)
        ratio = {"n copies": seconds["n copies"] / seconds["ours"]}
        rows.append(
            {"n": n, "batch": batch, "dtype": np.dtype(dtype).name}
            | {"seconds": seconds, "ratio": ratio, "wanted": {"n copies": 1}}
        )
    return rows


def against_players(numbers: int = 2**22) -> list[dict[str, Any]]:
    """Nanoseconds a number for each n, the batch being as large as makes the same array."""
    rows = []
    for n in range(4, 23, 2):
        for dtype in (np.float64, np.float32):
            seconds = against_copies(n, numbers >> n, dtype, 3)
            nanoseconds = {name: value / numbers * 1e9 for name, value in seconds.items()}
            rows.append({"n": n, "dtype": np.dtype(dtype).name, "nanoseconds": nanoseconds})
    return rows


def against_copies(n: int, batch: int, dtype: type, repeats: int) -> dict[str, float]:
    """Seconds for one array."""
    x = np.random.default_rng(0).standard_normal((batch, 2**n)).astype(dtype)
    out, place = np.empty_like(x), x.copy()
    seconds = best(
        {
            "ours": lambda: and_transform(x, out=out),
            "ours, torch": lambda: and_transform(torch.from_numpy(x), out=torch.from_numpy(out)),
            "ours, in place, there and back": lambda: and_inverse(and_transform(place, out=place), out=place),
            "copy": lambda: np.copyto(out, x),
        },
        repeats,
    )
    seconds["plain butterflies"] = once(lambda: plain_butterflies(x))[0]
    seconds["n copies"] = n * seconds["copy"]
    return seconds


def choices(numbers: int = 2**22) -> list[dict[str, Any]]:
    """What the sizes of blocks and pieces rest on: nanoseconds a number for each pair."""
    chosen = transforms._BLOCK_BITS, transforms._CACHE_BITS
    rows = []
    for n, dtype in ((10, np.float64), (10, np.float32), (20, np.float64), (20, np.float32)):
        x = np.random.default_rng(0).standard_normal((numbers >> n, 2**n)).astype(dtype)
        out = np.empty_like(x)
        for block in (3, 4, 5, 6, 7):
            for piece in (14, 15, 16, 17, 18):
                transforms._BLOCK_BITS, transforms._CACHE_BITS = block, piece
                seconds = best({"ours": lambda x=x, out=out: and_transform(x, out=out)}, 3)["ours"]
                rows.append(
                    {"n": n, "dtype": x.dtype.name, "block_bits": block, "cache_bits": piece}
                    | {"nanoseconds": seconds / numbers * 1e9}
                )
    transforms._BLOCK_BITS, transforms._CACHE_BITS = chosen
    return rows


def plot(record: dict[str, Any], path: Path) -> None:
    """Nanoseconds a number against n."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, color in (("ours", "C0"), ("plain butterflies", "C1"), ("n copies", "C7")):
        for dtype, style in (("float64", "-"), ("float32", "--")):
            rows = [row for row in record["against players"] if row["dtype"] == dtype]
            axes.plot(
                [row["n"] for row in rows], [row["nanoseconds"][name] for row in rows], style, color=color,
                label=f"{name}, {dtype}",
            )  # fmt: skip
    others = record["against others"]
    for name, marker in (("build and multiply", "x"), ("shapiq", "+")):
        nanoseconds = others["seconds"][name] / 2 ** others["n"] * 1e9
        axes.plot(others["n"], nanoseconds, marker, color="C3", label=f"{name}, float64")
    axes.set(
        xlabel="players n",
        xticks=range(4, 23, 2),
        ylabel="nanoseconds a coalition",
        yscale="log",
        title="AND transform, one thread",
    )
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def main() -> None:
    torch.set_num_threads(1)
    with threadpool_limits(1):
        record = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "processor": processor(),
            "versions": {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__},
            "against others": against_others(),
            "against memory": against_memory(),
            "against players": against_players(),
            "choices": choices(),
        }
    (HERE / "transforms.json").write_text(json.dumps(record, indent=1) + "\n")
    plot(record, HERE / "transforms.png")
    for row in [record["against others"], *record["against memory"]]:
        print(f"n = {row['n']}, {row.get('dtype', 'float64')}, batch of {row.get('batch', 1)}")
        for name, seconds in row["seconds"].items():
            ratio = f"{row['ratio'][name]:10.1f}x (wanted {row['wanted'][name]})" if name in row["ratio"] else ""
            print(f"  {name:32} {seconds:12.6f} s {ratio}")


if __name__ == "__main__":
    main()
