import keras
import numpy as np
import pytest
from cases import batch, images, make
from keras import ops

import tfssl

pytestmark = pytest.mark.usefixtures("eager")


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_value_of_the_definition():
    """4 - 2 cos_12 - 2 cos_21, the mean over the images."""
    model = make("byol")
    made = batch(model, images(8))
    # A teacher that is not the student.
    random = np.random.default_rng(0)
    for w in model.teacher.networks[1].weights[:1]:
        w.assign(random.normal(0, 0.05, w.shape))
    q = [unit(numpy(model.predict_embedding(view))) for view in made.views]
    z = [unit(numpy(model.teacher(view))) for view in made.views]
    expected = 4 - 2 * (q[0] * z[1]).sum(1) - 2 * (q[1] * z[0]).sum(1)
    loss, _ = model.views_loss(made)
    assert float(loss) == pytest.approx(expected.mean(), rel=1e-4)


def test_exchanging_the_views_is_no_difference():
    model = make("byol")
    made = batch(model, images(8))
    loss = float(model.views_loss(made)[0])
    turned = made._replace(views=made.views[::-1])
    assert float(model.views_loss(turned)[0]) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("momentum", [0.75, tfssl.optimizers.Cosine(0.5, 1.0)])
def test_the_teacher_moves_once_towards_the_student_after_its_step(momentum):
    """Of four steps; half a cosine from .5 to 1."""
    model = make("byol")
    model.momentum = momentum
    expected = [0.75] * 4
    if momentum != 0.75:
        expected = 1 - 0.5 * (np.cos(np.pi * np.arange(4) / 4) + 1) / 2
    steps = []

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, step, logs=None):
            steps.append((numpy(kernel), numpy(of_teacher)))

    kernel = model.projector.weights[0]
    of_teacher = model.teacher.networks[1].weights[0]
    steps.append((numpy(kernel), numpy(of_teacher)))
    model.fit(images(16), batch_size=8, epochs=2, verbose=0, callbacks=[Record()])
    moves = zip(expected, steps[:-1], steps[1:], strict=True)
    for m, (_, old), (student, new) in moves:
        np.testing.assert_allclose(new, m * old + (1 - m) * student, atol=1e-6)
        assert np.abs(student - old).max() > 1e-4


def test_a_predictor_of_another_width_is_refused():
    encoder = make("byol").encoder
    with pytest.raises(ValueError, match=r"Received: predictor=\(8, 5\)"):
        tfssl.methods.BYOL(encoder, projector=(8, 4), predictor=(8, 5))
