"""Features that are computed once and kept in a folder."""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np

from tfssl.files import whole_file
from tfssl.training import StreamedImages
from tfssl.transfer.features import features

# Images that are read at a time to tell them apart from others.
_ROWS = 500


def kept_features(encoder, images, folder=None, verbose=0):
    """`features`, read from a folder if they were computed before.

    A file counts for the weights and the configuration of its encoder, and for its
    images, to the last bit; streamed image files are told apart by name, size and time.

    Args:
        encoder, images, verbose: as in `features`.
        folder: string or `pathlib.Path`, made if it does not exist; None keeps nothing.

    Returns:
        float32 NumPy array `[n, dim]`.

    Raises:
        ValueError: as `features`.

    Example:
        >>> import tempfile, numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> images, folder = np.zeros((3, 16, 16, 3), "uint8"), tempfile.mkdtemp()
        >>> x = tfssl.transfer.kept_features(encoder, images, folder)
        >>> bool((tfssl.transfer.kept_features(encoder, images, folder) == x).all())
        True
    """
    if folder is None:
        return features(encoder, images, verbose=verbose)
    path = Path(folder) / f"{_key(encoder, images)}.npy"
    if path.exists():
        return np.load(path)
    found = features(encoder, images, verbose=verbose)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path, "wb") as file:
        np.save(file, found)
    return found


def _key(encoder, images):
    digest = hashlib.sha256()
    config = keras.saving.serialize_keras_object(encoder)
    digest.update(json.dumps(config, sort_keys=True).encode())
    for array in encoder.get_weights():
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array))
    digest.update(f"{images.shape} {images.dtype}".encode())
    identity = images.identity() if isinstance(images, StreamedImages) else None
    if identity is not None:
        digest.update(identity.encode())
        return digest.hexdigest()[:32]
    # Streamed images are not read all at once.
    for start in range(0, len(images), _ROWS):
        digest.update(np.ascontiguousarray(images[start : start + _ROWS]))
    return digest.hexdigest()[:32]
