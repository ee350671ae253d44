import numpy as np
import pytest
from cases import encoder, images

from tfssl.data import ImageData
from tfssl.transfer import finetune
from tfssl.transfer.finetune import _dense, _frozen_head


def data(n, split, seed):
    """Images whose brightness is the class: anyone can learn it."""
    labels = np.arange(n) % 3
    x = images(n, seed=seed) // 4 + (labels * 60).astype("uint8")[:, None, None, None]
    return ImageData(x, labels, name="bright", split=split)


TRAIN, TEST = data(90, "train", 0), data(60, "test", 1)


@pytest.mark.parametrize("mode", ["frozen", "full", "scratch"])
def test_every_mode_learns_and_says_how(mode):
    start = encoder()
    before = [np.array(w) for w in start.get_weights()]
    result = finetune(
        start, TRAIN, TEST, mode, labels_per_class=10, draws=2, steps=60, augment=None
    )
    assert result["protocol"] == mode and result["metric"] == "accuracy"
    assert len(result["draws"]) == 2
    assert result["value"] == pytest.approx(np.mean(result["draws"]))
    assert result["std"] == pytest.approx(np.std(result["draws"], ddof=1))
    # A third is chance.
    assert result["value"] > 0.6
    assert result["settings"]["labelled_images"] == 30
    for a, b in zip(before, start.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_draws_repeat_with_their_seed():
    def run(seed):
        arguments = dict(labels_per_class=4, draws=2, steps=5, seed=seed)
        return finetune(first, TRAIN, TEST, "scratch", **arguments)["draws"]

    first = encoder()
    assert run(0) == run(0)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_last_layer_starts_as_the_frozen_classifier(classes):
    random = np.random.default_rng(0)
    labels = np.arange(30) % classes
    x = random.normal(size=(30, 4)) + labels[:, None]
    head = _frozen_head(x, labels)
    kernel, bias = _dense(head, classes + 1)
    logits = x @ kernel + bias
    # The last class has no image and is never predicted.
    np.testing.assert_array_equal(logits.argmax(1), head.predict(x))
    difference = np.diff(logits[:, :2], axis=1)[:, 0]
    p = head.predict_proba(x)
    np.testing.assert_allclose(difference, np.log(p[:, 1] / p[:, 0]), atol=1e-4)


def test_what_cannot_be_is_refused():
    unlabelled = ImageData(TRAIN.images, name="mine")
    with pytest.raises(ValueError, match="mine, split train, has no labels"):
        finetune(encoder(), unlabelled, TEST, labels_per_class=1)
    with pytest.raises(ValueError, match="warm"):
        finetune(encoder(), TRAIN, TEST, "warm", labels_per_class=1)
    with pytest.raises(ValueError, match="Give one of"):
        finetune(encoder(), TRAIN, TEST)
    for name in ("draws", "steps", "batch_size", "learning_rate"):
        with pytest.raises(ValueError, match=f"Received: {name}=0"):
            finetune(None, TRAIN, TEST, labels_per_class=1, **{name: 0})
