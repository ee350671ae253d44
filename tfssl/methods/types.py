"""Types of arguments that several signatures share."""

from collections.abc import Sequence

import keras

from tfssl.optimizers import Schedule
from tfssl.views import Views

# A method's views, or the transforms that make them.
ViewsLike = Views | Sequence
# A network on features, or the widths of its layers.
HeadLike = keras.Model | Sequence[int]
# What may change over the run.
Number = float | Schedule
