import numpy as np
import pytest
from sklearn import datasets

from tfssl.data import load


def test_sizes_types_and_classes():
    train, test = load("digits"), load("digits", "test")
    assert train.images.shape == (1297, 16, 16, 3)
    assert test.images.shape == (500, 16, 16, 3)
    assert train.images.dtype == np.uint8
    assert train.images.min() == 0 and train.images.max() > 240
    assert train.class_names == tuple("0123456789")
    assert (train.name, train.split, train.skipped) == ("digits", "train", ())


def test_the_splits_are_the_whole_set_and_stratified():
    train, test = (load("digits", split, image_size=8) for split in ("train", "test"))
    digits = datasets.load_digits()
    ours = np.concatenate([train.images, test.images])[..., 0].reshape(-1, 64)
    whole = np.rint(digits.images * 255 / 16).reshape(-1, 64)
    np.testing.assert_array_equal(
        ours[np.lexsort(ours.T)], whole[np.lexsort(whole.T)].astype(np.uint8)
    )
    share = np.bincount(test.labels) / np.bincount(digits.target)
    np.testing.assert_allclose(share, 500 / 1797, atol=0.01)


def test_image_size_and_unknown_split():
    assert load("digits", "test", image_size=32).images.shape == (500, 32, 32, 3)
    with pytest.raises(ValueError, match="no split 'validation'.*test, train"):
        load("digits", "validation")
