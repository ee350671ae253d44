"""Losses that are scaled against underflow, as half precision needs it."""

from pathlib import Path

import pytest
from programs import run_test_program

HERE = Path(__file__).parent
# Plain, a queue and a teacher, a bank, an adversary (which takes TensorFlow).
CASES = {"tensorflow": ("simclr", "moco_v2", "cmc_nce", "dim"), "jax": ("simclr",)}


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_scaled_loss_takes_the_same_steps(backend):
    pytest.importorskip(backend)
    program = HERE / "scaled_loss.py"
    out = run_test_program(program, *CASES[backend], KERAS_BACKEND=backend)
    assert "fine" in out
