"""Which weights decay where biases and normalisation do not, and by how much."""

import re

from tfssl.checks import check_not_negative
from tfssl.optimizers.progress import Schedule


def is_matrix(variable):
    """Whether a weight decays where biases and normalisation do not.

    Kernels do, and what else has two axes: tokens and tables of positions, as in the
    papers' codes. Biases do not, in attention neither, whose biases have an axis for
    the heads; nor do the weights of normalisation, which have one axis.

    Args:
        variable: `keras.Variable`, or what a replica has of it.

    Returns:
        bool.

    Example:
        >>> import keras
        >>> from tfssl.optimizers.matrices import is_matrix
        >>> attention = keras.layers.MultiHeadAttention(num_heads=2, key_dim=3)
        >>> attention.build((None, 5, 6), (None, 5, 6))
        >>> [(w.name, is_matrix(w)) for w in attention.weights[:2]]
        [('kernel', True), ('bias', False)]
    """
    # On replicas of TensorFlow the name goes on: bias/replica_1:0.
    return len(variable.shape) > 1 and "bias" not in re.split("[/:]", variable.name)


def check_constant_decay(weight_decay):
    """Refuses a weight decay that is negative, or that follows a schedule."""
    if isinstance(weight_decay, Schedule):
        raise ValueError(
            "weight_decay must be a number; tfssl.optimizers.AdamW alone takes a "
            f"schedule. Received: weight_decay={weight_decay}"
        )
    check_not_negative(weight_decay=weight_decay)
