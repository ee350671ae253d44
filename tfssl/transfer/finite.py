"""A check of the features that a protocol is given."""

import numpy as np


def check_finite(features, name):
    """Refuses features that are not finite, which no classifier can compare.

    Args:
        features: float array `[n, dim]`.
        name: string, what the error calls them.

    Raises:
        ValueError: if one of them is NaN or infinite.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer.finite import check_finite
        >>> check_finite(np.ones((2, 3)), "features")
    """
    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(
            f"{name} must be finite; an encoder whose training failed gives others. "
            f"Received: {np.sum(~finite)} of {len(finite)} rows that are not, such as "
            f"row {row}: {np.asarray(features)[row, :8]}"
        )
