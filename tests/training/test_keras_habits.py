"""What a Keras user expects of `compile`, `fit`, `evaluate` and callbacks.

For a method without memory, one with a queue and a teacher, and one with a bank.
"""

import json

import keras
import numpy as np
import pytest
from cases import images, make
from keras import ops

import tfssl

pytestmark = pytest.mark.usefixtures("eager")

of_each_kind = pytest.mark.parametrize(
    "name",
    [
        pytest.param("simclr", id="plain"),
        pytest.param("moco_v2", id="queue", marks=pytest.mark.matrix),
        pytest.param("cmc_nce", id="bank", marks=pytest.mark.matrix),
    ],
)


def numpy(x):
    return ops.convert_to_numpy(x)


def weights(model):
    return [numpy(w) for w in model.weights]


def assert_equal_weights(model, other):
    for a, b in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(numpy(a), numpy(b), err_msg=a.path)


@of_each_kind
def test_validation_data_moves_nothing_and_is_what_evaluate_gives(name):
    """Training is the same with and without, and val_loss is that of evaluate."""
    plain, watched = make(name), make(name)
    plain.fit(images(), batch_size=16, epochs=2, verbose=0)
    held_out = images(seed=1)
    history = watched.fit(
        images(), batch_size=16, epochs=2, verbose=0, validation_data=held_out
    ).history
    assert_equal_weights(plain, watched)
    loss = watched.evaluate(held_out, batch_size=16, verbose=0, return_dict=True)
    assert history["val_loss"][-1] == pytest.approx(loss["loss"], rel=1e-6)
    # Other images have another loss, and it is no constant.
    other = watched.evaluate(images(seed=2), batch_size=16, verbose=0, return_dict=True)
    assert other["loss"] != loss["loss"]
    assert history["val_loss"][0] != history["val_loss"][1]


def test_held_out_images_that_groups_cannot_share_are_left_out():
    model = make("moco_groups")
    unit = model.batch_multiple
    assert unit > 1
    x = images(2 * unit + 1)
    few = model.evaluate(x[: 2 * unit], verbose=0)
    assert model.evaluate(x, verbose=0) == few
    message = f"multiple of {unit}, .* a batch of"
    for use in (
        lambda: model.evaluate(x, batch_size=unit + 1, verbose=0),
        lambda: model.evaluate(x[: unit - 1], verbose=0),
        lambda: model.fit(x, batch_size=unit, validation_data=x[: unit - 1], verbose=0),
    ):
        with pytest.raises(ValueError, match=message):
            use()
    assert int(model.step) == 0


def test_other_views_count_once_the_model_is_compiled_again():
    model = make("simclr")
    black, white = (
        lambda images, seed, value=value: 2 * [ops.full_like(images, value)]
        for value in (0, 255)
    )
    seen = []
    for views in (black, white):
        model.views = views
        model.compile(keras.optimizers.SGD(0.0))
        seen.append(model.batch_of({"images": images(8)}).views[0])
    assert numpy(seen[0]).max() == 0 and numpy(seen[1]).min() == 255


def test_validation_split_holds_out_the_end():
    split, given = make("simclr"), make("simclr")
    x = images(40)
    logs = [
        split.fit(x, batch_size=8, epochs=1, verbose=0, validation_split=0.25).history,
        given.fit(
            x[:30], batch_size=8, epochs=1, verbose=0, validation_data=x[30:]
        ).history,
    ]
    assert logs[0]["val_loss"] == logs[1]["val_loss"]
    assert_equal_weights(split, given)
    with pytest.raises(ValueError, match="fraction within .0, 1. of an array"):
        split.fit(x, validation_split=1.5)


def test_evaluate_returns_the_loss_and_the_logs_once():
    model = make("simclr")
    assert model.metrics_names == ["loss", "contrastive_accuracy"]
    loss, accuracy = model.evaluate(images(), batch_size=16, verbose=0)
    logs = model.evaluate(images(), batch_size=16, verbose=0, return_dict=True)
    assert logs == {"loss": loss, "contrastive_accuracy": accuracy}
    byol = make("byol")
    assert isinstance(byol.evaluate(images(), batch_size=16, verbose=0), float)


def test_held_out_images_that_do_not_fill_the_batch_are_one_of_their_own():
    model = make("simclr")
    few = model.evaluate(images(12), verbose=0)
    assert few == model.evaluate(images(12), batch_size=12, verbose=0)


