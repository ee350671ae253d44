"""Prototypes: directions that embeddings are compared with."""

import keras
from keras import ops

from tfssl import losses
from tfssl.checks import check_count
from tfssl.heads.projection import as_projection_head, check_widths
from tfssl.layers import BatchNormalization


def prototype_layer(input_dim, count, name="prototypes"):
    """Similarities of embeddings with unit vectors, which stay so as they learn.

    The lengths are brought back to 1 after each step of the optimizer, which is no part
    of the gradient.

    Args:
        input_dim: int, width of an embedding.
        count: int, prototypes.
        name: string.

    Returns:
        A built `keras.layers.Dense` without bias, `[batch, input_dim]` to
        `[batch, count]`, in float32.

    Example:
        >>> import keras, tfssl
        >>> layer = tfssl.heads.prototype_layer(16, 100)
        >>> lengths = keras.ops.norm(layer.kernel, axis=0)
        >>> round(float(keras.ops.max(lengths)), 4), tuple(layer.kernel.shape)
        (1.0, (16, 100))

    Source: Caron et al. 2020, arXiv 2006.09882, section 3.1.
    """
    layer = keras.layers.Dense(
        count,
        use_bias=False,
        kernel_constraint=keras.constraints.UnitNorm(axis=0),
        dtype="float32",
        name=name,
    )
    layer.build((None, input_dim))
    columns = ops.transpose(ops.convert_to_tensor(layer.kernel))
    layer.kernel.assign(ops.transpose(losses.l2_normalize(columns)))
    return layer


@keras.saving.register_keras_serializable("tfssl")
class Prototypes(keras.layers.Layer):
    """Cosines of embeddings with learned directions, each times its gain.

        y_k = gain_k  x / |x| . v_k / |v_k|

    This is a weight-normalised linear layer on embeddings of length 1: the gradient
    goes through both lengths. It computes in float32.

    Args:
        count: int, prototypes.
        learned_gain: bool, whether the gains, which begin at 1, are learned; as 1-D
            weights they do not decay where such are excluded. Defaults to False: they
            are 1.
        name: string.

    Call arguments:
        x: float tensor `[batch, dim]`.

    Returns:
        float32 tensor `[batch, count]`.

    Example:
        >>> import keras, tfssl
        >>> layer = tfssl.heads.Prototypes(8)
        >>> y = layer(keras.ops.ones((4, 16)))
        >>> bool(keras.ops.max(keras.ops.abs(y)) <= 1.0), len(layer.trainable_weights)
        (True, 1)

    Source: Salimans and Kingma 2016, arXiv 1602.07868, section 2; Caron et al. 2021,
    arXiv 2104.14294, appendix C.
    """

    def __init__(self, count, learned_gain=False, name="prototypes"):
        check_count(count=count)
        super().__init__(name=name, dtype="float32")
        self.count = count
        self.learned_gain = learned_gain

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.count), initializer=_narrow(), name="kernel"
        )
        self.gain = None
        if self.learned_gain:
            self.gain = self.add_weight(
                shape=(self.count,), initializer="ones", name="gain"
            )

    def call(self, x):
        rows = losses.l2_normalize(ops.transpose(ops.convert_to_tensor(self.kernel)))
        y = ops.matmul(losses.l2_normalize(x), ops.transpose(rows))
        return y if self.gain is None else y * self.gain

    def get_config(self):
        return {
            "count": self.count,
            "learned_gain": self.learned_gain,
            "name": self.name,
        }


def prototype_head(
    input_dim,
    widths=(2048, 2048, 256),
    count=65536,
    norm=False,
    learned_gain=False,
    name="head",
):
    """An MLP with GELU, and the cosines of what it gives with prototypes.

    Args:
        input_dim: int, width of the features.
        widths: sequence of ints, the width of each linear layer; the last is that of
            the embedding. Defaults to `(2048, 2048, 256)`.
        count: int, prototypes. Defaults to 65536.
        norm: bool, whether there is batch normalisation before each GELU. Defaults to
            False.
        learned_gain: bool, whether each prototype has a learned gain. Defaults to
            False. (The authors learn it for ViT-S, and not for ViT-B.)
        name: string.

    Returns:
        A built `keras.Sequential`, `[batch, input_dim]` to `[batch, count]`; its last
        layer is the `Prototypes`.

    Raises:
        ValueError: if `widths` is empty or no sequence, or there are no prototypes.

    Example:
        >>> import tfssl
        >>> head = tfssl.heads.prototype_head(512, (64, 32), count=128)
        >>> head.output_shape, head.layers[-1].name
        ((None, 128), 'prototypes')

    Source: Caron et al. 2021, arXiv 2104.14294, section 3.1 and appendix C.
    """
    check_widths(widths)
    layers = [keras.Input((input_dim,))]
    for number, width in enumerate(widths, start=1):
        last = number == len(widths)
        layers.append(
            keras.layers.Dense(
                width,
                use_bias=not norm or last,
                kernel_initializer=_narrow(),
                name=f"linear_{number}",
            )
        )
        if not last:
            if norm:
                layers.append(BatchNormalization(name=f"norm_{number}"))
            layers.append(keras.layers.Activation("gelu", name=f"gelu_{number}"))
    return keras.Sequential([*layers, Prototypes(count, learned_gain)], name=name)


def as_prototype_head(head, input_dim, count, **kwargs):
    """A head given as a model, or as the widths of the layers before its prototypes.

    Args:
        head: built `keras.Model` from `[batch, input_dim]`, or a sequence of ints.
        input_dim: int, width of the features.
        count: int, prototypes, for widths.
        **kwargs: of `prototype_head`, for widths.

    Returns:
        `keras.Model`.

    Raises:
        ValueError: if it is neither, or the model takes features of another width.
    """
    if isinstance(head, (list, tuple)):
        return prototype_head(input_dim, head, count, **kwargs)
    return as_projection_head(head, input_dim)


def _narrow():
    return keras.initializers.TruncatedNormal(stddev=0.02)
