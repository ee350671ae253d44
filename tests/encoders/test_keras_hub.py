"""Backbones of keras-hub as encoders.

DINOV2Backbone is not among them: keras-hub 0.32 saves its trained position embeddings
only if the sum of their changes is positive, so it is not always loaded as it was.
`tfssl.zoo.publish` refuses what is not.
"""

import keras
import numpy as np
import pytest
from one_step import images, pretrained_one_step

from tfssl.encoders import IMAGENET_MEAN, IMAGENET_STD, adapt, as_encoder, part

keras_hub = pytest.importorskip("keras_hub")
pytestmark = pytest.mark.matrix

SIZE = 16


def resnet(size=None):
    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        image_shape=(size, size, 3),
    )


def vit():
    return keras_hub.models.ViTBackbone(
        image_shape=(SIZE, SIZE, 3),
        patch_size=8,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        mlp_dim=16,
    )


def dinov3():
    """Takes a dict, and gives a class token, four registers and the patches."""
    return keras_hub.models.DINOV3Backbone(
        patch_size=8,
        num_layers=1,
        hidden_dim=8,
        num_heads=2,
        intermediate_dim=16,
        use_mask_token=False,
        image_shape=(SIZE, SIZE, 3),
    )


def clip():
    """Takes a dict and gives a dict."""
    return keras_hub.models.CLIPVisionEncoder(
        patch_size=8,
        hidden_dim=8,
        num_layers=2,
        num_heads=2,
        intermediate_dim=16,
        intermediate_output_index=0,
        image_shape=(SIZE, SIZE, 3),
    )


@pytest.mark.parametrize(
    "make, options, shape",
    [
        (resnet, {}, (2, 2, 64)),
        (vit, {}, (8,)),
        (dinov3, {"pool": "first"}, (8,)),
        (clip, {"output": "sequence_output"}, (8,)),
    ],
)
def test_a_backbone_is_pretrained_saved_and_loaded(make, options, shape, tmp_path):
    encoder = adapt(make(), SIZE, (IMAGENET_MEAN, IMAGENET_STD), **options)
    assert encoder.output_shape == (None, *shape)
    assert part(encoder, "local" if len(shape) == 3 else "tokens")
    pretrained_one_step(encoder, tmp_path, SIZE)


@pytest.mark.parametrize("make, pool", [(vit, "first"), (vit, None), (dinov3, "first")])
def test_tokens_are_those_of_the_backbone_on_standardised_pixels(make, pool):
    backbone = make()
    encoder = adapt(backbone, scaling=(IMAGENET_MEAN, IMAGENET_STD), pool=pool)
    x = images(SIZE)
    pixels = (x / 255 - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
    pixels = pixels.astype("float32")
    tokens = backbone({"pixel_values": pixels} if make is dinov3 else pixels)
    tokens = keras.ops.convert_to_numpy(tokens)
    expected = tokens[:, 0] if pool == "first" else tokens.mean(1)
    np.testing.assert_allclose(encoder(x), expected, rtol=1e-4, atol=1e-4)


def test_what_needs_no_decision_is_adapted_by_methods():
    map_of_any_size = resnet()
    assert as_encoder(map_of_any_size) is map_of_any_size
    assert as_encoder(vit()).output_shape == (None, 8)
    assert as_encoder(dinov3()).input_shape == (None, SIZE, SIZE, 3)
    with pytest.raises(ValueError, match=r"adapt\(model, output="):
        as_encoder(clip())
