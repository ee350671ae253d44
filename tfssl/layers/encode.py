"""Features of images, of all of them at once or as the present step says."""

import contextlib
import contextvars

from tfssl.layers.pooling import pooled

_run = contextvars.ContextVar("run", default=None)


def features_of(network, images, training=False):
    """Features of images, pooled if the network gives a map.

    Args:
        network: `keras.Model` from images to features or to a feature map.
        images: tensor `[batch, height, width, 3]`.
        training: bool. Defaults to False.

    Returns:
        Tensor `[batch, dim]`.

    Example:
        >>> import keras, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> tfssl.layers.features_of(encoder, keras.ops.ones((2, 16, 16, 3))).shape[1]
        32
    """

    def function(images):
        return pooled(network(images, training=training))

    run = _run.get()
    return function(images) if run is None else run(function, network, images)


@contextlib.contextmanager
def features_by(run):
    """Within, `features_of` computes by `run(function, network, images)`.

    Args:
        run: function that returns what `function(images)` would; `function` reads and
            moves the variables of `network`.
    """
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)
