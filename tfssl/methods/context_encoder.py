"""Context Encoders: fill a hole from what is around it."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from tfssl import encoders, heads
from tfssl.checks import check_count, check_fraction, check_not_negative
from tfssl.methods.adversarial import AdversarialMethod
from tfssl.methods.inpainting import Inpainting
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import ViewsLike
from tfssl.views import CropViews, masks

# Of the pixels of natural images, in [0, 255].
_MEAN_COLOR = (123.7, 116.3, 103.5)
_HOLES = ("center", "blocks", "region")


@keras.saving.register_keras_serializable("tfssl")
class ContextEncoder(Inpainting, AdversarialMethod):
    """What fills a hole with what was there; a discriminator may judge it too.

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
    num_views = 1

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        hole: str = "center",
        loss_region: str = "masked",
        overlap: int | None = None,
        overlap_weight: float = 10.0,
        adversarial_weight: float = 0.001,
        fill: Sequence[float] = _MEAN_COLOR,
        width: int = 64,
        seed: int = 0,
        name: str | None = "context_encoder",
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
        check_fraction(adversarial_weight=adversarial_weight)
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
        self.decoder = heads.decoder(encoder.output_shape[1:], filling_size, width)
        self.add_logs("reconstruction_loss")
        if adversarial_weight:
            self.adversary = heads.discriminator(filling_size, width)
            self.add_logs("fooling_loss", "adversary_loss")

    def views_loss(self, batch):
        (images,) = batch.views
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
        weight = self.adversarial_weight
        loss = weight * logs["fooling_loss"] + (1.0 - weight) * reconstruction
        return loss, logs

    def masks(self, batch):
        """The holes of this step: float32 `[batch, size, size, 1]`, 1 is hidden."""
        if self.hole == "center":
            return ops.convert_to_tensor(
                masks.center_mask(self.image_size, self.overlap)
            )
        make = masks.block_masks if self.hole == "blocks" else masks.region_masks
        return make(batch, self.image_size, self.stream("masks"))

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


def make_encoder(name, image_size, **kwargs):
    """An encoder by its name; a residual network gives its map to the decoder.

    Args:
        name: string, one of `tfssl.encoders.ENCODERS`.
        image_size: int, height and width of the images.
        **kwargs: as `tfssl.encoders.encoder`.

    Returns:
        `keras.Model`.
    """
    defaults = {"pooling": False, "zero_init_residual": False}
    return encoders.encoder(name, image_size, defaults=defaults, **kwargs)


def _is_halved_to_4(image_size):
    """Whether `context_cnn` can see it."""
    return image_size.bit_count() == 1


# Networks that play against each other bear less momentum.
_ADVERSARIAL = {"beta_1": 0.5}

RECIPES = {
    "context_encoder": {
        "digits": digits(
            measured="37 s on 2 CPU cores; kNN .907 with 5 labels per class, .986 with "
            "all 1,297 [77fad41]",
            arguments={"hole": "blocks", "adversarial_weight": 0, "width": 16},
            # Nearly the image: the task is made of its holes.
            views={
                "num_views": 1,
                "crop_scale": (0.9, 1.0),
                "degrees": 4.0,
                "brightness": 0.0,
            },
            make_encoder=make_encoder,
            encoder="context_cnn",
            encoder_arguments={"bottleneck": 128},
        ),
        "cifar": Recipe(
            measured="--encoder_width=32 --set=hole=blocks, 4 epochs on CIFAR-10; "
            "kNN .472, linear .529 [80a8044]",
            arguments={"width": 32},
            views={"crop_scale": (0.5, 1.0)},
            make_encoder=make_encoder,
            encoder="context_cnn",
            encoder_arguments={"bottleneck": 512},
            optimizer="adam",
            optimizer_arguments=_ADVERSARIAL,
            weight_decay=0.0,
            batch_size=128,
            fits=_is_halved_to_4,
            elsewhere={"encoder": "resnet18"},
        ),
        "paper": Recipe(
            make_encoder=make_encoder,
            encoder="context_cnn",
            optimizer="adam",
            optimizer_arguments=_ADVERSARIAL,
            # 2e-3 for 64 images, ten times the discriminator's.
            learning_rate=4e-3,
            weight_decay=0.0,
            batch_size=64,
            milestones=(),
            fits=_is_halved_to_4,
            elsewhere={"encoder": "resnet50"},
        ),
    }
}
