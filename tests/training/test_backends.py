"""JAX, with TensorFlow out of reach, computes what TensorFlow computes."""

from pathlib import Path

import numpy as np
import pytest
from cases import CASES, COMPARED
from programs import run_test_program

# These train on TensorFlow only.
ADVERSARIAL = {"context_encoder_adversarial", "dim", "dim_global"}
HERE = Path(__file__).parent
FIRST = ["cmc_nce", "moco_v2", "simclr"]
NAMES = sorted({*CASES, *COMPARED} - set(FIRST))
# In one process each: starting takes longer than testing.
GROUPS = [FIRST, *(NAMES[start : start + 6] for start in range(0, len(NAMES), 6))]


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_loss_and_gradients_are_equal(tmp_path, names):
    results = {}
    for backend in ("tensorflow", "jax"):
        folder = tmp_path / backend
        folder.mkdir()
        run_test_program(
            HERE / "one_backend.py", folder, backend, *names, KERAS_BACKEND=backend
        )
        results[backend] = {file.stem: np.load(file) for file in folder.iterdir()}
    assert results["jax"].keys() == results["tensorflow"].keys()
    assert set(results["jax"]) == set(names) - ADVERSARIAL
    for name, expected in results["tensorflow"].items():
        received = results["jax"][name]
        assert received.files == expected.files
        for key in expected.files:
            scale = max(np.abs(expected[key]).max(), 1e-3)
            np.testing.assert_allclose(
                received[key] / scale, expected[key] / scale, atol=1e-4, err_msg=name
            )
