"""What every method keeps to. A method joins by its line in the registry."""

import keras
import numpy as np
import pytest
from cases import (
    CASES,
    NEAR_ZERO,
    OF_PATCHES,
    SLOW,
    batch,
    data,
    images,
    make,
    one_of_each_kind,
)
from keras import ops

import tfssl

of_all = pytest.mark.parametrize("name", sorted(CASES))
of_kinds = pytest.mark.parametrize("name", one_of_each_kind(sorted(CASES)))


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def loss_and_gradients(model, batch):
    """Value of the loss and the gradient of each trainable variable."""
    if keras.backend.backend() == "jax":
        import jax

        def loss_of(values):
            mapping = list(zip(model.trainable_variables, values, strict=True))
            with keras.StatelessScope(mapping):
                return model.views_loss(batch)[0]

        values = [v.value for v in model.trainable_variables]
        loss, gradients = jax.jit(jax.value_and_grad(loss_of))(values)
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss, _ = model.views_loss(batch)
        gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    return float(loss), gradients


@of_all
def test_every_trainable_variable_gets_a_gradient(name):
    model = make(name)
    loss, gradients = loss_and_gradients(model, batch(model, images()))
    assert np.isfinite(loss)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(numpy(gradient)).all(), variable.path
        assert np.abs(numpy(gradient)).max() > 0, variable.path


def order_matters(model, made):
    """Whether the loss draws by position, or normalises in groups of the batch."""
    drawn = []
    key = model.key
    model.key = lambda *args, **kwargs: drawn.append(1) or key(*args, **kwargs)
    model.views_loss(made)
    layers = tfssl.layers.SplitBatchNormalization
    grouped = any(isinstance(layer, layers) for layer in model._flatten_layers())
    return bool(drawn) or grouped


@of_kinds
def test_loss_does_not_depend_on_the_order_of_the_batch(name):
    model = make(name)
    made = batch(model, images())
    if order_matters(model, made):
        pytest.skip("its order matters")
    views = [ops.convert_to_numpy(view) for view in made.views]
    order = np.random.default_rng(0).permutation(len(views[0]))
    turned = tuple(view[order] for view in views)
    labels = None if made.labels is None else made.labels[order]
    before = float(make(name).views_loss(made)[0])
    turned = made._replace(views=turned, labels=labels)
    after = float(make(name).views_loss(turned)[0])
    near_zero = 1e-6 if name in NEAR_ZERO else 0
    assert after == pytest.approx(before, rel=1e-5, abs=near_zero)


@pytest.mark.usefixtures("eager")
@of_kinds
def test_evaluation_is_repeatable_and_moves_nothing(name):
    model = make(name)
    model.fit(*data(model, images()), batch_size=16, epochs=1, verbose=0)
    before = [numpy(w) for w in model.weights]
    held_out = data(model, images(seed=1))
    first, again = (
        model.evaluate(*held_out, batch_size=16, verbose=0, return_dict=True)
        for _ in range(2)
    )
    assert first == again and np.isfinite(first["loss"])
    for old, weight in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(numpy(weight), old, err_msg=weight.path)


@pytest.mark.usefixtures("eager")
@of_kinds
def test_loaded_and_resumed_models_take_the_same_next_steps(name, tmp_path):
    """From a `.keras` file, and from the checkpoint of a run that was killed."""
    run = tfssl.runs.Workdir(tmp_path / "run", {"name": name})
    model = make(name)
    given = data(model, images())
    model.fit(*given, batch_size=16, epochs=2, verbose=0, callbacks=run.callbacks())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    resumed = make(name, seed=5)
    assert run.restore(resumed).epoch == 2
    for each in (model, loaded, resumed):
        each.fit(*given, batch_size=16, initial_epoch=2, epochs=3, verbose=0)
    for other in (loaded, resumed):
        for a, b in zip(model.weights, other.weights, strict=True):
            np.testing.assert_array_equal(numpy(a), numpy(b), err_msg=a.path)


@of_all
def test_config_round_trip(name):
    model = make(name)
    copy = type(model).from_config(model.get_config())
    assert copy.get_config() == model.get_config()
    assert [w.shape for w in copy.weights] == [w.shape for w in model.weights]