@of_each_kind
def test_early_stopping_and_the_best_checkpoint(name, tmp_path):
    model = make(name)
    best = tmp_path / "best.weights.h5"
    callbacks = [
        # Nothing is better than the first epoch by so much.
        keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=1e6),
        keras.callbacks.ModelCheckpoint(
            best, monitor="val_loss", save_best_only=True, save_weights_only=True
        ),
    ]
    history = model.fit(
        images(),
        batch_size=16,
        epochs=5,
        verbose=0,
        validation_data=images(seed=1),
        callbacks=callbacks,
    ).history
    assert len(history["loss"]) == 2
    again = make(name, seed=3)
    again.load_weights(best)
    loss = again.evaluate(images(seed=1), batch_size=16, verbose=0, return_dict=True)
    assert loss["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-5)


class Stop(Exception):
    """Ends a run."""


class StopBefore(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise Stop


@of_each_kind
def test_backup_and_restore_goes_on_as_an_unbroken_run(name, tmp_path):
    unbroken = make(name)
    unbroken.fit(images(), batch_size=16, epochs=3, verbose=0)
    broken = make(name)
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(Stop):
        broken.fit(
            images(),
            batch_size=16,
            epochs=3,
            verbose=0,
            callbacks=[backup, StopBefore(2)],
        )
    resumed = make(name, seed=5)
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    resumed.fit(images(), batch_size=16, epochs=3, verbose=0, callbacks=[backup])
    assert_equal_weights(unbroken, resumed)


def test_tensorboard_and_csv_see_the_logs_of_both(tmp_path):
    model = make("simclr")
    csv = tmp_path / "log.csv"
    model.fit(
        images(),
        batch_size=16,
        epochs=1,
        verbose=0,
        validation_data=images(),
        callbacks=[keras.callbacks.CSVLogger(csv)]
        + (
            [keras.callbacks.TensorBoard(tmp_path / "events")]
            if keras.backend.backend() == "tensorflow"
            else []
        ),
    )
    header = csv.read_text().splitlines()[0].split(",")
    assert {"loss", "val_loss", "feature_std"} <= set(header)
    assert len(header) == len(set(header))
    if keras.backend.backend() == "tensorflow":
        assert {p.name for p in (tmp_path / "events").iterdir()} >= {
            "train",
            "validation",
        }


@of_each_kind
def test_steps_per_epoch(name):
    model = make(name)
    model.fit(images(64), batch_size=16, epochs=2, steps_per_epoch=2, verbose=0)
    assert int(numpy(model.step)) == int(numpy(model.last_step)) == 4


# Not MoCo, whose groups of two images make anything of a rounding.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("simclr", id="plain"),
        pytest.param("simclr_v2_queue", id="queue"),
        pytest.param("cmc_nce", id="bank"),
    ],
)
@pytest.mark.graph
@pytest.mark.matrix
def test_compiled_by_xla_or_several_steps_at_once_it_is_the_same(name):
    """But for rounding: three steps."""
    runs = []
    for options in ({}, {"jit_compile": True}, {"steps_per_execution": 3}):
        model = make(name)
        model.compile(keras.optimizers.SGD(0.05), **options)
        start = weights(model)
        history = model.fit(images(48), batch_size=16, epochs=1, verbose=0).history
        moves = [b - a for a, b in zip(start, weights(model), strict=True)]
        runs.append((history["loss"], moves))
    for loss, moves in runs[1:]:
        assert loss == pytest.approx(runs[0][0], rel=1e-3)
        for a, b in zip(moves, runs[0][1], strict=True):
            # In the mean: rounding may carry one number over the kink of a ReLU.
            assert np.abs(a - b).mean() <= 0.02 * np.abs(b).mean() + 1e-6


def test_schedules_of_keras():
    model = make("simclr")
    rate = keras.optimizers.schedules.CosineDecay(0.1, decay_steps=4)
    model.compile(keras.optimizers.SGD(rate))
    model.fit(images(), batch_size=16, epochs=2, verbose=0)
    assert float(numpy(model.optimizer.learning_rate)) == pytest.approx(0, abs=1e-7)


