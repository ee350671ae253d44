"""Resizing and blur that read only the pixels that count.

As products with whole matrices (`geometry.separable`) they are two calls, which is best
where calls cost, uncompiled, and where products are almost free, on an accelerator.
Compiled by XLA for a CPU, a sum over the few pixels that a result depends on takes a
fraction of the time. Both forms give the same values.

All sums here run over rows whose numbers lie side by side in memory. For the columns
the images are turned: `[batch, width, channels, height]`, which is also how the
transforms hand images on without moving them, as XLA sees through `transpose`.
"""

import sys

import keras
from keras import ops

# With more pixels a result than these the whole matrix is as fast, and compiles faster.
MOST_TAPS = 16
MOST_BLUR_TAPS = 47


def pays(x):
    """Whether what becomes of a tensor is compiled by XLA for a single CPU.

    Example:
        >>> from keras import ops
        >>> from tfssl.views import banded
        >>> banded.pays(ops.zeros(3))
        False
    """
    if keras.backend.backend() == "jax":
        import jax

        compiled = isinstance(x, jax.core.Tracer)
        return compiled and jax.default_backend() == "cpu" and jax.device_count() == 1
    if keras.backend.backend() != "tensorflow":
        return False
    # Keras has imported TensorFlow when it is the backend.
    tf = sys.modules["tensorflow"]
    from tensorflow.python.ops import control_flow_util

    graph = tf.compat.v1.get_default_graph()
    compiled = control_flow_util.GraphOrParentsInXlaContext(graph)
    return compiled and all(
        device.device_type == "CPU" for device in tf.config.list_logical_devices()
    )


def resize(images, rows, columns):
    """Sums over the rows and the columns that a result depends on.

    Args:
        images: tensor `[batch, height, width, channels]`.
        rows, columns: pairs of an int32 tensor `[batch, size]`, the first pixel of
            each result, and a float32 tensor `[batch, taps, size]`, the weights of it
            and of those that follow.

    Returns:
        float32 tensor `[batch, *sizes, channels]`.
    """
    batch = ops.shape(images)[0]
    height, width, channels = images.shape[1:]
    new_height, new_width = rows[0].shape[1], columns[0].shape[1]
    sure = ops.any(rows[0] >= 0)

    lines = ops.reshape(images, (batch, height, width * channels))
    lines = apart(
        sure, lambda: _sum(lines, *rows), (batch, new_height, width * channels)
    )
    turned = apart(
        sure,
        lambda: ops.transpose(lines, (0, 2, 1)),
        (batch, width * channels, new_height),
    )
    turned = ops.reshape(turned, (batch, width, channels * new_height))
    turned = apart(
        sure, lambda: _sum(turned, *columns), (batch, new_width, channels * new_height)
    )
    turned = ops.reshape(turned, (batch, new_width, channels, new_height))
    return ops.transpose(turned, (0, 3, 1, 2))


def blur(images, kernel, mask):
    """A symmetric kernel over rows and columns, with reflected borders.

    Images are taken one at a time, so that those left alone cost nothing.

    Args:
        images: float tensor `[batch, height, width, channels]`.
        kernel: float32 tensor `[batch, radius + 1]`, the weights of the pixel itself
            and of its neighbours at each distance.
        mask: bool tensor `[batch]`, which images to blur.

    Returns:
        float32 tensor of the same shape.
    """
    turned = ops.transpose(ops.cast(images, "float32"), (0, 2, 3, 1))
    shape = turned.shape[1:]

    def body(place, done):
        start = (place, 0, 0, 0)
        one = ops.slice(turned, start, (1, *shape))
        weights = ops.slice(kernel, (place, 0), (1, kernel.shape[1]))
        one = ops.cond(mask[place], lambda: _blur(one, weights), lambda: one)
        return place + 1, ops.slice_update(done, start, one)

    batch = ops.shape(images)[0]
    first = ops.cast(0, "int32")
    _, done = ops.while_loop(lambda place, _: place < batch, body, (first, turned))
    return ops.transpose(done, (0, 3, 1, 2))


def _blur(turned, kernel):
    _, width, channels, height = turned.shape
    radius = kernel.shape[1] - 1
    sure = ops.any(kernel > 0.0)
    border = (radius, radius)

    def padded():
        return ops.pad(turned, ((0, 0), border, (0, 0), border), mode="reflect")

    def over_columns():
        return _symmetric(lambda at: x[:, radius + at : radius + at + width], kernel)

    def over_rows():
        return _symmetric(lambda at: y[..., radius + at : radius + at + height], kernel)

    tall = height + 2 * radius
    x = apart(sure, padded, (1, width + 2 * radius, channels, tall))
    y = apart(sure, over_columns, (1, width, channels, tall))
    return over_rows()


def apart(sure, compute, shape):
    """What a function computes, in memory before it is read.

    XLA writes a producer into each of the places where a consumer reads it, so that
    sums over neighbours of sums over neighbours are computed many times over. It does
    not look into a branch.

    Args:
        sure: bool scalar tensor that is always true, and not known when compiled.
        compute: function of nothing that returns a float32 tensor.
        shape: its shape.
    """
    return ops.cond(sure, compute, lambda: ops.zeros(shape, "float32"))


def _sum(lines, first, weights):
    """Sums `[batch, size, n]` of weighted lines, given `[batch, lines, n]`."""
    batch, count = ops.shape(lines)[0], lines.shape[1]
    flat = ops.reshape(lines, (batch * count, lines.shape[2]))
    first = first + count * ops.arange(batch, dtype="int32")[:, None]
    taps = ops.arange(weights.shape[1], dtype="int32")[None, :, None]
    read = ops.take(flat, first[:, None] + taps, axis=0)
    return ops.sum(weights[..., None] * ops.cast(read, "float32"), axis=1)


def _symmetric(at, kernel):
    weights = kernel[:, :, None, None, None]
    total = weights[:, 0] * at(0)
    for offset in range(1, weights.shape[1]):
        total = total + weights[:, offset] * (at(-offset) + at(offset))
    return total
