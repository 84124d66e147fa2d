"""What there is to make: tables, and figures with the tables they draw.

Little else: the Snakefile reads this module at every start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from andor.config import Task

TABLES = (
    "accuracy",
    "eligibility",
    "generalization",
    "sharing",
    "sparsity",
    "salient",
    "orders",
    "controls",
    "survivors",
    "thresholds",
    "model_transfer",
    "held_out",
    "sample_size",
    "interactions",
    "precision",
    "pruning",
    "faithful",
    "transfer",
    "discrimination",
    "matching",
    "matching_curve",
    "solver",
    "timings",
    "summary",
)
"""Tables of a task, all made in one pass over its results."""

LONG_TABLES = ("interactions", "matching_curve", "precision", "pruning", "sparsity")
"""Tables of many megabytes, which stay out of the report; all others have a row for what they compare, not a curve."""

FIGURE_TABLES: dict[str, list[str]] = {
    "sparsity": ["sparsity", "salient"],
    "faithfulness": ["pruning", "precision"],
    "generalization": ["generalization"],
    "orders": ["orders"],
    "controls": ["controls"],
    "thresholds": ["thresholds", "model_transfer"],
    "held_out": ["held_out"],
    "interactions": ["interactions"],
    "transfer": ["transfer", "discrimination"],
    "matching": ["matching_curve", "matching"],
}
"""Tables from which each figure is drawn; `interactions` also shows the samples."""

FOUND_IN = (
    "accuracy",
    "eligibility",
    "salient",
    "sharing",
    "controls",
    "survivors",
    "matching",
    "solver",
    "summary",
    "faithful",
    "held_out",
)
"""Tables of a task from which its findings are put into words."""


def figures_of(task: Task) -> list[str]:
    """Figures that have something to show in a task."""
    comparing = {"generalization", "orders", "controls", "thresholds", "interactions"}
    without = set() if task.ensembles_by_name() else comparing
    without |= set() if leaves_out(task) else {"held_out"}
    without |= set() if same_players(task) else {"transfer"}
    return [figure for figure in FIGURE_TABLES if figure not in without]


def leaves_out(task: Task) -> bool:
    """Whether an ensemble of the task's main models does without one of them."""
    main = set(task.models) - set(task.null_networks())
    return any(set(members) < main for members in task.ensembles_by_name().values())


def same_players(task: Task) -> bool:
    """Whether a player is the same in every sample: columns, cells of an image, parts that are ordered by height."""
    return task.players.kind in ("features", "grid") or getattr(task.players, "rule", None) == "kmeans"
