import numpy as np
import pytest
from cases import batch, images, make
from keras import ops

import tfssl


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def test_value_of_the_definition():
    model = make("simsiam")
    made = batch(model, images(8))
    z = [numpy(model.embed(view)) for view in made.views]
    p = [numpy(model.predictor(x, training=True)) for x in z]

    def cosines(a, b):
        a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
        return (a * b).sum(axis=1).mean()

    expected = -(cosines(p[0], z[1]) + cosines(p[1], z[0])) / 2
    assert float(model.views_loss(made)[0]) == pytest.approx(expected, abs=1e-5)


def test_no_gradient_passes_through_the_target():
    """With a predictor that always says the same nothing else gets a gradient."""
    pytest.importorskip("tensorflow")
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        pytest.skip("the contract compares the backends")
    model = make("simsiam")
    made = batch(model, images(8))
    *_, kernel, bias = model.predictor.weights
    kernel.assign(ops.zeros(kernel.shape))
    bias.assign(ops.ones(bias.shape))
    with tf.GradientTape() as tape:
        loss, _ = model.views_loss(made)
    variables = [*model.encoder.trainable_variables, kernel]
    *of_encoder, of_kernel = tape.gradient(loss, [v.value for v in variables])
    assert all(not numpy(gradient).any() for gradient in of_encoder)
    assert numpy(of_kernel).any()


def test_the_predictor_keeps_its_rate_in_the_recipe():
    recipe = tfssl.methods.recipe("simsiam", 16, "paper").replace(
        encoder="dim_cnn", encoder_width=8, batch_size=8
    )
    model = recipe.set("projector=(16, 16)", "predictor=(8, 16)").make(16, epochs=2)
    model.optimizer.build(model.trainable_variables)
    held = {model.trainable_variables[i].path for i in model.optimizer._constants}
    assert held == {v.path for v in model.predictor.trainable_variables}
