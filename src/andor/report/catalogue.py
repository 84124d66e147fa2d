"""What there is to make: tables, and figures with the tables they draw.

Little else: the Snakefile reads this module at every start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
    "agreement",
    "states",
    "controls",
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
    "fidelity",
    "solver",
    "noise",
    "timings",
    "summary",
)
"""Tables of a task, all made in one pass over its results."""

LONG_TABLES = ("interactions", "matching_curve", "precision", "pruning", "sparsity")
"""Tables of many megabytes, which stay out of the report; all others have a row for what they compare, not a curve."""

FOUND_IN = (
    "accuracy",
    "eligibility",
    "salient",
    "generalization",
    "sharing",
    "agreement",
    "states",
    "interactions",
    "controls",
    "matching",
    "solver",
    "noise",
    "summary",
    "faithful",
    "fidelity",
    "held_out",
)
"""Tables of a task from which its findings are put into words."""


def leaves_out(task: Task) -> bool:
    """Whether an ensemble of the task's main models does without one of them."""
    main = set(task.models) - set(task.null_networks())
    return any(set(members) < main for members in task.ensembles_by_name().values())


def same_players(task: Task) -> bool:
    """Whether a player is the same in every sample: columns, cells of an image, parts that are ordered by height."""
    return task.players.same_in_all


def all_known(task: Task) -> bool:
    """Whether all coalitions are evaluated."""
    return task.budget is None


def judged(task: Task) -> bool:
    """Whether coalitions were drawn, and some of them held out."""
    return task.budget is not None and task.budget.held_out > 0


def predicts(task: Task) -> bool:
    """Whether there are coalitions on which predictions can be judged: all, or some that were held out."""
    return all_known(task) or judged(task)


def same_players_in_all(task: Task) -> bool:
    """Whether samples can be compared player by player, on all coalitions."""
    return all_known(task) and same_players(task)


def compares(task: Task) -> bool:
    """Whether there are ensembles."""
    return bool(task.ensembles_by_name())


def always(task: Task) -> bool:
    """Whether there is a task."""
    return True


@dataclass(frozen=True)
class Figure:
    """A figure of a task."""

    tables: tuple[str, ...]
    """Tables that it is drawn from; `interactions` also shows the samples."""
    caption: str
    """What it shows, for the report."""
    is_shown: Callable[[Task], bool] = always
    """Whether it has something to show in a task."""


FIGURES = {
    "sparsity": Figure(
        ("sparsity", "salient"),
        "Strength of the interactions of one sample from strongest to weakest, as a share of the strongest, "
        "mean over samples. The line marks salience; the earlier a curve falls below it, the fewer "
        "interactions explain the network.",
    ),
    "faithfulness": Figure(
        ("pruning", "precision"),
        "How few interactions explain a network. Above: squared error over all masked inputs when only so "
        "many interactions are kept, as a share of the variance, whether the strongest are kept (dashed) or "
        "those without which the error would be largest (solid); 1 is no better than the mean output. Below: "
        "how well the k strongest add up to the output.",
        all_known,
    ),
    "generalization": Figure(
        ("generalization",),
        "Share of a network's k strongest interactions that are also among the k strongest of every other "
        "network of the ensemble; k is a share of all coalitions, or a number where these were drawn. The "
        "dashed line is what sets drawn at random would share.",
        compares,
    ),
    "orders": Figure(
        ("orders",),
        "Total strength of interactions by order and sign: all of them (light), and those that are salient in "
        "every network of the ensemble, with one sign (dark).",
        compares,
    ),
    "controls": Figure(
        ("agreement", "controls"),
        "Is more shared than by accident? On top: the number of interactions that are salient in every network of "
        "the ensemble with one sign (filled), beside the number to expect (hollow) if one network's players had "
        "names at random, if its coalitions came together by accident of the players that matter to it, or if it "
        "showed other samples; with the share of accidents, the chance p of as many, and how many can be listed. "
        "Below: measures of overlap (filled), beside null games in which one network's players are renamed (hollow) "
        "or other samples shown (crossed) in all networks but the first. The length of a line is what networks agree "
        "about beyond that: what they learned in common, and what any two networks show that see the same input.",
        compares,
    ),
    "thresholds": Figure(
        ("thresholds", "model_transfer"),
        "What networks share, wherever the line of salience is drawn: number of salient interactions, share "
        "of them that all networks have, the same with one sign, share of the strength; and, at the right, "
        "how many of a network's interactions another has, as the line for the former rises. Dotted: players "
        "renamed; dashed: sets drawn at random.",
        compares,
    ),
    "held_out": Figure(
        ("held_out",),
        "Does another network have what is shared? Of the interactions that all networks of an ensemble have "
        "(all), of those that only one has (one), and of the latter weighted to the orders and strengths of "
        "the former (alike), the share that is salient with the same sign in a network that the extraction "
        "never saw. Hollow: that network's players renamed; grey bar: chance.",
        leaves_out,
    ),
    "interactions": Figure(
        ("interactions",),
        "The strongest interactions of one sample, shared by all networks with one sign, and others, with the "
        "words or patches that take part and their strength in each network; whiskers, where there are any, "
        "are 1.96 standard errors.",
        compares,
    ),
    "transfer": Figure(
        ("transfer", "discrimination"),
        "What the samples of one network have in common. Above: share of a sample's salient interactions that "
        "are among the most frequent ones of all other samples; dotted: players renamed in each sample; "
        "dashed: chance. Below: how far samples of one label agree about the sign of an interaction, by how "
        "many of them have it; dashes: fair coins.",
        same_players_in_all,
    ),
    "matching": Figure(
        ("matching_curve", "matching"),
        "Universal matching: the outputs of the network on masked versions of a sample, sorted, and the "
        "outputs that the extracted interactions predict. Where all coalitions are known, what is left is the "
        "output noise, bounded by kappa; where they were drawn, those are shown that nothing was fitted to.",
        predicts,
    ),
    "fidelity": Figure(
        ("fidelity",),
        "How well the interactions predict the outputs of the network on masked inputs that were held out: "
        "share of the variance there. Above: when only so many of the strongest are kept and fitted again. "
        "Below: when none of a larger order is fitted; order 1 is the best that attributions to single "
        "players can do, and what the other orders have beyond it is what interactions add.",
        judged,
    ),
}
"""Figures by name; each is drawn by the module of its name in `andor.report.figures`."""


def figures_of(task: Task) -> list[str]:
    """Figures that have something to show in a task."""
    return [name for name, figure in FIGURES.items() if figure.is_shown(task)]
