"""Weights that a method holds in place for the first steps."""

from pathlib import Path

import keras
import pytest
from programs import run_test_program

import tfssl


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.AdamW(0.1, weight_decay=0.0),
        tfssl.optimizers.AdamW(0.1, weight_decay=0.0),
        tfssl.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.0),
        tfssl.optimizers.LARS(0.1, momentum=0.9, weight_decay=0.0),
    ],
    ids=lambda optimizer: type(optimizer).__module__,
)
def test_what_is_let_go_begins_with_a_step_of_the_usual_length(optimizer):
    """The gradient is 1; neither momentum nor a late correction adds to it."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow's step")
    from tfssl.training.tensorflow import minimize

    weight = keras.Variable([0.0])
    optimizer.build([weight])
    places = []
    for step in range(60):
        held = keras.ops.convert_to_tensor(step < 50)
        minimize(optimizer, [weight], lambda: (keras.ops.sum(weight), {}), [held])
        places.append(float(keras.ops.convert_to_numpy(weight)[0]))
    assert places[49] == 0.0
    assert places[50] == pytest.approx(-0.1, rel=1e-4)
    if isinstance(optimizer, keras.optimizers.Adam):
        assert places[59] == pytest.approx(-1.0, rel=1e-4)


HERE = Path(__file__).parent


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_held_weights_stay_bit_for_bit_and_others_move(backend):
    pytest.importorskip(backend)
    assert "fine" in run_test_program(HERE / "held_weights.py", KERAS_BACKEND=backend)
