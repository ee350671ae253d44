"""JAX, with TensorFlow out of reach, computes what TensorFlow computes."""

from pathlib import Path

import numpy as np
import pytest
from cases import BOTH_BACKENDS
from programs import run_test_program

HERE = Path(__file__).parent


@pytest.mark.slow
def test_loss_and_gradients_are_equal(tmp_path):
    """Of all methods, in one process a backend: starting takes longer than testing."""
    results = {}
    for backend in ("tensorflow", "jax"):
        folder = tmp_path / backend
        folder.mkdir()
        run_test_program(
            HERE / "one_backend.py", folder, backend, KERAS_BACKEND=backend
        )
        results[backend] = {
            name: np.load(folder / f"{name}.npz") for name in BOTH_BACKENDS
        }
    for name in BOTH_BACKENDS:
        expected, received = results["tensorflow"][name], results["jax"][name]
        assert received.files == expected.files
        for key in expected.files:
            scale = max(np.abs(expected[key]).max(), 1e-3)
            np.testing.assert_allclose(
                received[key] / scale, expected[key] / scale, atol=1e-4, err_msg=name
            )
