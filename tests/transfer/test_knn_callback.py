import keras
import numpy as np
import pytest
from cases import images, make

from tfssl.transfer import KNNCallback, knn_accuracy

pytestmark = pytest.mark.usefixtures("eager")


def test_the_callback_logs_what_the_features_give():
    x, y = images(32), np.arange(32) % 3
    model = make("simclr")
    sets, vote = ((x, y), (x[:8], y[:8])), {"k": 9, "temperature": 2.0}
    callback = KNNCallback(*sets, **vote, every=2)
    history = model.fit(x, batch_size=16, epochs=3, callbacks=[callback], verbose=0)
    logged = history.history["knn_accuracy"]
    # After epoch 2, and after the last one.
    assert len(logged) == 2
    f = np.asarray(model.predict(x, verbose=0))
    assert logged[-1] == knn_accuracy(f, y, f[:8], y[:8], **vote)
    # By another temperature it is another one.
    assert logged[-1] != knn_accuracy(f, y, f[:8], y[:8], k=9)


def test_what_is_near_to_nothing_has_no_accuracy():
    x, y, model = images(16), np.arange(16) % 2, make("simclr")
    callback = KNNCallback((x, y), (x, y), k=3)
    callback.set_model(model)
    callback.set_params({"epochs": 1})
    for scale, want in ((1.0, False), (np.nan, True)):
        model.encoder.set_weights([scale * w for w in model.encoder.get_weights()])
        logs = {}
        callback.on_epoch_end(0, logs)
        assert np.isnan(logs["knn_accuracy"]) == want


def test_the_callback_refuses_before_training():
    x, y = images(4), np.zeros(4, "int64")
    for changes, message in (
        ({"every": 0}, "every=0"),
        ({"k": 0}, "k=0"),
        ({"k": 5}, "k=5"),
        ({"temperature": -1}, "temperature=-1"),
        ({"test": (x, None)}, "Labels of test must be 4 integers"),
        ({"train": (x, y - 1)}, "Labels of train must be classes from 0"),
    ):
        with pytest.raises(ValueError, match=message):
            KNNCallback(**{"train": (x, y), "test": (x, y), "k": 2, **changes})


class Steps(keras.callbacks.Callback):
    """Counts the steps."""

    count = 0

    def on_train_batch_begin(self, batch, logs=None):
        self.count += 1


@pytest.mark.parametrize("bad", ["train", "test"])
def test_a_set_that_cannot_be_measured_is_refused_before_the_first_step(bad):
    x, y, steps = images(16), np.arange(16) % 2, Steps()
    sets = {"train": (x, y), "test": (x, y)}
    sets[bad] = (x[..., :1], y)
    callbacks = [KNNCallback(**sets, k=3), steps]
    with pytest.raises(ValueError, match=r"Received: shape \(8, 16, 16, 1\)"):
        make("simclr").fit(x, batch_size=8, verbose=0, callbacks=callbacks)
    assert steps.count == 0
