"""The normalisations that encoders are built with, by name."""

import keras

from tfssl.layers.batch_normalization import BatchNormalization
from tfssl.layers.split_batch_normalization import SplitBatchNormalization

_LAYERS = {
    "batch": BatchNormalization,
    "split": SplitBatchNormalization,
    "layer": keras.layers.LayerNormalization,
}
NORMS = (*_LAYERS, "none")


def normalize(x, norm, **options):
    """Applies a new layer of normalisation.

    Args:
        x: symbolic tensor, with the channels last.
        norm: "batch"; "split", batch normalisation in 8 groups as for MoCo; "layer",
            over the channels of each position; or "none".
        **options: of the layer. "none" ignores them.

    Returns:
        Symbolic tensor of the same shape; `x` itself for "none".

    Raises:
        ValueError: for another norm.

    Example:
        >>> import keras, tfssl
        >>> x = keras.Input((8, 8, 16))
        >>> tfssl.layers.normalize(x, "layer", name="norm").shape
        (None, 8, 8, 16)
    """
    if norm not in NORMS:
        raise ValueError(f"norm must be one of {NORMS}. Received: {norm!r}")
    return x if norm == "none" else _LAYERS[norm](**options)(x)
