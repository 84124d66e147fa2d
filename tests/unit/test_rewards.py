import mpmath
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.config import Reward
from andor.errors import UserError
from andor.outputs import rewards
from andor.outputs.stored import outputs_table, stored, values

LOGITS = st.lists(st.floats(-800, 800), min_size=2, max_size=6)


def exact_log_odds(logits, label):
    """log p/(1−p) with 700 digits, where no logit of this size saturates."""
    with mpmath.workdps(1500):
        terms = [mpmath.exp(mpmath.mpf(float(z))) for z in logits]
        p = terms[label] / mpmath.fsum(terms)
        return float(mpmath.log(p / (1 - p))), float(p)


@pytest.mark.slow
@given(LOGITS, st.data())
def test_log_odds_and_probability_against_many_digits(logits, data):
    label = data.draw(st.integers(0, len(logits) - 1))
    odds, probability = exact_log_odds(logits, label)
    scale = max(map(abs, logits))
    assert rewards.classifier_reward(np.array(logits), label, "log_odds") == pytest.approx(
        odds, rel=1e-13, abs=1e-13 * scale
    )
    assert rewards.classifier_reward(np.array(logits), label, "probability") == pytest.approx(
        probability, rel=1e-10, abs=1e-300
    )


@given(st.floats(-800, 800))
def test_one_logit_is_two_logits_with_the_other_at_zero(z):
    for label in (0, 1):
        for kind in ("log_odds", "probability"):
            one = rewards.classifier_reward(np.array([z]), label, kind)
            two = rewards.classifier_reward(np.array([0.0, z]), label, kind)
            assert one == pytest.approx(two, rel=1e-12)


def test_kinds_on_a_batch():
    logits = np.array([[1.0, 3.0], [2.0, -1.0]], np.float32)
    assert rewards.classifier_reward(logits, 1, "logit").tolist() == [1, 2]
    assert rewards.classifier_reward(logits, 1, "true_logit").tolist() == [3, -1]
    assert rewards.classifier_reward(logits, 1, "log_odds").tolist() == [2, -3]
    assert rewards.classifier_reward(logits, 0, "log_odds").tolist() == [-2, 3]
    assert rewards.classifier_reward(logits[:, :1], 0, "true_logit").tolist() == [-1, -2]
    assert rewards.classifier_reward(logits[:, :1], 0, "logit").tolist() == [1, 2]
    assert rewards.classifier_reward(logits, 1, "log_odds").dtype == np.float64


def test_above_the_smallest_and_temperature():
    logits = np.array([[1.0, 3.0, -2.0], [2.0, -1.0, 5.0]])
    assert rewards.classifier_reward(logits, 0, "above_smallest").tolist() == [3, 3]
    assert rewards.classifier_reward(np.array([[2.0], [-2.0]]), 1, "above_smallest").tolist() == [2, 0]
    assert rewards.classifier_reward(np.array([[2.0], [-2.0]]), 0, "above_smallest").tolist() == [0, 2]
    for classes in (1, 3):
        hot = rewards.classifier_reward(logits[:, :classes], 1, "log_odds", temperature=4.0)
        assert hot == pytest.approx(rewards.classifier_reward(logits[:, :classes] / 4, 1, "log_odds"))
    table = outputs_table(np.array([[0, 1], [0, 3]], np.float32), language=False)
    assert values(table, 1, Reward(temperature=2.0, centred=False)).tolist() == [0.5, 1.5]
    assert values(table, 1, Reward(kind="above_smallest")).tolist() == [0, 2]


def test_log_odds_do_not_saturate():
    assert rewards.classifier_reward(np.array([0.0, 300.0, -300.0]), 1, "log_odds") == 300.0
    assert rewards.classifier_reward(np.array([500.0, -500.0]), 1, "log_odds") == -1000.0


@pytest.mark.parametrize(("classes", "label"), [(1, 2), (2, 2), (3, -1)])
def test_a_label_the_model_does_not_have(classes, label):
    with pytest.raises(UserError, match=f"label {label} is none of the model's"):
        rewards.classifier_reward(np.zeros((4, classes)), label, "log_odds")


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_stored_logits_come_back(classes):
    outputs = np.random.default_rng(0).normal(size=(8, classes)).astype(np.float32)
    array, language = stored(outputs_table(outputs, language=False))
    assert not language and np.array_equal(array, outputs)


def test_values_of_stored_outputs():
    table = outputs_table(np.array([[0, 1], [0, 3]], np.float32), language=False)
    assert values(table, 1, Reward(centred=False)).tolist() == [1, 3]
    assert values(table, 1, Reward()).tolist() == [0, 2]
    assert values(table, 0, Reward()).tolist() == [0, -2]
    sliced = pa.concat_tables([table, table]).slice(1, 2)
    assert values(sliced, 1, Reward(centred=False)).tolist() == [3, 1]


def test_values_of_a_language_model():
    table = outputs_table(np.array([[-2, 1], [-0.5, 3]], np.float32), language=True)
    assert values(table, None, Reward(centred=False)).tolist() == [1, 3]
    assert values(table, None, Reward(kind="probability")) == pytest.approx([0, np.exp(-0.5) - np.exp(-2)])
    for kind in ("logit", "true_logit"):
        with pytest.raises(UserError, match=f"`reward.kind: {kind}` is for classifiers"):
            values(table, None, Reward(kind=kind))


def test_predictions():
    assert rewards.predicted_right(np.array([0.1]), 1) and rewards.predicted_right(np.array([-0.1]), 0)
    assert not rewards.predicted_right(np.array([-0.1]), 1)
    assert rewards.predicted_right(np.array([1, 5, 2]), 1) and not rewards.predicted_right(np.array([1, 5, 2]), 2)
