import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

from tfssl.data import Batches
from tfssl.training import LabelledBatches
from tfssl.training.datasets import without_remainders

pytestmark = pytest.mark.usefixtures("eager")

N = 22
IMAGES = np.repeat(np.arange(N, dtype=np.uint8), 12).reshape(N, 2, 2, 3)
LABELS = np.arange(N)


def order(seed, epoch):
    return np.random.default_rng([seed, epoch]).permutation(N)


def test_order_is_a_permutation_of_seed_and_epoch():
    for seed, epoch in [(0, 0), (0, 1), (3, 0)]:
        batches = Batches(IMAGES, LABELS, batch_size=5, seed=seed, epoch=epoch)
        images, labels = map(np.concatenate, zip(*batches, strict=True))
        np.testing.assert_array_equal(labels, order(seed, epoch)[:20])
        np.testing.assert_array_equal(images, IMAGES[labels])
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(batches[2][1], labels[10:15])
    assert not np.array_equal(order(0, 0), order(0, 1))


def test_without_labels_shuffle_or_dropping():
    batches = Batches(IMAGES, batch_size=5, shuffle=False, drop_remainder=False)
    assert len(batches) == 5 and batches.has_partial_batch
    assert len(batches[-1]) == batches.partial_batch_size == 2
    np.testing.assert_array_equal(np.concatenate(list(batches)), IMAGES)
    assert len(Batches(IMAGES, batch_size=5)) == 4
    with pytest.raises(IndexError):
        batches[5]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"batch_size": N + 1}, "22 images do not fill one batch of 23"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 2, "epoch": -1}, "epoch=-1"),
        ({"batch_size": 2, "labels": LABELS[1:]}, "22 images but 21 labels"),
        ({"batch_size": 2, "images": IMAGES[0]}, r"shape \(2, 2, 3\)"),
        ({"batch_size": 2, "images": IMAGES[:0]}, "N > 0"),
    ],
)
def test_says_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        Batches(**{"images": IMAGES, **arguments})
    assert len(Batches(IMAGES, batch_size=N + 1, drop_remainder=False)) == 1


def model_that_records(build=True):
    """A model and the list of the label batches that its training steps saw."""
    seen = []

    def loss(y_true, y_pred):
        try:
            seen.append(np.array(y_true).ravel().tolist())
        except (NotImplementedError, TypeError):
            pass  # Keras builds the loss with symbolic values.
        return keras.ops.mean(y_pred, axis=-1)

    layers = [keras.layers.Flatten(), keras.layers.Dense(1)]
    if build:
        layers = [keras.Input((2, 2, 3)), *layers]
    model = keras.Sequential(layers)
    model.compile("sgd", loss, run_eagerly=True, jit_compile=False)
    return model, seen


def expected(epochs, batch_size):
    count = N // batch_size
    rows = [order(7, e)[: count * batch_size].reshape(count, -1) for e in epochs]
    return np.concatenate(rows).tolist()


# One batch an epoch is the case in which a pass and a peek look the same.
@pytest.mark.parametrize("batch_size", [5, 11, 22])
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("build", [True, False])
def test_fit_restarted_at_an_epoch_sees_what_an_unbroken_run_sees(
    batch_size, workers, build
):
    def batches(epoch):
        made = Batches(IMAGES, LABELS, batch_size=batch_size, seed=7, epoch=epoch)
        made.workers = workers
        return made

    model, unbroken = model_that_records(build=build)
    whole = batches(0)
    model.fit(whole, epochs=4, verbose=0)
    assert unbroken == expected(range(4), batch_size)
    assert whole.epoch == 4

    model, restarted = model_that_records(build=build)
    model.fit(batches(2), initial_epoch=2, epochs=4, verbose=0)
    assert restarted == expected([2, 3], batch_size)


