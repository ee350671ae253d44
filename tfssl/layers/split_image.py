"""A layer that splits an image into two views, each with what the other lacks."""

import keras
import numpy as np
from keras import ops

# sRGB with the D65 white point.
_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_WHITE = (0.95047, 1.0, 1.08883)
# Over L, a and b of natural images: the authors' numbers.
_LAB_MEAN = (50.0, 6.025, -6.6895)
_LAB_STD = (50.0, 92.208, 101.1675)
# Of red, green and blue in luma: ITU-R BT.601.
LUMA = (0.299, 0.587, 0.114)


def rgb_to_lab(images):
    """CIE Lab colours.

    Args:
        images: float tensor `[..., 3]`, sRGB in [0, 1].

    Returns:
        float32 tensor `[..., 3]`: L in [0, 100], a and b about in [-110, 100].

    Example:
        >>> import keras, tfssl
        >>> white = tfssl.layers.rgb_to_lab(keras.ops.ones((1, 3)))
        >>> round(float(white[0, 0]))
        100
    """
    rgb = ops.cast(images, "float32")
    bright = ops.power((ops.maximum(rgb, 0.04045) + 0.055) / 1.055, 2.4)
    linear = ops.where(rgb > 0.04045, bright, rgb / 12.92)
    to_xyz = np.array(_TO_XYZ, "float32").T / np.array(_WHITE, "float32")
    xyz = ops.matmul(linear, to_xyz)
    f = ops.where(
        xyz > 0.008856,
        ops.power(ops.maximum(xyz, 0.008856), 1 / 3),
        7.787 * xyz + 16 / 116,
    )
    x, y, z = (f[..., channel] for channel in range(3))
    return ops.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


@keras.saving.register_keras_serializable("tfssl")
class SplitImage(keras.layers.Layer):
    """Splits images into two views, each with what the other lacks.

    Args:
        split: "lab", luminance L and colours ab, standardised with the numbers of CMC;
            or "halves", for images without colours: the upper and the lower half of the
            luminance.
        name: string.

    Call arguments:
        images: `[batch, height, width, 3]`, pixel values in [0, 255].

    Returns:
        Two float32 tensors `[batch, height, width, channels]`.

    Raises:
        ValueError: for another split, or images of odd height that are to be halved.

    Example:
        >>> import numpy as np, tfssl
        >>> split = tfssl.layers.SplitImage("lab")
        >>> l, ab = split(np.zeros((2, 8, 8, 3), "uint8"))
        >>> split.view_shapes(8, 8)
        ((8, 8, 1), (8, 8, 2))

    Source: Tian et al. 2019, arXiv 1906.05849, section 4.1. "halves" is ours.
    """

    def __init__(self, split="lab", name="split_image", **kwargs):
        # In half precision the colours would come in steps.
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})
        if split not in ("lab", "halves"):
            raise ValueError(f'split must be "lab" or "halves". Received: {split!r}')
        self.split = split

    def view_shapes(self, height, width):
        """Height, width and channels of both views of images of this size."""
        if self.split == "lab":
            return (height, width, 1), (height, width, 2)
        if height % 2:
            raise ValueError(
                f"An image of odd height has no halves. Received: {height} x {width}"
            )
        return ((height // 2, width, 1),) * 2

    def call(self, images):
        images = ops.cast(images, "float32") / 255.0
        if self.split == "lab":
            lab = (rgb_to_lab(images) - np.array(_LAB_MEAN, "float32")) / np.array(
                _LAB_STD, "float32"
            )
            return lab[..., :1], lab[..., 1:]
        grey = ops.sum(images * np.array(LUMA, "float32"), axis=-1, keepdims=True)
        (half, *_), _ = self.view_shapes(*images.shape[1:3])
        return grey[:, :half], grey[:, half:]

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return tuple((batch, *s) for s in self.view_shapes(height, width))

    def get_config(self):
        return {**super().get_config(), "split": self.split}
