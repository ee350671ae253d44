"""Batch normalisation in groups, as if each were on a device of its own."""

import keras
from keras import ops

from tfssl import replicas
from tfssl.checks import check_count
from tfssl.layers.batch_normalization import BatchNormalization


@keras.saving.register_keras_serializable("tfssl")
class SplitBatchNormalization(BatchNormalization):
    """Normalises each of several groups of the batch with its own statistics.

    In training the batch is cut into `groups` parts in order; the moving statistics
    are the mean of theirs. Replicas share out the groups, so two replicas normalise as
    one device does on both batches; of more replicas than groups each is a group. For
    inference it is plain batch normalisation.

    Args:
        groups: int, over all replicas; the batch must be a multiple. Defaults to 8.
        **kwargs: as `tfssl.layers.BatchNormalization`, without `synchronized`.

    Raises:
        ValueError: for a batch that the groups do not divide.

    Example:
        >>> import keras, tfssl
        >>> layer = tfssl.layers.SplitBatchNormalization(groups=2)
        >>> x = keras.ops.convert_to_tensor([[0.0], [2.0], [10.0], [12.0]])
        >>> y = keras.ops.convert_to_numpy(layer(x, training=True))
        >>> [round(float(v)) for v in y[:, 0]]
        [-1, 1, -1, 1]

    Source: He et al. 2019, arXiv 1911.05722, section 3.3 (Shuffling BN); on one device
    as in the authors' CIFAR demonstration.
    """

    def __init__(self, groups=8, **kwargs):
        kwargs.pop("synchronized", None)
        check_count(groups=groups)
        super().__init__(synchronized=False, **kwargs)
        self.groups = groups

    def groups_of(self, num_replicas):
        """Groups on each of so many replicas."""
        return max(1, self.groups // num_replicas)

    def call(self, inputs, training=None, mask=None):
        groups = self.groups_of(replicas.count())
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        batch = inputs.shape[0]
        if batch is not None and batch % groups:
            raise ValueError(
                f"A batch of {batch} does not divide into {groups} groups. Choose "
                f"another batch size or number of groups. Received: batch={batch}"
            )
        if self._fuses(inputs):
            y, moments = self._fused_groups(inputs, groups)
        else:
            y, moments = self._normalized_groups(inputs, groups)
        moments = ops.mean(moments, axis=0)
        if replicas.reach() > 1:
            moments = replicas.mean(moments)
        self._move(*ops.unstack(moments))
        return ops.cast(y, self.compute_dtype)

    def _fused_groups(self, inputs, groups):
        """Normalised inputs, and mean and variance `[groups, 2, channels]`."""
        x = inputs if len(inputs.shape) == 4 else inputs[:, None, None, :]
        parts = [self._fused_with_moments(part) for part in ops.split(x, groups)]
        y = ops.concatenate([y for y, *_ in parts])
        moments = ops.stack([ops.stack(moments) for _, *moments in parts])
        return y if len(inputs.shape) == 4 else y[:, 0, 0, :], moments

    def _normalized_groups(self, inputs, groups):
        """The same without a fused kernel, which XLA makes by itself."""
        shape = ops.shape(inputs)
        x = ops.cast(inputs, "float32")
        x = ops.reshape(x, (groups, shape[0] // groups, -1, shape[-1]))
        mean, variance = ops.moments(x, axes=(1, 2), keepdims=True)
        y = (x - mean) * ops.rsqrt(variance + self.epsilon)
        if self.scale:
            y = y * ops.cast(self.gamma, "float32")
        if self.center:
            y = y + ops.cast(self.beta, "float32")
        moments = ops.stack([mean[:, 0, 0], variance[:, 0, 0]], axis=1)
        return ops.reshape(y, shape), moments

    def get_config(self):
        config = {**super().get_config(), "groups": self.groups}
        config.pop("synchronized")
        return config
