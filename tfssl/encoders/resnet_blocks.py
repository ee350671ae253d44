"""The blocks of residual networks."""

import keras

from tfssl.layers import MixHalves, SqueezeHalves, normalize


class Builder:
    """Convolution and normalisation with the settings of one network."""

    def __init__(self, norm, synchronized, zero_init_residual, selective_kernels):
        self.kind = norm
        self.synchronized = synchronized
        self.zero_init_residual = zero_init_residual
        self.selective_kernels = selective_kernels

    def conv(self, x, filters, kernel, stride, name):
        if kernel > 1 and stride > 1:
            # "same" would pad at the bottom right only.
            x = keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
        return keras.layers.Conv2D(
            filters,
            kernel,
            strides=stride,
            padding="valid" if stride > 1 else "same",
            use_bias=self.kind == "none",
            kernel_initializer=keras.initializers.VarianceScaling(
                2.0, "fan_out", "untruncated_normal"
            ),
            name=f"{name}_conv",
        )(x)

    def norm(self, x, name, ends_block=False):
        starts_at_zero = ends_block and self.zero_init_residual
        options = {"gamma_initializer": "zeros" if starts_at_zero else "ones"}
        if self.kind == "batch":
            options["synchronized"] = self.synchronized
        return normalize(x, self.kind, name=f"{name}_norm", **options)

    def conv_norm_relu(self, x, filters, kernel, stride, name):
        x = self.norm(self.conv(x, filters, kernel, stride, name), name)
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    def shortcut(self, x, filters, stride, name):
        if stride == 1 and x.shape[-1] == filters:
            return x
        if self.selective_kernels and stride > 1:
            # ResNet-D: every position counts.
            x = keras.layers.AveragePooling2D(
                stride, padding="same", name=f"{name}_shortcut_pool"
            )(x)
            stride = 1
        x = self.conv(x, filters, 1, stride, f"{name}_shortcut")
        return self.norm(x, f"{name}_shortcut")

    def add(self, x, shortcut, name):
        x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
        return keras.layers.ReLU(name=f"{name}_out")(x)


def basic_block(build, x, filters, stride, name):
    shortcut = build.shortcut(x, filters, stride, name)
    x = build.conv_norm_relu(x, filters, 3, stride, f"{name}_1")
    x = build.conv(x, filters, 3, 1, f"{name}_2")
    x = build.norm(x, f"{name}_2", ends_block=True)
    return build.add(x, shortcut, name)


def bottleneck_block(build, x, filters, stride, name):
    shortcut = build.shortcut(x, 4 * filters, stride, name)
    x = build.conv_norm_relu(x, filters, 1, 1, f"{name}_1")
    if build.selective_kernels:
        x = _selective_kernel(build, x, filters, stride, f"{name}_2")
    else:
        x = build.conv_norm_relu(x, filters, 3, stride, f"{name}_2")
    x = build.conv(x, 4 * filters, 1, 1, f"{name}_3")
    x = build.norm(x, f"{name}_3", ends_block=True)
    return build.add(x, shortcut, name)


def _selective_kernel(build, x, filters, stride, name):
    """Two 3x3 convolutions, and for each channel a mixture that the image chooses."""
    both = build.conv_norm_relu(x, 2 * filters, 3, stride, name)
    # Layers, not operations: Keras goes through a network by recursion, and the deepest
    # would be too deep for Python.
    squeezed = SqueezeHalves(name=f"{name}_squeeze")(both)
    hidden = max(filters // 16, 32)
    squeezed = build.conv_norm_relu(squeezed, hidden, 1, 1, f"{name}_squeeze")
    scores = build.conv(squeezed, 2 * filters, 1, 1, f"{name}_scores")
    return MixHalves(name=f"{name}_mix")(both, scores)