class Sequence(keras.utils.PyDataset):
    """The images in order, four batches of eight."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return images(32)[index * 8 : (index + 1) * 8]


@pytest.mark.matrix
def test_a_py_dataset_is_what_its_batches_are():
    model, other = make("simclr"), make("simclr")
    model.fit(Sequence(), epochs=1, shuffle=False, verbose=0)
    other.fit(images(32), batch_size=8, epochs=1, shuffle=False, verbose=0)
    assert_equal_weights_but(model, other, "nothing")
    assert model.evaluate(Sequence(), verbose=0) == pytest.approx(
        other.evaluate(images(32), batch_size=8, verbose=0), rel=1e-6
    )


@of_each_kind
def test_train_on_batch_and_test_on_batch(name):
    model, fitted = make(name), make(name)
    data = images(16)
    if model.needs_index:
        data = {"images": data, "index": np.arange(16, dtype="int32")}
    trained = model.train_on_batch(data, return_dict=True)
    history = fitted.fit(images(16), batch_size=16, shuffle=False, verbose=0).history
    assert trained["loss"] == pytest.approx(history["loss"][0], rel=1e-6)
    assert_equal_weights_but(model, fitted, "last_step")
    tested = model.test_on_batch(data, return_dict=True)
    whole = model.evaluate(images(16), batch_size=16, verbose=0, return_dict=True)
    assert tested == pytest.approx(whole, rel=1e-6)


def assert_equal_weights_but(model, other, name):
    for a, b in zip(model.weights, other.weights, strict=True):
        if name not in a.path:
            np.testing.assert_allclose(
                numpy(a), numpy(b), rtol=1e-5, atol=1e-6, err_msg=a.path
            )


def test_predict_gives_features_of_images_of_any_size():
    model = make("simclr")
    big = np.random.default_rng(0).integers(0, 256, (3, 40, 24, 3), "uint8")
    fitted = tfssl.training.fit_images(big, (16, 16))
    np.testing.assert_allclose(
        model.predict(big, verbose=0), numpy(model(fitted)), rtol=1e-4, atol=1e-5
    )


def test_a_clone_is_the_same_method_with_other_weights():
    model = make("moco_v2")
    clone = keras.models.clone_model(model)
    assert clone.get_config() == model.get_config()
    assert not {id(v) for v in model.variables} & {id(v) for v in clone.variables}
    kernel, other = (numpy(each.encoder.weights[0]) for each in (model, clone))
    assert kernel.shape == other.shape and not np.array_equal(kernel, other)


@pytest.mark.parametrize(
    "argument",
    [
        {"loss": "mse"},
        {"metrics": ["accuracy"]},
        {"loss_weights": [1.0]},
        {"weighted_metrics": ["accuracy"]},
    ],
)
def test_what_has_no_meaning_for_compile_is_refused_by_name(argument):
    (name,) = argument
    with pytest.raises(ValueError, match=f"a loss of its own.*Received: {name}="):
        make("simclr").compile("sgd", **argument)


@pytest.mark.parametrize(
    "data, options, message",
    [
        (images(16), {"class_weight": {0: 1.0}}, "class_weight"),
        (images(16), {"sample_weight": np.ones(16)}, "sample_weight"),
        (list(images(16)), {}, "np.stack makes an array.*Received: <class 'list'>"),
        (list(images(16)), {"batch_size": 8}, "Received: <class 'list'>"),
        ((x for x in images(16)), {}, "fit takes an array"),
        (images(16)[0], {}, "dataset.batch"),
        (Sequence(), {"batch_size": 8}, "batched already"),
    ],
)
def test_what_has_no_meaning_for_fit_is_refused_before_training(data, options, message):
    model = make("simclr")
    with pytest.raises(ValueError, match=message):
        model.fit(data, verbose=0, **options)
    assert int(numpy(model.step)) == 0


def test_a_callback_of_fit_that_cannot_work_fails_before_training():
    """Not after the first epoch: the features of the first batch are watched."""
    model = make("simclr")
    model.encoder.call = None
    with pytest.raises(TypeError):
        model.fit(images(16), batch_size=8, verbose=0)
    assert int(numpy(model.step)) == 0


def test_images_larger_than_the_encoder_train_and_are_monitored():
    model = make("simclr")
    large = np.random.default_rng(0).integers(0, 256, (16, 24, 32, 3), "uint8")
    knn = tfssl.transfer.KNNCallback(
        train=(large, np.arange(16) % 2), test=(large, np.arange(16) % 2), k=3
    )
    history = model.fit(
        large, batch_size=8, epochs=1, verbose=0, callbacks=[knn]
    ).history
    assert {"feature_std", "knn_accuracy"} <= set(history)
    assert model(large).shape == (16, model.feature_dim)


def test_the_compiled_model_is_saved_with_its_optimizer(tmp_path):
    model = make("moco_v2", optimizer=keras.optimizers.SGD(0.05, momentum=0.9))
    model.fit(images(), batch_size=16, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert json.dumps(loaded.get_compile_config()) == json.dumps(
        model.get_compile_config()
    )
    for each in (model, loaded):
        each.fit(images(), batch_size=16, initial_epoch=1, epochs=2, verbose=0)
    assert_equal_weights(model, loaded)
