"""Losses that make embeddings an isotropic Gaussian, one random direction at a time.

They are of the batch of all replicas.
"""

import math

import numpy as np
from keras import ops

from tfssl import replicas

_KNOTS = 17
_LARGEST = 3.0


def random_directions(uniform):
    """Directions that are as likely as any other.

    Args:
        uniform: float32 tensor `[2, dim, count]` of uniform numbers in [0, 1).

    Returns:
        float32 tensor `[dim, count]`, columns of length 1.

    Example:
        >>> from tfssl import losses
        >>> from tfssl.views import RandomStream
        >>> losses.random_directions(RandomStream(0).uniform((2, 8, 3))).shape[1]
        3

    Source: Box and Muller 1958; normal numbers have no preferred direction.
    """
    radius = ops.sqrt(-2.0 * ops.log(1.0 - uniform[0]))
    normal = radius * ops.cos(2.0 * math.pi * uniform[1])
    squares = ops.sum(ops.square(normal), axis=0, keepdims=True)
    return normal * ops.rsqrt(ops.maximum(squares, 1e-12))


def sigreg(z, directions):
    """SIGReg: how far embeddings are from an isotropic Gaussian, by Epps and Pulley.

    Along each direction the empirical characteristic function is compared with that of
    a standard normal number:

        N sum_t w(t) |mean_i exp(i t z_i.a) - exp(-t^2 / 2)|^2

    at 17 points t from 0 to 3, with the weights of the trapezoidal rule times
    `2 exp(-t^2 / 2)`.

    Args:
        z: float tensor `[batch, dim]`.
        directions: float32 tensor `[dim, count]`, see `random_directions`; the same on
            all replicas.

    Returns:
        float32 scalar, the mean over the directions: about 1.05 for a Gaussian.

    Example:
        >>> import keras
        >>> from tfssl import losses
        >>> z = keras.ops.zeros((100, 8))
        >>> round(float(losses.sigreg(z, keras.ops.eye(8))), 2)  # .402 an image
        40.2

    Source: Balestriero and LeCun 2025, arXiv 2511.08544, section 4.
    """
    t = np.linspace(0.0, _LARGEST, _KNOTS, dtype="float32")
    gaussian = np.exp(-(t**2) / 2)
    weights = 2 * (t[1] - t[0]) * gaussian
    weights[[0, -1]] /= 2
    angles = ops.matmul(ops.cast(z, "float32"), directions)[..., None] * t
    waves = ops.stack([ops.cos(angles), ops.sin(angles)], axis=1)
    real, imaginary = ops.unstack(replicas.mean(ops.mean(waves, axis=0)))
    distances = ops.square(real - gaussian) + ops.square(imaginary)
    count = ops.cast(ops.shape(z)[0] * replicas.count(), "float32")
    return count * ops.mean(ops.sum(weights * distances, axis=-1))


def visreg(z, directions):
    """VISReg: centre 0, scale 1, and along each direction the shape of a Gaussian.

        centre = mean mu^2,  scale = mean (sigma - 1)^2      over the numbers
        shape = mean (sorted((z - mu) / sigma . a) - normal quantiles)^2

    Args:
        z: float tensor `[batch, dim]`.
        directions: as `sigreg`.

    Returns:
        float32 scalar, the sum of the three.

    Example:
        >>> import keras
        >>> from tfssl import losses
        >>> z = 2 * keras.ops.ones((100, 8))
        >>> value = float(losses.visreg(z, keras.ops.eye(8)))
        >>> round(value - 4 - 1, 1)  # what is left is the shape of a single point
        0.9

    Source: Wu et al. 2026, arXiv 2606.02572, algorithm 1.
    """
    z = replicas.gather(ops.cast(z, "float32"))
    mean, variance = ops.moments(z, axes=0)
    # A bare square root would have an infinite gradient at zero.
    deviation = ops.sqrt(ops.maximum(variance, 1e-12)) + 1e-6
    centre = ops.mean(ops.square(mean))
    scale = ops.mean(ops.square(deviation - 1.0))
    standard = (z - mean) / ops.stop_gradient(deviation)
    ordered = ops.sort(ops.matmul(standard, directions), axis=0)
    count = ops.shape(z)[0]
    ranks = ops.cast(ops.arange(1, count + 1), "float32")
    quantiles = ops.erfinv(2.0 * ranks / ops.cast(count + 1, "float32") - 1.0)
    shape = ops.mean(ops.square(ordered - math.sqrt(2.0) * quantiles[:, None]))
    return centre + scale + shape
