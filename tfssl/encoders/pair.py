"""Encoders made of two, each of which sees a part of the image."""

import keras

from tfssl.layers import SplitImage, pooled


def split_pair(first, second, image_size, split="lab", name=None):
    """Two encoders side by side, for the two views of `tfssl.layers.SplitImage`.

    Args:
        first, second: built `keras.Model` from the first and the second view of the
            split (`l` and `ab` have 1 and 2 channels) to features or a feature map,
            such as `tfssl.encoders.resnet18(size, channels=...)`.
        image_size: int, height and width of the images.
        split: "lab" or "halves", see there. Defaults to "lab".
        name: string. Defaults to the name of the first with the split.

    Returns:
        A functional `keras.Model` from images `[batch, image_size, image_size, 3]` with
        pixel values in [0, 255] to the concatenated features `[batch, dim]`. Its parts
        are `split`, a `tfssl.layers.SplitImage`, and `view_1` and `view_2`, which share
        their weights with the encoders given.

    Raises:
        ValueError: for an encoder that takes another shape than that of its view.

    Example:
        >>> import tfssl
        >>> l, ab = (
        ...     tfssl.encoders.resnet18(32, stem="small", width=8, channels=c)
        ...     for c in (1, 2)
        ... )
        >>> tfssl.encoders.split_pair(l, ab, image_size=32).output_shape
        (None, 128)

    Source: Tian et al. 2019, arXiv 1906.05849, section 4.1.
    """
    images = keras.Input((image_size, image_size, 3), name="images")
    features = []
    views = SplitImage(split, name="split")(images)
    for number, encoder in enumerate((first, second)):
        view = views[number]
        if tuple(encoder.input_shape[1:]) != tuple(view.shape[1:]):
            raise ValueError(
                f"The split {split!r} gives views {tuple(view.shape)}. Received: "
                f"{encoder.name} for {encoder.input_shape}"
            )
        # The parts have their names whatever the encoders are called.
        half = keras.Model(encoder.input, encoder.output, name=f"view_{number + 1}")
        features.append(pooled(half(view)))
    both = keras.layers.Concatenate(dtype="float32", name="features")(features)
    return keras.Model(images, both, name=name or f"{first.name}_{split}")
