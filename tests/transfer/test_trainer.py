import keras
import numpy as np
import pytest
from cases import SIZE, encoder, images

from tfssl.transfer import FewLabelTrainer
from tfssl.transfer.logistic import cross_validated_logistic
from tfssl.views import CropViews

pytestmark = pytest.mark.usefixtures("eager")

X, Y = images(24), np.arange(24) % 3


@pytest.mark.matrix
def test_each_training_starts_anew():
    trainer = FewLabelTrainer(encoder(), 3, steps=4)
    for mode in ("finetuned", "scratch"):
        first = trainer.fit(X, Y, mode, seed=1).get_weights()
        trainer.fit(X, Y, "scratch", seed=2)
        again = trainer.fit(X, Y, mode, seed=1).get_weights()
        for a, b in zip(first, again, strict=True):
            np.testing.assert_array_equal(a, b)


def test_fine_tuning_starts_from_the_classifier_on_frozen_features():
    network = encoder()
    trainer = FewLabelTrainer(network, 3, steps=1, learning_rate=1e-9)
    model = trainer.fit(X, Y, "finetuned")
    # One step of next to nothing.
    features = network.predict(X, verbose=0)
    head = cross_validated_logistic(features, Y)
    last, kernel = trainer.model.layers[-1], head.coef_.T
    np.testing.assert_allclose(last.kernel, kernel, rtol=1e-3, atol=1e-6)
    assert model is trainer.model


def test_crops_are_of_the_size_of_the_encoder():
    (crop, _), *rest = FewLabelTrainer(encoder(), 3).augment.pipelines
    assert crop.size == (SIZE, SIZE) and crop.scale == (0.5, 1.0) and not rest


def steps(images, augment, seed=0):
    """The images and the labels of six steps of eight, of a set of 24."""
    trainer = FewLabelTrainer(encoder(), 3, steps=6, batch_size=8, augment=augment)
    seen = []
    trainer.model.train_on_batch = lambda *batch: seen.append(batch)
    # By its label an image is known.
    trainer.fit(images, np.arange(24), "scratch", seed)
    return [tuple(map(np.asarray, batch)) for batch in seen]


def test_each_pass_takes_all_images_in_an_order_of_its_own():
    plain = steps(X, None)
    for seen, rows in plain:
        np.testing.assert_array_equal(seen, X[rows])
    first, second = np.split(np.concatenate([rows for _, rows in plain]), 2)
    assert len(plain) == 6 and sorted(first) == sorted(second) == list(range(24))
    assert list(first) != list(second)


def test_each_step_has_crops_of_its_own():
    """Of the same image over and over."""
    same = np.repeat(X[:1], 24, axis=0)
    crops = [seen for seen, _ in steps(same, "auto")]
    crops += [seen for seen, _ in steps(same, "auto", seed=1)]
    assert len({each.tobytes() for each in crops}) == len(crops) == 12
    assert crops[0].shape == same[:8].shape


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="Received: mode='frozen'"):
        FewLabelTrainer(encoder(), 3).fit(X, Y, "frozen")
    with pytest.raises(ValueError, match="which makes 2"):
        FewLabelTrainer(encoder(), 3, augment=CropViews(SIZE, num_views=2))
    image = keras.Input((None, None, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    network = keras.Model(image, x)
    with pytest.raises(ValueError, match="of an unknown size"):
        FewLabelTrainer(network, 3)
    assert FewLabelTrainer(network, 3, steps=1, augment=None).fit(X, Y)
