"""Features of one layer of an encoder or of several, pooled."""

import keras
from keras import ops

from tfssl.encoders import output_of
from tfssl.methods import Method

POOLS = ("mean", "max", "grid2")


def pixels(image_size):
    """An encoder whose features are the pixels themselves, to compare with.

    Args:
        image_size: int, or tuple `(height, width)`.

    Returns:
        `keras.Model` from images to float32 features `[batch, height * width * 3]`.

    Example:
        >>> import tfssl
        >>> tfssl.transfer.pixels(16).output_shape
        (None, 768)
    """
    size = (image_size,) * 2 if isinstance(image_size, int) else tuple(image_size)
    images = keras.Input((*size, 3), name="images")
    features = keras.layers.Flatten(dtype="float32", name="features")(images)
    return keras.Model(images, features, name="pixels")


def feature_model(encoder, layer=None, pool=None):
    """A model from images to the features of some layers of an encoder.

    Of several layers, each one's features are brought to length 1 before they are put
    side by side. The numbers of layers differ in size by orders of magnitude, and so
    do their counts; without it the largest alone would decide what is similar, and with
    it the cosine similarity is the mean of those of the layers. The features of a
    single layer stay as they are: a common factor changes no protocol.

    Args:
        encoder: functional `keras.Model` or a `tfssl.methods.Method`, whose encoder is
            taken.
        layer: string, name of a layer or of a part (`tfssl.encoders.PARTS`), a list of
            names, or None for the output of the encoder. Defaults to None.
        pool: what becomes of maps `[batch, h, w, c]` and tokens `[batch, tokens, c]`;
            layers that give vectors stay as they are. "mean" or "max" over all places,
            "grid2" for the means of 2 x 2 cells (of an odd number of rows, the middle
            one is in both), or None, which flattens layers and takes the mean of the
            encoder's output. Defaults to None.

    Returns:
        `keras.Model` from images to float32 features `[batch, dim]`. It shares its
        weights with the encoder.

    Raises:
        ValueError: if there is no such layer or pooling, if the encoder is not
            functional, or if there is nothing to pool: no layer gives a map.

    Example:
        >>> import tfssl
        >>> encoder = tfssl.encoders.resnet10(32, stem="small", width=8)
        >>> tfssl.transfer.feature_model(encoder, "local", "grid2").output_shape
        (None, 256)
    """
    if pool not in (None, *POOLS):
        raise ValueError(f"pool must be one of {POOLS}, or None. Received: {pool!r}")
    encoder = encoder.published_encoder if isinstance(encoder, Method) else encoder
    if layer is None:
        outputs = {"the output": encoder.output}
        if pool is None and len(_shape(encoder.output, "the output")) > 2:
            pool = "mean"
    else:
        names = [layer] if isinstance(layer, str) else list(layer)
        if not names:
            raise ValueError(
                "layer must name at least one layer; None is the output of the "
                f"encoder. Received: {layer!r}"
            )
        outputs = {name: output_of(encoder, name) for name in names}
    if pool and all(len(_shape(x, name)) == 2 for name, x in outputs.items()):
        raise ValueError(
            f"pool={pool!r} is of maps; choose a layer that gives one, or no pool. "
            f"Received: vectors from {', '.join(outputs)} of {encoder.name}"
        )
    found = [_pooled(x, name, pool) for name, x in outputs.items()]
    if len(found) > 1:
        found = [ops.normalize(x, axis=-1, order=2) for x in found]
        found = [ops.concatenate(found, axis=-1)]
    return keras.Model(encoder.input, found[0], name=f"{encoder.name}_features")


def _shape(x, name):
    """The shape of a layer's output, which must be a vector, a map or tokens."""
    if not 2 <= len(getattr(x, "shape", ())) <= 4:
        raise ValueError(
            "Features are of a layer that gives one vector, map or row of tokens an "
            f"image. Received: {name}, which gives {getattr(x, 'shape', type(x))}"
        )
    return x.shape


def _pooled(x, name, pool):
    """Vectors `[batch, dim]` of a layer's output, in float32."""
    shape = _shape(x, name)
    # Sums of a map are too coarse in half precision.
    x = ops.cast(x, "float32")
    if len(shape) == 2:
        return x
    if pool is None:
        return keras.layers.Flatten()(x)
    places = tuple(range(1, len(shape) - 1))
    if pool == "mean":
        return ops.mean(x, axis=places)
    if pool == "max":
        return ops.max(x, axis=places)
    if len(shape) != 4 or None in shape[1:3] or min(shape[1:3]) < 2:
        raise ValueError(
            'pool="grid2" is of maps [batch, h, w, channels] of a known height and '
            f"width of at least 2. Received: {name}, which gives {shape}"
        )
    height, width, _ = shape[1:]
    rows, columns = (
        (slice(0, -(-size // 2)), slice(size // 2, size)) for size in (height, width)
    )
    cells = [ops.mean(x[:, r, c], axis=(1, 2)) for r in rows for c in columns]
    return ops.concatenate(cells, axis=-1)
