"""Program: losses and gradients of all cases on one backend, as FOLDER/NAME.npz.

    python one_backend.py FOLDER tensorflow|jax

On JAX TensorFlow is out of reach, and each case also trains.
"""

import sys

import numpy as np

folder, backend = sys.argv[1:]
if backend == "jax":

    class NoTensorFlow:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.partition(".")[0] == "tensorflow":
                raise ModuleNotFoundError(name)

    sys.meta_path.insert(0, NoTensorFlow)

from cases import BOTH_BACKENDS, batch, images, make  # noqa: E402
from test_contract import loss_and_gradients, numpy  # noqa: E402

for case in BOTH_BACKENDS:
    model = make(case)
    # The same weights on both sides, whatever the backend draws.
    random = np.random.default_rng(0)
    for w in model.weights:
        if w.path.endswith(("kernel", "bias")):
            w.assign(random.normal(0, 0.2, w.shape))
    loss, gradients = loss_and_gradients(model, batch(model, images()))
    np.savez(f"{folder}/{case}.npz", loss, *[numpy(g) for g in gradients])
    if backend == "jax":
        model.fit(images(), batch_size=16, epochs=1, verbose=0)
