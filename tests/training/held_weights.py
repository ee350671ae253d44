"""Program: a method holds weights in place for the first steps; nothing else stays.

On TensorFlow on two replicas. It prints "fine".
"""

import keras
import numpy as np

from tfssl import runs

if __name__ == "__main__" and keras.backend.backend() == "tensorflow":
    runs.set_up("float32", virtual_devices=2)

from cases import images

import tfssl

TENSORFLOW = keras.backend.backend() == "tensorflow"
# Compiling takes longer than these steps.
tfssl.training.Trainer.xla_views = False


def small():
    encoder = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            tfssl.encoders.pixel_scaling(),
            keras.layers.Flatten(),
            keras.layers.Dense(8, "relu"),
        ]
    )
    return tfssl.methods.SimCLR(encoder, [tfssl.views.RandomFlip()], projector=(8, 4))


def main():
    strategy = runs.strategy("mirrored") if TENSORFLOW else None
    for optimizer, moment in (
        # Each would change a weight that has no gradient.
        (lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1, clipnorm=1.0), 2),
        (lambda: tfssl.optimizers.SGD(0.1, weight_decay=0.1), 0.5),
    ):
        with runs.scope(strategy):
            model = small()
            model.compile(optimizer())
        held, free = model.projector.trainable_variables[:2]
        model.held_variables = lambda h=held, m=model, at=moment: ([h], m.before(at))
        record = Record(held, free)
        model.fit(images(32), batch_size=8, epochs=1, verbose=0, callbacks=[record])
        values = record.values
        assert len(values) == 5
        stays = [
            [np.array_equal(a, b) for a, b in zip(old, new, strict=True)]
            for old, new in zip(values[:-1], values[1:], strict=True)
        ]
        assert stays == [[True, False]] * 2 + [[False, False]] * 2, stays
    print("fine")


class Record(keras.callbacks.Callback):
    """Values of variables before the first step and after each."""

    def __init__(self, *variables):
        super().__init__()
        self.variables = variables
        self.values = [[np.array(v) for v in variables]]

    def on_train_batch_end(self, step, logs=None):
        if not TENSORFLOW:
            # While Keras trains on JAX, it keeps the weights for itself.
            self.model.jax_state_sync()
        self.values.append([np.array(v) for v in self.variables])


if __name__ == "__main__":
    main()
