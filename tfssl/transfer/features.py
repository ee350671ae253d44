"""Features of an image set."""

import numpy as np


def features(encoder, images, batch_size=500, verbose=0):
    """Features of images, in inference mode; the encoder is not changed.

    Args:
        encoder: `keras.Model` from images to features `[batch, dim]` or to a feature
            map, which is average-pooled; a `tfssl.methods.Method` too.
        images: array `[n, height, width, 3]`, pixel values in [0, 255].
        batch_size: int. Defaults to 500.
        verbose: 0 or 1, whether to show a progress bar. Defaults to 0.

    Returns:
        float32 NumPy array `[n, dim]`.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet18(16, stem="small", width=4)
        >>> tfssl.transfer.features(encoder, np.zeros((3, 16, 16, 3), "uint8")).shape
        (3, 32)
    """
    out = encoder.predict(images, batch_size=batch_size, verbose=verbose)
    out = np.asarray(out, "float32")
    return out.mean(axis=(1, 2)) if out.ndim == 4 else out
