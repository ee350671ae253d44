"""Methods with views of several sizes."""

import itertools

from keras import ops

from tfssl import layers
from tfssl.encoders import at_size
from tfssl.methods.method import Method


class MultiCropMethod(Method):
    """Two global views, of which something is said, and any number of local ones.

    The local views come after the global ones and may be smaller: the encoder sees
    them at their size. The arguments are those of `Method`.

    Raises:
        ValueError: for fewer than two views, or views of a size that the encoder cannot
            see, see `tfssl.encoders.at_size`.

    Source: Caron et al. 2020, arXiv 2006.09882, section 3.3.
    """

    num_global = 2

    def check_views(self, count):
        if count < self.num_global:
            raise ValueError(
                f"{self.name} takes {self.num_global} global views of each image and "
                f"any number of local ones. Received: {count} views"
            )

    def view_features(self, views):
        """Features of all views, those of the first view first: `[views * batch, dim]`.

        Neighbours of one size go through the encoder as one batch.
        """
        features = [
            layers.features_of(
                at_size(self.encoder, size), ops.concatenate(list(group)), training=True
            )
            for size, group in itertools.groupby(views, key=lambda x: x.shape[1:3])
        ]
        return ops.concatenate(features)
