"""Weights that a method holds in place for the first steps."""

from pathlib import Path

import pytest
from programs import run_test_program

HERE = Path(__file__).parent


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_held_weights_stay_bit_for_bit_and_others_move(backend):
    pytest.importorskip(backend)
    assert "fine" in run_test_program(HERE / "held_weights.py", KERAS_BACKEND=backend)
