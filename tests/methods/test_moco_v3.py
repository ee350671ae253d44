import keras
import numpy as np
import pytest
from cases import batch, encoder, images, make, views
from keras import ops

import tfssl

pytestmark = pytest.mark.usefixtures("eager")


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_value_of_the_definition():
    """2 temperature times the contrast of both directions, with a teacher that is
    another network."""
    model = make("moco_v3")
    model.momentum = 1.0
    made = batch(model, images(8))
    for w in model.teacher.networks[1].weights[:1]:
        w.assign(np.random.default_rng(0).normal(0, 0.05, w.shape))
    q = [
        unit(numpy(model.predictor(model.embed(view), training=True)))
        for view in made.views
    ]
    k = [unit(numpy(model.teacher(view))) for view in made.views]
    expected = 0
    for a, b in ((q[0], k[1]), (q[1], k[0])):
        logits = a @ b.T / 0.2
        own = np.exp(np.diag(logits)) / np.exp(logits).sum(axis=1)
        expected -= 2 * 0.2 * np.log(own).mean()
    assert float(model.views_loss(made)[0]) == pytest.approx(expected, abs=1e-4)


def test_equal_keys_give_log_of_the_batch():
    model = make("moco_v3")
    model.momentum = 1.0
    kernel = [w for w in model.teacher.networks[1].weights if "kernel" in w.path][-1]
    kernel.assign(ops.zeros(kernel.shape))
    made = batch(model, images(8))
    expected = 2 * 2 * 0.2 * np.log(8)
    assert float(model.views_loss(made)[0]) == pytest.approx(expected, abs=1e-5)


def test_the_teacher_moves_before_the_keys_with_the_weights_before_the_step():
    model = make("moco_v3")
    model.momentum = 0.75
    kernel, target = model.projector.weights[0], model.teacher.networks[1].weights[0]
    target.assign(numpy(kernel) + 1)
    before = numpy(kernel)
    model.fit(images(8), batch_size=8, epochs=1, verbose=0)
    np.testing.assert_allclose(numpy(target), before + 0.75, atol=1e-5)
    assert np.abs(numpy(kernel) - before).max() > 1e-5


def test_the_projection_of_patches_stays():
    network = encoder()
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(3, 1, name="patch_embedding")(image)
    network = keras.Model(image, network(x))

    def moved(**options):
        copy = keras.models.clone_model(network)
        model = tfssl.methods.MoCoV3(copy, views(), (16, 8), (16, 8), **options)
        model.compile(keras.optimizers.SGD(0.1))
        kernel = model.encoder.get_layer("patch_embedding").kernel
        before = numpy(kernel)
        model.fit(images(16), batch_size=8, epochs=1, verbose=0)
        # Held, and not frozen: another method may train it.
        assert copy.get_layer("patch_embedding").trainable
        return np.abs(numpy(kernel) - before).max() > 0

    assert not moved()
    assert moved(freeze_patches=False)
