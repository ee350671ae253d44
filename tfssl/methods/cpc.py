"""CPC: predict the features of the rows below from the rows above."""

from collections.abc import Sequence

import keras
from keras import ops

from tfssl import encoders, heads, losses
from tfssl.checks import check_count, check_not_negative
from tfssl.methods.method import Method
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import ViewsLike
from tfssl.views import CropViews, DigitViews, PatchViews, SimCLRViews, Views

_PATCH_VIEWS = {
    each.__name__: each for each in (CropViews, DigitViews, PatchViews, SimCLRViews)
}


@keras.saving.register_keras_serializable("tfssl")
class CPC(Method):
    """Rows of patches predicted from the rows above, against all patches of the batch.

        z = encoder(image)                            one vector for each patch
        c = context(z)                                c_r sees the rows of z up to r
        loss = mean over k of -log softmax(scale W_k c_r . targets)[z_(r + k)]

    The targets are the patches of all images of the batch, over all devices, after one
    linear layer. With four directions the grid is turned as well, so that a network of
    its own predicts upwards, leftwards and rightwards.

    Args:
        encoder: `keras.Model` of `tfssl.encoders.patch_grid`.
        views: `tfssl.views.Views` that makes one view. Defaults to
            `tfssl.views.CropViews` at the encoder's image size.
        steps: sequence of different ints, how many rows ahead to predict. Defaults to
            all that share no pixel with the last row seen.
        dim: int, width of predictions and targets; None compares with the features
            themselves, as in CPC v1. Defaults to 64.
        filters: int, width of the context network. Defaults to 256.
        blocks: int, depth of the context network; each block looks one row further up.
            Defaults to 5.
        directions: 1 (downwards) or 4. Defaults to 1.
        scale: float, not negative, multiplies the scores. Defaults to 0.1.
        patch_views: `tfssl.views.Views` with one view, which changes each patch by
            itself; or "PatchViews", "CropViews", "DigitViews" or "SimCLRViews", for
            those of `tfssl.views` with their defaults. Defaults to None.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: for an encoder that is not a grid of patches, steps that leave the
            grid or come twice, other directions, more than one view, or a number out of
            range.

    Example:
        >>> import numpy as np, tfssl
        >>> net = tfssl.encoders.resnet10(8, stem="small", width=4, norm="layer")
        >>> encoder = tfssl.encoders.patch_grid(net, image_size=32)
        >>> model = tfssl.methods.CPC(encoder, filters=16, blocks=2)
        >>> model.steps
        [2, 3, 4, 5, 6]
        >>> model.compile("adam")
        >>> images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), "uint8")
        >>> history = model.fit(images, batch_size=4, epochs=1, verbose=0)

    Source: van den Oord et al. 2018, arXiv 1807.03748, section 3.2; Henaff et al. 2019,
    arXiv 1905.09272, section 2 and appendix A.
    """

    views_class = CropViews
    num_views = 1
    log_names = ("contrastive_accuracy",)

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        steps: Sequence[int] | None = None,
        dim: int | None = 64,
        filters: int = 256,
        blocks: int = 5,
        directions: int = 1,
        scale: float = 0.1,
        patch_views: Views | str | None = None,
        seed: int = 0,
        name: str | None = "cpc",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        # A patch must be seen by itself.
        self.patches = encoders.part(self.encoder, "patches")
        self.patch_encoder = encoders.part(self.encoder, "patch_encoder")
        if directions not in (1, 4):
            raise ValueError(f"directions must be 1 or 4. Received: {directions}")
        check_count(filters=filters, blocks=blocks)
        if dim is not None:
            check_count(dim=dim)
        check_not_negative(scale=scale)
        self.grid_shape = tuple(encoder.output_shape[1:3])
        size, stride = self.patches.size, self.patches.stride
        if steps is None:
            steps = range(-(-size // stride), self.grid_shape[0])
        self.steps = list(steps)
        shortest = min(self.grid_shape if directions == 4 else self.grid_shape[:1])
        if not self.steps or min(self.steps) < 1 or max(self.steps) >= shortest:
            raise ValueError(
                f"steps must be from 1 to {shortest - 1} rows on a grid of "
                f"{self.grid_shape[0]} x {self.grid_shape[1]} patches. Received: "
                f"steps={self.steps}"
            )
        if len(set(self.steps)) < len(self.steps):
            raise ValueError(
                f"steps must differ from each other. Received: steps={self.steps}"
            )
        self.dim = dim
        self.filters = filters
        self.blocks = blocks
        self.directions = directions
        self.scale = scale
        if isinstance(patch_views, str):
            patch_views = _named_views(patch_views, self.patches.size)
        self.patch_views = patch_views
        width = self.feature_dim
        self.target = (
            None if dim is None else heads.linear_map(width, dim, "target_projection")
        )
        self.contexts = [
            heads.context_network(width, filters, blocks, f"context_{direction}")
            for direction in range(directions)
        ]
        self.predictors = [
            [
                heads.linear_map(width, dim or width, f"w_{direction}_{k}")
                for k in self.steps
            ]
            for direction in range(directions)
        ]

    def views_loss(self, batch):
        (images,) = batch.views
        z = self.grid_features(images)
        targets = z if self.target is None else self.target(z, training=True)
        targets = ops.cast(targets, "float32")
        rows = ops.reshape(targets, (-1, targets.shape[-1]))
        candidates, own = losses.candidates(rows)
        # Where each patch of these images is among the candidates.
        own = ops.reshape(own, (-1, *self.grid_shape))

        loss = accuracy = 0.0
        for direction, context in enumerate(self.contexts):
            c = context(ops.rot90(z, direction, axes=(1, 2)), training=True)
            turned = ops.rot90(own, direction, axes=(1, 2))
            for k, predictor in zip(
                self.steps, self.predictors[direction], strict=True
            ):
                predicted = ops.cast(predictor(c[:, :-k], training=True), "float32")
                predicted = ops.reshape(predicted, (-1, predicted.shape[-1]))
                logits = self.scale * ops.matmul(predicted, ops.transpose(candidates))
                below = ops.reshape(turned[:, k:], (-1,))
                loss += losses.cross_entropy(logits, below)
                accuracy += losses.accuracy(logits, below)
        terms = self.directions * len(self.steps)
        return loss / terms, {"contrastive_accuracy": accuracy / terms}

    def grid_features(self, images):
        """Features `[batch, rows, columns, dim]` of the patches, in training mode."""
        if self.patch_views is None:
            return self.encoder(images, training=True)
        # A key of its own: that of the step is for the views of whole images.
        patches = self.patches(images)
        places = self.places(ops.shape(patches)[0])
        draws = self.view_draws(self.patch_views, places, number=1)
        (patches,) = self.patch_views(patches, *draws)
        features = self.patch_encoder(patches, training=True)
        return ops.reshape(features, (-1, *self.grid_shape, self.feature_dim))


def make_encoder(name, image_size, patch_size=None, stride=None, **kwargs):
    """A grid of patches, each seen by itself.

    Args:
        name: string, one of `tfssl.encoders.ENCODERS`.
        image_size: int, height and width of the images.
        patch_size: int, side of a patch in pixels. Defaults to a quarter of the image.
        stride: int, pixels from one patch to the next. Defaults to half a patch.
        **kwargs: as `tfssl.encoders.encoder`. Patches up to 32 pixels get the small
            stem, and there are no statistics of batches: `norm="layer"`.

    Returns:
        `keras.Model` of `tfssl.encoders.patch_grid`.
    """
    patch_size = patch_size or max(image_size // 4, 1)
    options = {"norm": "layer", "small_image": 32, **kwargs}
    patch_encoder = encoders.encoder(name, patch_size, **options)
    return encoders.patch_grid(patch_encoder, image_size, stride)


def _named_views(name, size):
    if name not in _PATCH_VIEWS:
        raise ValueError(
            "patch_views must be tfssl.views.Views or the name of a class of it, one "
            f"of {', '.join(_PATCH_VIEWS)}. Received: {name!r}"
        )
    return _PATCH_VIEWS[name](size, num_views=1)


_RESNET = {"zero_init_residual": False}

RECIPES = {
    "cpc": {
        "digits": digits(
            measured="67 s on 2 CPU cores; kNN .905 with 5 labels per class, .978 with "
            "all 1,297 [77fad41]",
            # Nearly the image: the task is made of its patches.
            views={
                "num_views": 1,
                "crop_scale": (0.9, 1.0),
                "degrees": 4.0,
                "brightness": 0.0,
            },
            arguments={
                "filters": 64,
                "blocks": 2,
                "steps": (1, 2),
                "directions": 4,
                # What neighbours have in common should be the digit: they overlap.
                "patch_views": "DigitViews",
            },
            make_encoder=make_encoder,
            encoder_width=24,
            encoder_arguments={"patch_size": 12, "stride": 2, "dim": 256},
            epochs=30,
            batch_size=64,
        ),
        "cifar": Recipe(
            measured="--encoder=resnet10 --encoder_width=16, 3 epochs on CIFAR-10; "
            "kNN .425, linear .486 [80a8044]",
            # A deeper context falls slower at first.
            arguments={"filters": 128, "blocks": 2, "patch_views": "PatchViews"},
            views={"crop_scale": (0.5, 1.0)},
            make_encoder=make_encoder,
            encoder_arguments=_RESNET,
            learning_rate=2e-3,
            weight_decay=1e-4,
            batch_size=64,
        ),
        "paper": Recipe(
            arguments={"directions": 4, "patch_views": "PatchViews"},
            views={"crop_scale": (0.5, 1.0)},
            make_encoder=make_encoder,
            encoder="resnet50",
            encoder_arguments={"patch_size": 80, "stride": 36, **_RESNET},
            epochs=200,
            optimizer="adam",
            optimizer_arguments={
                "beta_1": 0.8,
                "global_clipnorm": 0.01,
                # Polyak averaging; `fit` ends with the averages.
                "use_ema": True,
                "ema_momentum": 0.9999,
            },
            # 4e-4 for 512 images.
            learning_rate=4e-4 / 2**0.5,
            weight_decay=0.0,
            batch_size=512,
            milestones=(),
            fits=lambda image_size: image_size == 260,
            # Patches of a quarter of the side: a grid of 7 x 7, as in CPC v1.
            elsewhere={"encoder_arguments": _RESNET},
        ),
    }
}
