import keras
import numpy as np
import pytest
from cases import images, make

from tfssl.training import HealthCheck, TrainingStopped
from tfssl.training.health import effective_rank, feature_std


def test_feature_std():
    assert feature_std(np.ones((5, 3))) == 0
    features = np.random.default_rng(0).normal(size=(5000, 64))
    assert feature_std(features) == pytest.approx(1 / 8, rel=0.01)
    assert feature_std(features * 7) == pytest.approx(feature_std(features))


def test_effective_rank():
    assert effective_rank(np.eye(5)) == pytest.approx(5)
    assert effective_rank(np.outer(np.arange(1, 6), np.ones(3))) == pytest.approx(1)
    assert effective_rank(np.zeros((4, 3))) == 0


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


def test_a_loss_that_is_not_finite_stops_the_run():
    model = make("simclr", optimizer=keras.optimizers.SGD(1e30))
    with pytest.raises(TrainingStopped, match="lower learning rate"):
        model.fit(images(64), batch_size=16, epochs=5, verbose=0)


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
