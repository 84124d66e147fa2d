"""Interactions of a sample on a list of coalitions, against arrays over all and against dictionaries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.errors import UserError
from andor.game.attributions import merge_low_orders
from andor.game.coalitions import KINDS, Coalitions, rename
from andor.game.files import from_file, to_file
from andor.game.interactions import Interactions, aligned
from masks import mask_of


def drawn(seed: int, n: int, models: int = 2, share: float = 0.4) -> np.ndarray:
    """Strengths on all coalitions, some of them 0; (m, 2, 2^n)."""
    random = np.random.default_rng(seed)
    shape = (models, 2, 2**n)
    return random.normal(size=shape) * (random.random(shape) < share)


def dense(seed: int, n: int, models: int = 2, share: float = 0.4) -> Interactions:
    return Interactions.of_dense(drawn(seed, n, models, share), [f"m{i}" for i in range(models)])


def as_dictionary(interactions: Interactions) -> dict[tuple[str, str, int], float]:
    """Strengths that are not 0 by model, kind and mask."""
    masks = [mask_of(players) for players in interactions.coalitions.players]
    return {
        (model, kind, mask): interactions.strengths[i, j, place]
        for i, model in enumerate(interactions.models)
        for j, kind in enumerate(interactions.kinds)
        for place, mask in enumerate(masks)
        if interactions.strengths[i, j, place]
    }


SEEDS, PLAYERS = st.integers(0, 2**32 - 1), st.integers(0, 5)


@given(SEEDS, PLAYERS)
def test_nothing_is_lost_by_leaving_out_zeros(seed, n):
    interactions = dense(seed, n, share=0.1)
    compact = interactions.compact()
    np.testing.assert_array_equal(compact.dense(), interactions.strengths)
    assert as_dictionary(compact) == as_dictionary(interactions)
    assert compact.nonzero().all()
    assert len(compact.coalitions) == interactions.nonzero().sum()


@given(SEEDS, PLAYERS)
def test_merging_is_that_of_arrays(seed, n):
    interactions = dense(seed, n)
    interactions.strengths[0, 0, -1] = 1e-20
    merged = interactions.merge()
    wanted = np.stack(merge_low_orders(interactions.strengths[:, 0], interactions.strengths[:, 1]), axis=1)
    noise = np.abs(wanted).max((1, 2), keepdims=True) * 2**n * np.finfo(float).eps
    np.testing.assert_array_equal(merged.strengths, np.where(np.abs(wanted) > noise, wanted, 0))
    assert merged.merged and merged.merge() is merged
    np.testing.assert_allclose(interactions.compact().merge().dense(), merged.strengths, atol=1e-14)


def test_or_interactions_alone_cannot_be_merged():
    with pytest.raises(ValueError, match="without AND"):
        dense(0, 3).of_kinds(["or"]).merge()


@given(SEEDS, PLAYERS)
def test_alignment_is_that_of_dictionaries(seed, n):
    several = [dense(seed + i, n, share=0.2).compact() for i in range(3)]
    on_one_list = aligned(several)
    assert all(one.coalitions == on_one_list[0].coalitions for one in on_one_list)
    assert [as_dictionary(one) for one in on_one_list] == [as_dictionary(one) for one in several]


@given(SEEDS, PLAYERS)
def test_models_apart_and_together(seed, n):
    interactions = dense(seed, n, models=3, share=0.2).compact()
    parts = [interactions.of_models([name]).compact() for name in interactions.models]
    again = Interactions.together(parts)
    assert again.models == interactions.models
    assert again.coalitions == interactions.coalitions
    np.testing.assert_array_equal(again.strengths, interactions.strengths)
    assert interactions.of_models(["m2", "m0"]).models == ("m2", "m0")


def test_only_what_is_alike_stands_side_by_side():
    interactions = dense(0, 3)
    for other in (interactions.merge(), interactions.of_kinds(["and"])):
        with pytest.raises(ValueError, match="same kinds"):
            Interactions.together([interactions, other])


@given(SEEDS, st.permutations(range(4)), st.permutations(range(4)))
def test_each_model_has_players_of_its_own(seed, first, second):
    interactions = dense(seed, 4, share=0.2)
    renamed = interactions.compact().renamed([first, second])
    wanted = [
        rename(own, permutation) for own, permutation in zip(interactions.strengths, (first, second), strict=True)
    ]
    np.testing.assert_array_equal(renamed.dense(), wanted)


def test_sets_do_not_depend_on_the_list():
    interactions = dense(1, 5, share=0.3)
    interactions.strengths[..., 0] = 9
    interactions = interactions.merge()
    compact, bound = interactions.compact(), np.array([0.5, 0.8])
    for of_list, of_all in (
        (compact.strongest(5), interactions.strongest(5)),
        (compact.salient(bound), interactions.salient(bound)),
        (compact.magnitude, interactions.magnitude),
    ):
        np.testing.assert_array_equal(compact.coalitions.spread(of_list, interactions.coalitions), of_all)
        assert not of_all[..., 0].any()
    assert interactions.strengths[..., 0].any(), "the background is left as it was"
    np.testing.assert_array_equal(compact.possible, [31, 26])


def test_ties_go_to_the_smaller_mask_and_zeros_are_never_strongest():
    strengths = np.array([0.0, 1.0, 2.0, 1.0, 1.0, 2.0, 0.0, 0.0])[None, None]
    interactions = Interactions.of_dense(strengths, ["one"], ["and"])
    for k, wanted in ((2, [2, 5]), (3, [1, 2, 5]), (8, [1, 2, 3, 4, 5])):
        assert np.flatnonzero(interactions.strongest(k)).tolist() == wanted


def test_many_players():
    coalitions = Coalitions.of_players(150, [[149], [3, 70], []])
    interactions = Interactions(coalitions, ("one",), KINDS, np.array([[[1.0, -2.0, 3.0], [0.0, 4.0, 0.5]]]))
    assert interactions.merge().strengths.tolist() == [[[1, -2, 3.5], [0, 4, 0]]]
    assert interactions.frame().to_dict("records")[1] == {
        "model": "one", "kind": "and", "coalition": "{3, 70}", "order": 2, "strength": -2.0
    }  # fmt: skip
    assert interactions.possible.tolist() == [2.0**150, 2.0**150]


def test_a_frame_has_a_row_for_each():
    interactions = dense(0, 2)
    frame = interactions.frame(["cold", "wet"])
    assert frame["coalition"].tolist() == ["∅", "{cold}", "{wet}", "{cold, wet}"] * 4
    assert frame["kind"].tolist() == (["and"] * 4 + ["or"] * 4) * 2
    assert frame["model"].tolist() == ["m0"] * 8 + ["m1"] * 8
    np.testing.assert_array_equal(frame["strength"], interactions.strengths.ravel())


def test_what_is_shown_of_them():
    strengths = np.zeros((1, 2, 8))
    strengths[0, 0, [0, 5]], strengths[0, 1, 3] = [9.0, 1.5], -2
    shown = repr(Interactions.of_dense(strengths, ["cnn"]).compact())
    assert shown == (
        "<Interactions of 3 players in cnn: 2 are not 0, on 3 coalitions; strongest OR {0, 1} -2 (cnn), "
        "AND {0, 2} +1.5 (cnn)>"
    )


def test_shapes_must_fit():
    with pytest.raises(UserError, match="no power of two"):
        Interactions.of_dense(np.zeros((1, 1, 5)), ["one"], ["and"])
    with pytest.raises(ValueError, match="shape"):
        Interactions(Coalitions.all(2), ("one",), KINDS, np.zeros((1, 1, 4)))


def test_files_give_back_what_they_got(tmp_path):
    interactions = dense(0, 4)
    to_file(tmp_path / "x.parquet", interactions, {"gap": 0.1})
    again = from_file(tmp_path / "x.parquet", interactions.models)
    assert (again.models, again.kinds) == (interactions.models, KINDS)
    np.testing.assert_array_equal(again.strengths, interactions.strengths)
    to_file(tmp_path / "y.parquet", interactions.of_kinds(["and"]).compact())
    again = from_file(tmp_path / "y.parquet", interactions.models)
    np.testing.assert_array_equal(again.strengths[:, 0], interactions.strengths[:, 0])
    assert not again.strengths[:, 1].any()
