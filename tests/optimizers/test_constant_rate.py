import keras
import numpy as np
import pytest
from keras import ops

import tfssl

schedules = keras.optimizers.schedules
WARM = tfssl.optimizers.WarmupCosine(0.5, total_steps=10, warmup_steps=2)


def moves(steps, rate=WARM, lowered=None, **options):
    """How far a kernel and a head's kernel go in each step, with gradients of 1."""
    options = {"momentum": 0.0, "weight_decay": 0.0, **options}
    optimizer = tfssl.optimizers.SGD(rate, **options)
    network = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2, use_bias=False)]
    )
    head = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2, use_bias=False)], name="predictor"
    )
    variables = [*network.trainable_variables, *head.trainable_variables]
    optimizer.build(variables)
    if lowered is not None:
        optimizer.learning_rate = lowered
    found = []
    for _ in range(steps):
        before = [ops.convert_to_numpy(v).copy() for v in variables]
        optimizer.apply([ops.ones(v.shape) for v in variables], variables)
        found.append(
            [
                float((b - ops.convert_to_numpy(v)).mean())
                for v, b in zip(variables, before, strict=True)
            ]
        )
    return np.array(found).T


def test_the_named_weights_keep_the_peak_rate_and_the_others_do_not():
    rates = [float(WARM(step)) for step in range(11)]
    network, head = moves(11, constant="predictor")
    np.testing.assert_allclose(network, rates, atol=1e-6)
    np.testing.assert_allclose(head, 0.5, atol=1e-6)
    network, head = moves(11)
    np.testing.assert_allclose(head, rates, atol=1e-6)


@pytest.mark.parametrize(
    "schedule",
    [
        schedules.CosineDecay(0.0, 10, warmup_target=0.5, warmup_steps=2),
        schedules.CosineDecay(0.5, 10),
        schedules.ExponentialDecay(0.5, 1, 0.9),
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.5, 0.2]),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_schedules_of_keras_have_a_peak(schedule):
    network, head = moves(4, schedule, constant="predictor")
    rates = [float(schedule(step)) for step in range(4)]
    np.testing.assert_allclose(network, rates, atol=1e-6)
    np.testing.assert_allclose(head, 0.5, atol=1e-6)


def test_a_schedule_says_its_peak_or_is_refused():
    class Own(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 * ops.cast(step, "float32")

    with pytest.raises(ValueError, match="attribute `peak`.*constant='predictor'"):
        moves(1, Own(), constant="predictor")
    schedule = Own()
    schedule.peak = 0.25
    network, head = moves(2, schedule, constant="predictor")
    np.testing.assert_allclose(network, [0.0, 0.1], atol=1e-6)
    np.testing.assert_allclose(head, 0.25, atol=1e-6)


@pytest.mark.parametrize("rate, lowered", [(lambda: 0.25, None), (0.5, 0.25)])
def test_without_a_schedule_all_have_the_rate_of_the_step(rate, lowered):
    found = moves(2, rate, lowered, constant="predictor")
    np.testing.assert_allclose(found, 0.25, atol=1e-6)


def test_it_is_saved():
    optimizer = tfssl.optimizers.SGD(constant="predictor")
    copy = tfssl.optimizers.SGD.from_config(optimizer.get_config())
    assert copy.constant == "predictor"


def test_weights_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="Received: constant='projector'"):
        moves(1, constant="projector")
