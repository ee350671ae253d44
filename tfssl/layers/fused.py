"""What a transformer trains with on TensorFlow: the same numbers, in less time.

On a CPU, GELU and layer normalisation take a dozen passes over memory, with their
gradients. XLA makes them two, and what is kept for the gradient is the input alone. The
linear maps of Keras's attention are a product for each image, whose gradients are a
matrix for each image, to be added up. Here they are one product.

On other backends all is Keras's, in inference too outside of `hastened`, as what is
exported must be. On a GPU the passes are.
"""

import contextlib
import contextvars
import functools
import math

import keras
from keras import ops

_hastens = contextvars.ContextVar("hastens", default=False)


@contextlib.contextmanager
def hastened():
    """Within, inference is computed in the operations of training.

    Of this thread: replicas, which have threads of their own, keep to Keras's.

    Example:
        >>> import keras
        >>> from tfssl.layers.fused import gelu, hastened
        >>> with hastened():
        ...     y = gelu(keras.ops.convert_to_tensor([-1.0, 0.0, 1.0]))
        >>> [round(float(v), 3) for v in y]
        [-0.159, 0.0, 0.841]
    """
    token = _hastens.set(True)
    try:
        yield
    finally:
        _hastens.reset(token)


def gelu(x, training=False):
    """The exact GELU, `x * P(normal <= x)`, of each number.

    Args:
        x: float tensor.
        training: bool. Defaults to False.

    Returns:
        Tensor of the same shape and dtype.

    Example:
        >>> import keras
        >>> from tfssl.layers.fused import gelu
        >>> y = gelu(keras.ops.convert_to_tensor([-1.0, 0.0, 1.0]))
        >>> [round(float(v), 3) for v in y]
        [-0.159, 0.0, 0.841]

    Source: Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2.
    """
    if _fuses(training) and not _has_gpu():
        return _compiled_gelu()(x)
    return ops.gelu(x, approximate=False)


def layer_norm(layer, x, training=False):
    """What a layer normalisation makes of its inputs.

    Args:
        layer: built `keras.layers.LayerNormalization` of the last axis, with a scale
            and a centre.
        x: float tensor.
        training: bool. Defaults to False.

    Returns:
        Tensor of the same shape, in the layer's compute dtype.

    Source: Ba et al. 2016, arXiv 1607.06450, section 3.
    """
    if _fuses(training) and not _has_gpu():
        x = ops.cast(x, layer.compute_dtype)
        return _compiled_layer_norm()(
            x, layer.gamma.value, layer.beta.value, layer.epsilon
        )
    return layer(x)


def attention(layer, x, mask=None, training=False):
    """What tokens make of each other by multi-head attention.

    Args:
        layer: built `keras.layers.MultiHeadAttention` without dropout.
        x: tokens `[batch, tokens, width]`.
        mask: bool `[batch, 1 or tokens, tokens]`, which tokens each looks at. Defaults
            to None, all.
        training: bool. Defaults to False.

    Returns:
        Tokens of the same shape.

    Source: Vaswani et al. 2017, arXiv 1706.03762, section 3.2.2.
    """
    if not _fuses(training):
        return layer(x, x, attention_mask=mask)
    query, key, value = (
        _projected(dense, x, 1)
        for dense in (layer.query_dense, layer.key_dense, layer.value_dense)
    )
    found = ops.dot_product_attention(
        query, key, value, mask=None if mask is None else mask[:, None]
    )
    return _projected(layer.output_dense, found, 2)


def _projected(dense, x, axes):
    """What a `keras.layers.EinsumDense` makes of the last axes, by one product."""
    kernel, bias = (ops.convert_to_tensor(v) for v in (dense.kernel, dense.bias))
    inputs, outputs = kernel.shape[:axes], kernel.shape[axes:]
    rows = ops.reshape(x, (-1, math.prod(inputs)))
    y = ops.matmul(rows, ops.reshape(kernel, (math.prod(inputs), -1)))
    y = y + ops.reshape(bias, (-1,))
    batch, tokens = ops.shape(x)[:2]
    return ops.reshape(y, (batch, tokens, *outputs))


def _fuses(training):
    wanted = training or _hastens.get()
    return wanted and keras.backend.backend() == "tensorflow"


def _has_gpu():
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _compiled(function):
    """The function by XLA, with results of the shape of its first argument."""
    import tensorflow as tf

    compiled = tf.function(
        function, jit_compile=True, autograph=False, reduce_retracing=True
    )

    def call(x, *others):
        results = compiled(x, *others)
        first = results[0] if isinstance(results, tuple) else results
        # Traced for many shapes it forgets them.
        first.set_shape(x.shape)
        return results

    return call


def _wide(x):
    import tensorflow as tf

    return tf.cast(x, tf.float64 if x.dtype == tf.float64 else tf.float32)


@functools.cache
def _compiled_gelu():
    import tensorflow as tf

    def share_below(x):
        return 0.5 * (1.0 + tf.math.erf(x * math.sqrt(0.5)))

    @_compiled
    def forward(x):
        wide = _wide(x)
        return tf.cast(wide * share_below(wide), x.dtype)

    @_compiled
    def backward(x, upstream):
        wide = _wide(x)
        density = tf.exp(-0.5 * tf.square(wide)) / math.sqrt(2.0 * math.pi)
        slope = share_below(wide) + wide * density
        return tf.cast(slope * _wide(upstream), x.dtype)

    @tf.custom_gradient
    def run(x):
        return forward(x), lambda upstream: backward(x, upstream)

    return run


@functools.cache
def _compiled_layer_norm():
    import tensorflow as tf

    def mean(x):
        return tf.reduce_mean(x, axis=-1, keepdims=True)

    def standardized(x, epsilon):
        """Numbers of mean 0 and variance 1, and what they were multiplied with."""
        x = _wide(x)
        x = x - mean(x)
        scale = tf.math.rsqrt(mean(tf.square(x)) + tf.cast(epsilon, x.dtype))
        return x * scale, scale

    def total(x):
        """Over all rows. A sum of columns is slow; a product is not."""
        rows = tf.reshape(x, (-1, tf.shape(x)[-1]))
        return tf.matmul(tf.ones_like(rows[:, :1]), rows, transpose_a=True)[0]

    @_compiled
    def forward(x, gamma, beta, epsilon):
        unit, _ = standardized(x, epsilon)
        return tf.cast(unit * gamma + beta, x.dtype)

    @_compiled
    def backward(x, upstream, gamma, epsilon):
        unit, scale = standardized(x, epsilon)
        upstream = _wide(upstream)
        slope = upstream * gamma
        slope = scale * (slope - mean(slope) - unit * mean(slope * unit))
        return tf.cast(slope, x.dtype), total(upstream * unit), total(upstream)

    def run(x, gamma, beta, epsilon):
        # Their values: a custom gradient refuses variables.
        gamma, beta = tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta)
        epsilon = tf.constant(epsilon)

        @tf.custom_gradient
        def normalized(x, gamma, beta):
            return (
                forward(x, gamma, beta, epsilon),
                lambda upstream: backward(x, upstream, gamma, epsilon),
            )

        return normalized(x, gamma, beta)

    return run
