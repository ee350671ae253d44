import keras
import numpy as np
import pytest
from cases import SIZE, batch, encoder, images, labels, make, views
from keras import ops

import tfssl


def joint(**arguments):
    return tfssl.methods.Joint(encoder(), views(), **arguments)


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_loss_is_the_methods_and_the_mean_cross_entropy_of_the_labelled(weight):
    model = joint(label_weight=weight)
    made = batch(model, images(8))
    *both, labelled = made.views
    model.head.kernel.assign(np.random.default_rng(0).normal(size=(128, 10)))
    loss, logs = model.views_loss(made)
    plain = tfssl.methods.SimCLR(model.encoder, model.views)
    plain.projector.set_weights(model.part.projector.get_weights())
    expected, _ = plain.views_loss(tfssl.methods.Batch(tuple(both)))
    logits = model.head(model.features(labelled, training=True))
    logits = ops.convert_to_numpy(logits).astype("float64")
    likely = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    cross_entropy = -likely[np.arange(8), made.labels].mean()
    assert float(logs["method_loss"]) == pytest.approx(float(expected), rel=1e-5)
    assert float(logs["label_loss"]) == pytest.approx(cross_entropy, rel=1e-4)
    total = float(expected) + weight * cross_entropy
    assert float(loss) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("fraction, count", [(0.25, 4), (0.5, 8), (0.01, 1)])
def test_how_many_labelled_images_come_with_a_batch(fraction, count):
    model = joint(labelled_fraction=fraction)
    made = model.batches(images(32), labels(32) % 3, 16)
    assert len(made[0]["labelled"]) == len(made[0]["labels"]) == count


def test_the_encoder_learns_from_the_labels_alone():
    """With the method's loss out of the way the gradient is that of the labels."""
    model = joint()
    model.compile(keras.optimizers.SGD(1.0))
    made = batch(model, images(8))
    model.part.views_loss = lambda batch: (0.0, {})
    model.head.kernel.assign(np.ones((128, 10)) * np.arange(10))
    start = [ops.convert_to_numpy(w) for w in model.encoder.trainable_variables]
    data = {"views": made.views[:2], "labelled": made.views[2], "labels": made.labels}
    model.train_on_batch(data)
    for old, weight in zip(start, model.encoder.trainable_variables, strict=True):
        assert np.any(ops.convert_to_numpy(weight) != old), weight.path


@pytest.mark.parametrize("method", ["byol", "swav", "dino"])
def test_what_a_part_says_of_itself_is_said_by_the_whole(method):
    """Teachers follow, prototypes are held, and schedules go by the run."""
    model = joint(method=method)
    model.compile(keras.optimizers.SGD(0.1))
    held, _ = model.held_variables()
    assert len(held) == len(model.part.held_variables()[0])
    assert bool(held) == (method != "byol")
    assert set(model.part.schedules()) <= set(model.schedules())
    model.step.assign(7)
    model.last_step.assign(9)
    model.held_variables()
    assert int(model.part.step) == 7
    model.part.step.assign(0)
    model.views_loss(batch(model, images(8)))
    assert (int(model.part.step), int(model.part.last_step)) == (7, 9)


def test_the_teacher_is_published_and_moves():
    model = joint(method="dino")
    model.compile(keras.optimizers.SGD(0.1))
    assert model.published_encoder is not model.encoder
    before = model.published_encoder.get_weights()
    for weight in model.encoder.trainable_variables:
        weight.assign(weight + 1.0)
    model.after_update()
    after = model.published_encoder.get_weights()
    assert any(np.any(a != b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "given, message",
    [
        (None, r"with an integer for each of the 8 images"),
        (np.zeros(7, int), r"for each of the 8 images.*shape \(7,\)"),
        (np.zeros(8), "float64"),
        (np.full(8, -1), "only -1"),
        (np.full(8, 10), r"from 0 to 9.*\[10\]"),
        (np.full(8, -2), r"from 0 to 9.*\[-2\]"),
    ],
)
def test_labels_that_are_none_are_refused(given, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        make("joint").fit(images(8), given, batch_size=4)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"method": "joint"}, "another method"),
        ({"method": "simclr3"}, "method must be one of"),
        ({"num_classes": 1}, "num_classes"),
        ({"label_weight": -1.0}, "label_weight"),
        ({"labelled_fraction": 0.0}, "labelled_fraction"),
        ({"labelled_fraction": 1.5}, "labelled_fraction"),
    ],
)
def test_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        joint(**arguments)


def test_a_method_with_an_adversary_is_refused_and_without_it_taken():
    network = tfssl.encoders.dim_cnn(SIZE, width=8, dim=16)
    with pytest.raises(ValueError, match="prior_weight=0"):
        tfssl.methods.Joint(network, views(), "dim", {"prior_weight": 0.1})
    tfssl.methods.Joint(network, views(), "dim", {"prior_weight": 0, "units": 16})


def test_data_without_labels_are_refused():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.data")
    with pytest.raises(ValueError, match="no labelled"):
        make("joint").batch_of((tf.zeros((4, SIZE, SIZE, 3)), labels(4)))


def test_classes_of_images():
    model = make("joint")
    found = model.classify(images(4))
    assert found.shape == (4, 10)


def test_parts_of_a_batch_share_out_the_labelled_images():
    model = joint(method="simsiam")
    model.compile("sgd", accumulate=4)
    given = np.where(np.arange(16) % 4, -1, 0)
    made = model.batches(images(16), given, 8)
    assert made.labelled == 4
    model.fit(images(16), given, batch_size=8, verbose=0)
    assert int(model.step) == 2
