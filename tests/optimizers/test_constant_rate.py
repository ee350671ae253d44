import keras
import numpy as np
import pytest
from keras import ops

import tfssl


def moves(steps, **options):
    """How far a kernel and a head's kernel go in each step, with gradients of 1."""
    schedule = tfssl.optimizers.WarmupCosine(0.5, total_steps=10, warmup_steps=2)
    options = {"momentum": 0.0, "weight_decay": 0.0, **options}
    optimizer = tfssl.optimizers.SGD(schedule, **options)
    network = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2, use_bias=False)]
    )
    head = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2, use_bias=False)], name="predictor"
    )
    variables = [*network.trainable_variables, *head.trainable_variables]
    optimizer.build(variables)
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
    rates = [float(schedule(step)) for step in range(steps)]
    return np.array(found).T, rates


def test_the_named_weights_keep_the_peak_rate_and_the_others_do_not():
    (network, head), rates = moves(11, constant="predictor")
    np.testing.assert_allclose(network, rates, atol=1e-6)
    np.testing.assert_allclose(head, 0.5, atol=1e-6)
    (network, head), _ = moves(11)
    np.testing.assert_allclose(head, rates, atol=1e-6)


def test_it_is_saved():
    optimizer = tfssl.optimizers.SGD(constant="predictor")
    copy = tfssl.optimizers.SGD.from_config(optimizer.get_config())
    assert copy.constant == "predictor"


def test_weights_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="Received: constant='projector'"):
        moves(1, constant="projector")
