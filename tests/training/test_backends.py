"""JAX, with TensorFlow out of reach, computes what TensorFlow computes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import BOTH_BACKENDS

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
import numpy as np
folder, backend = sys.argv[1:]
if backend == "jax":
    class NoTensorFlow:
        def find_spec(name, path=None, target=None):
            if name.partition(".")[0] == "tensorflow":
                raise ModuleNotFoundError(name)
    sys.meta_path.insert(0, NoTensorFlow)
import keras
from cases import BOTH_BACKENDS, batch, images, make
from test_contract import loss_and_gradients, numpy

for name in BOTH_BACKENDS:
    model = make(name)
    # The same weights on both sides, whatever the backend draws.
    random = np.random.default_rng(0)
    for w in model.weights:
        if w.path.endswith(("kernel", "bias")):
            w.assign(random.normal(0, 0.2, w.shape))
    loss, gradients = loss_and_gradients(model, batch(model, images()))
    np.savez(f"{folder}/{backend}_{name}.npz", loss, *[numpy(g) for g in gradients])
    if backend == "jax":
        model.fit(images(), batch_size=16, epochs=1, verbose=0)
"""


@pytest.mark.slow
def test_loss_and_gradients_are_equal(tmp_path):
    """Of all methods, in one process a backend: starting takes longer than testing."""
    for backend in ("tensorflow", "jax"):
        run(["-c", PROGRAM, str(tmp_path), backend], backend)
    for name in BOTH_BACKENDS:
        results, other = (
            np.load(tmp_path / f"{backend}_{name}.npz")
            for backend in ("jax", "tensorflow")
        )
        assert results.files == other.files
        for key in results.files:
            expected = other[key]
            scale = max(np.abs(expected).max(), 1e-3)
            np.testing.assert_allclose(
                results[key] / scale, expected / scale, atol=1e-4, err_msg=name
            )


def run(arguments, backend):
    paths = [ROOT, ROOT / "tests" / "methods"]
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": ":".join(map(str, paths)),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
