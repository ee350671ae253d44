"""Program: replicas draw views of their own, and clip the sum of their gradients.

It prints "fine".
"""

import keras
import numpy as np
import tensorflow as tf

from tfssl.training import devices

if __name__ == "__main__":
    devices.set_up("float32", virtual_devices=2)

from cases import images, make


def main():
    strategy = devices.strategy("auto")
    with strategy.scope():
        model = make("simclr")
    same = tf.constant(np.repeat(images(1), 8, axis=0))
    run = strategy.run(lambda: model.views_of(same)[0])
    a, b = (np.asarray(v) for v in strategy.experimental_local_results(run))
    assert a.shape == b.shape and not np.allclose(a, b)
    model.fit(images(32), batch_size=16, epochs=1, verbose=0)
    assert keras.ops.convert_to_numpy(model.step) == 2

    clipped = keras.optimizers.SGD(1.0, global_clipnorm=1e-3)
    with strategy.scope():
        model = make("simclr", optimizer=clipped)
    before = [np.asarray(w) for w in model.trainable_weights]
    model.fit(images(16), batch_size=16, epochs=1, verbose=0)
    moved = [
        np.asarray(w) - b for w, b in zip(model.trainable_weights, before, strict=True)
    ]
    norm = np.sqrt(sum(np.sum(m**2) for m in moved))
    np.testing.assert_allclose(norm, 1e-3, rtol=1e-3)
    print("fine")


if __name__ == "__main__":
    main()
