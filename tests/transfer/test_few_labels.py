import numpy as np
import pytest
from cases import encoder, images

import tfssl
from tfssl.data import ImageData
from tfssl.transfer import few_label_accuracy, few_label_linear


def data(n, split, seed):
    """Images whose brightness is the class: anyone can learn it."""
    labels = np.arange(n) % 3
    x = images(n, seed=seed) // 4 + (labels * 60).astype("uint8")[:, None, None, None]
    return ImageData(x, labels, name="bright", split=split)


TRAIN, TEST = data(90, "train", 0), data(60, "test", 1)


@pytest.mark.parametrize(
    "mode", ["frozen", "finetuned", pytest.param("scratch", marks=pytest.mark.matrix)]
)
def test_every_mode_learns_and_says_how(mode):
    start = encoder()
    before = [np.array(w) for w in start.get_weights()]
    result = few_label_accuracy(
        start, TRAIN, TEST, mode, labels_per_class=10, draws=2, steps=60, augment=None
    )
    assert result.protocol == mode and result.metric == "accuracy"
    assert len(result.draws) == 2
    assert result.value == pytest.approx(np.mean(result.draws))
    assert result.std == pytest.approx(np.std(result.draws, ddof=1))
    # A third is chance.
    assert result.value > 0.6
    assert result.settings["labelled_images"] == 30
    for a, b in zip(before, start.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.matrix
def test_draws_repeat_with_their_seed():
    def run(seed):
        arguments = dict(labels_per_class=4, draws=2, steps=5, seed=seed)
        return few_label_accuracy(first, TRAIN, TEST, "scratch", **arguments).draws

    first = encoder()
    assert run(0) == run(0)


def test_the_trainer_gets_what_was_asked_for(monkeypatch):
    asked = []

    class Trainer(tfssl.transfer.FewLabelTrainer):
        def __init__(self, encoder, num_classes, *others):
            super().__init__(encoder, num_classes, *others)
            asked.append(others)

        def fit(self, images, labels, mode, seed):
            asked.append((len(images), mode, seed))
            return self.model

    monkeypatch.setattr("tfssl.transfer.few_labels.FewLabelTrainer", Trainer)
    options = dict(steps=5, batch_size=6, learning_rate=0.1, augment=None, seed=3)
    few = dict(labels_per_class=4, draws=2)
    few_label_accuracy(encoder(), TRAIN, TEST, "scratch", **few, **options)
    assert asked == [(5, 6, 0.1, None), (12, "scratch", 3), (12, "scratch", 4)]


def test_what_cannot_be_is_refused():
    unlabelled = ImageData(TRAIN.images, name="mine")
    with pytest.raises(ValueError, match="mine, split train, has no labels"):
        few_label_accuracy(encoder(), unlabelled, TEST, labels_per_class=1)
    some = ImageData(TEST.images, np.r_[-1, TEST.labels[1:]], name="mine")
    for mode in ("frozen", "finetuned"):
        with pytest.raises(ValueError, match="test labels must be classes from 0"):
            few_label_accuracy(encoder(), TRAIN, some, mode, labels_per_class=1)
    with pytest.raises(ValueError, match="warm"):
        few_label_accuracy(encoder(), TRAIN, TEST, "warm", labels_per_class=1)
    with pytest.raises(ValueError, match="Give one of"):
        few_label_accuracy(encoder(), TRAIN, TEST)
    for name in ("draws", "steps", "batch_size", "learning_rate"):
        with pytest.raises(ValueError, match=f"Received: {name}=0"):
            few_label_accuracy(None, TRAIN, TEST, labels_per_class=1, **{name: 0})
    with pytest.raises(ValueError, match="Class 0 has 30 images"):
        few_label_accuracy(None, TRAIN, TEST, labels_per_class=31)


@pytest.mark.matrix
@pytest.mark.parametrize("mode", ["frozen", "finetuned"])
def test_images_of_another_size_are_fitted(mode):
    """Of wider images the centre is kept: the same pixels, and the same result."""

    def wider(part):
        x = np.pad(part.images, ((0, 0), (0, 0), (4, 4), (0, 0)))
        return ImageData(x, part.labels, split=part.split)

    start = encoder()
    arguments = dict(labels_per_class=10, draws=1, steps=10, augment=None)
    result = few_label_accuracy(start, TRAIN, TEST, mode, **arguments)
    assert result.std is None
    assert result == few_label_accuracy(
        start, wider(TRAIN), wider(TEST), mode, **arguments
    )


def test_frozen_is_logistic_regression_on_the_features():
    start = encoder()
    arguments = {"labels_per_class": 2, "draws": 3, "seed": 4}
    frozen = few_label_accuracy(start, TRAIN, TEST, "frozen", **arguments)
    x, y = (tfssl.transfer.features(start, data.images) for data in (TRAIN, TEST))
    linear = few_label_linear(x, TRAIN.labels, y, TEST.labels, **arguments)
    assert frozen.draws == linear.draws and frozen.settings == linear.settings
    assert (frozen.protocol, linear.protocol) == ("frozen", "few_linear")
    with pytest.raises(ValueError, match="train_labels"):
        few_label_linear(x, TRAIN.labels[1:], y, TEST.labels, labels_per_class=2)
