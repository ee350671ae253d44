"""From a batch of images to batches of views."""

import itertools

import keras
from keras import ops

from tfssl.views.random import RandomStream


@keras.saving.register_keras_serializable("tfssl")
class Views:
    """Views of images: each is what a list of random transforms makes of them.

    Args:
        pipelines: list of lists of transforms, one list for each view. A view may have
            another size than the next (multi-crop). Neighbours that are equal are
            computed as one batch.

    Call arguments:
        images: tensor `[batch, height, width, 3]`, pixel values in [0, 255], uint8 or
            float; the batch may be unknown while a function is traced.
        seed: int or integer tensor `[2]`; the views are a function of images and seed.
            By default it is drawn from the global seed of Keras, which is not
            possible while JAX traces.

    Returns:
        Tuple of float32 tensors `[batch, height, width, 3]`, pixel values in [0, 255].

    Raises:
        ValueError: if there is no pipeline, or if the images are not RGB images of a
            known height and width.

    Example:
        >>> import numpy as np
        >>> from tfssl.views import RandomFlip, RandomResizedCrop, Views
        >>> views = Views(
        ...     [[RandomResizedCrop(32), RandomFlip()]] * 2 + [[RandomResizedCrop(16)]]
        ... )
        >>> [v.shape[1] for v in views(np.zeros((4, 40, 48, 3), "uint8"), seed=1)]
        [32, 32, 16]
        >>> Views([[RandomFlip()]])
        Views([[RandomFlip(p=0.5)]])
    """

    def __init__(self, pipelines):
        if not pipelines:
            raise ValueError("pipelines must hold a list of transforms for each view.")
        self.pipelines = [list(pipeline) for pipeline in pipelines]

    @property
    def num_views(self):
        return len(self.pipelines)

    def __call__(self, images, seed=None):
        images = _unit_range(images)
        if seed is None:
            seed = keras.random.randint((2,), 0, 2**31 - 1)
        stream = RandomStream(seed)
        views = []
        for pipeline, same in itertools.groupby(self.pipelines):
            # One batch of all the copies: compiling takes no longer for many views.
            copies = len(list(same))
            batch = ops.tile(images, (copies, 1, 1, 1))
            for transform in pipeline:
                batch = transform(batch, stream)
            # Interpolation rounds to just beyond the range.
            batch = ops.clip(batch * 255.0, 0.0, 255.0)
            views.extend(ops.split(batch, copies))
        return tuple(views)

    def __eq__(self, other):
        return type(self) is type(other) and self.pipelines == other.pipelines

    def __hash__(self):
        return hash(repr(self))

    def __repr__(self):
        return f"{type(self).__name__}({self.pipelines})"

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {"pipelines": [[serialize(t) for t in p] for p in self.pipelines]}

    @classmethod
    def from_config(cls, config):
        make = keras.saving.deserialize_keras_object
        return cls([[make(t) for t in p] for p in config["pipelines"]])


def _unit_range(images):
    """The images as float32 in [0, 1]."""
    images = ops.convert_to_tensor(images)
    if len(images.shape) != 4 or images.shape[3] != 3 or None in images.shape[1:3]:
        raise ValueError(
            "images must be [batch, height, width, 3] with a known height and width; "
            "repeat the channel of grey images three times. Received: "
            f"shape={tuple(images.shape)}"
        )
    return ops.cast(images, "float32") / 255.0
