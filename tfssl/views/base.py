"""What random transforms have in common."""

from keras import ops

from tfssl.checks import check_fraction


class Transform:
    """Base class: one attribute for each argument of the constructor, with its name.

    Transforms with equal arguments are equal.

    Example:
        >>> import keras
        >>> from tfssl.views import Transform, Views
        >>> @keras.saving.register_keras_serializable("mine")
        ... class Negative(Transform):
        ...     def __call__(self, images, stream):
        ...         return 1.0 - images
        >>> views = Views([[Negative()]])
    """

    # Whether an image's result depends on that image alone, and on the numbers that
    # the stream has in its row. Then a batch may be taken in parts.
    per_image = False

    def output_size(self, height, width):
        """Height and width of what becomes of images of this height and width."""
        return height, width

    def get_config(self):
        return dict(vars(self))

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __eq__(self, other):
        return type(self) is type(other) and self.get_config() == other.get_config()

    def __hash__(self):
        return hash(repr(self))

    def __repr__(self):
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def fraction(p):
    """The fraction of images that a transform is applied to, checked."""
    check_fraction(p=p)
    return p


def draw(images, stream, count):
    """`count` tensors `[batch]`, uniform in [0, 1).

    One draw compiles faster than many.
    """
    numbers = stream.uniform((ops.shape(images)[0], count))
    return ops.unstack(numbers, count, axis=1)


def between(unit, low, high):
    """Numbers of [0, 1) as numbers of [low, high)."""
    return low + (high - low) * unit


def where(mask, changed, images):
    """The changed images where the mask `[batch]` says so."""
    return ops.where(mask[:, None, None, None], changed, images)
