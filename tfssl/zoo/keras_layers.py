"""Networks of Keras's own layers alone, for where tfssl is not installed."""

import keras
import numpy as np

from tfssl import layers
from tfssl.layers.positions import resize_grid
from tfssl.zoo.plain import foreign_parts, plain_keras


def in_keras_layers(model):
    """A copy of a model that is made of Keras's own layers and operations.

    In inference they compute the same. Each layer of tfssl becomes a small network of
    the same name: a block of a transformer its normalisations, attention and dense
    layers, positions a bias, and so on. In training blocks are not left out at random,
    and batch statistics are as in `plain_keras`.

    Args:
        model: built functional `keras.Model` that can be made from its config. It is
            not changed.

    Returns:
        `keras.Model` with the same outputs, not compiled, which
        `keras.saving.load_model` loads where tfssl is not installed.

    Raises:
        ValueError: for layers of neither Keras nor tfssl's encoders, all of which are
            named.

    Example:
        >>> import tfssl
        >>> from tfssl.zoo.keras_layers import in_keras_layers
        >>> from tfssl.zoo.plain import needed_imports
        >>> encoder = tfssl.encoders.vit(16, width=8, depth=1)
        >>> needed_imports(in_keras_layers(encoder))
        []
    """
    # A copy of our own, whose layers are used below.
    made = _made(plain_keras(model), {})
    foreign = foreign_parts(made)
    if foreign:
        raise ValueError(
            f"{model.name} has layers that Keras alone does not know: "
            f"{'; '.join(foreign)}. Choose another format, or load it with tfssl. "
            "docs/export.md lists the layers that can be said in Keras's own."
        )
    # Without the nodes of the network that the layers came from.
    return plain_keras(made)


def _made(model, known):
    """The model with what stands for its layers; `known` holds what was made."""

    def call(layer, *args, **kwargs):
        if id(layer) not in known:
            known[id(layer)] = _stand_in(layer, args, known)
        stand_in = known[id(layer)]
        # A network takes several inputs as one list.
        several = stand_in is not layer and len(args) > 1
        return stand_in(list(args)) if several else stand_in(*args, **kwargs)

    if isinstance(model, keras.Sequential):
        x = images = keras.Input(model.input_shape[1:], name="input")
        for layer in model.layers:
            x = call(layer, x)
        return keras.Model(images, x, name=model.name)
    return keras.models.clone_model(
        model, clone_function=lambda layer: layer, call_function=call
    )


def _stand_in(layer, args, known):
    """What is called in the place of a layer."""
    # Only functional models have operations.
    if isinstance(layer, keras.Sequential) or hasattr(layer, "operations"):
        return _made(layer, known)
    for kind, network in _NETWORKS.items():
        if isinstance(layer, kind):
            inputs = [
                keras.Input(batch_shape=x.shape, dtype=x.dtype, name=f"input_{i}")
                for i, x in enumerate(args)
            ]
            outputs = network(layer, *inputs)
            one = inputs[0] if len(inputs) == 1 else inputs
            return keras.Model(one, outputs, name=layer.name)
    return layer


def _computed(layer, *inputs):
    """What a layer without weights computes, in Keras's operations."""
    return layer.call(*inputs)


def _block(block, x):
    y = block.norm_1(x)
    x = keras.layers.Add(name="add_1")([x, block.attention(y, y)])
    y = block.linear_1(block.norm_2(x))
    y = keras.layers.Activation("gelu", name="gelu")(y)
    return keras.layers.Add(name="add_2")([x, block.linear_2(y)])


def _positions(layer, x):
    rows, columns, width = x.shape[1:]
    table = keras.ops.convert_to_numpy(layer.table)
    if (rows, columns) != layer.grid:
        table = resize_grid(layer.grid, (rows, columns)) @ table
    x = keras.layers.Reshape((rows * columns, width), name="tokens")(x)
    return _plus(x, table, layer.kind == "learned")


def _class_token(layer, x):
    token = keras.ops.convert_to_numpy(layer.token)[0]
    if layer.place is not None:
        token = token + keras.ops.convert_to_numpy(layer.place)[0]
    table = np.concatenate([token, np.zeros(x.shape[1:])])
    return _plus(keras.layers.ZeroPadding1D((1, 0), name="room")(x), table, True)


def _plus(x, table, trainable):
    """Tokens plus a table, one row a token.

    Of Keras's layers only this one has a bias for each token; its factors stay 1.
    """
    layer = keras.layers.EinsumDense(
        "btd,d->btd", x.shape[1:], bias_axes="td", trainable=trainable, name="table"
    )
    y = layer(x)
    layer.set_weights([np.ones(x.shape[-1]), table])
    return y


# What stands for each layer: a function from the layer and its inputs to its output.
# Of the kinds that a layer is of, the first counts.
_NETWORKS = {
    layers.ClassToken: _class_token,
    layers.MixHalves: _computed,
    layers.Patches: _computed,
    layers.PooledTokens: _computed,
    layers.Positions: _positions,
    layers.SplitImage: _computed,
    layers.SqueezeHalves: _computed,
    layers.TransformerBlock: _block,
}
