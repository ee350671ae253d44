"""JAX, with TensorFlow out of reach, computes what TensorFlow computes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import CASES

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
import numpy as np
name, file, backend = sys.argv[1:]
if backend == "jax":
    class NoTensorFlow:
        def find_spec(name, path=None, target=None):
            if name.partition(".")[0] == "tensorflow":
                raise ModuleNotFoundError(name)
    sys.meta_path.insert(0, NoTensorFlow)
import keras
from cases import CASES, batch, images, make
from test_contract import loss_and_gradients, numpy

model = make(name)
# The same weights on both sides, whatever the backend draws.
random = np.random.default_rng(0)
for w in model.weights:
    if w.path.endswith(("kernel", "bias")):
        w.assign(random.normal(0, 0.2, w.shape))
loss, gradients = loss_and_gradients(model, batch(model, images()))
np.savez(file, loss, *[numpy(g) for g in gradients])
model.fit(images(), batch_size=16, epochs=1, verbose=0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CASES))
def test_loss_and_gradients_are_equal(name, tmp_path):
    results = []
    for backend in ("tensorflow", "jax"):
        file = tmp_path / f"{backend}.npz"
        run(["-c", PROGRAM, name, str(file), backend], backend)
        results.append(np.load(file))
    for key in results[0].files:
        expected = results[0][key]
        scale = max(np.abs(expected).max(), 1e-3)
        np.testing.assert_allclose(results[1][key] / scale, expected / scale, atol=1e-4)


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
