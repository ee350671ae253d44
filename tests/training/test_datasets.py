import keras
import numpy as np
import pytest
from cases import images, make
from keras import ops

import tfssl
from tfssl.training import datasets, fit_images

pytestmark = pytest.mark.usefixtures("eager")

tf = pytest.importorskip("tensorflow")
pytestmark = [
    pytest.mark.skipif(
        keras.backend.backend() != "tensorflow", reason="tf.data is for TensorFlow"
    ),
    pytest.mark.usefixtures("eager"),
]


def of_sizes(*sizes):
    """A data set with one batch of eight images of each size."""
    random = np.random.default_rng(0)
    batches = [random.integers(0, 256, (8, *size, 3), "uint8") for size in sizes]
    spec = tf.TensorSpec((None, None, None, 3), "uint8")
    return batches, tf.data.Dataset.from_generator(
        lambda: iter(batches), output_signature=spec
    )


def test_batches_of_several_sizes_get_that_of_the_first():
    batches, data = of_sizes((20, 24), (40, 50), (15, 30))
    fitted = list(datasets.of_one_size(data))
    assert [tuple(x.shape) for x in fitted] == [(8, 20, 24, 3)] * 3
    for made, batch in zip(fitted, batches, strict=True):
        expected = ops.convert_to_numpy(fit_images(batch, (20, 24)))
        np.testing.assert_allclose(made, expected, atol=1e-3)


def test_a_model_trains_on_images_of_several_sizes():
    _, data = of_sizes((20, 24), (40, 50))
    model = make("simclr")
    model.fit(data, epochs=1, verbose=0)
    assert int(model.step) == 2


def test_images_that_cannot_be_batched_are_refused_with_a_remedy():
    sizes = iter(((20, 24), (30, 24)) * 8)
    single = tf.data.Dataset.from_generator(
        lambda: (np.zeros((*size, 3), "uint8") for size in sizes),
        output_signature=tf.TensorSpec((None, None, 3), "uint8"),
    )
    with pytest.raises(ValueError, match="bring them to one before batch"):
        make("simclr").fit(single.batch(8), verbose=0)


def test_data_without_an_end_need_steps():
    data = tf.data.Dataset.from_tensor_slices(images(32)).batch(8).repeat()
    model = make("simclr")
    with pytest.raises(ValueError, match="give steps_per_epoch"):
        model.fit(data, verbose=0)
    model.fit(data, epochs=2, steps_per_epoch=3, verbose=0)
    assert int(model.step) == 6


def numbers():
    return tf.data.Dataset.range(8)


@pytest.mark.parametrize(
    "endless",
    [
        lambda x: x.repeat().batch(2),
        lambda x: x.repeat().batch(2).map(lambda a: a).prefetch(1),
        # These say that their length is unknown.
        lambda x: x.repeat().filter(lambda a: a > 2).batch(2),
        lambda x: x.batch(2).repeat().unbatch().shuffle(4).batch(3),
        lambda x: x.batch(2).repeat().flat_map(tf.data.Dataset.from_tensor_slices),
    ],
)
def test_an_end_that_is_missing_is_seen(endless):
    with pytest.raises(ValueError, match="no end; give steps, so that .*Received: "):
        datasets.steps_per_epoch(endless(numbers()), "steps")


@pytest.mark.parametrize(
    "data, steps",
    [
        (lambda x: x.batch(3), 3),
        (lambda x: x.repeat().take(4), 4),
        (lambda x: x.filter(lambda a: a > 2), None),
        (lambda x: x.repeat().filter(lambda a: a > 2).take(4).map(lambda a: a), None),
        (lambda x: x.repeat().take_while(lambda a: a < 4), None),
        (lambda x: tf.data.Dataset.zip(x, x.repeat().filter(lambda a: a > 2)), None),
    ],
)
def test_an_end_that_is_there_is_seen(data, steps):
    assert datasets.steps_per_epoch(data(numbers())) == steps


def test_held_out_data_without_an_end_need_steps():
    data = tf.data.Dataset.from_tensor_slices(images(16)).batch(8).repeat()
    model = make("simclr")
    with pytest.raises(ValueError, match="give validation_steps, so"):
        model.fit(images(16), batch_size=8, validation_data=data, verbose=0)
    with pytest.raises(ValueError, match="give steps, so"):
        model.evaluate(data, verbose=0)
    assert model.evaluate(data, steps=1, verbose=0, return_dict=True)["loss"] > 0


@pytest.mark.matrix
def test_a_schedule_needs_to_know_the_length_of_the_run():
    """BYOL's momentum; of data of unknown length it must be told."""
    data = tf.data.Dataset.from_tensor_slices(images(32)).batch(8)
    unknown = data.filter(lambda batch: True)
    model = make("byol")
    with pytest.raises(ValueError, match="momentum of byol go by.*steps_per_epoch"):
        model.fit(unknown, verbose=0)
    model.fit(unknown, epochs=2, steps_per_epoch=2, verbose=0)
    assert (int(model.step), int(model.last_step)) == (4, 4)
    # One that goes on ends where an unbroken one does.
    model.fit(data, initial_epoch=2, epochs=3, verbose=0)
    assert int(model.last_step) == 8
    plain = make("simclr")
    plain.fit(unknown, verbose=0)
    assert int(plain.step) == 4


def test_labels_reach_the_loss():
    seen = []

    class Spy(tfssl.methods.SimCLR):
        def views_loss(self, batch):
            seen.append(batch.labels)
            return super().views_loss(batch)

    model = make("simclr")
    spy = Spy(model.encoder, model.views)
    spy.compile("sgd", run_eagerly=True)
    labels = np.arange(16)
    spy.fit(images(16), labels, batch_size=8, shuffle=False, verbose=0)
    data = tf.data.Dataset.from_tensor_slices((images(16), labels)).batch(8)
    spy.fit(data, verbose=0)
    spy.fit(images(16), batch_size=16, verbose=0)
    found = [x if x is None else np.asarray(x).tolist() for x in seen]
    both = [list(range(8)), list(range(8, 16))]
    assert found == [*both, *both, None]


def test_what_python_decodes_has_no_shape_and_is_brought_to_one():
    sizes = [(20, 24), (40, 50)]

    def decode(number):
        return np.full((8, *sizes[int(number)], 3), 7, "uint8")

    data = tf.data.Dataset.range(2).map(
        lambda i: tf.numpy_function(decode, [i], tf.uint8)
    )
    assert data.element_spec.shape.rank is None
    for made in datasets.of_one_size(data):
        assert made.shape == (8, 20, 24, 3)
    pairs = data.map(lambda x: {"images": x, "index": tf.range(8)})
    for made in datasets.of_one_size(pairs):
        assert made["images"].shape == (8, 20, 24, 3) and made["index"].shape == 8
    model = make("simclr")
    model.fit(data, verbose=0)
    assert int(model.step) == 2


@pytest.mark.parametrize("name", ["vicreg", "barlow_twins", "dim"])
def test_a_batch_of_one_image_has_no_loss_where_images_are_compared(name):
    data = tf.data.Dataset.from_tensor_slices(images(17)).batch(8)
    model = make(name)
    model.fit(data, verbose=0)
    # The last one is left out.
    assert int(model.step) == 2
    assert all(np.isfinite(w).all() for w in model.get_weights())
    with pytest.raises(
        ValueError, match="2 at the least, on each replica.*batch of 1 "
    ):
        model.fit(images(17), batch_size=1, verbose=0)
