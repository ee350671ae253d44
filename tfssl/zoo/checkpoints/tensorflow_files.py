"""TensorFlow's checkpoints: an index and the numbers, no graph."""

import functools

from tfssl.zoo.checkpoints.stored import StoredArray, refused
from tfssl.zoo.errors import FormatError


def read_tensorflow(prefix):
    """Dict from names to `StoredArray`s.

    Args:
        prefix: string, path of the files without `.index` and `.data-00000-of-00001`.

    Raises:
        FormatError: if they cannot be read, or TensorFlow is not installed.
    """
    try:
        import tensorflow as tf
    except ImportError as error:
        raise FormatError(
            "a checkpoint of TensorFlow, which reads it and is not installed: pip "
            "install tensorflow"
        ) from error
    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes = reader.get_variable_to_shape_map()
        kinds = reader.get_variable_to_dtype_map()
    except tf.errors.OpError as error:
        raise FormatError(error.message) from error

    def read(name):
        with refused(prefix):
            try:
                return reader.get_tensor(name)
            except tf.errors.OpError as error:
                raise FormatError(error.message) from error

    return {
        name: StoredArray(
            shape, kinds[name].as_numpy_dtype, functools.partial(read, name)
        )
        for name, shape in shapes.items()
    }
