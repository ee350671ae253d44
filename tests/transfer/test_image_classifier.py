"""A classifier that is trained, saved, loaded, exported and asked."""

import keras
import numpy as np
import pytest
from cases import SIZE, encoder

import tfssl

NAMES = ("dark", "light")


def pictures(n=24, size=SIZE, seed=0):
    """Dark and light ones in turn, of four large patches that no resizing changes."""
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    patches = random.integers(0, 60, (n, 2, 2, 3)) + 190 * labels[:, None, None, None]
    return np.kron(patches, np.ones((1, size // 2, size // 2, 1))).astype(
        "uint8"
    ), labels


@pytest.mark.parametrize("mode", ["frozen", "finetuned"])
def test_it_is_trained_saved_loaded_and_says_the_same(tmp_path, mode):
    images, labels = pictures()
    network = encoder()
    before = network.get_weights()
    model = tfssl.transfer.fine_tune(
        network, images, labels, NAMES, mode=mode, steps=60
    )
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    # Of another size, and never seen.
    asked, expected = pictures(10, size=24, seed=1)
    answers = model.classify(asked, top=2)
    assert [ranked[0][0] for ranked in answers] == [NAMES[i] for i in expected]
    for ranked in answers:
        assert ranked[0][1] >= ranked[1][1]
        assert sum(chance for _, chance in ranked) == pytest.approx(1, abs=1e-6)
    model.save(tmp_path / "classifier.keras")
    loaded = tfssl.transfer.load_classifier(tmp_path / "classifier.keras")
    assert not loaded.network.compiled
    assert loaded.class_names == NAMES and loaded.input_shape == (None, SIZE, SIZE, 3)
    assert loaded.classify(asked, top=2) == answers


def test_frozen_is_the_logistic_regression():
    images, labels = pictures()
    network = encoder()
    model = tfssl.transfer.fine_tune(network, images, labels, NAMES, mode="frozen")
    bank = tfssl.transfer.features(network, images)
    head = tfssl.transfer.logistic.cross_validated_logistic(bank, labels)
    np.testing.assert_allclose(
        tfssl.transfer.predict(model, images), head.predict_proba(bank), atol=1e-4
    )


def test_the_trainer_gets_what_was_asked_for_and_ten_passes_at_least(monkeypatch):
    asked = []

    class Trainer:
        def __init__(self, encoder, num_classes, *others):
            self.network = tfssl.transfer.classifier(encoder, num_classes)
            asked.append(others)

        def fit(self, images, labels, seed):
            asked[-1] += (seed,)
            return self.network

    monkeypatch.setattr(tfssl.transfer.image_classifier, "FewLabelTrainer", Trainer)
    for n in (24, 3000):
        images, labels = pictures(n, size=4)
        tfssl.transfer.fine_tune(encoder(), images, labels)
    options = dict(steps=7, batch_size=8, learning_rate=0.1, augment=None, seed=3)
    tfssl.transfer.fine_tune(encoder(), images, labels, **options)
    assert asked == [
        (400, 64, 1e-3, "auto", 0),
        (469, 64, 1e-3, "auto", 0),
        (7, 8, 0.1, None, 3),
    ]


@pytest.mark.parametrize("make", ["classifier", "ImageClassifier"])
def test_it_is_exported_without_being_called_first(tmp_path, make):
    tf = pytest.importorskip("tensorflow")
    model = tfssl.transfer.classifier(encoder(), 2)
    if make == "ImageClassifier":
        model = tfssl.transfer.ImageClassifier(model, NAMES)
    model.export(tmp_path / "exported", verbose=False)
    images = pictures()[0].astype("float32")
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(
        loaded.serve(images), model.predict(images, verbose=0), atol=1e-5
    )


def test_what_is_refused(tmp_path):
    images, labels = pictures()
    fine_tune = tfssl.transfer.fine_tune
    with pytest.raises(ValueError, match="mode must be one of"):
        fine_tune(encoder(), images, labels, mode="scratch")
    with pytest.raises(ValueError, match="two classes at least"):
        fine_tune(encoder(), images, np.zeros(len(images), int))
    with pytest.raises(ValueError, match="1 class names"):
        fine_tune(encoder(), images, labels, ["dark"])
    network = tfssl.transfer.classifier(encoder(), 3)
    with pytest.raises(ValueError, match="3 classes .* Received: 2 class_names"):
        tfssl.transfer.ImageClassifier(network, NAMES)
    keras.Model(network.input, network.output).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="no classifier"):
        tfssl.transfer.load_classifier(tmp_path / "other.keras")
