"""The named parts of encoders: what methods need of an encoder besides its features.

A part is a layer of the encoder that has the part's name; `PARTS` lists them. Names of
layers are saved and loaded with a model, in plain Keras; attributes are not.
"""

import itertools

import keras

# What each part does, and what makes an encoder that has it.
PARTS = {
    "patches": "cuts the image into patches; tfssl.encoders.patch_grid makes it",
    "patch_encoder": "sees one patch at a time; tfssl.encoders.patch_grid makes it",
    "split": "splits the image into two views; tfssl.encoders.split_pair makes it",
    "view_1": "sees the first view of two; tfssl.encoders.split_pair makes it",
    "view_2": "sees the second view of two; tfssl.encoders.split_pair makes it",
    "local": "gives the map of local features [batch, h, w, channels]; the networks of "
    "tfssl.encoders have it, and those of which tfssl.encoders.adapt takes a map",
    "patch_embedding": "makes a vector of each patch; tfssl.encoders.vit has it",
    "positions": "adds positions to the patches; tfssl.encoders.vit has it",
    "tokens": "gives tokens [batch, tokens, dim] before they are pooled; "
    "tfssl.encoders.vit has it, and networks of which tfssl.encoders.adapt takes "
    "tokens",
}


def part(encoder, name, hint=None):
    """A part of an encoder by its name.

    Args:
        encoder: functional `keras.Model`.
        name: string, such as those of `tfssl.encoders.PARTS`.
        hint: string, a sentence that says what to do if the encoder has no such part.
            Defaults to what makes an encoder that has it.

    Returns:
        `keras.layers.Layer`, which may be a `keras.Model`; for what it computes in the
        encoder see `output_of`.

    Raises:
        ValueError: if the encoder has no such part, naming those that it has, and for
            "local" the layers that give a map.

    Example:
        >>> import tfssl
        >>> net = tfssl.encoders.resnet10(8, stem="small", width=4, norm="layer")
        >>> encoder = tfssl.encoders.patch_grid(net, image_size=32)
        >>> tfssl.encoders.part(encoder, "patches").size
        8
    """
    layers = _layers(encoder)
    if name in layers:
        return layers[name]
    named = [each for each in layers if each in PARTS]
    received = f"the parts {', '.join(named)}" if named else "no named parts"
    if name == "local":
        maps = [each for each, layer in layers.items() if _gives_map(encoder, layer)]
        received += f", and maps from {', '.join(maps) if maps else 'no layer'}"
    meaning = f", which {PARTS[name]}" if name in PARTS else ""
    hint = f" {hint}" if hint else ""
    raise ValueError(
        f"{encoder.name} has no part {name!r}{meaning}.{hint} Received: a model with "
        f"{received}"
    )


def output_of(encoder, layer):
    """What a layer computes in an encoder.

    Args:
        encoder: functional `keras.Model`.
        layer: string, name of a layer or a part.

    Returns:
        The layer's symbolic output, a `keras.KerasTensor`: for
        `keras.Model(encoder.input, output_of(encoder, "local"))`.

    Raises:
        ValueError: if there is no such layer, or the encoder is not functional.

    Example:
        >>> import tfssl
        >>> encoder = tfssl.encoders.resnet10(32, stem="small", width=8)
        >>> tfssl.encoders.output_of(encoder, "local").shape
        (None, 4, 4, 64)
    """
    layers = _layers(encoder)
    if layer not in layers:
        raise ValueError(
            f"{encoder.name} has no layer {layer!r}. Received: a model with the layers "
            f"{', '.join(layers)}"
        )
    return _output(encoder, layers[layer])


def cut(encoder, layer):
    """An encoder up to one of its layers.

    Args:
        encoder: functional `keras.Model`.
        layer: string, name of a layer or a part; its output, flattened, becomes the
            features.

    Returns:
        `keras.Model` from images to features. It shares its weights with the encoder.

    Raises:
        ValueError: if there is no such layer, or the encoder is not functional.

    Example:
        >>> import tfssl
        >>> encoder = tfssl.encoders.dim_cnn(32)
        >>> tfssl.encoders.cut(encoder, "conv").output_shape
        (None, 4096)
    """
    x = output_of(encoder, layer)
    if len(x.shape) > 2:
        x = keras.layers.Flatten(name=f"{layer}_features")(x)
    return keras.Model(encoder.input, x, name=f"{encoder.name}_{layer}")


def local_map(x):
    """Names a map of local features the part `local`."""
    return keras.layers.Identity(name="local")(x)


def _layers(encoder):
    """The layers of a functional model by name."""
    if not hasattr(encoder, "operations"):
        raise ValueError(
            "encoder must be a functional keras.Model; tfssl.encoders.adapt(encoder) "
            "makes one of another. Received: "
            f"{encoder.name}, {type(encoder).__name__}"
        )
    return {layer.name: layer for layer in encoder.layers}


def _output(encoder, layer):
    # Not layer.output: that is of the first network that the layer was used in, and of
    # a model which is a layer it is of no network around it.
    nodes = itertools.chain.from_iterable(encoder._nodes_by_depth.values())
    outputs = next(n.output_tensors for n in nodes if n.operation is layer)
    return outputs[0] if len(outputs) == 1 else outputs


def _gives_map(encoder, layer):
    if isinstance(layer, keras.layers.InputLayer):
        return False
    return len(getattr(_output(encoder, layer), "shape", ())) == 4
