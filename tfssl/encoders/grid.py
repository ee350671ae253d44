"""Encoders that look at one patch at a time."""

import keras
from keras import ops

from tfssl.layers import Patches


def patch_grid(patch_encoder, image_size, stride=None, name=None):
    """Encodes each patch of an image by itself, and gives the grid of their features.

    Contrastive Predictive Coding needs features of a patch that depend on no other
    patch, so the patch encoder must not normalise over its batch.

    Args:
        patch_encoder: built `keras.Model` from square patches `[n, size, size, 3]` with
            pixel values in [0, 255] to features `[n, dim]`.
        image_size: int, height and width of the images.
        stride: int, pixels from one patch to the next. Defaults to half a patch.
        name: string. Defaults to that of the patch encoder with `_grid`.

    Returns:
        A functional `keras.Model` from images `[batch, image_size, image_size, 3]` to a
        feature map `[batch, rows, columns, dim]`. Its parts are `patches`, a
        `tfssl.layers.Patches`, and `patch_encoder`, which shares its weights with the
        one given.

    Raises:
        ValueError: for a patch encoder with other inputs or outputs or with batch
            statistics, or patches that do not fill the image.

    Example:
        >>> import tfssl
        >>> net = tfssl.encoders.resnet18(8, stem="small", width=16, norm="layer")
        >>> tfssl.encoders.patch_grid(net, image_size=32).output_shape
        (None, 7, 7, 128)

    Source: van den Oord et al. 2018, arXiv 1807.03748, section 3.2.
    """
    size = patch_encoder.input_shape[1]
    if size is None or len(patch_encoder.output_shape) != 2:
        raise ValueError(
            "patch_encoder must map patches of a known size to features [n, dim]. "
            f"Received: {patch_encoder.name} from {patch_encoder.input_shape} to "
            f"{patch_encoder.output_shape}"
        )
    for layer in patch_encoder._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            raise ValueError(
                "A patch must not see others through the statistics of a batch. "
                'Choose norm="layer" or norm="none". Received: '
                f"{patch_encoder.name} with the layer {layer.name}"
            )
    patches = Patches(size, stride or max(size // 2, 1), name="patches")
    rows, columns = patches.grid(image_size, image_size)
    images = keras.Input((image_size, image_size, 3), name="images")
    # The part has its name whatever the network is called.
    part = keras.Model(patch_encoder.input, patch_encoder.output, name="patch_encoder")
    features = part(patches(images))
    grid = ops.reshape(features, (-1, rows, columns, features.shape[-1]))
    return keras.Model(images, grid, name=name or f"{patch_encoder.name}_grid")
