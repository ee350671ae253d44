"""Blocks of a transformer, and the tokens that go into it."""

import keras
from keras import ops

from tfssl.checks import check_count
from tfssl.layers.fused import attention, gelu, layer_norm


def xavier(inputs, outputs):
    """Initial weights of a linear map: uniform, by the widths of both sides.

    Keras's own takes the axes of attention heads for the pixels of a convolution.

    Args:
        inputs, outputs: ints, the widths.

    Returns:
        `keras.initializers.Initializer`.

    Source: Glorot and Bengio 2010, section 4.2.1.
    """
    limit = (6 / (inputs + outputs)) ** 0.5
    return keras.initializers.RandomUniform(-limit, limit)


@keras.saving.register_keras_serializable("tfssl")
class TransformerBlock(keras.layers.Layer):
    """Attention, then two layers on each token; both normalise first and add.

        x <- x + attention(norm(x))
        x <- x + linear(gelu(linear(norm(x))))

    Args:
        heads: int, attention heads; they share out the width.
        mlp_ratio: int, width between the two layers as a multiple of the tokens'.
            Defaults to 4.
        name: string.

    Call arguments:
        x: tokens `[batch, tokens, width]`.
        attended: bool `[batch, tokens]`, which tokens the others see. Defaults to None,
            all.

    Returns:
        Tokens of the same shape.

    Raises:
        ValueError: for a width that the heads do not divide.

    Example:
        >>> import keras, tfssl
        >>> block = tfssl.layers.TransformerBlock(heads=2)
        >>> tuple(block(keras.ops.ones((1, 5, 8))).shape)
        (1, 5, 8)

    Source: Dosovitskiy et al. 2020, arXiv 2010.11929, equations 2 and 3.
    """

    def __init__(self, heads, mlp_ratio=4, name=None, **kwargs):
        check_count(heads=heads, mlp_ratio=mlp_ratio)
        super().__init__(name=name, **kwargs)
        self.heads = heads
        self.mlp_ratio = mlp_ratio

    def build(self, input_shape):
        width = input_shape[-1]
        hidden = self.mlp_ratio * width
        if width % self.heads:
            raise ValueError(
                f"The heads must divide the width, {width}. Received: "
                f"heads={self.heads}"
            )
        policy = {"dtype": self.dtype_policy}

        def norm(name):
            return keras.layers.LayerNormalization(epsilon=1e-6, name=name, **policy)

        def linear(inputs, outputs, name):
            layer = keras.layers.Dense(
                outputs, kernel_initializer=xavier(inputs, outputs), name=name, **policy
            )
            layer.build((*input_shape[:-1], inputs))
            return layer

        self.norm_1, self.norm_2 = norm("norm_1"), norm("norm_2")
        self.attention = keras.layers.MultiHeadAttention(
            self.heads,
            width // self.heads,
            kernel_initializer=xavier(width, width),
            name="attention",
            **policy,
        )
        self.norm_1.build(input_shape)
        self.norm_2.build(input_shape)
        self.attention.build(input_shape, input_shape)
        self.linear_1 = linear(width, hidden, "linear_1")
        self.linear_2 = linear(hidden, width, "linear_2")

    def call(self, x, attended=None, training=False):
        # [batch, queries, keys]: all tokens see the same ones.
        mask = None if attended is None else attended[:, None, :]
        y = layer_norm(self.norm_1, x, training)
        x = x + self.branch(attention(self.attention, y, mask, training), 0, training)
        y = self.linear_1(layer_norm(self.norm_2, x, training))
        y = self.linear_2(gelu(y, training))
        return x + self.branch(y, 1, training)

    def branch(self, x, number, training):
        """What is added to the tokens: of attention, number 0, or of the layers, 1."""
        return x

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "heads": self.heads,
            "mlp_ratio": self.mlp_ratio,
        }


@keras.saving.register_keras_serializable("tfssl")
class ClassToken(keras.layers.Layer):
    """Puts a learned token before the others, for what the image is as a whole.

    Args:
        position: bool, whether it has a learned position, which is added to it.
            Defaults to True.
        name: string.

    Call arguments:
        x: tokens `[batch, tokens, width]`.

    Returns:
        `[batch, 1 + tokens, width]`.

    Example:
        >>> import keras, tfssl
        >>> tuple(tfssl.layers.ClassToken()(keras.ops.ones((2, 5, 8))).shape)
        (2, 6, 8)
    """

    def __init__(self, position=True, name="class_token", **kwargs):
        super().__init__(name=name, **kwargs)
        self.position = position

    def build(self, input_shape):
        shape = (1, 1, input_shape[-1])
        normal = keras.initializers.TruncatedNormal
        self.token = self.add_weight(
            shape=shape, initializer=normal(stddev=0.02), name="token"
        )
        self.place = (
            self.add_weight(
                shape=shape, initializer=normal(stddev=0.02), name="position"
            )
            if self.position
            else None
        )

    def call(self, x):
        token = ops.convert_to_tensor(self.token)
        if self.place is not None:
            token = token + self.place
        token = ops.broadcast_to(token, (ops.shape(x)[0], 1, x.shape[-1]))
        return ops.concatenate([ops.cast(token, x.dtype), x], axis=1)

    def compute_output_shape(self, input_shape):
        batch, tokens, width = input_shape
        return (batch, None if tokens is None else tokens + 1, width)

    def get_config(self):
        return {**super().get_config(), "position": self.position}


@keras.saving.register_keras_serializable("tfssl")
class PooledTokens(keras.layers.Layer):
    """Features of tokens: the class token, or the mean of those of the patches.

    Args:
        pool: "class" or "mean".
        class_token: bool, whether the first token is no patch. Defaults to True.
        name: string.

    Call arguments:
        x: tokens `[batch, tokens, width]`.

    Returns:
        `[batch, width]`.

    Raises:
        ValueError: for another pool, or "class" without a class token.

    Example:
        >>> import keras, tfssl
        >>> tuple(tfssl.layers.PooledTokens("mean")(keras.ops.ones((2, 5, 8))).shape)
        (2, 8)
    """

    def __init__(self, pool, class_token=True, name="features", **kwargs):
        if pool not in ("class", "mean") or (pool == "class" and not class_token):
            raise ValueError(
                'pool must be "mean", or "class" with a class token. Received: '
                f"pool={pool!r}, class_token={class_token}"
            )
        super().__init__(name=name, **kwargs)
        self.pool = pool
        self.class_token = class_token

    def call(self, x):
        if self.pool == "class":
            return x[:, 0]
        return ops.mean(x[:, 1:] if self.class_token else x, axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])

    def get_config(self):
        config = {"pool": self.pool, "class_token": self.class_token}
        return {**super().get_config(), **config}
