"""Columns of each table, in one place."""

from __future__ import annotations

import pyarrow as pa

from andor.game.coalitions import KINDS
from andor.report.measures import SUMMARY_PERCENTS

TEXT, NUMBER, COUNT, FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()
SUMMARY_QUANTITIES = ("power", "low", "high", "chance", "null")

SCHEMAS: dict[str, pa.Schema] = {
    name: pa.schema(columns)
    for name, columns in {
        "accuracy": {
            "model": TEXT,
            "family": TEXT,
            "split": TEXT,
            "items": COUNT,
            "labels": TEXT,  # true, shuffled, or those of another task: `training.labels`
            "correct": COUNT,
            "accuracy": NUMBER,
            "low": NUMBER,
            "high": NUMBER,
            "parameters": COUNT,
        },
        "eligibility": {"reason": TEXT, "items": COUNT},
        "generalization": {
            "method": TEXT,
            "ensemble": TEXT,
            "model": TEXT,
            "kind": TEXT,
            "share": NUMBER,  # of the 2^n coalitions
            "k": COUNT,
            "power": NUMBER,
            "low": NUMBER,
            "high": NUMBER,
            "chance": NUMBER,
            "null": NUMBER,  # the power among renamed players
            "excess": NUMBER,  # of the power over that
            "excess_low": NUMBER,
            "excess_high": NUMBER,
            "samples": COUNT,  # with any interaction of the kind: the others have no power
            "short": COUNT,  # samples with fewer than k interactions that are not 0
        },
        "sharing": {
            "method": TEXT,
            "ensemble": TEXT,
            "model": TEXT,
            "kind": TEXT,
            "salient": NUMBER,  # mean number per sample, as `shared`
            "shared": NUMBER,  # salient in every model of the ensemble
            "power": NUMBER,  # among the salient ones
            "low": NUMBER,
            "high": NUMBER,
            "chance": NUMBER,
            "samples": COUNT,  # with a salient interaction of the kind
            "strength": NUMBER,  # mean sum of |I| per sample
            "shared_strength": NUMBER,  # the same over the shared ones
            "shared_share": NUMBER,  # their ratio
            "shared_low": NUMBER,
            "shared_high": NUMBER,
        },
        "sparsity": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "rank": COUNT,
            "strength": NUMBER,  # in shares of the sample's largest
            "low": NUMBER,
            "high": NUMBER,
            "samples": COUNT,
        },
        "salient": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "count": NUMBER,  # mean per sample
            "low": NUMBER,
            "high": NUMBER,
            "published": NUMBER,  # the same by the paper's rule: 5 % of the largest of all samples
            "zeros": NUMBER,  # mean number of possible interactions that are exactly 0
            "possible": COUNT,
            "rule": TEXT,
            "threshold": NUMBER,  # the configured share
            "bound": NUMBER,  # the strength it comes to, mean over samples
            "samples": COUNT,
        },
        "orders": {
            "method": TEXT,
            "ensemble": TEXT,
            "model": TEXT,
            "kind": TEXT,
            "order": COUNT,
            "sign": COUNT,
            "strength": NUMBER,  # mean sum of |I| per sample
            "shared": NUMBER,  # the same over interactions salient in every model of the ensemble
            "null": NUMBER,  # the same among renamed players
        },
        "controls": {
            "method": TEXT,
            "ensemble": TEXT,
            "kind": TEXT,
            "measure": TEXT,  # `overlaps` of metrics, mean over models
            "of": TEXT,
            "null": TEXT,
            "main": FLAG,  # no null network and no repeated training is in the ensemble
            "value": NUMBER,  # the measure of the models as they are
            "low": NUMBER,
            "high": NUMBER,
            "chance": NUMBER,  # of sets of the same sizes drawn at random; null where there are no sets
            "null_value": NUMBER,  # the measure of the null games
            "null_low": NUMBER,
            "null_high": NUMBER,
            "excess": NUMBER,  # of the one over the other, sample by sample
            "excess_low": NUMBER,
            "excess_high": NUMBER,
            "samples": COUNT,
        },
        "survivors": {
            "method": TEXT,
            "ensemble": TEXT,
            "kind": TEXT,
            "shared": NUMBER,  # interactions salient in every model, with one sign: mean per sample
            "surviving": NUMBER,  # those of them with q <= nulls.RATE
            "share": NUMBER,  # their ratio
            "low": NUMBER,
            "high": NUMBER,
            "strength": NUMBER,  # share of the shared ones' strength that the surviving ones hold
            "opposite": NUMBER,  # share of the strength salient in every model where signs differ
            "draws": COUNT,  # of renamed players
            "samples": COUNT,
        },
        "thresholds": {
            "method": TEXT,
            "ensemble": TEXT,
            "kind": TEXT,
            "measure": TEXT,  # of the interactions salient by this threshold, mean over models
            "threshold": NUMBER,
            "value": NUMBER,
            "low": NUMBER,
            "high": NUMBER,
            "chance": NUMBER,  # of sets of the same sizes drawn at random, for the power
            "null": NUMBER,  # the same among renamed players
            "excess": NUMBER,  # of the one over the other, sample by sample
            "excess_low": NUMBER,
            "excess_high": NUMBER,
            "samples": COUNT,
        },
        "model_transfer": {
            "method": TEXT,
            "ensemble": TEXT,
            "model": TEXT,
            "other": TEXT,
            "kind": TEXT,
            "threshold": NUMBER,  # of the model; that of the other model is the first
            "count": NUMBER,  # the model's salient ones, mean per sample
            "cover": NUMBER,  # share of them that are salient in the other model
            "low": NUMBER,
            "high": NUMBER,
            "chance": NUMBER,  # the other model's salient ones as a share of all that are possible
            "null": NUMBER,  # the same among renamed players
            "excess": NUMBER,  # of the one over the other, sample by sample
            "excess_low": NUMBER,
            "excess_high": NUMBER,
            "samples": COUNT,
        },
        "held_out": {
            "method": TEXT,
            "ensemble": TEXT,
            "left_out": TEXT,  # a model that the ensemble does without
            "reference": TEXT,  # method by which that model was explained, alone
            "kind": TEXT,
            "by": TEXT,  # `all` models of the ensemble, `one`, or `alike`: of one, weighted to be like `all`
            "count": NUMBER,  # interactions that these models have: mean per sample
            "found": NUMBER,  # share of them that are salient in the model left out, with the same sign
            "low": NUMBER,
            "high": NUMBER,
            "chance": NUMBER,  # if that model's were drawn at random, as many of each sign
            "null": NUMBER,  # with that model's players renamed
            "excess": NUMBER,  # of the share found over that
            "excess_low": NUMBER,
            "excess_high": NUMBER,
            "more": NUMBER,  # found of the shared ones that have counterparts, less found of those `alike`
            "more_low": NUMBER,
            "more_high": NUMBER,
            "samples": COUNT,  # with such interactions
        },
        "sample_size": {
            "method": TEXT,
            "ensemble": TEXT,
            "kind": TEXT,
            "measure": TEXT,  # as in `controls`
            "of": TEXT,
            "samples": COUNT,  # the first ones; bounds of salience that look at all samples do so here too
            "value": NUMBER,
            "low": NUMBER,
            "high": NUMBER,
            "null": NUMBER,  # the same among renamed players
            "excess": NUMBER,  # of the one over the other, sample by sample
            "excess_low": NUMBER,
            "excess_high": NUMBER,
        },
        "interactions": {
            "sample": COUNT,
            "method": TEXT,
            "ensemble": TEXT,
            "kind": TEXT,
            "coalition": COUNT,
            "order": COUNT,
            "members": TEXT,
            "model": TEXT,
            "strength": NUMBER,  # with its sign
            "rank": COUNT,  # among the model's interactions of the kind; null if the strength is 0
            "salient": FLAG,
            "shared": FLAG,  # salient in every model of the ensemble
            "p": NUMBER,  # chance that a renamed interaction of the kind and order is shared as strongly
            "q": NUMBER,  # false discovery rate among all of the kind and order that are shared as surely
        },
        "precision": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "k": COUNT,
            "precision": NUMBER,  # sum|I| / (sum|I| + |v(N) - v(empty) - sum I|) over the k strongest
            "low": NUMBER,
            "high": NUMBER,
            "samples": COUNT,
        },
        "pruning": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "by": TEXT,  # strength, or the least error (greedy)
            "kept": COUNT,
            "share": NUMBER,  # of the possible interactions
            "unfaithfulness": NUMBER,  # squared error over all coalitions in shares of the variance of v
            "low": NUMBER,
            "high": NUMBER,
            "samples": COUNT,
        },
        "faithful": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "by": TEXT,
            "unfaithfulness": NUMBER,  # at most this much
            "needed": NUMBER,  # fewest interactions that suffice, mean over samples
            "low": NUMBER,
            "high": NUMBER,
            "share": NUMBER,  # of the possible interactions
            "samples": COUNT,  # in which any number suffices
        },
        "transfer": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "chosen": TEXT,  # the frequent ones from `all samples`, or from the `other samples` alone
            "k": COUNT,
            "rho": NUMBER,  # share of a sample's salient interactions that are among the k most frequent
            "low": NUMBER,
            "high": NUMBER,
            "chance": NUMBER,  # of as many interactions drawn at random
            "null": NUMBER,  # the same among renamed players
            "excess": NUMBER,  # of the one over the other, sample by sample
            "excess_low": NUMBER,
            "excess_high": NUMBER,
            "samples": COUNT,
        },
        "discrimination": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "frequency": NUMBER,  # upper end of a bin: share of a label's samples in which it is salient
            "count": NUMBER,  # interactions in the bin, over all labels
            "beta": NUMBER,  # max(m+, m-) / (m+ + m-), mean over them
            "low": NUMBER,
            "high": NUMBER,
            "coin": NUMBER,  # the same if each sign were a fair coin's
            "samples": COUNT,
        },
        "matching": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "sample": COUNT,
            "max_difference": NUMBER,  # max over coalitions of |v - prediction|, which is |epsilon|
            "kappa": NUMBER,  # largest bound of |epsilon|
            "max_error": NUMBER,  # how far the prediction leaves v +- kappa
            "largest_output": NUMBER,  # max |v|
            "relative_error": NUMBER,  # max_error / largest_output
        },
        "matching_curve": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "sample": COUNT,  # -1: mean over samples
            "position": NUMBER,  # share of the coalitions with smaller v
            "v": NUMBER,
            "prediction": NUMBER,
            "error": NUMBER,  # |v - prediction|
        },
        "solver": {
            "method": TEXT,
            "unit": TEXT,
            "sample": COUNT,
            "solver": TEXT,
            "objective": NUMBER,
            "lower_bound": NUMBER,
            "gap": NUMBER,
            "status": TEXT,
            "advice": TEXT,
            "iterations": COUNT,
            "l1": NUMBER,  # sum of |I| as stored (not merged, empty coalition included) over both kinds and all models
        },
        "timings": {
            "step": TEXT,  # masked_outputs or extraction
            "method": TEXT,  # of the extraction
            "unit": TEXT,
            "sample": COUNT,
            "seconds": NUMBER,
            "cached": FLAG,  # whether masked outputs came from the cache
        },
        "summary": {
            "method": TEXT,
            "ensemble": TEXT,
            "model": TEXT,
            **{
                f"{quantity}_{kind}_{percent}": NUMBER
                for kind in KINDS
                for percent in SUMMARY_PERCENTS
                for quantity in SUMMARY_QUANTITIES
            },
            "salient": NUMBER,  # mean number per sample, both kinds
            "shared_share": NUMBER,
            "shared_low": NUMBER,
            "shared_high": NUMBER,
            "l1": NUMBER,  # mean sum of |I| per sample, both kinds
            "l1_ratio": NUMBER,  # to the first traditional method
        },
    }.items()
}
"""Columns of each table."""
