"""Other solutions on drawn coalitions that are nearly as good: how much of one is the solver's choice.

As where all coalitions are known (`andor.sparsify.others`): random weights on the penalty of each interaction lead to
other solutions, which the lower bound that is at hand certifies. The weights of few columns matter: those in use, and
those that would come into use if the penalty were a little smaller, which are looked for first.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import numpy as np
import torch

from andor.sparsify.others import MARGIN
from andor.sparsify.sampled.path import Path, Point

SPREADS = (64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0)
"""By how much weights differ from 1 in each attempt, in units of the gap, until the solution is certified: by the most
that is, others are nearly as far from the optimum as they may be."""


def other_solutions(path: Path, point: Point, gap: float, count: int) -> Iterator[float]:
    """Have other solutions at `path.x`, one after the other, of objectives that are yielded.

    What cannot be certified to `MARGIN` gaps is left out, which is all that is asked for beyond a gap of a half.
    The path gets columns.

    Parameters
    ----------
    point : the solution at which the path is, certified to `gap`
    count : number of solutions that are tried for
    """
    if not count or not len(point.columns) or MARGIN * gap >= 1:
        return
    path.look_further(point.penalty, 1 - MARGIN * gap)
    first, most = path.x, point.bounds.lower / (1 - MARGIN * gap)
    seed = crc32(b"".join(own.cpu().numpy().tobytes() for own in path.values))
    for number in range(count):
        drawn = np.random.default_rng([number, seed]).integers(2, size=len(path.columns))
        dearer = torch.as_tensor(drawn).to(first)
        for spread in SPREADS:
            objective = path.go_aside(first, 1 + spread * gap * dearer, point.penalty, gap, most)
            if objective <= most:
                yield objective
                break