def test_a_second_fit_goes_on_and_prediction_follows_the_array():
    model, seen = model_that_records()
    batches = Batches(IMAGES, LABELS, batch_size=5, seed=7)
    validation = Batches(IMAGES, LABELS, batch_size=11, shuffle=False)
    model.fit(batches, epochs=1, verbose=0)
    model.fit(batches, epochs=3, initial_epoch=1, verbose=0)
    assert seen == expected(range(3), 5)
    predicted = model.predict(validation, verbose=0)
    np.testing.assert_allclose(predicted, model(IMAGES), rtol=1e-5)
    del seen[:]
    model.fit(batches, validation_data=validation, epochs=2, verbose=0)
    training = [row for row in seen if len(row) == 5]
    assert training == expected([3, 4], 5)
    validated = [row for row in seen if len(row) == 11]
    assert validated == [*LABELS.reshape(2, 11).tolist()] * 2


def test_an_interrupted_epoch_is_begun_again():
    model, seen = model_that_records()
    batches = Batches(IMAGES, LABELS, batch_size=5, seed=7)

    def interrupt(batch, logs):
        if len(seen) == 6:
            raise KeyboardInterrupt

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(batches, epochs=3, callbacks=[callback], verbose=0)
    del seen[:]
    model.fit(batches, initial_epoch=1, epochs=2, verbose=0)
    assert seen == expected([1], 5)


def test_a_tensorflow_dataset_has_static_shapes():
    pytest.importorskip("tensorflow")
    spec = Batches(IMAGES, LABELS, batch_size=5).get_tf_dataset().element_spec
    assert spec[0].shape.as_list() == [5, 2, 2, 3] and spec[0].dtype.name == "uint8"
    assert spec[1].shape.as_list() == [5]
    open_ended = Batches(IMAGES, batch_size=5, drop_remainder=False).get_tf_dataset()
    assert open_ended.element_spec[0].shape.as_list() == [None, 2, 2, 3]
    assert [len(x) for (x,) in open_ended] == [5, 5, 5, 5, 2]


MIRRORED = """
    import numpy as np, tensorflow as tf, keras
    from tfssl.data import Batches
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    images = np.random.default_rng(0).integers(0, 256, (22, 2, 2, 3), np.uint8)

    def weights(strategy, parts):
        with strategy.scope():
            keras.utils.set_random_seed(0)
            model = keras.Sequential([
                keras.layers.Rescaling(1 / 255), keras.layers.Flatten(),
                keras.layers.Dense(1)])
            model.compile(keras.optimizers.SGD(0.1), "mse")
        for first, last in parts:
            batches = Batches(
                images, np.arange(22.0), batch_size=4, seed=7, epoch=first)
            model.fit(batches, initial_epoch=first, epochs=last, verbose=0)
            assert batches.epoch == last, batches.epoch
        return np.concatenate([w.ravel() for w in model.get_weights()])

    one = weights(tf.distribute.get_strategy(), [(0, 4)])
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert two.num_replicas_in_sync == 2
    np.testing.assert_allclose(weights(two, [(0, 4)]), one, rtol=1e-4)
    np.testing.assert_allclose(weights(two, [(0, 1), (1, 4)]), one, rtol=1e-4)
    np.testing.assert_raises(
        AssertionError, np.testing.assert_allclose,
        weights(two, [(1, 5)]), one, rtol=1e-4)
    print("equal")
"""


def test_an_epoch_of_a_tensorflow_dataset_ends_without_waiting_for_a_thread():
    """That which tunes a pipeline sleeps for seconds, and its end waits for it."""
    pytest.importorskip("tensorflow")
    labelled = LabelledBatches(IMAGES, LABELS % 2, labelled=2, batch_size=5)
    for batches in (Batches(IMAGES, batch_size=5), labelled):
        assert batches.get_tf_dataset().options().autotune.enabled is False


@pytest.mark.matrix
@pytest.mark.slow
def test_two_replicas_see_what_one_device_sees():
    pytest.importorskip("tensorflow")
    program = textwrap.dedent(MIRRORED)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert b"equal" in done.stdout, done.stderr.decode()[-3000:]


def test_batches_that_are_no_multiple_are_left_out():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices({"images": IMAGES, "index": LABELS})
    batches = data.batch(8)
    sizes = [len(x["index"]) for x in without_remainders(batches, 4)]
    assert sizes == [8, 8] and without_remainders(batches, 1) is batches
    full = data.batch(8, drop_remainder=True)
    assert without_remainders(full, 4) is full
