"""Published files: the same weights, the same bytes; kernels in half precision."""

import time

import keras
import numpy as np
import pytest
from cases import encoder, images
from conftest import CARD

import tfssl
from tfssl.zoo.archive import as_half, normalize
from tfssl.zoo.fingerprint import deviation

pytestmark = pytest.mark.usefixtures("eager")


def test_vectors_are_kept_and_kernels_rounded(tmp_path):
    model = encoder()
    # A variance that half precision would take for 0.
    small = next(w for w in model.weights if w.name == "moving_variance")
    small.assign(small * 0 + 1e-9)
    model.save(tmp_path / "encoder.keras")
    before = (tmp_path / "encoder.keras").stat().st_size
    normalize(tmp_path / "encoder.keras", half=True)
    read = keras.saving.load_model(tmp_path / "encoder.keras")
    for weight, old in zip(read.weights, model.weights, strict=True):
        assert weight.dtype == "float32"
        old = keras.ops.convert_to_numpy(old)
        wanted = old.astype("float16") if old.ndim > 1 else old
        np.testing.assert_array_equal(weight, wanted)
    assert (tmp_path / "encoder.keras").stat().st_size < 0.7 * before


def test_published_in_half_precision(zoo):
    model = encoder()
    tfssl.zoo.publish(model, "light", zoo=zoo, card=CARD, half=True)
    loaded = tfssl.zoo.load("light", source=zoo)
    new, old = (keras.ops.convert_to_numpy(m(images(8))) for m in (loaded, model))
    assert 0 < np.abs(new - old).max() < 0.01 * np.abs(old).max()
    info = tfssl.zoo.info("light", source=zoo)
    assert info["kernels"] == "float16"
    # Of what the file gives.
    assert deviation(loaded, info["fingerprint"]) < 1e-5
    assert deviation(model, info["fingerprint"]) > 1e-5
    assert "| Kernels | float16 |" in (zoo / "light" / "README.md").read_text()


@pytest.mark.parametrize("value", [1e5, np.nan, np.inf])
def test_what_half_precision_cannot_hold_is_refused(zoo, value):
    model = encoder()
    kernel = next(w for w in model.weights if len(w.shape) == 4)
    kernel.assign(kernel * 0 + value)
    with pytest.raises(ValueError, match="Half precision holds numbers up to 65504"):
        tfssl.zoo.publish(model, "large", zoo=zoo, card=CARD, half=True)
    assert sorted(path.name for path in zoo.iterdir()) == [
        "index.html",
        "index.json",
        "small",
    ]


@pytest.mark.parametrize("half", [False, True])
def test_published_again_it_is_the_same_file(zoo, half):
    model = encoder()
    tfssl.zoo.publish(model, "twice", zoo=zoo, card=CARD, half=half)
    first = (zoo / "twice" / "encoder.keras").read_bytes()
    # Files have their time in steps of two seconds.
    time.sleep(2.1)
    model.save(zoo.parent / "saved.keras")
    model = keras.saving.load_model(zoo.parent / "saved.keras")
    tfssl.zoo.publish(model, "twice", zoo=zoo, card=CARD, half=half, overwrite=True)
    assert (zoo / "twice" / "encoder.keras").read_bytes() == first


def test_other_arrays_are_left_alone():
    counts = np.arange(4).reshape(2, 2)
    assert as_half(counts) is counts
