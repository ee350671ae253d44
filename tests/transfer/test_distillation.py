import keras
import numpy as np
import pytest
from cases import SIZE, encoder, images
from gradients import gradient_of
from keras import ops

import tfssl
from tfssl.methods import Batch
from tfssl.transfer import Distillation, classifier, distillation_loss

# -1 where there is none.
LABELS = np.array([0, -1, 2, -1, -1, -1, 1, -1])


def numpy(x):
    return ops.convert_to_numpy(x)


def softmax(x):
    x = np.exp(x - x.max(axis=1, keepdims=True))
    return x / x.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("temperature", [1.0, 0.3, 4.0])
def test_value_and_gradient_of_the_definition(temperature):
    random = np.random.default_rng(0)
    t, s = random.normal(size=(2, 5, 3)).astype("float32")
    p, q = softmax(t / temperature), softmax(s / temperature)
    expected = -(p * np.log(q)).sum(1).mean() * temperature**2
    loss = float(distillation_loss(t, s, temperature))
    assert loss == pytest.approx(expected, rel=1e-5)
    gradient = gradient_of(lambda s: distillation_loss(t, s, temperature), s)
    np.testing.assert_allclose(gradient, (q - p) * temperature / 5, atol=1e-6)
    # The least it can be is the teacher's entropy, where the gradient is 0.
    same = gradient_of(lambda s: distillation_loss(t, s, temperature), t)
    np.testing.assert_allclose(same, 0, atol=1e-6)
    assert np.all(gradient_of(lambda t: distillation_loss(t, s), t) == 0)


def pair():
    keras.utils.set_random_seed(0)
    teacher, student = classifier(encoder(), 3), classifier(encoder(), 3)
    kernel = teacher.layers[-1].kernel
    kernel.assign(np.random.default_rng(0).normal(0, 3, kernel.shape))
    return student, teacher


@pytest.mark.matrix
def test_the_student_comes_to_agree_and_the_teacher_stays():
    student, teacher = pair()
    before = teacher.get_weights()
    # Small crops look alike.
    views = tfssl.views.CropViews(SIZE, crop_scale=(0.8, 1.0))
    model = Distillation(student, teacher, views)
    model.compile(keras.optimizers.Adam(3e-3))
    x = images(64)
    # A last layer of zeros says nothing at first.
    loss, _ = model.views_loss(Batch((x.astype("float32"),)))
    assert float(loss) == pytest.approx(np.log(3), abs=1e-5)
    logs = model.fit(x, batch_size=16, epochs=40, verbose=0).history
    assert logs["agreement"][-1] > 0.8
    for old, *now in zip(
        before, teacher.get_weights(), model.teacher.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(old, now[0])
        np.testing.assert_array_equal(old, now[1])
    for variables in (model.trainable_variables, model.learned_variables):
        assert {id(v) for v in variables} == {
            id(v) for v in student.trainable_variables
        }


def test_a_student_whose_logits_are_all_alike_goes_on():
    student, teacher = pair()
    teacher.layers[-1].kernel.assign(np.zeros((128, 3)))
    model = Distillation(student, teacher)
    model.compile("sgd")
    history = model.fit(images(8), batch_size=8, epochs=5, verbose=0).history
    assert len(history["loss"]) == 5 and max(history["feature_std"]) < 1e-3


def test_the_teacher_that_was_given_is_left_as_it_is():
    student, teacher = pair()
    count = len(teacher.trainable_variables)
    # A loss that nobody can save is no part of the copy.
    teacher.compile("sgd", loss=lambda labels, logits: 0.0)
    model = Distillation(student, teacher)
    assert len(teacher.trainable_variables) == count > 0
    before = model.teacher.get_weights()
    teacher.set_weights([w + 1 for w in before])
    for a, b in zip(before, model.teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_teacher_in_float32_stays_so_beside_a_student_in_half_precision():
    teacher = pair()[1]
    x = images(8).astype("float32") / 3
    expected = numpy(teacher(x))
    keras.config.set_dtype_policy("mixed_bfloat16")
    student = classifier(encoder(), 3)
    model = Distillation(student, teacher)
    np.testing.assert_array_equal(numpy(model.teacher(x)), expected)


def test_labels_count_where_there_are_some():
    student, teacher = pair()
    kernel = student.layers[-1].kernel
    kernel.assign(np.random.default_rng(1).normal(0, 0.3, kernel.shape))
    model = Distillation(student, teacher, temperature=2.0, alpha=0.25)
    x = images(8).astype("float32")
    known = ops.convert_to_tensor(LABELS, "int32")
    loss = float(model.views_loss(Batch((x,), labels=known))[0])
    t = numpy(teacher(x)) / 2
    s = numpy(student(x, training=True))
    distilled = -4 * (softmax(t) * np.log(softmax(s / 2))).sum(1).mean()
    known = LABELS >= 0
    labelled = -np.log(softmax(s)[known, LABELS[known]]).mean()
    assert loss == pytest.approx(0.25 * distilled + 0.75 * labelled, rel=1e-4)

    nothing = ops.full((8,), -1, dtype="int32")
    loss = float(model.views_loss(Batch((x,), labels=nothing))[0])
    assert loss == pytest.approx(0.25 * distilled, rel=1e-4)


@pytest.mark.matrix
def test_labels_come_with_the_images():
    model = Distillation(*pair(), alpha=0.25)
    model.compile("sgd")
    with pytest.raises(ValueError, match="needs labels"):
        model.fit(images(8), batch_size=8, verbose=0)
    data = tfssl.training.Batches(images(8), LABELS, batch_size=8)
    assert np.isfinite(model.fit(data, verbose=0).history["loss"]).all()


def test_refusals():
    student, teacher = pair()
    with pytest.raises(ValueError, match="Received: 4 and 3 logits"):
        Distillation(classifier(encoder(), 4), teacher)
    with pytest.raises(ValueError, match="alpha must be"):
        Distillation(student, teacher, alpha=2)
    with pytest.raises(ValueError, match="takes 1 views of each image. Received: 2"):
        Distillation(student, teacher, tfssl.views.CropViews(SIZE, num_views=2))
    for temperature in (0, -1.0):
        with pytest.raises(ValueError, match=f"temperature={temperature}"):
            Distillation(student, teacher, temperature=temperature)


def test_saved_and_loaded(tmp_path):
    model = Distillation(*pair(), temperature=2.0)
    model.compile("sgd")
    model.fit(images(8), batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    assert copy.temperature == 2.0
    assert len(copy.trainable_variables) == len(copy.student.trainable_variables)
    x = images(8).astype("float32")
    np.testing.assert_array_equal(numpy(copy.student(x)), numpy(model.student(x)))
    np.testing.assert_array_equal(numpy(copy.teacher(x)), numpy(model.teacher(x)))
