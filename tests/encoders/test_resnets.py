import inspect
import sys

import keras
import numpy as np
import pytest

from tfssl import encoders


# What the networks of the paper have without their classifier.
@pytest.mark.parametrize(
    "make, dim, weights",
    [
        (encoders.resnet18, 512, 11_176_512),
        (encoders.resnet34, 512, 21_284_672),
        (encoders.resnet50, 2048, 23_508_032),
    ],
)
def test_size(make, dim, weights):
    encoder = make(image_size=64)
    assert encoder.output_shape == (None, dim)
    assert sum(int(np.prod(w.shape)) for w in encoder.trainable_weights) == weights


@pytest.mark.parametrize(
    "stem, size, side", [("imagenet", 224, 7), ("imagenet", 64, 2), ("small", 32, 4)]
)
def test_the_feature_map(stem, size, side):
    encoder = encoders.resnet18(size, stem=stem, width=4, pooling=False)
    assert encoder.output_shape == (None, side, side, 32)


def test_the_stem_is_pooled_as_tensorflow_or_pytorch_pads():
    """The largest of a window that begins at its place, or one before it."""
    encoder = {
        pool: encoders.resnet10(16, width=4, stem_pool=pool)
        for pool in ("symmetric", "same")
    }
    encoder["same"].set_weights(encoder["symmetric"].get_weights())
    x = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), "uint8")
    for pool, first in (("symmetric", -1), ("same", 0)):
        relu, pooled = (
            keras.ops.convert_to_numpy(encoders.cut(encoder[pool], layer)(x))
            for layer in ("stem_relu", "stem_pool")
        )
        relu, pooled = relu.reshape(8, 8, 4), pooled.reshape(4, 4, 4)
        for row, column in np.ndindex(4, 4):
            rows, columns = (
                slice(max(2 * i + first, 0), 2 * i + first + 3) for i in (row, column)
            )
            expected = relu[rows, columns].max(axis=(0, 1))
            np.testing.assert_array_equal(pooled[row, column], expected)
    with pytest.raises(ValueError, match="stem_pool must be one of"):
        encoders.resnet10(16, stem_pool="valid")


def test_the_stride_is_on_the_3x3_convolution():
    encoder = encoders.resnet50(64, width=4)
    assert encoder.get_layer("stage2_block1_1_conv").strides == (1, 1)
    assert encoder.get_layer("stage2_block1_2_conv").strides == (2, 2)


def test_blocks_start_as_the_identity():
    image = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype("float32")
    for zero in (True, False):
        encoder = encoders.resnet18(16, stem="small", width=4, zero_init_residual=zero)
        stem = encoder.get_layer("stem_relu").output
        block = encoder.get_layer("stage1_block2_out").output
        x, y = keras.Model(encoder.input, [stem, block])(image)
        same = np.allclose(
            keras.ops.convert_to_numpy(x), keras.ops.convert_to_numpy(y), atol=1e-6
        )
        assert same == zero


def test_any_size_of_image():
    encoder = encoders.resnet18(None, stem="small", width=4)
    for size in (16, 20):
        assert encoder(np.zeros((1, size, size + 4, 3))).shape == (1, 32)


def test_refusals():
    with pytest.raises(ValueError, match="depth must be one of"):
        encoders.resnet(19)
    with pytest.raises(ValueError, match="stem must be one of"):
        encoders.resnet18(32, stem="tiny")
    with pytest.raises(ValueError, match="3 channels.*Received: channels=1"):
        encoders.resnet10(32, channels=1, mean=(0.5,) * 3, std=(0.2,) * 3)


def test_named_networks_show_their_arguments():
    of_all = set(inspect.signature(encoders.resnet).parameters)
    shown = set(inspect.signature(encoders.resnet18).parameters)
    assert of_all - shown == {"depth"}
    shown = set(inspect.signature(encoders.sk_resnet152).parameters)
    assert of_all - shown == {"depth", "selective_kernels"}


@pytest.mark.matrix
def test_the_deepest_network_is_made_and_loaded_within_pythons_recursion(tmp_path):
    limit = sys.getrecursionlimit()
    # Python's own, whatever a library has set.
    sys.setrecursionlimit(1000)
    try:
        encoder = encoders.sk_resnet152(16, stem="small", width=2)
        encoder.save(tmp_path / "encoder.keras")
        loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    finally:
        sys.setrecursionlimit(limit)
    assert encoder.name == "sk_resnet152w2"
    assert encoder.get_layer("stage3_block36_2_squeeze_conv")
    for a, b in zip(encoder.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
