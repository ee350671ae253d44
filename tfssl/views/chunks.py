"""Views of a few images at a time: what is between two transforms stays in cache.

A view of 224 pixels takes 0.6 MB, and a pipeline passes over it some twenty times. Of a
whole batch at once each pass is a trip to memory, and to memory that the system first
has to hand out.
"""

from keras import ops

from tfssl.views import banded
from tfssl.views.random import RowStream, row_numbers

# Numbers of all the views that are made at a time.
CHUNK = 4 * 224 * 224 * 3


def view_size(pipeline, images):
    """Height and width of the views, or None where a transform does not tell.

    Args:
        pipeline: list of transforms.
        images: tensor `[batch, height, width, 3]`.
    """
    size = tuple(images.shape[1:3])
    for transform in pipeline:
        # Others than ours may look at the batch as a whole.
        if not getattr(transform, "per_image", False):
            return None
        size = transform.output_size(*size)
    return size


def chunk_size(images, copies, size):
    """How many images to take at a time; None for all of them.

    Args:
        images: tensor `[batch, height, width, 3]`.
        copies: int, the number of views of an image.
        size: of `view_size`.

    Example:
        >>> from keras import ops
        >>> from tfssl.views import chunks
        >>> print(chunks.chunk_size(ops.zeros((64, 256, 256, 3)), 2, (224, 224)))
        None
    """
    batch = images.shape[0]
    if size is None or batch is None or not banded.pays(images):
        return None
    most = max(CHUNK // (copies * size[0] * size[1] * 3), 1)
    # Chunks of one size: an image of two of them is made twice.
    steps = -(-batch // most)
    return None if steps == 1 else -(-batch // steps)


def in_chunks(make, images, stream, copies, chunk, size, places=None):
    """Several views of each image, a chunk of images at a time.

    Args:
        make: function of images and a stream that returns a list of their views.
        images: tensor `[batch, height, width, 3]`.
        stream: `RandomStream`.
        copies: int, the number of views of each image.
        chunk: int, the number of images at a time.
        size: pair of ints, height and width of the views.
        places: see `Views`.

    Returns:
        List of float32 tensors, a view each.
    """
    batch = images.shape[0]
    count = copies * chunk
    whole = (ops.arange(batch, dtype="int32"), batch)
    numbers = row_numbers(places or whole, copies)
    drawn = []

    def views_from(start):
        part = ops.slice(images, (start, 0, 0, 0), (chunk, *images.shape[1:]))
        rows = ops.slice(numbers, (0, start), (copies, chunk))
        own = RowStream(stream, ops.reshape(rows, (-1,)), count)
        views = make(part, own)
        drawn.append(own.draws)
        return views

    def body(step, *views):
        # The last chunk begins early enough to be whole.
        start = ops.minimum(step * chunk, batch - chunk)
        new = views_from(start)
        views = [
            ops.slice_update(view, (start, 0, 0, 0), part)
            for view, part in zip(views, new, strict=True)
        ]
        return step + 1, *views

    views = [ops.zeros((batch, *size, 3), "float32") for _ in range(copies)]
    steps = -(-batch // chunk)
    _, *views = ops.while_loop(
        lambda step, *_: step < steps, body, (ops.cast(0, "int32"), *views)
    )
    stream.draws = drawn[-1]
    return views
