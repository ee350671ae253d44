"""Batch normalisation: fused on one device, global over replicas."""

import keras
from keras import ops

from tfssl import replicas

_FUSED_DTYPES = ("float16", "bfloat16", "float32")


@keras.saving.register_keras_serializable("tfssl")
class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation over the last axis with the constants of the SSL papers.

    On one TensorFlow device it runs the fused kernel, which Keras does not use, for
    rows and maps up to float32 with float32 weights; all else is Keras's. Under
    `tf.distribute` with `synchronized=True` all replicas share their statistics with
    one collective a layer, but for those of masked inputs. On JAX statistics are global
    by construction.

    Args:
        momentum: float, of the moving statistics. Defaults to 0.9 (Keras: 0.99).
        epsilon: float. Defaults to 1e-5 (Keras: 1e-3).
        synchronized: bool. Defaults to True.
        **kwargs: as `keras.layers.BatchNormalization`, without `axis`.

    Example:
        >>> import keras, tfssl
        >>> layer = tfssl.layers.BatchNormalization(center=False)
        >>> layer(keras.ops.ones((8, 4, 4, 16))).shape[-1]
        16

    Source: Chen et al. 2020, arXiv 2002.05709, section 2.2 ("Global BN").
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, synchronized=True, **kwargs):
        # Keras's own synchronisation stays off: it raises on other backends and
        # makes three collectives a layer.
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)
        self.shared_statistics = synchronized

    def call(self, inputs, training=None, mask=None):
        training = training and self.trainable
        shared = training and self._shares()
        if shared or mask is not None or self.renorm or not self._fuses(inputs):
            return super().call(inputs, training=training, mask=mask)
        x = inputs if len(inputs.shape) == 4 else inputs[:, None, None, :]
        if training:
            y, mean, variance = self._fused_with_moments(x)
            self._move(mean, variance)
        else:
            y = self._fused(x, self.moving_mean, self.moving_variance)[0]
        y = ops.cast(y, self.compute_dtype)
        return y if len(inputs.shape) == 4 else y[:, 0, 0, :]

    def _shares(self):
        return self.shared_statistics and replicas.reach() > 1

    def _fuses(self, inputs):
        """Whether TensorFlow's kernel takes these inputs, and the weights."""
        return (
            keras.backend.backend() == "tensorflow"
            and len(inputs.shape) in (2, 4)
            and keras.backend.standardize_dtype(inputs.dtype) in _FUSED_DTYPES
            and self.variable_dtype == "float32"
        )

    def _fused_with_moments(self, x):
        y, mean, variance = self._fused(x)
        # The kernel returns the unbiased variance; Keras moves the biased one.
        rows = ops.cast(ops.size(x[..., 0]), "float32")
        return y, mean, variance * ops.maximum(rows - 1.0, 1.0) / rows

    def _fused(self, x, mean=None, variance=None):
        import tensorflow as tf

        channels = x.shape[-1]
        ones, zeros = tf.ones([channels]), tf.zeros([channels])
        y, batch_mean, batch_variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=ones if self.gamma is None else tf.convert_to_tensor(self.gamma),
            offset=zeros if self.beta is None else tf.convert_to_tensor(self.beta),
            mean=[] if mean is None else tf.convert_to_tensor(mean),
            variance=[] if variance is None else tf.convert_to_tensor(variance),
            epsilon=self.epsilon,
            is_training=mean is None,
        )
        return y, batch_mean, batch_variance

    def _moments(self, inputs, mask):
        """As Keras computes them; without a mask those of all replicas."""
        mean, variance = super()._moments(inputs, mask)
        if mask is not None or not self._shares():
            return mean, variance
        both = replicas.gather(ops.stack([mean, variance])[None])
        means, variances = both[:, 0], both[:, 1]
        mean = ops.mean(means, axis=0)
        # Within plus between replicas: no difference of large squares.
        spread = ops.mean(ops.square(means - mean), axis=0)
        return mean, ops.mean(variances, axis=0) + spread

    def _move(self, mean, variance):
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            value = ops.stop_gradient(value)
            old = ops.cast(moving, value.dtype)
            moving.assign(old * self.momentum + value * (1.0 - self.momentum))

    def get_config(self):
        config = {**super().get_config(), "synchronized": self.shared_statistics}
        config.pop("axis")
        return config
