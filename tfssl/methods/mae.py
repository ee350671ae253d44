"""MAE: see a quarter of the patches, and paint the others."""

import keras
from keras import ops

from tfssl import encoders, heads, layers
from tfssl.checks import check_count, check_fraction
from tfssl.methods.method import Method
from tfssl.methods.painting import Painting
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import ViewsLike
from tfssl.views import CropViews


@keras.saving.register_keras_serializable("tfssl")
class MAE(Painting, Method):
    """The pixels of hidden patches with what a decoder makes of the few that are seen.

        seen, hidden = a random division of the patches, of each image its own
        predicted = decoder(encoder(patches seen), positions)
        loss = mean of (predicted - normalize(pixels))^2 over the hidden patches

    The encoder spends nothing on hidden patches. The targets are pixels in the scale of
    the encoder, normalised over each patch. Features get better with tuning than they
    are as they come: judge them so.

    Args:
        encoder: `keras.Model`, a vision transformer such as `tfssl.encoders.vit`.
        views: `tfssl.views.Views` that makes one view. Defaults to
            `tfssl.views.CropViews` at the encoder's image size.
        mask_ratio: float in [0, 1], the fraction of the patches that is hidden, at
            least one and not all. Defaults to 0.75.
        decoder_width, decoder_depth: ints, width and blocks of the decoder. Default to
            512 and 8.
        decoder_heads: int. Defaults to one for each 32 channels.
        normalize_targets: bool, whether each patch has mean 0 and variance 1 as a
            target. Defaults to True.
        seed: int, of views and masks. Defaults to 0.

    Raises:
        ValueError: for an encoder that is no vision transformer, a ratio that hides
            no patch or all, more than one view, or a number out of range.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.vit(32, width=64, depth=2)
        >>> model = tfssl.methods.MAE(encoder, decoder_width=32, decoder_depth=1)
        >>> model.kept, model.num_patches
        (16, 64)
        >>> model.compile("adam")
        >>> images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: He et al. 2021, arXiv 2111.06377, section 3 and appendix A.1.
    """

    views_class = CropViews
    num_views = 1

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        mask_ratio: float = 0.75,
        decoder_width: int = 512,
        decoder_depth: int = 8,
        decoder_heads: int | None = None,
        normalize_targets: bool = True,
        seed: int = 0,
        name: str | None = "mae",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_fraction(mask_ratio=mask_ratio)
        check_count(decoder_width=decoder_width, decoder_depth=decoder_depth)
        if decoder_heads is None:
            decoder_heads = max(decoder_width // 32, 1)
        self.grid = encoders.token_grid(self.encoder)
        self.num_patches = self.grid[0] * self.grid[1]
        self.kept = int(self.num_patches * (1 - mask_ratio))
        if not 0 < self.kept < self.num_patches:
            raise ValueError(
                f"mask_ratio must hide at least one of {self.num_patches} patches, and "
                f"not all. Received: mask_ratio={mask_ratio}"
            )
        self.mask_ratio = mask_ratio
        self.decoder_width = decoder_width
        self.decoder_depth = decoder_depth
        self.decoder_heads = decoder_heads
        self.normalize_targets = normalize_targets
        self.patch_size = encoders.part(self.encoder, "patch_embedding").strides[0]
        self.decoder = heads.TokenPredictor(
            self.grid,
            self.feature_dim,
            decoder_width,
            decoder_depth,
            decoder_heads,
            output_dim=3 * self.patch_size**2,
            class_token=encoders.has_class_token(self.encoder),
            name="decoder",
        )

    def views_loss(self, batch):
        (images,) = batch.views
        self.check_size(images)
        seen, hidden = self.masks(ops.shape(images)[0])
        predicted = self.predict_patches(images, seen, hidden, training=True)
        target = ops.take_along_axis(self.targets(images), hidden[:, :, None], axis=1)
        return ops.mean(ops.square(predicted - target)), {}

    def masks(self, batch):
        """Which patches of each image are seen in this step, and which are hidden.

        Args:
            batch: int, number of images.

        Returns:
            Pair of ints `[batch, kept]` and `[batch, num_patches - kept]`: patches,
            counted row by row, in random order.
        """
        order = ops.argsort(self.uniform((batch, self.num_patches), "mask"), axis=1)
        return order[:, : self.kept], order[:, self.kept :]

    def predict_patches(self, images, seen, hidden, training=False):
        """What the decoder makes of hidden patches: `[batch, hidden, pixels]`."""
        tokens = encoders.encode_tokens(self.encoder, images, seen, training=training)
        return self.decoder(tokens, seen, hidden, training=training)

    def targets(self, images):
        """What the decoder should give: `[batch, num_patches, pixels]`."""
        patches = self.scaled_patches(images)
        if not self.normalize_targets:
            return patches
        mean, std = layers.patch_statistics(patches)
        return (patches - mean) / std

    def scaled_patches(self, images):
        """Patches in the scale of the encoder: `[batch, num_patches, pixels]`."""
        scaled = encoders.part(self.encoder, "pixel_scaling")(images)
        return layers.patchify(scaled, self.patch_size)


# Betas of the paper: the mean of squares forgets sooner.
_ADAM = {"beta_2": 0.95}
# Biases and norms do not decay.
_SPARING = {**_ADAM, "decay_all": False}

RECIPES = {
    "mae": {
        # Small batches for many steps: it learns slowly at first.
        "digits": digits(
            arguments={"decoder_width": 64, "decoder_depth": 1, "mask_ratio": 0.5},
            # Nearly the image: the task is made of its patches.
            views={
                "num_views": 1,
                "crop_scale": (0.9, 1.0),
                "degrees": 4.0,
                "brightness": 0.0,
            },
            encoder="vit_tiny",
            encoder_width=64,
            encoder_arguments={
                "depth": 1,
                "patch_size": 4,
                "pool": "mean",
                "positions": "sincos",
            },
            optimizer_arguments=_ADAM,
            learning_rate=4e-3,
            batch_size=16,
        ),
        "cifar": Recipe(
            arguments={"decoder_width": 192, "decoder_depth": 4},
            encoder="vit_tiny",
            encoder_width=None,
            encoder_arguments={"pool": "mean", "positions": "sincos"},
            optimizer_arguments=_SPARING,
            learning_rate=1e-3,
            weight_decay=0.05,
            warmup_epochs=10,
            epochs=400,
        ),
        "paper": Recipe(
            encoder="vit_base",
            encoder_width=None,
            encoder_arguments={
                "positions": "sincos",
                "mean": encoders.IMAGENET_MEAN,
                "std": encoders.IMAGENET_STD,
            },
            epochs=800,
            optimizer_arguments=_SPARING,
            # 2.4e-3 for 4096 images.
            learning_rate=6e-4,
            weight_decay=0.05,
            batch_size=4096,
            warmup_epochs=40,
        ),
    }
}
