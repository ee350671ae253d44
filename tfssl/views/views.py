"""From a batch of images to batches of views."""

import functools
import inspect
import itertools

import keras
from keras import ops

from tfssl.views import chunks
from tfssl.views.random import RandomStream, RowStream, row_numbers


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
        places: when the images are a part of a batch, a pair of an int32 tensor
            `[batch]`, their places in it, and an int, how many it has. They get the
            views that they get within the whole. Defaults to None: they are the whole.

    Returns:
        Tuple of float32 tensors `[batch, height, width, 3]`, pixel values in [0, 255].

    Raises:
        ValueError: if there is no pipeline, for what is no transform, such as a layer
            of Keras, or if the images, or what a transform returns, are not RGB images
            of a known height and width.

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
        if not _are_pipelines(pipelines):
            raise ValueError(
                "pipelines must hold a list of transforms for each view, such as "
                "tfssl.views.Views([[tfssl.views.RandomFlip()]] * 2). Received: "
                f"{pipelines!r}"
            )
        for transform in itertools.chain(*pipelines):
            check_transform(transform)
        self.pipelines = [list(pipeline) for pipeline in pipelines]

    @property
    def num_views(self):
        return len(self.pipelines)

    def __call__(self, images, seed=None, places=None):
        images = _checked(images)
        if seed is None:
            seed = keras.random.randint((2,), 0, 2**31 - 1)
        stream = RandomStream(seed)
        views = []
        for pipeline, same in itertools.groupby(self.pipelines):
            copies = len(list(same))
            size = chunks.view_size(pipeline, images)
            chunk = chunks.chunk_size(images, copies, size)
            make = functools.partial(_transformed, pipeline, copies=copies)
            if chunk is not None:
                views.extend(
                    chunks.in_chunks(make, images, stream, copies, chunk, size, places)
                )
            elif places is None:
                views.extend(make(images, stream))
            else:
                rows = ops.reshape(row_numbers(places, copies), (-1,))
                own = RowStream(stream, rows, ops.shape(rows)[0])
                views.extend(make(images, own))
                stream.draws = own.draws
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


def _are_pipelines(x):
    sequence = (list, tuple)
    return isinstance(x, sequence) and x and all(isinstance(p, sequence) for p in x)


def check_transform(transform):
    """Refuses what is no function of images and random numbers.

    Args:
        transform: what was given as a transform.

    Raises:
        ValueError: with what to write instead.

    Example:
        >>> from tfssl.views import RandomFlip
        >>> from tfssl.views.views import check_transform
        >>> check_transform(RandomFlip())
    """
    # A layer has a state of random numbers of its own; views are a function of the
    # seed of the step, so that a run can be repeated and go on.
    if isinstance(transform, keras.layers.Layer) or not callable(transform):
        kind = "Keras layer " if isinstance(transform, keras.layers.Layer) else ""
        raise ValueError(
            "A transform is called with images [batch, height, width, 3] in [0, 1] and "
            "the stream of the step's random numbers. Take those of tfssl.views, or "
            "write class Mine(tfssl.views.Transform): def __call__(self, images, "
            "stream): return a function of the images and of "
            f"stream.uniform((batch,)). Received: {kind}{transform!r}"
        )


def check_made(views, batch_size):
    """Refuses what are no views of a batch of images.

    Args:
        views: what a function of images and seed returned.
        batch_size: int, or None while it is unknown.

    Returns:
        Tuple of the views.

    Raises:
        ValueError: naming the first that is no batch of as many RGB images.

    Example:
        >>> import numpy as np
        >>> from tfssl.views.views import check_made
        >>> len(check_made([np.zeros((4, 16, 16, 3))] * 2, 4))
        2
    """
    several = isinstance(views, (list, tuple))
    for view in views if several else [views]:
        if not several or not _are_images(view, batch_size):
            raise ValueError(
                "views must return a tuple of batches of RGB images, [batch, height, "
                "width, 3] in [0, 255], with a view of each image. Received: "
                f"{_described(view)} for {batch_size} images"
            )
    return tuple(views)


def _are_images(x, count=None):
    """Whether `x` may be a batch of so many RGB images; None is not known yet."""
    shape = tuple(getattr(x, "shape", ()))
    if len(shape) != 4 or shape[3] not in (3, None):
        return False
    return None in (shape[0], count) or shape[0] == count


def _described(x):
    shape = getattr(x, "shape", None)
    return repr(x) if shape is None else f"{type(x).__name__} of shape {tuple(shape)}"


def as_views(views, count):
    """The views that an argument `views` stands for.

    Args:
        views: `Views`, or another function of images and seed with `num_views`; a list
            of transforms, which make each of the views; or a list of lists of them,
            one for each view.
        count: int, how many views a list of transforms makes.

    Returns:
        The views themselves, or `Views`.

    Raises:
        ValueError: for anything else.

    Example:
        >>> from tfssl.views import RandomFlip
        >>> from tfssl.views.views import as_views
        >>> as_views([RandomFlip()], 2)
        Views([[RandomFlip(p=0.5)], [RandomFlip(p=0.5)]])
    """
    if isinstance(views, (list, tuple)) and views:
        return Views(views if _are_pipelines(views) else [views] * count)
    if isinstance(views, keras.layers.Layer):
        check_transform(views)
    if not _takes_images_and_seed(views) or not hasattr(views, "num_views"):
        raise ValueError(
            "views must be tfssl.views.Views([[transform, ...], ...]) with a list of "
            "transforms for each view, or one list for all; or a function of images "
            f"and seed with the attribute num_views. Received: {views!r}"
        )
    return views


def _takes_images_and_seed(views):
    # A class would be made, not called.
    if not callable(views) or isinstance(views, type):
        return False
    try:
        inspect.signature(views).bind("images", "seed")
    except TypeError:
        return False
    except ValueError:
        # A function of C does not say what it takes.
        pass
    return True


def takes_places(views):
    """Whether views of a part of a batch can be those within the batch.

    Args:
        views: `Views`, or another function of images and seed.

    Example:
        >>> from tfssl.views import SimCLRViews
        >>> from tfssl.views.views import takes_places
        >>> takes_places(SimCLRViews(32)), takes_places(lambda images, seed: images)
        (True, False)
    """
    try:
        return "places" in inspect.signature(views).parameters
    except ValueError:
        # A function of C does not say what it takes.
        return False


def _transformed(pipeline, images, stream, copies):
    """A list of `copies` views of the images."""
    # One batch of all the copies: compiling takes no longer for many views.
    batch = ops.tile(ops.cast(images, "float32") / 255.0, (copies, 1, 1, 1))
    for transform in pipeline:
        batch = transform(batch, stream)
        if not _are_images(batch):
            raise ValueError(
                "A transform must return images [batch, height, width, 3] in [0, 1]. "
                f"Received: {_described(batch)} from {transform!r}"
            )
    # Interpolation rounds to just beyond the range.
    return ops.split(ops.clip(batch * 255.0, 0.0, 255.0), copies)


def _checked(images):
    """The images as a tensor of a shape that views are made of."""
    images = ops.convert_to_tensor(images)
    if len(images.shape) != 4 or images.shape[3] != 3 or None in images.shape[1:3]:
        raise ValueError(
            "images must be [batch, height, width, 3] with a known height and width; "
            "repeat the channel of grey images three times. Received: "
            f"shape={tuple(images.shape)}"
        )
    return images
