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
    names = set(names) - ADVERSARIAL
    # A number at the kink of a ReLU is rounded to either side of it, and the gradients
    # differ. Not so from other weights, on the same processor.
    for seed in range(3):
        results = by_backend(tmp_path / str(seed), seed, names)
        jax, tensorflow = results["jax"], results["tensorflow"]
        assert jax.keys() == tensorflow.keys() == names
        apart = {name: difference(jax[name], tensorflow[name]) for name in names}
        names = {name for name in names if not apart[name] < 1e-4}
        if not names:
            return
    raise AssertionError(apart)


def by_backend(folder, seed, names):
    """Loss and gradients of each case: a dict of dicts of arrays."""
    results = {}
    for backend in ("tensorflow", "jax"):
        (folder / backend).mkdir(parents=True)
        run_test_program(
            HERE / "one_backend.py",
            folder / backend,
            backend,
            seed,
            *sorted(names),
            KERAS_BACKEND=backend,
        )
        files = (folder / backend).iterdir()
        results[backend] = {file.stem: np.load(file) for file in files}
    return results


def difference(received, expected):
    """The largest of all arrays, as a part of the largest number of its array."""
    assert received.files == expected.files
    apart = []
    for key in expected.files:
        assert received[key].shape == expected[key].shape
        scale = max(np.abs(expected[key]).max(), 1e-3)
        apart.append(np.abs(received[key] - expected[key]).max(initial=0) / scale)
    # A NaN stays one.
    return np.max(apart)
