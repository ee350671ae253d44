from pathlib import Path

import keras
import numpy as np
import pytest
from cases import any_size, batch, images, make, multi_crop
from keras import ops

import tfssl
from tfssl.optimizers import Cosine, Linear

pytestmark = pytest.mark.usefixtures("eager")

REFERENCE = Path(__file__).parents[1] / "references" / "lightly_clustering.npz"


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def small(num_local=2, optimizer=None, **changes):
    model = tfssl.methods.DINO(
        any_size(), multi_crop(num_local), (32, 16), prototypes=12, **changes
    )
    model.compile(optimizer or tfssl.optimizers.SGD(0.1))
    # A teacher that is not the student.
    last = model.teacher.networks[1].layers[-1].kernel
    last.assign(np.random.default_rng(0).normal(0, 0.05, last.shape))
    return model


def outputs(model, batch):
    """Of the student for all views, and of the teacher for the global ones."""
    student = model.head(model.view_features(batch.views), training=True)
    teacher = model.teacher(ops.concatenate(batch.views[:2]))
    return np.split(numpy(student), len(batch.views)), np.split(numpy(teacher), 2)


@pytest.mark.parametrize("num_local", [0, 3])
def test_value_of_the_definition_and_the_centre_after_it(num_local):
    model = small(num_local, temperature=0.2, teacher_temperature=0.05)
    center = np.random.default_rng(1).normal(0, 0.1, 12).astype("float32")
    model.center.assign(center)
    made = batch(model, images(8))
    student, teacher = outputs(model, made)
    pairs = [
        -(softmax((teacher[a] - center) / 0.05) * np.log(softmax(each / 0.2)))
        .sum(1)
        .mean()
        for a in range(2)
        for v, each in enumerate(student)
        if v != a
    ]
    assert len(pairs) == 2 * (2 + num_local - 1)
    loss, logs = model.views_loss(made)
    assert float(loss) == pytest.approx(np.mean(pairs), rel=1e-4)
    p = softmax((np.concatenate(teacher) - center) / 0.05)
    entropy = -(p * np.log(np.maximum(p, 1e-30))).sum(1).mean()
    assert float(logs["teacher_entropy"]) == pytest.approx(entropy, rel=1e-3)
    # (1 - .9) of the way to the mean of the outputs as they are, not centred.
    moved = numpy(model.center) - center
    expected = (1 - 0.9) * (np.concatenate(teacher).mean(0) - center)
    np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_the_centre_of_lightly():
    reference = dict(np.load(REFERENCE))
    model = tfssl.methods.DINO(any_size(), multi_crop(), (8,), prototypes=10)
    model.center.assign(reference["center"])
    targets = numpy(model.targets(reference["teacher"][0]))
    expected = softmax((reference["teacher"][0] - reference["center"]) / 0.04)
    np.testing.assert_allclose(targets, expected, atol=1e-5)
    model.move_center(np.concatenate(reference["teacher"]))
    np.testing.assert_allclose(
        numpy(model.center), reference["center_after"], atol=1e-6
    )


def test_equal_outputs_cost_the_logarithm_of_the_prototypes():
    model = tfssl.methods.DINO(any_size(), multi_crop(0), (16, 4), prototypes=65536)
    for head in (model.head, model.teacher.networks[1]):
        kernel = head.layers[-1].kernel
        kernel.assign(np.repeat(numpy(kernel)[:, :1], 65536, axis=1))
    loss, logs = model.views_loss(batch(model, images(4)))
    assert float(loss) == pytest.approx(11.090355, abs=1e-4)
    assert float(logs["teacher_entropy"]) == pytest.approx(11.090355, abs=1e-3)


def test_the_teacher_sees_the_global_views_only():
    model = small(3)
    made = batch(model, images(8))
    seen, teacher = [], model.teacher
    model.teacher = lambda x: seen.append(tuple(x.shape)) or teacher(x)
    model.views_loss(made)
    assert seen == [(2 * 8, 16, 16, 3)]