@of_kinds
def test_mixed_precision_changes_the_loss_by_less_than_a_percent(name):
    full = make(name)
    before = full.get_weights()
    made = batch(full, images())
    expected = float(full.views_loss(made)[0])
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = make(name)
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(before)
    loss = mixed.views_loss(made)[0]
    assert "float32" in str(loss.dtype)
    near_zero = 1e-3 if name in NEAR_ZERO else 0
    assert float(loss) == pytest.approx(expected, rel=0.01, abs=near_zero)


@pytest.mark.usefixtures("eager")
@of_kinds
def test_an_adversary_and_the_rest_each_move_their_own(name):
    """A step of the adversary alone leaves the rest, and the other way round."""
    if getattr(make(name), "adversary", None) is None:
        pytest.skip("no adversary")
    for rates in ((0.0, 0.1), (0.1, 0.0)):
        sgd = [keras.optimizers.SGD(rate) for rate in rates]
        model = make(name, optimizer=sgd[0], adversary_optimizer=sgd[1])
        others = {id(v) for v in model.adversary.trainable_variables}
        before = [numpy(v) for v in model.trainable_variables]
        model.fit(*data(model, images()), batch_size=16, epochs=1, verbose=0)
        for v, old in zip(model.trainable_variables, before, strict=True):
            moved = np.abs(numpy(v) - old).max() > 0
            assert moved == ((id(v) in others) == bool(rates[1])), v.path


@of_kinds
@pytest.mark.parametrize("kind", ["black", "equal", "one"])
def test_boundary_inputs_give_a_number_or_a_named_error(name, kind):
    x = {
        "black": np.zeros((8, 16, 16, 3), "uint8"),
        "equal": np.full((8, 16, 16, 3), 77, "uint8"),
        "one": images(1),
    }[kind]
    model = make(name)
    try:
        loss, gradients = loss_and_gradients(model, batch(model, x))
    except ValueError as error:
        assert "Received" in str(error)
        return
    assert np.isfinite(loss)
    assert all(np.isfinite(numpy(g)).all() for g in gradients if g is not None)


@of_kinds
def test_features_and_encoder_agree(name):
    model = make(name)
    features = numpy(model(images()))
    assert features.shape == (32, model.feature_dim)
    np.testing.assert_array_equal(features, numpy(model.features(images())))
    np.testing.assert_allclose(
        tfssl.transfer.features(model.encoder, images()), features, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", one_of_each_kind(sorted(CASES), ["simclr"]))
def test_a_data_set_with_batches_of_unknown_size_trains(name):
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.data")
    arrays = {"images": images(), "index": np.arange(32)}
    model = make(name)
    if model.needs_labels:
        arrays.update(labelled=images(), labels=np.arange(32) % 10)
    dataset = tf.data.Dataset.from_tensor_slices(arrays).batch(16)
    history = model.fit(dataset, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"][-1])


def labels_of_few(labels):
    """Five a class; the others are -1."""
    known = np.full(len(labels), -1)
    rows = tfssl.transfer.few_label_indices(labels, labels_per_class=5)
    known[rows] = labels[rows]
    return known


@pytest.mark.slow
@pytest.mark.matrix
@of_all
def test_it_learns(name):
    """A short run on the digits, measured by kNN with 5 labels per class.

    Raw pixels have 0.835. Those of `SLOW` take twice as long: after 16 epochs DIM came
    to 0.844 to 0.854, after 32 to 0.891 to 0.900. Those of patches start lower too: MAE
    came from 0.464 to 0.595, and to 0.646 after 48 epochs.
    """
    train, test = (tfssl.data.load("digits", split) for split in ("train", "test"))

    def accuracy(features):
        known, asked = (features(part.images) for part in (train, test))
        return tfssl.transfer.few_label_knn(
            known, train.labels, asked, test.labels, labels_per_class=5
        ).value

    of_patches = name in OF_PATCHES
    epochs = 32 if name in SLOW else 16
    model = make(name, optimizer=keras.optimizers.Adam(1e-3 if of_patches else 3e-3))
    before = accuracy(lambda images: tfssl.transfer.features(model, images))
    known = labels_of_few(train.labels) if model.needs_labels else None
    model.fit(train.images, known, batch_size=128, epochs=epochs, verbose=0)
    after = accuracy(lambda images: tfssl.transfer.features(model, images))
    print(f"{name}: {before:.3f} before, {after:.3f} after")
    assert after > before + (0.06 if of_patches else 0.03)
    if not of_patches:
        assert after > accuracy(lambda images: images.reshape(len(images), -1)) + 0.01
