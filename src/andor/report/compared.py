"""Models side by side, two at a time and order by order: what is shared, what differs, and how much.

The rows of a study with `models`. Order 0 stands for all orders together. A row without a first model is of the second
alone; in the others the first is the reference.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.change import CHANGES, cancelled, cancelled_at_random, changes
from andor.analysis.families import Claim, Family
from andor.analysis.placements import Placed
from andor.analysis.statistics import Bootstrap, Share, mean, ratio, wilson_interval
from andor.config import Study
from andor.models.settings import model_and_step
from andor.report.results import TaskResults
from andor.report.tables.claims import family
from andor.report.tables.frames import measured, tidy
from andor.report.tables.games import Game, Games
from andor.report.tables.parts import Comparison, comparisons

TEXT, NUMBER, COUNT = pa.string(), pa.float64(), pa.int64()
SCHEMA = pa.schema(
    {
        "task": TEXT,
        "method": TEXT,
        "first": TEXT,  # the reference; null where the row is of one model
        "second": TEXT,
        "partner": TEXT,  # the first; along a training the model that it is a state of, if that is after the same step
        "model": TEXT,  # the second; along a training without its step
        "step": COUNT,  # along a training: after which the second is as it is; null for its end
        "order": COUNT,  # 0: all together
        "measure": TEXT,  # of one model: strength, share, salient, mean order, train, test;
        # of two: shared, opposed, consistency, of first, of second, cancelled shared, cancelled other, mean order, and
        # those of `andor.analysis.change.CHANGES`, `... alike` over samples on which both models are right;
        # kinds: consistency of all models of two families, which then stand for the models
        "value": NUMBER,
        "low": NUMBER,
        "high": NUMBER,
        "null": NUMBER,  # expected if the players of one of the two had names at random; of what is cancelled, if it
        # were chance which of the salient interactions of an order are shared
        "p": NUMBER,  # chance that the null has as many
        "rate": NUMBER,  # share of accidents to expect among them, at most 1
        "listed": COUNT,  # interactions of all samples that hold a false discovery rate of 10 %, of all orders together
        "samples": COUNT,
    }
)
"""Columns of the table."""


def compared(results: Mapping[str, TaskResults], asked: Study) -> pd.DataFrame:
    """The table of a study that compares models, from the part of each task's results that it looks at.

    Intervals are 95 %: bootstrap over samples for means, Wilson's for shares and accuracies. What is expected by
    accident is exact for numbers and shares of salient interactions, and the mean over renamed draws for the rest.
    """
    frames = [frame.assign(task=task) for task, part in results.items() for frame in _of_task(part, asked)]
    table = pd.concat(frames, ignore_index=True).reindex(columns=SCHEMA.names)
    return table.assign(step=table["step"].astype("Int64"), listed=table["listed"].astype("Int64"))


def _of_task(results: TaskResults, asked: Study) -> Iterator[pd.DataFrame]:
    seen, kinds = set(), {}
    for each in comparisons(results):
        pair = Pair(each)
        kinds.setdefault((each.method, *pair.families), []).append(pair)
        for place, model in enumerate(each.members):
            if (each.method, model) not in seen:
                seen.add((each.method, model))
                yield _named(pair.of_one(place), asked, each.method, None, model)
        yield _named(pair.of_two(), asked, each.method, *each.members)
    if asked.along is None and len({(first, second) for _, first, second in kinds}) > 1:
        for (method, *families), pairs in kinds.items():
            yield _named(of_kinds(pairs), asked, method, *families)


def _named(rows: pd.DataFrame, asked: Study, method: str, first: str | None, second: str) -> pd.DataFrame:
    model, step = (second, None) if asked.along is None else model_and_step(second)
    partner = first if first is None or asked.along is None else asked.named(first, second)
    return rows.assign(method=method, first=first, second=second, partner=partner, model=model, step=step)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two models of a task, the first of which is the reference, under one method."""

    each: Comparison

    @property
    def bootstrap(self) -> Bootstrap:
        """Resamples of the task's samples."""
        return self.each.bootstrap

    @property
    def orders(self) -> range:
        """0 for all together, and those that were looked for."""
        return range(self.each.games.most + 1)

    # -------------------------------------------------------------------------------------------------- of one model

    def of_one(self, model: int) -> pd.DataFrame:
        """Rows of one of the two."""
        strength = self._sums(lambda game: game.magnitude[model])
        salient = self._sums(lambda game: game.salient[model].astype(float))
        share = ratio(strength.mean(0), strength[:, 0].mean())
        low, high = self.bootstrap.interval(strength, over=strength[:, :1])
        return pd.concat(
            [
                self._rows("strength", **measured(strength, self.bootstrap)),
                self._rows("share", value=share, low=low, high=high),
                self._rows("salient", **measured(salient, self.bootstrap)),
                self._rows("mean order", [0], **measured(self._mean_orders[:, model : model + 1], self.bootstrap)),
                *self._accuracy(model),
            ],
            ignore_index=True,
        )

    @functools.cached_property
    def _mean_orders(self) -> np.ndarray:
        """Order of each model's interactions, weighted by their strength, (K, 2)."""
        return self.each.games.each(
            lambda game: ratio(game.magnitude.sum(1) @ game.coalitions.orders, game.magnitude.sum((1, 2)))
        )

    def _accuracy(self, model: int) -> Iterator[pd.DataFrame]:
        """How much a classifier gets right, of what it learnt from and of what it did not."""
        for split, counted in self.each.results.model_metrics(self.each.members[model])["splits"].items():
            if "correct" in counted:
                low, high = wilson_interval(counted["correct"], counted["items"])
                value = counted["correct"] / max(counted["items"], 1)
                yield self._rows(split, [0], value=[value], low=[low], high=[high]).assign(samples=counted["items"])

    # ------------------------------------------------------------------------------------------------- of two models

    def of_two(self) -> pd.DataFrame:
        """Rows of both."""
        first, second, shared, opposed = self._counts
        met, _ = self._by_accident
        return pd.concat(
            [
                self._counted("shared", shared, self._claims[0]),
                self._counted("opposed", opposed, self._claims[1]),
                self._share("of first", shared, first, ratio(met, first.mean(0))),
                self._share("of second", shared, second, ratio(met, second.mean(0))),
                self._share("consistency", shared, self.either, ratio(met, self.either_by_accident)),
                *self._cancelled(),
                *self._changes(),
                self._rows("mean order", [0], **measured(np.diff(self._mean_orders), self.bootstrap)),
            ],
            ignore_index=True,
        )

    @functools.cached_property
    def _counts(self) -> list[np.ndarray]:
        """Numbers salient in the first and in the second, shared and opposed, (K, orders) each."""
        own = [self._sums(lambda game, model=model: game.salient[model].astype(float)) for model in (0, 1)]
        return [*own, self._sums(lambda game: game.shared.astype(float)), self._sums(_opposed)]

    @property
    def either(self) -> np.ndarray:
        """Number salient in any of the two, (K, orders)."""
        first, second, shared, opposed = self._counts
        return first + second - shared - opposed

    @functools.cached_property
    def _claims(self) -> list[list[Claim]]:
        return [[self._claim(own, order) for order in self.orders] for own in (self._family, self._opposed_family)]

    @property
    def _by_accident(self) -> list[np.ndarray]:
        """Expected numbers a sample that are shared, and opposed, (orders,) each."""
        count = len(self.each.games.samples)
        return [np.array([claim.expected for claim in own]) / count for own in self._claims]

    @property
    def either_by_accident(self) -> np.ndarray:
        """Expected number a sample that is salient in any of the two, (orders,)."""
        first, second, _, _ = self._counts
        return (first + second).mean(0) - sum(self._by_accident)

    @property
    def families(self) -> tuple[str, str]:
        """Families of the two models, in the order of their names."""
        first, second = sorted(self.each.results.model_metrics(model)["family"] for model in self.each.members)
        return first, second

    def _claim(self, own: Family, order: int) -> Claim:
        """The claim that the two agree at all, about interactions of one order, or of all."""
        chosen = own.of_orders(order, order) if order else own
        return Claim(chosen, chosen.renaming(self.each.results.seed))

    @functools.cached_property
    def _family(self) -> Family:
        return family(self.each.games)

    @functools.cached_property
    def _opposed_family(self) -> Family:
        """The same with the second model's signs turned around, so that what is opposed is shared."""
        turned = ([first, Placed(second.presence, -second.strengths)] for first, second in self._family.cells)
        return Family(list(turned))

    def _counted(self, name: str, counts: np.ndarray, claims: list[Claim]) -> pd.DataFrame:
        named = zip(claims, self.orders, strict=True)
        return self._rows(
            name,
            **measured(counts, self.bootstrap),
            null=[claim.expected / len(counts) for claim in claims],
            p=[claim.p for claim in claims],
            rate=[claim.accidents for claim in claims],
            # Lists of each order, or of what is opposed, would be families of their own.
            listed=[claim.listed if name == "shared" and not order else None for claim, order in named],
        )

    def _share(self, name: str, part: np.ndarray, whole: np.ndarray, null: np.ndarray) -> pd.DataFrame:
        share = Share.of(part, whole)
        return self._rows(name, value=share.value, low=share.low, high=share.high, null=null)

    def _cancelled(self) -> Iterator[pd.DataFrame]:
        """How far signs cancel among the salient interactions that are shared, and among the others."""

        def of(game: Game, which: np.ndarray) -> np.ndarray:
            each = [
                cancelled(strengths, salient & which, game.coalitions.orders, self.orders[-1])
                for strengths, salient in zip(game.strengths, game.salient, strict=True)
            ]
            return mean(np.array(each))

        random = np.random.default_rng(self.each.results.seed)

        def at_random(game: Game) -> np.ndarray:
            orders, each = np.broadcast_to(game.coalitions.orders, game.shared.shape), []
            for strengths, salient in zip(game.strengths, game.salient, strict=True):
                own = (strengths[salient], game.shared[salient], orders[salient])
                each.append(cancelled_at_random(*own, self.orders[-1], random))
            return mean(np.array(each))

        shared, other = mean(self.each.games.each(at_random))
        yield self._measured("cancelled shared", self.each.games.each(lambda game: of(game, game.shared)), null=shared)
        yield self._measured("cancelled other", self.each.games.each(lambda game: of(game, ~game.shared)), null=other)

    def _changes(self) -> Iterator[pd.DataFrame]:
        """Measures of change, of all samples and of those on which both models are right, beside renamed players."""
        values, *drawn = (self._changed(games) for games in (self.each.games, *self.each.renamed))
        right = self._both_right
        for suffix, chosen in (("", np.full(len(right), True)), (" alike", right)):
            only = [np.where(chosen[:, None, None], one, np.nan) for one in (values, *drawn)]
            null = mean(np.concatenate(only[1:])) if drawn else np.full(values.shape[1:], np.nan)
            for place, name in enumerate(CHANGES):
                yield self._measured(f"{name}{suffix}", only[0][:, place], null=null[place])

    def _changed(self, games: Games) -> np.ndarray:
        """Each of `CHANGES` by order, (K, 4, orders)."""
        return games.each(
            lambda game: changes(np.sign(game.strengths) * game.magnitude, game.coalitions.orders, self.orders[-1])
        )

    @property
    def _both_right(self) -> np.ndarray:
        """On which samples both models are right, so that their outputs are alike; bool, (K,)."""
        table = self.each.results.eligibility.to_pandas().set_index(["model", "item"])["right"]
        items = self.each.results.samples["item"].to_pylist()
        return np.all([table.loc[model].loc[items].to_numpy(bool) for model in self.each.members], axis=0)

    # --------------------------------------------------------------------------------------------------------- rows

    def _sums(self, values: Callable[..., np.ndarray]) -> np.ndarray:
        """What a function says of each interaction of a sample's game, (kinds, C), summed by order: (K, orders)."""

        def of_sample(game: Game) -> np.ndarray:
            return _by_order(values(game).sum(0), game.coalitions.orders, self.orders[-1])

        return self.each.games.each(of_sample)

    def _measured(self, name: str, values: np.ndarray, **more: Any) -> pd.DataFrame:
        known = (~np.isnan(values)).sum(0)
        return self._rows(name, **measured(values, self.bootstrap), **more).assign(samples=known)

    def _rows(self, name: str, orders: Sequence[int] | None = None, **columns: Any) -> pd.DataFrame:
        return tidy({"order": self.orders if orders is None else orders}, **columns).assign(
            measure=name, samples=len(self.each.games.samples)
        )


def of_kinds(pairs: Sequence[Pair]) -> pd.DataFrame:
    """Rows of several pairs of models of the same families: what is shared over what is salient in either, in all."""
    share = Share.of(sum(pair._counts[2] for pair in pairs), sum(pair.either for pair in pairs))
    met = [
        sum(values) for values in zip(*((pair._by_accident[0], pair.either_by_accident) for pair in pairs), strict=True)
    ]
    return pairs[0]._rows("kinds", value=share.value, low=share.low, high=share.high, null=ratio(*met))


def _opposed(game: Game) -> np.ndarray:
    """Which are salient in both models, with opposite signs; float64, (kinds, C)."""
    return (game.salient.all(0) & ~game.agreed).astype(float)


def _by_order(values: np.ndarray, orders: np.ndarray, most: int) -> np.ndarray:
    """Sums of all but the empty coalition's, and of each order; (C,) to (most + 1,)."""
    sums = np.bincount(orders, values, minlength=most + 1)[: most + 1]
    sums[0] = sums[1:].sum()
    return sums