def test_no_gradient_reaches_the_teacher_and_the_centre():
    model = small()
    own = {id(v) for v in (*model.encoder.variables, *model.head.variables)}
    assert {id(v) for v in model.trainable_variables} <= own


@pytest.mark.parametrize("moment", [2, pytest.param(0.5, marks=pytest.mark.matrix)])
def test_the_last_layer_stays_at_first_and_the_teacher_follows_the_student(moment):
    """Of four steps for two, bit for bit, although weights decay without a gradient."""
    optimizer = tfssl.optimizers.AdamW(
        0.01, Cosine(0.04, 0.4), total_steps=4, decay_all=False, clipnorm=3.0
    )
    model = small(optimizer=optimizer, freeze_last_layer=moment, momentum=0.75)
    last, first = model.head.layers[-1].kernel, model.head.layers[0].kernel
    of_teacher = [model.teacher.networks[1].layers[i].kernel for i in (-1, 0)]
    watched = [last, first, *of_teacher]
    values = [[numpy(v) for v in watched]]

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, step, logs=None):
            values.append([numpy(v) for v in watched])

    model.fit(images(16), batch_size=4, epochs=1, verbose=0, callbacks=[Record()])
    steps = list(zip(values[:-1], values[1:], strict=True))
    assert len(steps) == 4
    assert [np.any(old[0] != new[0]) for old, new in steps] == [False] * 2 + [True] * 2
    assert all(np.any(old[1] != new[1]) for old, new in steps)
    for old, new in steps:
        for student, teacher in ((0, 2), (1, 3)):
            expected = 0.75 * old[teacher] + 0.25 * new[student]
            np.testing.assert_allclose(new[teacher], expected, atol=1e-6)


def test_schedules_go_by_the_run():
    model = small(teacher_temperature=Linear(0.04, 0.08, until=0.5))
    model.last_step.assign(8)
    output = np.eye(2, 12, dtype="float32") / 10
    for step, temperature in ((0, 0.04), (2, 0.06), (4, 0.08), (8, 0.08)):
        model.step.assign(step)
        expected = softmax(output / temperature)
        np.testing.assert_allclose(numpy(model.targets(output)), expected, atol=1e-5)


def test_the_recipe_has_the_papers_weight_decay():
    recipe = tfssl.methods.recipe("dino", 32, "cifar").replace(batch_size=100)
    optimizer = recipe.make_optimizer(num_images=1000, epochs=10)
    for step, decay in ((0, 0.04), (50, 0.22), (100, 0.4)):
        optimizer.iterations.assign(step)
        assert float(optimizer.weight_decay) == pytest.approx(decay, abs=1e-6)
    assert (optimizer.clipnorm, optimizer.decay_all) == (3.0, False)
    copy = tfssl.methods.Recipe.from_dict(recipe.to_dict())
    assert copy.weight_decay == Cosine(0.04, 0.4)


def test_a_head_of_ones_own():
    own = tfssl.heads.prototype_head(64, (8,), count=6, learned_gain=True, norm=True)
    model = tfssl.methods.DINO(any_size(), multi_crop(), own, freeze_last_layer=1)
    assert tuple(model.center.shape) == (6,)
    held, now = model.held_variables()
    assert [v.name for v in held] == ["kernel", "gain"] and bool(now)


@pytest.mark.matrix
def test_a_loaded_model_takes_the_same_next_steps(tmp_path):
    model = make("dino_multi_crop")
    model.fit(images(16), batch_size=8, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.abs(numpy(model.center)).max() > 0
    for each in (model, loaded):
        each.fit(images(16), batch_size=8, initial_epoch=1, epochs=2, verbose=0)
    for a, b in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(numpy(a), numpy(b), err_msg=a.path)


def test_a_copy_of_what_is_published_can_be_trained_on():
    """The teacher itself is not among what the method learns."""
    model = small()
    assert model.published_encoder.trainable_variables == []
    copy = tfssl.transfer.copy_of(model.published_encoder)
    assert len(copy.trainable_variables) == len(model.encoder.trainable_variables)
