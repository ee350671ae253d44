from pathlib import Path

import keras
import numpy as np
import pytest
from cases import images, make
from keras import ops
from programs import run_test_program

import tfssl
from tfssl.training import HealthCheck, Monitor, TrainingStopped
from tfssl.training.health import effective_rank, feature_std, with_statistics_of

pytestmark = pytest.mark.usefixtures("eager")


def test_feature_std():
    assert feature_std(np.ones((5, 3))) == 0
    features = np.random.default_rng(0).normal(size=(5000, 64))
    assert feature_std(features) == pytest.approx(1 / 8, rel=0.01)
    assert feature_std(features * 7) == pytest.approx(feature_std(features))


def test_effective_rank():
    assert effective_rank(np.eye(5)) == pytest.approx(5)
    assert effective_rank(np.outer(np.arange(1, 6), np.ones(3))) == pytest.approx(1)
    assert effective_rank(np.zeros((4, 3))) == 0


@pytest.mark.parametrize("shape", [(40, 12), (12, 40)])
@pytest.mark.parametrize("rank", [2, 12])
def test_effective_rank_is_that_of_the_singular_values(shape, rank):
    generator = np.random.default_rng(0)
    features = generator.normal(size=(shape[0], rank)) @ generator.normal(
        size=(rank, shape[1])
    )
    singular = np.linalg.svd(features, compute_uv=False)
    p = singular[:rank] / singular[:rank].sum()
    expected = np.exp(-(p * np.log(p)).sum())
    found = effective_rank(features.astype("float32"))
    assert found == pytest.approx(expected, rel=1e-3)


def test_a_run_logs_what_to_watch():
    history = make("simclr").fit(images(64), batch_size=16, epochs=2, verbose=0).history
    for name in (
        "loss",
        "contrastive_accuracy",
        "feature_std",
        "effective_rank",
        "learning_rate",
        "images_per_second",
    ):
        assert len(history[name]) == 2 and np.isfinite(history[name]).all(), name
    assert history["learning_rate"] == [pytest.approx(0.05)] * 2


class BrokenImages(keras.utils.PyDataset):
    """Batches of 16, one of which is of no numbers."""

    def __init__(self, broken, batches=6):
        super().__init__()
        self.broken = broken
        self.batches = batches

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        batch = images(16, seed=index).astype("float32")
        return batch * np.nan if index == self.broken else batch


def test_a_loss_that_is_not_finite_stops_the_run_at_its_step():
    image = keras.Input((16, 16, 3))
    encoder = keras.Model(image, keras.layers.Dense(4)(keras.layers.Flatten()(image)))
    model = tfssl.methods.SimCLR(encoder, tfssl.views.DigitViews(16), projector=(4,))
    model.compile(keras.optimizers.SGD(1e-6))
    model.step.assign(2)
    message = "epoch 1 is nan since step 5[.] Try a lower learning rate"
    with pytest.raises(TrainingStopped, match=message):
        model.fit(BrokenImages(2), shuffle=False, verbose=0)
    assert int(keras.ops.convert_to_numpy(model.step)) == 5


class StepOnly:
    """All that the check asks of a model while an epoch runs."""

    step = np.int32(100)


def checked(*steps, **options):
    """A check that saw the losses of steps of the second epoch, each `(step, loss)`."""
    check = HealthCheck(**options)
    check.set_model(StepOnly())
    check.on_epoch_begin(1)
    for step, loss in steps:
        check.on_train_batch_end(step - 1, {"loss": loss})
    return check


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_the_first_step_of_a_loss_that_is_not_finite(loss):
    for steps, since in (
        ([(1, loss)], "step 101"),
        ([(1, 0.5), (2, 0.4), (3, loss)], "step 103"),
        # Four steps at once, and threads in another order.
        ([(4, 0.5), (8, loss)], "one of the steps 105 to 108"),
        ([(2, 0.5), (1, 0.6), (4, loss)], "one of the steps 103 to 104"),
    ):
        with pytest.raises(
            TrainingStopped, match=f"epoch 2 is {loss} since {since}[.]"
        ):
            checked(*steps)


def test_a_loss_that_is_not_finite_is_told_once_an_epoch_where_it_does_not_stop(capsys):
    check = checked((3, np.nan), (4, np.nan), stop=False)
    check.model.can_collapse = False
    check.on_epoch_end(1, {"loss": np.nan})
    assert capsys.readouterr().out.count("Warning: The loss of epoch 2 is nan") == 1
    # Of a loss whose steps were not seen, the epoch is all there is to tell.
    check.on_epoch_begin(2)
    check.on_epoch_end(2, {"loss": np.nan})
    assert "The loss of epoch 3 is nan. Try" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize(
    "how, since",
    [
        ("several_steps", "one of the steps 105 to 108"),
        ("replicas", "step 107"),
        ("jax", "step 107"),
    ],
)
def test_the_step_is_told_wherever_a_run_is(how, since):
    backend = "jax" if how == "jax" else "tensorflow"
    program = Path(__file__).parent / "broken_images.py"
    out = run_test_program(program, how, KERAS_BACKEND=backend)
    assert f"The loss of epoch 1 is nan since {since}." in out


