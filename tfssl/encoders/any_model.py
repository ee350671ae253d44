"""Encoders of any `keras.Model`: of Keras Applications, keras-hub, or your own."""

import keras
import numpy as np

from tfssl.encoders.parts import local_map
from tfssl.encoders.scaling import pixel_scaling


def adapt(model, image_size=None, scaling=None, output=None, pool=None, name=None):
    """An encoder made of another network.

    What it needs depends on the network:

    - `keras.applications`: `include_top=False`. Networks with `include_preprocessing`
      take pixel values in [0, 255] themselves, others need a `scaling`.
    - keras-hub: backbones expect standardised pixels, so give the `scaling` that their
      preset was trained with; `pool="first"` takes the class token of those with one.
    - A subclassed model does not say its input: give `image_size`. To be loaded it must
      be registered, and its `get_config` must say all of its arguments.

    Batch statistics of such networks are those of each replica by itself, unless their
    `keras.layers.BatchNormalization` are `synchronized`.

    Args:
        model: `keras.Model` from images `[batch, height, width, 3]`, or from a dict or
            list of one such input, to features `[batch, dim]`, a feature map
            `[batch, h, w, dim]` or tokens `[batch, tokens, dim]`, or to a dict or list
            of these.
        image_size: int, or tuple `(height, width)`, or `(None, None)` for any size.
            Defaults to what the model takes, and is needed if it does not say.
        scaling: pair `(mean, std)`, each 3 floats: the model gets pixel values in
            [0, 1], minus the mean and divided by the standard deviation;
            `((0, 0, 0), (1, 1, 1))` for plain [0, 1], `((0.5,) * 3,) * 2` for [-1, 1].
            Defaults to None: the model takes pixel values in [0, 255] itself.
        output: key or index of the output to take. Needed if there are several.
        pool: "mean" for the mean over a map or over all tokens, "first" for the first
            token. By default a map stays a map and tokens are averaged.
        name: string. Defaults to that of the model.

    Returns:
        A functional `keras.Model` around the given one, with which it shares its
        weights, from images `[batch, height, width, 3]`, pixel values in [0, 255], to
        features `[batch, dim]` or a feature map. It has the part `local` if the model
        gives a map, and `tokens` if it gives tokens, see `tfssl.encoders.parts`.

    Raises:
        ValueError: for a model with other inputs or outputs, another image size than
            the model takes, a `scaling` that is no such pair, or a `pool` that does not
            go with the output.

    Example:
        >>> import keras, tfssl
        >>> network = keras.applications.MobileNetV2(
        ...     (32, 32, 3), alpha=0.35, include_top=False, weights=None
        ... )
        >>> encoder = tfssl.encoders.adapt(network, scaling=((0.5,) * 3,) * 2)
        >>> encoder.output_shape
        (None, 1, 1, 1280)
        >>> tfssl.encoders.adapt(network, pool="mean").output_shape
        (None, 1280)
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"model must be a keras.Model. Received: {model!r}")
    if scaling is not None and np.shape(scaling) != (2, 3):
        raise ValueError(
            "scaling must be a pair (mean, std) of 3 floats each, for pixel values in "
            f"[0, 1]. Received: scaling={scaling}"
        )
    inputs, _ = _structure(model)
    images = keras.Input((*_image_size(model, inputs, image_size), 3), name="images")
    x = images if scaling is None else pixel_scaling(*scaling)(images)
    if inputs is not None:
        # As the model takes it: by itself, in a dict or in a list.
        x = keras.tree.map_structure(lambda _: x, inputs)
    x = _pooled(_chosen(model(x), output, model), pool, model)
    return keras.Model(images, x, name=name or model.name)


def as_encoder(model):
    """The encoder that a model is, or that it becomes without a decision.

    A dict or list of one input or output is unpacked, and tokens are averaged, as
    `adapt` does. What takes a decision, such as one of two outputs, is refused.

    Args:
        model: what a method was given as its encoder.

    Returns:
        The model itself, if it is built and maps images `[batch, height, width, 3]` to
        features `[batch, dim]` or a feature map `[batch, h, w, dim]`; else an encoder
        made of it, which shares its weights.

    Raises:
        ValueError: for anything else, with the call of `adapt` to write if there is
            one.

    Example:
        >>> import keras, tfssl
        >>> image = keras.Input((8, 8, 3), name="images")
        >>> tokens = keras.layers.Reshape((4, 48))(image)
        >>> network = keras.Model({"images": image}, tokens)
        >>> tfssl.encoders.as_encoder(network).output_shape
        (None, 48)
    """
    if not isinstance(model, keras.Model):
        raise _refused(repr(model))
    inputs, outputs = _structure(model)
    _image_size(model, inputs, None)
    features = _chosen(outputs, None, model)
    unpacked = all(isinstance(x, keras.KerasTensor) for x in (inputs, outputs))
    return model if unpacked and len(features.shape) != 3 else adapt(model)


def _structure(model):
    """What a model takes and what it gives: tensors, or dicts or lists of them.

    Both are None for a model that does not say, as a subclassed one.
    """
    if isinstance(model, keras.Sequential):
        return tuple(getattr(model, x, [None])[0] for x in ("inputs", "outputs"))
    # Only functional models have operations; input and output of another are those of
    # its first call.
    return (model.input, model.output) if hasattr(model, "operations") else (None,) * 2


def _image_size(model, inputs, image_size):
    """Height and width of the images of an encoder made of the model."""
    if inputs is None and image_size is None:
        raise _refused(
            f"{model.name}, {type(model).__name__}, which does not say its input",
            "model, image_size=...",
        )
    size = (image_size,) * 2 if isinstance(image_size, int) else image_size
    if inputs is None:
        return tuple(size)
    tensors = keras.tree.flatten(inputs)
    if len(tensors) != 1:
        raise _refused(
            f"{model.name} with the inputs {_keys(inputs)}",
            remedy="Make one of a single input: image = keras.Input((height, width, "
            "3)); encoder = keras.Model(image, model([image, image])), or cut the "
            "part of one input out. ",
        )
    shape = tensors[0].shape
    if len(shape) != 4 or shape[3] not in (3, None):
        remedy = "It must begin with images [batch, height, width, 3]. "
        if len(shape) == 4 and shape[3] == 1:
            remedy = (
                "One of grey images becomes one: image = keras.Input((height, width, "
                "3)); encoder = keras.Model(image, model(image[..., :1])). "
            )
        raise _refused(f"{model.name} for inputs of shape {shape}", remedy=remedy)
    own = shape[1:3]
    if size is None:
        return own
    if any(a not in (None, b) for a, b in zip(own, size, strict=True)):
        raise ValueError(
            f"image_size must be what {model.name} takes, {own}. Received: "
            f"image_size={image_size}"
        )
    return tuple(size)


def _chosen(outputs, output, model):
    """The tensor of features, or tokens, among the outputs of a model."""
    if isinstance(outputs, keras.KerasTensor):
        if output is not None:
            raise ValueError(
                f"{model.name} has one output only. Received: output={output!r}"
            )
    else:
        keys = _keys(outputs)
        if output is None and len(keys) > 1:
            raise _refused(
                f"{model.name} with the outputs {', '.join(map(repr, keys))}",
                f"model, output={keys[-1]!r}",
            )
        output = keys[0] if output is None else output
        if output not in keys:
            raise ValueError(
                f"output must be one of {', '.join(map(repr, keys))}. Received: "
                f"output={output!r}"
            )
        outputs = outputs[output]
    shape = getattr(outputs, "shape", ())
    if len(shape) not in (2, 3, 4) or not shape[-1]:
        raise _refused(f"{model.name} with output shape {shape}")
    if "float" not in outputs.dtype:
        raise _refused(f"{model.name} with an output of {outputs.dtype}")
    return outputs


def _pooled(x, pool, model):
    """Features of the output of a model, with the part that it is."""
    rank = len(x.shape)
    pools = {2: (None,), 3: (None, "mean", "first"), 4: (None, "mean")}[rank]
    if pool not in pools:
        raise ValueError(
            f"pool must be one of {pools} for {model.name}, whose output has the shape "
            f"{x.shape}. Received: pool={pool!r}"
        )
    if rank == 2:
        return x
    if rank == 4:
        x = local_map(x)
        return keras.layers.GlobalAveragePooling2D(name="features")(x) if pool else x
    x = keras.layers.Identity(name="tokens")(x)
    if pool == "first":
        return x[:, 0]
    return keras.layers.GlobalAveragePooling1D(name="features")(x)


def _keys(outputs):
    return list(outputs) if isinstance(outputs, dict) else list(range(len(outputs)))


def _refused(received, arguments=None, remedy=""):
    if arguments:
        remedy = f"tfssl.encoders.adapt({arguments}) makes one of another. "
    return ValueError(
        "encoder must be a built keras.Model from images to features [batch, dim] or a "
        f"feature map [batch, h, w, dim]. {remedy}Received: {received}"
    )
