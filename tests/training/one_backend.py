"""Program: losses and gradients of cases on one backend, as FOLDER/NAME.npz.

    python one_backend.py FOLDER tensorflow|jax SEED CASE ...

SEED is of the weights that losses and gradients are taken at. Cases with an adversary,
which takes TensorFlow, are left out. On JAX TensorFlow is out of reach, and each case
also trains. There a `fit` that fails must leave the weights where it came to.
"""

import sys

import numpy as np

folder, backend, seed, *names = sys.argv[1:]
if backend == "jax":

    class NoTensorFlow:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.partition(".")[0] == "tensorflow":
                raise ModuleNotFoundError(name)

    sys.meta_path.insert(0, NoTensorFlow)

import keras  # noqa: E402
from cases import batch, data, images, make  # noqa: E402
from test_contract import loss_and_gradients, numpy  # noqa: E402


class KindOfState(keras.callbacks.Callback):
    """In what Keras keeps the state of a step on JAX."""

    def on_train_batch_end(self, batch, logs=None):
        self.kind = type(self.model._jax_state)


# Weights that begin as random numbers, and what they are added to.
DRAWN = ("kernel", "bias", "table", "token", "position")

for case in names:
    try:
        model = make(case)
    except ValueError as error:
        if "with an adversary trains on TensorFlow only" not in str(error):
            raise
        continue
    if getattr(model, "adversary", None) is not None:
        continue
    # The same weights on both sides, whatever the backend draws.
    random = np.random.default_rng(int(seed))
    for w in model.weights:
        if w.path.endswith(DRAWN):
            w.assign(random.normal(0, 0.2, w.shape))
    loss, gradients = loss_and_gradients(model, batch(model, images()))
    np.savez(f"{folder}/{case}.npz", loss, *[numpy(g) for g in gradients])
    if backend == "jax":
        held_out = data(model, images(seed=1))
        state = KindOfState()
        model.fit(
            *data(model, images()),
            batch_size=16,
            epochs=1,
            verbose=0,
            callbacks=[state],
            validation_data=held_out if model.needs_labels else held_out[0],
        )
        # Keras does not look through the state in each step.
        assert state.kind is dict
        # What was compiled before the first step knows the weights of now.
        now, expected = (numpy(f(images())) for f in (model.features_now, model))
        np.testing.assert_allclose(now, expected, rtol=1e-3, atol=1e-4)


class Stopped(Exception):
    """Ends a run."""


def stop(*args, **kwargs):
    raise Stopped


if backend == "jax":
    for where, moved in (("views_loss", False), ("on_epoch_end", True)):
        model = make("moco_v2")
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
        # `fit` itself says where the run ends, before it starts.
        names = [w.path for w in model.weights]
        for name, before, now in zip(names, start, model.get_weights(), strict=True):
            if not name.endswith("last_step"):
                assert np.isfinite(now).all() and np.any(now != before) == moved, where