class Collapsed(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        for variable in self.model.encoder.trainable_weights:
            variable.assign(keras.ops.zeros_like(variable))


def test_collapse_stops_the_run_unless_told_otherwise(capsys):
    def fit(**kwargs):
        model = make("simclr", optimizer=keras.optimizers.SGD(0.0))
        check = HealthCheck(patience=2, **kwargs)
        return model.fit(
            images(32),
            batch_size=16,
            epochs=3,
            callbacks=[check, Collapsed()],
            verbose=0,
        )

    with pytest.raises(TrainingStopped, match="collapsed: for 2 epochs"):
        fit()
    assert len(fit(stop=False).history["loss"]) == 3
    assert "collapsed" in capsys.readouterr().out


def slow_network(momentum):
    """Its moving statistics are far from those of its batches: small weights."""
    small = keras.initializers.RandomNormal(stddev=1e-6, seed=0)
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, kernel_initializer=small)(image)
    x = keras.layers.BatchNormalization(momentum=momentum, epsilon=1e-12)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    # Beside a constant what is left of the images is nothing.
    bias = keras.initializers.Ones()
    x = keras.layers.Dense(8, bias_initializer=bias, kernel_initializer="identity")(x)
    return keras.Model(image, keras.layers.Dropout(0.5)(x))


def fit_slowly(capsys, *callbacks):
    model = tfssl.methods.SimCLR(
        slow_network(momentum=0.999999), tfssl.views.DigitViews(16), projector=(8, 4)
    )
    model.compile(keras.optimizers.SGD(0.0))
    history = model.fit(
        images(64),
        batch_size=16,
        epochs=3,
        callbacks=[HealthCheck(patience=2), *callbacks],
        verbose=0,
    ).history
    return history["feature_std"], capsys.readouterr().out


def test_statistics_that_have_not_settled_are_no_collapse(capsys):
    spread, said = fit_slowly(capsys)
    assert max(spread) < 1e-4
    assert said.count("BatchNormalization have not settled yet") == 1
    assert "momentum" in said
    # Dropout must not make features that are all alike look different.
    with pytest.raises(TrainingStopped, match="collapsed: for 2 epochs"):
        fit_slowly(capsys, Collapsed())


def test_settled_statistics_leave_the_model_as_it_is():
    network = slow_network(0.9)
    before = network.get_weights()
    settled = with_statistics_of(network, images(32))
    for a, b in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert network.layers[2].momentum == 0.9
    network.layers[2].momentum = 0.0
    network(images(32), training=True)
    np.testing.assert_allclose(settled, network(images(32)), rtol=1e-5)
    image = keras.Input((16, 16, 3))
    assert with_statistics_of(keras.Model(image, image + 1), images(2)) is None


@pytest.mark.parametrize(
    ("given", "sizes"),
    [({}, [13, 13, 13]), ({"chunk": 4}, [4] * 10), ({"accumulate": 2}, [8] * 5)],
)
def test_watching_takes_no_more_images_at_a_time_than_a_step(given, sizes):
    model = make("byol")
    model.compile(keras.optimizers.SGD(0.0), **given)
    expected = ops.convert_to_numpy(model(images(40)))
    seen, results = [], []
    now = model.features_now

    def watched(batch):
        seen.append(len(batch))
        results.append(ops.convert_to_numpy(now(batch)))
        return results[-1]

    model.features_now = watched
    monitor = Monitor(images(40), 16)
    monitor.set_model(model)
    spread = monitor.measure()["feature_std"]
    assert seen == sizes
    np.testing.assert_allclose(
        np.concatenate(results), expected[: sum(sizes)], rtol=1e-4, atol=1e-5
    )
    assert spread == pytest.approx(feature_std(expected[: sum(sizes)]), rel=1e-4)


def test_a_step_does_not_wait_for_what_watches_it(tmp_path, monkeypatch):
    """Keras reads its logs while the next one runs, if all callbacks let it."""
    # As on JAX; on TensorFlow it always waits.
    monkeypatch.setattr(keras.src.backend, "IS_THREAD_SAFE", True)
    run = tfssl.runs.Workdir(tmp_path, {"dataset": "digits"})
    watchers = [HealthCheck(), Monitor(images(8), 8), *run.callbacks()]
    callbacks = keras.callbacks.CallbackList(watchers, model=make("simclr"))
    assert callbacks._async_train
    watchers.append(keras.callbacks.LambdaCallback(on_train_batch_end=print))
    callbacks = keras.callbacks.CallbackList(watchers, model=make("simclr"))
    assert not callbacks._async_train
