"""Program: losses and gradients of all cases on one backend, as FOLDER/NAME.npz.

    python one_backend.py FOLDER tensorflow|jax

On JAX TensorFlow is out of reach, and each case also trains. There a `fit` that fails
must leave the weights where it came to.
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

import keras  # noqa: E402
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


class Stopped(Exception):
    """Ends a run."""


def stop(*args, **kwargs):
    raise Stopped


if backend == "jax":
    for where, moved in (("views_loss", False), ("on_epoch_end", True)):
        model = make("moco")
        start = model.get_weights()
        callbacks = []
        if where == "views_loss":
            model.views_loss = stop
        else:
            callbacks.append(keras.callbacks.LambdaCallback(**{where: stop}))
        try:
            model.fit(images(), batch_size=16, callbacks=callbacks, verbose=0)
        except Stopped:
            pass
        else:
            raise AssertionError(f"{where} was not called")
        for before, now in zip(start, model.get_weights(), strict=True):
            assert np.isfinite(now).all() and np.any(now != before) == moved, where
