"""Features that are kept are those of their encoder and images, and of no others."""

import numpy as np
import pytest
from cases import encoder, images

from tfssl.transfer import features, kept_features

pytestmark = pytest.mark.usefixtures("eager")


def test_kept_features_are_read_and_not_computed_again(tmp_path, monkeypatch):
    model, x = encoder(), images(8)
    first = kept_features(model, x, tmp_path / "kept")
    np.testing.assert_array_equal(first, features(model, x))
    monkeypatch.setattr("tfssl.transfer.feature_files.features", None)
    np.testing.assert_array_equal(kept_features(model, x, tmp_path / "kept"), first)


def test_other_weights_or_images_are_computed(tmp_path):
    model, x = encoder(), images(8)
    first = kept_features(model, x, tmp_path)
    y = np.array(x)
    y[0, 0, 0, 0] += 1
    assert not np.array_equal(kept_features(model, y, tmp_path), first)
    weight = model.trainable_weights[0]
    weight.assign(weight * 1.01)
    assert not np.array_equal(kept_features(model, x, tmp_path), first)
    assert len(list(tmp_path.iterdir())) == 3


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept_features(encoder(), images(8))
    assert list(tmp_path.iterdir()) == []
