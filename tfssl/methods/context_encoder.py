"""Context Encoders: fill a hole from what is around it."""

import math

import keras
import numpy as np
from keras import ops

from tfssl import layers, replicas
from tfssl.checks import check_count, check_not_negative, check_share
from tfssl.methods.method import Method
from tfssl.views import CropViews, RandomStream, masks
from tfssl.views.random import fold_in

# Of the pixels of natural images, in [0, 255].
_MEAN_COLOR = (123.7, 116.3, 103.5)
_HOLES = ("center", "blocks", "region")


@keras.saving.register_keras_serializable("tfssl")
class ContextEncoder(Method):
    """Encodes an image with a hole, and decodes what was in the hole.

        filling = decoder(encoder((1 - M) x + M fill))
        reconstruction = mean of (filling - x)^2 in the hole, pixels in [-1, 1]
        loss = adversarial_weight softplus(-D(filling)) +
               (1 - adversarial_weight) reconstruction

    The discriminator D tells fillings from pixels that were there; it has an optimizer
    of its own and moves first in each step. Without it the method trains on JAX too.

    Args:
        encoder: `keras.Model` from images to features or to a feature map, such as
            `tfssl.encoders.context_cnn`. A map reaches the decoder through one fully
            connected layer a channel.
        views: `tfssl.views.Views` that makes one view. Defaults to
            `tfssl.views.CropViews` at the encoder's image size.
        hole: "center", the middle half of each side; "blocks", rectangles; or
            "region", shapes. The last two hide about a quarter of each image, each
            another, and the decoder gives the whole image. Defaults to "center".
        loss_region: "masked" or "full", where the reconstruction counts for holes that
            are not the centre. Defaults to "masked".
        overlap: int, pixels of the central filling that were visible at its edge, less
            than a quarter of the side. Defaults to a 32nd of it.
        overlap_weight: float, not negative, weight of that band. Defaults to 10.
        adversarial_weight: float in [0, 1], 0 for reconstruction alone. Defaults to
            0.001.
        fill: sequence of 3 floats in [0, 255], the colour of the hole. Defaults to the
            mean of natural images.
        width: int, channels before the last layer of the decoder. Defaults to 64.
        seed: int, of views and holes. Defaults to 0.

    Raises:
        ValueError: for another hole or region, more than one view, a number out of
            range, or an encoder for images that are not square, or that have no centre
            to hide because their side is no multiple of 4.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.context_cnn(16, width=8, bottleneck=32)
        >>> model = tfssl.methods.ContextEncoder(
        ...     encoder, adversarial_weight=0, width=8
        ... )
        >>> model.compile("adam")
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)
        >>> model.inpaint(images[:2]).shape
        (2, 16, 16, 3)

    Source: Pathak et al. 2016, arXiv 1604.07379, sections 3 and 5.
    """

    views_class = CropViews
    adversary_weight = "adversarial_weight"
    # A residual network gives its map to the decoder.
    encoder_defaults = {"pooling": False, "zero_init_residual": False}
    num_views = 1

    def __init__(
        self,
        encoder,
        views=None,
        hole="center",
        loss_region="masked",
        overlap=None,
        overlap_weight=10.0,
        adversarial_weight=0.001,
        fill=_MEAN_COLOR,
        width=64,
        seed=0,
        name="context_encoder",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        if hole not in _HOLES:
            raise ValueError(f"hole must be one of {_HOLES}. Received: {hole!r}")
        if loss_region not in ("masked", "full"):
            raise ValueError(
                f'loss_region must be "masked" or "full". Received: {loss_region!r}'
            )
        size, columns = encoder.input_shape[1:3]
        if size is None or size != columns or (hole == "center" and size % 4):
            raise ValueError(
                'The encoder must take square images, and for hole="center" with a '
                f"side that is a multiple of 4. Received: {encoder.name} for "
                f"{encoder.input_shape}"
            )
        overlap = size // 32 if overlap is None else overlap
        check_count(0, overlap=overlap)
        check_count(width=width)
        check_not_negative(overlap_weight=overlap_weight)
        check_share(adversarial_weight=adversarial_weight)
        if hole == "center" and overlap >= size // 4:
            raise ValueError(
                f"overlap must be less than {size // 4}, or no hole is left of images "
                f"of {size} pixels. Received: overlap={overlap}"
            )
        fill = list(fill)
        if len(fill) != 3 or not all(0 <= each <= 255 for each in fill):
            raise ValueError(
                f"fill must be 3 numbers in [0, 255], a colour. Received: fill={fill}"
            )
        self.image_size = size
        self.hole = hole
        self.loss_region = loss_region
        self.overlap = overlap
        self.overlap_weight = overlap_weight
        self.adversarial_weight = adversarial_weight
        self.fill = fill
        self.width = width
        filling_size = size // 2 if hole == "center" else size
        self.decoder = decoder(encoder.output_shape[1:], filling_size, width)
        self.add_logs("reconstruction_loss")
        if adversarial_weight:
            self.adversary = discriminator(filling_size, width)
            self.add_logs("fooling_loss", "adversary_loss")

    def views_loss(self, views):
        (images,) = views
        hidden = self.masks(ops.shape(images)[0])
        filling = self.fillings(images, hidden, training=True)
        real = self.framed(images / 127.5 - 1.0)
        reconstruction = self.reconstruction_loss(filling, real, hidden)
        logs = {"reconstruction_loss": reconstruction}
        if not self.adversarial_weight:
            return reconstruction, logs
        logs["adversary_loss"] = self.train_adversary(
            lambda: self.adversary_loss(real, ops.stop_gradient(filling))
        )
        logs["fooling_loss"] = ops.mean(ops.softplus(-self.scores(filling)))
        share = self.adversarial_weight
        loss = share * logs["fooling_loss"] + (1.0 - share) * reconstruction
        return loss, logs

    def masks(self, batch):
        """The holes of this step: float32 `[batch, size, size, 1]`, 1 is hidden."""
        if self.hole == "center":
            return ops.convert_to_tensor(
                masks.center_mask(self.image_size, self.overlap)
            )
        # Those of all replicas, so that two draw what one draws for both.
        stream = RandomStream(fold_in(self.key(shared=True), 1))
        make = masks.block_masks if self.hole == "blocks" else masks.region_masks
        return replicas.own(make(batch * replicas.count(), self.image_size, stream))

    def hidden_images(self, images, hidden):
        """The images with the fill in the hole: all that the encoder sees."""
        fill = np.array(self.fill, "float32")
        return ops.where(hidden > 0, fill, ops.cast(images, "float32"))

    def fillings(self, images, hidden, training=False):
        """What the decoder makes of images with a hole, in [-1, 1]."""
        features = self.encoder(self.hidden_images(images, hidden), training=training)
        return ops.cast(self.decoder(features, training=training), "float32")

    def framed(self, images):
        """The part of images that the decoder gives."""
        if self.hole != "center":
            return images
        frame = slice(self.image_size // 4, self.image_size - self.image_size // 4)
        return images[:, frame, frame]

    def reconstruction_loss(self, filling, real, hidden):
        """Mean squared error, in the hole or all over the image."""
        errors = ops.square(filling - real)
        if self.hole == "center":
            # Where the filling meets what was visible it must match.
            band = 1.0 - self.framed(hidden)
            weights = 1.0 + (self.overlap_weight - 1.0) * band
            return ops.mean(weights * errors)
        if self.loss_region == "full":
            return ops.mean(errors)
        pixels = ops.sum(hidden, axis=(1, 2, 3))
        sums = ops.sum(hidden * errors, axis=(1, 2, 3)) / errors.shape[-1]
        return ops.mean(sums / ops.maximum(pixels, 1.0))

    def scores(self, images):
        """The discriminator's logits: high for what it takes for real."""
        return ops.cast(self.adversary(images, training=True), "float32")

    def adversary_loss(self, real, filling):
        of_real = ops.mean(ops.softplus(-self.scores(real)))
        return of_real + ops.mean(ops.softplus(self.scores(filling)))

    def inpaint(self, images, mask=None):
        """Fills holes of images.

        Args:
            images: `[batch, size, size, 3]`, pixel values in [0, 255].
            mask: array `[size, size]` or `[batch, size, size]`, 1 or True for what is
                to be filled. Defaults to the central hole. A model that learned
                `hole="center"` fills nothing else.

        Returns:
            float32 array of the images' shape; outside the hole they are the images.

        Raises:
            ValueError: for a mask that the model cannot fill, or of another shape.
        """
        images = np.asarray(images, "float32")
        size = self.image_size
        if mask is None:
            mask = self._center()
        elif self.hole == "center":
            raise ValueError(
                'A model with hole="center" fills its central hole only; leave out the '
                'mask, or train with hole="blocks". Received: a mask'
            )
        mask = np.asarray(mask, "float32")
        mask = mask if mask.ndim == 4 else mask.reshape(-1, *mask.shape[-2:], 1)
        if mask.shape[1:] != (size, size, 1) or len(mask) not in (1, len(images)):
            raise ValueError(
                f"The mask must be [{size}, {size}] or one for each of the "
                f"{len(images)} images. Received: shape {mask.shape}"
            )
        mask = np.broadcast_to(mask, (len(images), *mask.shape[1:]))
        fillings = [
            ops.convert_to_numpy(
                self.fillings(images[i : i + _BATCH], mask[i : i + _BATCH])
            )
            for i in range(0, len(images), _BATCH)
        ]
        filling = np.concatenate(fillings)
        filled = images.copy()
        self.framed(filled)[...] = np.clip((filling + 1.0) * 127.5, 0.0, 255.0)
        return np.where(mask > 0, filled, images)

    def _center(self):
        """The central hole, as nearly as the side allows: `[1, size, size, 1]`."""
        rest = self.image_size % 4
        margin = self.overlap if self.hole == "center" else 0
        mask = masks.center_mask(self.image_size - rest, margin)
        return np.pad(mask, ((0, 0), (0, rest), (0, rest), (0, 0)))

    def figures(self, images):
        """Images, their holes and fillings, with the error of the fillings."""
        images = np.asarray(images, "float32")
        if self.hole == "center":
            mask = self._center()
        else:
            mask = ops.convert_to_numpy(self.masks(len(images)))
        holes = ops.convert_to_numpy(self.hidden_images(images[:_SHOWN], mask[:_SHOWN]))
        given = None if self.hole == "center" else mask
        filled = self.inpaint(images, given)
        inside = np.broadcast_to(mask > 0, images.shape)
        mean = images.mean(axis=(0, 1, 2)) + np.zeros_like(images)
        numbers = [
            f"{what}: PSNR {psnr:.2f} dB, L1 {l1:.2%}"
            for what, (psnr, l1) in {
                "fillings": _errors(filled[inside], images[inside]),
                "the mean colour": _errors(mean[inside], images[inside]),
            }.items()
        ]
        rows = [
            [("original", image), ("hole", hole), ("filling", filling)]
            for image, hole, filling in zip(
                images[:_SHOWN], holes[:_SHOWN], filled[:_SHOWN], strict=True
            )
        ]
        caption = f"In the holes of {len(images)} images, {'; '.join(numbers)}."
        return [("What it fills in", caption, rows)]


_SHOWN = 12
# Images that are filled at a time.
_BATCH = 64


def _errors(a, b):
    """PSNR in dB, and mean absolute difference as a share of the range."""
    mse = np.mean(np.square(a - b))
    psnr = 10 * math.log10(255**2 / mse) if mse else math.inf
    return psnr, np.mean(np.abs(a - b)) / 255


def decoder(features_shape, size, width, name="decoder"):
    """From features, or a map of them, to pixels in [-1, 1].

    Args:
        features_shape: tuple, `(dim,)` or `(height, width, dim)`.
        size: int, side of what it gives.
        width: int, channels before the last layer; before that they double.
        name: string.

    Returns:
        `keras.Model` to `[batch, size, size, 3]`.
    """
    inputs = x = keras.Input(features_shape)
    start = 4 if len(features_shape) == 1 else features_shape[0]
    doublings = max(round(math.log2(size / start)), 1)
    filters = [width * 2 ** min(n, 3) for n in reversed(range(doublings))]
    if len(features_shape) == 1:
        x = keras.layers.Reshape((1, 1, features_shape[0]))(x)
        x = _up(x, filters[0], 1, "valid")
    else:
        x = layers.ChannelwiseDense(name="channelwise")(x)
        x = keras.layers.Conv2D(filters[0], 1, use_bias=False)(x)
        x = keras.layers.ReLU()(layers.BatchNormalization()(x))
    for count in filters[1:]:
        x = _up(x, count)
    x = keras.layers.Conv2DTranspose(
        3, 4, 2, "same", kernel_initializer=_normal(), dtype="float32", name="pixels"
    )(x)
    if x.shape[1] != size:
        x = keras.layers.Resizing(size, size, dtype="float32")(x)
    x = keras.layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(inputs, x, name=name)


def _normal():
    # One for each layer: an initializer gives the same numbers twice.
    return keras.initializers.RandomNormal(stddev=0.02)


def _up(x, filters, stride=2, padding="same"):
    x = keras.layers.Conv2DTranspose(
        filters, 4, stride, padding, use_bias=False, kernel_initializer=_normal()
    )(x)
    return keras.layers.ReLU()(layers.BatchNormalization()(x))


def discriminator(size, width, name="discriminator"):
    """Tells pixels that were there from fillings; it does not see the context.

    Args:
        size: int, side of what it sees.
        width: int, channels of the first layer; then they double.
        name: string.

    Returns:
        `keras.Model`, `[batch, size, size, 3]` with pixels in [-1, 1] to logits
        `[batch, 1]`.
    """
    inputs = x = keras.Input((size, size, 3))
    for number in range(max(round(math.log2(size / 4)), 1)):
        x = keras.layers.Conv2D(
            width * 2 ** min(number, 3),
            4,
            2,
            "same",
            use_bias=number == 0,
            kernel_initializer=_normal(),
        )(x)
        if number:
            x = layers.BatchNormalization()(x)
        x = keras.layers.LeakyReLU(0.2)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(1, kernel_initializer=_normal(), dtype="float32")(x)
    return keras.Model(inputs, x, name=name)
