"""A few features of a published encoder, to see that it computes the same elsewhere.

The checksum says that a file is the one that was published. Whether another version of
Keras, another backend or another machine makes the same features of it, only its
features say.
"""

import keras
import numpy as np

from tfssl.zoo.errors import FormatError

# Relative. In float32 on a CPU both backends are within 3e-6 of what was published; a
# padding or a constant that another version takes differently changes far more.
TOLERANCE = 1e-3
_COUNT, _KEPT, _DIGITS = 4, 8, 6
_ANY_SIZE = (64, 64)


def probe_images(height, width):
    """Images that are the same everywhere and always: waves of several directions.

    Args:
        height, width: ints.

    Returns:
        float32 NumPy array `[4, height, width, 3]`, values in [0, 255].

    Example:
        >>> from tfssl.zoo.fingerprint import probe_images
        >>> images = probe_images(8, 8)
        >>> images.shape, float(images[0, 0, 0, 0])
        ((4, 8, 8, 3), 127.5)
    """
    number, row, column, channel = np.ogrid[:_COUNT, :height, :width, :3]
    down = (1 + channel) * row / height
    across = (1 + number) * column / width
    phase = number * channel / 7
    waves = np.sin(2 * np.pi * (down + across + phase))
    return (127.5 * (1 + waves)).astype("float32")


def fingerprint(encoder):
    """What is kept of the features of `probe_images`.

    Args:
        encoder: `keras.Model` from images to features.

    Returns:
        Dict of the `size` of the images, and of each image the `norm` and the first
        few `features`; None for an encoder that does not tell what it takes, or gives
        more than one array.

    Raises:
        ValueError: if features are not finite.

    Example:
        >>> import tfssl
        >>> from tfssl.zoo.fingerprint import fingerprint
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> found = fingerprint(encoder)
        >>> found["size"], len(found["norm"])
        ([16, 16], 4)
    """
    shape = getattr(encoder, "input_shape", None)
    if not isinstance(shape, tuple):
        return None
    size = [side or other for side, other in zip(shape[1:3], _ANY_SIZE, strict=True)]
    found = _features(encoder, size)
    if found is None:
        return None
    if not np.isfinite(found).all():
        raise ValueError(
            f"{encoder.name} gives features that are no finite numbers. Publish an "
            f"encoder whose training went well. Received: {found[0, :_KEPT]}"
        )
    return {
        "size": size,
        "norm": [_short(x) for x in np.linalg.norm(found, axis=1)],
        "features": [[_short(x) for x in row[:_KEPT]] for row in found],
    }


def deviation(encoder, kept):
    """How far the features of an encoder are from its fingerprint.

    Args:
        encoder: `keras.Model`, as `tfssl.zoo.load` gives it.
        kept: dict that `fingerprint` made of it.

    Returns:
        float, the largest difference, relative to the largest number kept.

    Raises:
        tfssl.zoo.FormatError: if `kept` is no fingerprint of such an encoder.

    Example:
        >>> import tfssl
        >>> from tfssl.zoo.fingerprint import deviation, fingerprint
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> deviation(encoder, fingerprint(encoder)) < 1e-5
        True
    """
    try:
        height, width = kept["size"]
        found = _features(encoder, (height, width))
        norms, features = (np.asarray(kept[key], float) for key in ("norm", "features"))
        differences = (
            np.linalg.norm(found, axis=1) - norms,
            found[:, :_KEPT] - features,
        )
        scales = [np.abs(x).max() for x in (norms, features)]
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(
            f"This is no fingerprint of {encoder.name}: {type(error).__name__}: "
            f"{error}. Received: {kept!r:.200}"
        ) from error
    return max(
        float(np.abs(difference).max() / max(scale, 1e-9))
        for difference, scale in zip(differences, scales, strict=True)
    )


def _features(encoder, size):
    """Features `[n, dim]`, None if there are several arrays."""
    found = encoder(keras.ops.convert_to_tensor(probe_images(*size)), training=False)
    if isinstance(found, (dict, list, tuple)):
        return None
    found = keras.ops.convert_to_numpy(found).astype("float64")
    return found.reshape(len(found), -1)


def _short(number):
    return float(f"{number:.{_DIGITS}g}")
