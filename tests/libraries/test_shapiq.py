"""Files exchanged with shapiq, against shapiq itself."""

import json
from importlib.metadata import version
from platform import python_version

import numpy as np
import pytest
from packaging.version import Version

from andor.errors import UserError
from andor.game.coalitions import Coalitions
from andor.game.interactions import Interactions
from andor.game.shapiq import from_shapiq, read_game_values, to_shapiq, write_game_values
from andor.game.transforms import and_transform, or_transform
from masks import members

KINDS = [("and", and_transform, "Moebius"), ("or", or_transform, "Co-Moebius")]


@pytest.fixture(params=["1.4", "1.8"])
def shapiq(request):
    """The installed package, if it is as new as that."""
    shapiq, newest = pytest.importorskip("shapiq"), version("shapiq")
    if Version(newest) < Version(request.param):
        pytest.skip(f"shapiq {request.param} cannot be installed on Python {python_version()}; installed is {newest}")
    return shapiq


def of(strengths: np.ndarray, kind: str) -> Interactions:
    return Interactions.of_dense(strengths[None, None], ["model"], [kind])


def read(path) -> np.ndarray:
    return from_shapiq(path).dense()[0, 0]


@pytest.fixture
def v():
    return np.random.default_rng(0).standard_normal(16)


def exact(shapiq, v, index):
    n = len(v).bit_length() - 1
    return shapiq.ExactComputer(lambda x: v[x @ (1 << np.arange(n))], n_players=n)(index)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "transform", "index"), KINDS)
def test_shapiq_computes_and_reads_the_same(shapiq, v, tmp_path, kind, transform, index):
    path = tmp_path / "interactions.json"
    to_shapiq(path, of(transform(v), kind), "model", kind)
    ours, theirs = shapiq.InteractionValues.load(path), exact(shapiq, v, index)
    assert (ours.index, ours.n_players, ours.min_order, ours.max_order) == (index, 4, 0, 4)
    assert not ours.estimated
    assert ours.baseline_value == pytest.approx(theirs.baseline_value)
    for mask in range(16):
        assert ours[members(mask)] == pytest.approx(theirs[members(mask)], abs=1e-12)


@pytest.mark.parametrize(("kind", "transform", "index"), KINDS)
def test_a_file_of_shapiq_is_read(shapiq, v, tmp_path, kind, transform, index):
    path = tmp_path / "interactions.json"
    exact(shapiq, v, index).save(path)
    assert from_shapiq(path, "name").kinds == (kind,)
    assert from_shapiq(path, "name").models == ("name",)
    np.testing.assert_allclose(read(path), transform(v), atol=1e-12)


@pytest.mark.parametrize("kind", ["and", "or"])
@pytest.mark.parametrize("n", [0, 1, 11])
def test_round_trip_is_exact(tmp_path, kind, n):
    interactions = np.random.default_rng(n).standard_normal(2**n)
    interactions[np.random.default_rng(1).random(2**n) < 0.5] = 0
    to_shapiq(tmp_path / "x.json", of(interactions, kind), "model", kind)
    assert from_shapiq(tmp_path / "x.json").kinds == (kind,)
    np.testing.assert_array_equal(read(tmp_path / "x.json"), interactions)


def test_hundreds_of_players_round_trip(tmp_path):
    coalitions = Coalitions.of_players(300, [[], [299], [7, 64, 200], list(range(300))])
    interactions = Interactions(coalitions, ("a", "b"), ("or",), np.arange(8.0).reshape(2, 1, 4))
    to_shapiq(tmp_path / "x.json", interactions, "b", "or")
    again = from_shapiq(tmp_path / "x.json", "b")
    assert again.coalitions == coalitions
    np.testing.assert_array_equal(again.strengths, interactions.strengths[1:])


def test_merged_or_interactions_keep_their_zero_at_the_empty_coalition(shapiq, tmp_path):
    interactions = np.array([0, 0, 0, 2.5])
    to_shapiq(tmp_path / "x.json", of(interactions, "or"), "model", "or")
    assert shapiq.InteractionValues.load(tmp_path / "x.json")[()] == 0
    assert shapiq.InteractionValues.load(tmp_path / "x.json")[0, 1] == -2.5


def test_shapiq_reads_game_values(shapiq, v, tmp_path):
    write_game_values(tmp_path / "game.npz", v)
    game = shapiq.Game(n_players=4, normalize=False)
    game.load_values(tmp_path / "game.npz", precomputed=True)
    assert game.n_players == 4
    for mask in range(16):
        assert game[members(mask)] == v[mask]
    coalitions = np.array([[True, False, True, False], [False, False, False, False]])
    np.testing.assert_array_equal(game(coalitions), v[[0b0101, 0]])


@pytest.mark.parametrize("normalize", [True, False])
def test_game_values_of_shapiq_are_read(shapiq, v, tmp_path, normalize):
    class Game(shapiq.Game):
        def value_function(self, coalitions):
            return v[coalitions @ (1 << np.arange(4))]

    game = Game(n_players=4, normalize=normalize, normalization_value=v[0])
    game.precompute()
    game.save_values(tmp_path / "game.npz")
    np.testing.assert_array_equal(read_game_values(tmp_path / "game.npz"), v)


def test_game_values_round_trip(v, tmp_path):
    write_game_values(tmp_path / "game.npz", v)
    np.testing.assert_array_equal(read_game_values(tmp_path / "game.npz"), v)


def changed(path, **metadata):
    content = json.loads(path.read_text())
    content["metadata"] |= metadata
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"index": "k-SII"}, "holds index 'k-SII'"),
        ({"n_players": 3}, "beyond its n_players 3"),
        ({"n_players": "many"}, "no JSON of shapiq"),
    ],
)
def test_wrong_interaction_files(v, tmp_path, metadata, message):
    path = tmp_path / "x.json"
    to_shapiq(path, of(v, "and"), "model", "and")
    changed(path, **metadata)
    with pytest.raises(UserError, match=message):
        from_shapiq(path)


@pytest.mark.parametrize("text", ["", "[]", '{"metadata": {}}', '{"metadata": 1, "data": 2}'])
def test_other_json_files(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"x\.json: is no JSON of shapiq"):
        from_shapiq(path)


def test_other_npz_files(v, tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(UserError, match="no npz of shapiq"):
        read_game_values(path)
    np.savez(path, values=v)
    with pytest.raises(UserError, match="no npz of shapiq"):
        read_game_values(path)
    np.savez(path, values=np.array([{}]), coalitions=np.zeros((1, 4), bool), n_players=4, normalization_value=0)
    with pytest.raises(UserError, match="no npz of shapiq"):
        read_game_values(path)  # pickled objects are not read
    np.savez(path, values=v[:3], coalitions=np.eye(4, dtype=bool)[:3], n_players=4, normalization_value=0)
    with pytest.raises(UserError, match="has 3 values for 4 players"):
        read_game_values(path)


@pytest.mark.parametrize("read", [from_shapiq, read_game_values])
def test_missing_files(tmp_path, read):
    with pytest.raises(UserError, match="nowhere: cannot be read"):
        read(tmp_path / "nowhere")


def test_lengths_must_be_powers_of_two(tmp_path):
    with pytest.raises(UserError, match="no power of two"):
        write_game_values(tmp_path / "x.npz", np.zeros(5))
