"""Compares our encoders with PyTorch's networks at full size.

    python tests/references/compare_checkpoints.py /tmp/checkpoints

The folder is one of make_checkpoints.py.
"""

import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf
from checkpoint_weights import images

import tfssl


def tensorflow_checkpoint(path):
    """A checkpoint of TensorFlow with the arrays of a file of NumPy."""
    prefix = str(path.with_suffix(".ckpt"))
    with np.load(path) as arrays:
        names = list(arrays)
        tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=[arrays[name] for name in names],
        )
    return prefix


def main():
    folder = pathlib.Path(sys.argv[1])
    for line in (folder / "list.txt").read_text().splitlines():
        name, scheme, file = line.split()
        path = folder / file
        if path.suffix == ".npz":
            path = tensorflow_checkpoint(path)
        keras.backend.clear_session()
        encoder = tfssl.zoo.convert(path, scheme)
        found = encoder.predict(images(224), verbose=0)
        expected = np.load(folder / f"{name}.npy")
        difference = np.abs(found - expected).max()
        size = np.abs(expected).max()
        print(f"{name:18} {difference:.1e} of values up to {size:.2f}")


if __name__ == "__main__":
    main()
