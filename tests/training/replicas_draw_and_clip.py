"""Program: replicas draw together the views of one device, clip the sum of their
gradients, take equally many images, refuse several steps in one execution, and gather
numbers of any precision, of a second strategy too.

It prints "fine".
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfssl import replicas, runs
from tfssl.training import Batches
from tfssl.training.tensorflow import minimize

if __name__ == "__main__":
    runs.set_up("float32", virtual_devices=2)

from cases import images, make


def main():
    strategy = runs.strategy("auto")
    for name in ("dino_multi_crop", "joint"):
        compare_views(name, strategy)
    # A function of images and seed knows of no parts: each has a seed of its own.
    with strategy.scope():
        model = make("simclr")
    own = model.views
    model.views = lambda images, seed: own(images, seed)
    same = tf.constant(np.repeat(images(1), 8, axis=0))
    a, b = views_of_each(model, strategy, lambda index: {"images": same})
    assert a[0].shape == b[0].shape and not np.allclose(a[0], b[0])
    with strategy.scope():
        model = make("simclr")
    model.fit(images(32), batch_size=16, epochs=1, verbose=0)
    assert keras.ops.convert_to_numpy(model.step) == 2

    # 16 + 16 + 3: the 3 are left out.
    data = tf.data.Dataset.from_tensor_slices(images(35)).batch(16)
    model.fit(data, epochs=1, verbose=0)
    assert keras.ops.convert_to_numpy(model.step) == 4
    odd = Batches(images(19), batch_size=16, drop_remainder=False)
    for x, batch_size, size in (
        (images(32), 15, 15),
        (data.unbatch().batch(5), None, 5),
        (odd, None, 3),
    ):
        with pytest.raises(ValueError, match=f"devices, 2, .* a batch of {size}$"):
            model.fit(x, batch_size=batch_size, verbose=0)

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

    leave_out_steps_that_are_not_finite(strategy)

    with pytest.raises(ValueError, match="steps_per_execution=4 on 2 replicas"):
        model.compile("sgd", steps_per_execution=4)

    for dtype in ("float32", "bfloat16", "int32"):
        rows = strategy.run(
            lambda dtype=dtype: replicas.gather(tf.cast([[replicas.index()]], dtype))
        )
        for each in strategy.experimental_local_results(rows):
            assert each.dtype == dtype
            np.testing.assert_array_equal(np.asarray(each, "float32"), [[0], [1]])
    # Of another strategy, which is the second one here, and other shapes.
    keras.config.set_dtype_policy("mixed_bfloat16")
    second = runs.strategy("auto")
    assert second is not strategy
    outside = make("moco_v2")
    with second.scope():
        message = "in the scope of one strategy.*Received: .* with the weight"
        for use in (outside.fit, outside.evaluate):
            with pytest.raises(ValueError, match=message):
                use(images(16), batch_size=16, verbose=0)
        with pytest.raises(ValueError, match=message):
            outside.compile("sgd")
        model = make("moco_v2")
    loss = model.fit(images(16), batch_size=16, epochs=1, verbose=0).history["loss"]
    assert np.isfinite(loss).all()
    print("fine")


def leave_out_steps_that_are_not_finite(strategy):
    """On whichever replica a gradient overflows, none of them moves a weight."""
    with strategy.scope():
        weights = [keras.Variable([1.0, 2.0]), keras.Variable([3.0])]
        optimizer = keras.optimizers.LossScaleOptimizer(
            keras.optimizers.Adam(0.1), initial_scale=4.0
        )
        optimizer.build(weights)

    @tf.function
    def step(overflown):
        def loss_of():
            factor = tf.where(tf.equal(replicas.index(), overflown), np.inf, 1.0)
            # The other weight has no gradient.
            return tf.reduce_sum(weights[0].value) * factor, {}

        strategy.run(lambda: minimize(optimizer, weights, loss_of))

    for overflown in (0, 1):
        step(tf.constant(overflown))
        np.testing.assert_array_equal(np.asarray(weights[0]), [1.0, 2.0])
    assert np.asarray(optimizer.dynamic_scale) == 1.0
    step(tf.constant(2))
    np.testing.assert_allclose(np.asarray(weights[0]), [0.9, 1.9], rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(weights[1]), [3.0])


def compare_views(name, strategy):
    """Those of two halves of a batch are those of the batch on one device."""
    whole = {"images": images(16)}
    model = make(name)
    if model.needs_labels:
        whole.update(labelled=images(8, seed=1), labels=np.zeros(8, "int32"))
    expected = [np.asarray(view) for view in model.batch_of(whole).views]
    with strategy.scope():
        model = make(name)
    halves = {key: np.stack(np.split(value, 2)) for key, value in whole.items()}
    parts = views_of_each(
        model,
        strategy,
        lambda index: {key: tf.gather(value, index) for key, value in halves.items()},
    )
    for views, view in zip(zip(*parts, strict=True), expected, strict=True):
        np.testing.assert_allclose(np.concatenate(views), view, atol=0.01)
    assert not np.allclose(expected[0][:8], expected[0][8:], atol=1)


def views_of_each(model, strategy, data_of):
    """The views of each replica's part of the data."""

    @tf.function
    def step():
        index = tf.distribute.get_replica_context().replica_id_in_sync_group
        return model.batch_of(data_of(index)).views

    views = [strategy.experimental_local_results(v) for v in strategy.run(step)]
    return [[np.asarray(v) for v in part] for part in zip(*views, strict=True)]


if __name__ == "__main__":
    main()
