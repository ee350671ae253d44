import keras
import numpy as np
import pytest

from tfssl.checks import check_fraction
from tfssl.optimizers import Cosine, Linear, value_at


def values(schedule, *at):
    return [float(schedule(np.float32(progress))) for progress in at]


def test_cosine_is_that_of_byol():
    """1 - (1 - start) (cos(pi k / K) + 1) / 2."""
    at = np.linspace(0, 1, 11)
    expected = 1 - (1 - 0.996) * (np.cos(np.pi * at) + 1) / 2
    np.testing.assert_allclose(values(Cosine(0.996, 1.0), *at), expected, atol=1e-6)


def test_linear_stays_at_its_end():
    schedule = Linear(0.04, 0.07, until=0.5)
    expected = [0.04, 0.055, 0.07, 0.07, 0.07]
    np.testing.assert_allclose(values(schedule, 0, 0.25, 0.5, 0.75, 1), expected)
    with pytest.raises(ValueError, match="Received: until=0"):
        Linear(0, 1, until=0)


def test_a_number_is_itself():
    assert value_at(0.5, progress=0.3) == 0.5


@pytest.mark.parametrize("schedule", [Cosine(0.9, 1.0), Linear(0.0, 1.0, until=0.2)])
def test_saved_and_equal(schedule):
    config = keras.saving.serialize_keras_object(schedule)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy == schedule and repr(copy) == repr(schedule)
    assert schedule != Cosine(0.5, 1.0)


def test_both_ends_are_checked():
    check_fraction(momentum=Cosine(0.9, 1.0))
    with pytest.raises(ValueError, match="Received: momentum=Cosine"):
        check_fraction(momentum=Cosine(0.9, 1.5))
