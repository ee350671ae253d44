import keras
import numpy as np
import pytest
from cases import any_size, batch, images, make, multi_crop
from keras import ops

import tfssl

pytestmark = pytest.mark.usefixtures("eager")


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def small(num_local=2, **changes):
    model = tfssl.methods.SwAV(
        any_size(), multi_crop(num_local), (32, 16), prototypes=12, **changes
    )
    model.compile(tfssl.optimizers.SGD(0.1))
    return model


def scores(model, batch):
    """Of all views, by the definition."""
    z = numpy(model.projector(model.view_features(batch.views), training=True))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    return np.split(z @ numpy(model.clusters.kernel), len(batch.views))


@pytest.mark.parametrize("num_local", [0, 3])
def test_value_of_the_definition(num_local):
    model = small(num_local, temperature=0.2, epsilon=0.1, iterations=1)
    made = batch(model, images(8))
    assert [v.shape[1] for v in made.views] == [16, 16] + [8] * num_local
    of_views = scores(model, made)
    pairs = []
    for a in range(2):
        code = numpy(tfssl.losses.sinkhorn(of_views[a], epsilon=0.1, iterations=1))
        pairs += [
            -(code * np.log(softmax(each / 0.2))).sum(1).mean()
            for v, each in enumerate(of_views)
            if v != a
        ]
    assert len(pairs) == 2 * (2 + num_local - 1)
    loss, logs = model.views_loss(made)
    assert float(loss) == pytest.approx(np.mean(pairs), rel=1e-4)
    used = softmax(of_views[0] / 0.2).mean(0)
    perplexity = np.exp(-(used * np.log(used)).sum())
    assert float(logs["used_prototypes"]) == pytest.approx(perplexity, rel=1e-4)


def test_equal_similarities_cost_the_logarithm_of_the_prototypes():
    model = tfssl.methods.SwAV(any_size(), multi_crop(), (32, 16), prototypes=3000)
    kernel = model.clusters.kernel
    kernel.assign(np.repeat(numpy(kernel)[:, :1], 3000, axis=1))
    loss, logs = model.views_loss(batch(model, images(8)))
    assert float(loss) == pytest.approx(8.006368, abs=1e-4)
    assert float(logs["used_prototypes"]) == pytest.approx(3000, rel=1e-3)


@pytest.mark.parametrize("moment", [2, pytest.param(0.5, marks=pytest.mark.matrix)])
def test_prototypes_have_length_one_and_stay_at_first(moment):
    """Of four steps for two, bit for bit."""
    model = small(freeze_prototypes=moment)
    values = [numpy(model.clusters.kernel)]

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, step, logs=None):
            values.append(numpy(model.clusters.kernel))

    model.fit(images(16), batch_size=4, epochs=1, verbose=0, callbacks=[Record()])
    for kernel in values:
        np.testing.assert_allclose(np.linalg.norm(kernel, axis=0), 1, atol=1e-5)
    moved = [np.any(a != b) for a, b in zip(values[:-1], values[1:], strict=True)]
    assert moved == [False, False, True, True]


def test_the_queue_is_used_from_its_start_once_it_is_full():
    """Each batch of 8 is half of it; codes see what was in it before their own."""
    model = small(0, queue_size=16, queue_start=1)
    for step, pushed, used in ((0, 0, False), (0, 1, False), (1, 1, False)):
        assert_code(model, step, pushed, used)
    assert_code(model, step=0, pushed=2, used=False)
    assert_code(model, step=1, pushed=2, used=True)
    made = batch(model, images(8, seed=9))
    z = np.split(
        numpy(model.projector(model.view_features(made.views), training=True)), 2
    )
    model.views_loss(made)
    for queue, rows in zip(model.queues, z, strict=True):
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        np.testing.assert_allclose(numpy(queue.rows)[:8], rows, atol=1e-4)
        assert int(queue.pointer) == 8


def assert_code(model, step, pushed, used):
    random = np.random.default_rng(0)
    now = random.normal(size=(8, 12)).astype("float32") / 8
    model.step.assign(step)
    for number, queue in enumerate(model.queues):
        queue.rows.assign(np.zeros(queue.rows.shape))
        queue.pointer.assign(0)
        rows = random.normal(size=(2, 8, 16)).astype("float32")
        for each in rows[:pushed]:
            queue.push(each)
        past = np.concatenate(rows) @ numpy(model.clusters.kernel) if used else None
        expected = numpy(tfssl.losses.sinkhorn(now, past=past))
        np.testing.assert_allclose(numpy(model.code(number, now)), expected, atol=1e-5)


def test_the_codes_take_no_gradient_and_are_of_the_global_views():
    model = small()
    made = batch(model, images(8))
    seen = []
    code = model.code
    model.code = lambda number, scores: seen.append(scores) or code(number, scores)
    model.views_loss(made)
    assert len(seen) == 2
    for each, expected in zip(seen, scores(model, made), strict=False):
        np.testing.assert_allclose(numpy(each), expected, atol=1e-4)


def test_fewer_than_two_views_and_too_large_batches_are_refused():
    with pytest.raises(ValueError, match="2 global views.*Received: 1 views"):
        tfssl.methods.SwAV(any_size(), tfssl.views.DigitViews(16, num_views=1))
    with pytest.raises(ValueError, match="Received: 16 rows"):
        small(queue_size=8).fit(images(16), batch_size=16, verbose=0)


def test_a_fraction_of_a_run_of_unknown_length_is_refused():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.data")
    data = tf.data.Dataset.from_tensor_slices(images(8)).batch(4).filter(lambda x: True)
    with pytest.raises(ValueError, match="freeze_prototypes of swav .*steps_per_epoch"):
        small(freeze_prototypes=0.5).fit(data, verbose=0)


@pytest.mark.matrix
def test_a_loaded_model_takes_the_same_next_steps(tmp_path):
    """With its queues, and an encoder that is seen at two sizes."""
    model = make("swav_multi_crop")
    model.fit(images(16), batch_size=8, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.abs(numpy(model.queues[1].rows)).max() > 0
    for each in (model, loaded):
        each.fit(images(16), batch_size=8, initial_epoch=1, epochs=2, verbose=0)
    for a, b in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(numpy(a), numpy(b), err_msg=a.path)
