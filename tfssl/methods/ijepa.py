"""I-JEPA: predict the features of blocks of an image from the rest of it."""

from collections.abc import Sequence

import keras
from keras import ops

from tfssl import encoders, heads, layers, losses
from tfssl.checks import check_count, check_fraction
from tfssl.methods.method import Method
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import Number, ViewsLike
from tfssl.optimizers import Cosine, Linear
from tfssl.views import BlockMasks, CropViews


@keras.saving.register_keras_serializable("tfssl")
class IJEPA(Method):
    """The teacher's features of blocks with a prediction from the patches around them.

        targets = layer_norm(teacher(image)) at the patches of four blocks  no gradient
        context = encoder(patches of a large block without the targets)
        predicted = predictor(context, positions of a block), for each of the four
        loss = smooth L1 of predicted - targets
        teacher <- momentum teacher + (1 - momentum) encoder

    The blocks of a step have one size, and each image has them in places of its own.
    The encoder sees `context_tokens` patches at the most, a random part of the context
    where it is larger; where it is smaller what fills up is not attended to.

    Args:
        encoder: `keras.Model`, a vision transformer such as `tfssl.encoders.vit`.
        views: `tfssl.views.Views` that makes one view. Defaults to
            `tfssl.views.CropViews` at the encoder's image size.
        num_targets: int, blocks to predict. Defaults to 4.
        target_scale: pair of floats, the part of the image that each takes. Defaults to
            `(0.15, 0.2)`.
        target_aspect: pair of floats, its height by its width. Defaults to
            `(0.75, 1.5)`.
        context_scale: pair of floats, the part that the context takes before the
            targets are taken out. Defaults to `(0.85, 1.0)`.
        context_tokens: int. Defaults to half of the patches.
        min_context: int; blocks are drawn anew, up to 8 times, where a smaller context
            is left. On a small grid even none may be: then a block is predicted from
            its positions alone. Defaults to 10.
        predictor_width, predictor_depth: ints, width and blocks of the predictor.
            Default to 384 and 6.
        predictor_heads: int. Defaults to one for each 32 channels.
        momentum: float in [0, 1] or schedule, of the teacher. Defaults to
            `tfssl.optimizers.Linear(0.996, 1.0)`.
        seed: int, of views and blocks. Defaults to 0.

    Raises:
        ValueError: for an encoder that is no vision transformer, blocks as large
            as the context, more than one view, or a number out of range.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.vit(
        ...     32, width=64, depth=2, class_token=False, pool="mean"
        ... )
        >>> model = tfssl.methods.IJEPA(encoder, predictor_width=32, predictor_depth=1)
        >>> model.compile("adam")
        >>> images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Assran et al. 2023, arXiv 2301.08243, section 3 and appendix A.
    """

    views_class = CropViews
    num_views = 1

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        num_targets: int = 4,
        target_scale: Sequence[float] = (0.15, 0.2),
        target_aspect: Sequence[float] = (0.75, 1.5),
        context_scale: Sequence[float] = (0.85, 1.0),
        context_tokens: int | None = None,
        min_context: int = 10,
        predictor_width: int = 384,
        predictor_depth: int = 6,
        predictor_heads: int | None = None,
        momentum: Number = Linear(0.996, 1.0),  # noqa: B008, it has no state
        seed: int = 0,
        name: str | None = "ijepa",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_fraction(momentum=momentum)
        check_count(predictor_width=predictor_width, predictor_depth=predictor_depth)
        if predictor_heads is None:
            predictor_heads = max(predictor_width // 32, 1)
        self.grid = encoders.token_grid(self.encoder)
        if context_tokens is None:
            context_tokens = max(self.grid[0] * self.grid[1] // 2, 1)
        self.draw_masks = BlockMasks(
            self.grid,
            num_targets,
            target_scale,
            target_aspect,
            context_scale,
            context_tokens,
            min_context,
        )
        self.largest_target = self.draw_masks.largest_target
        self.num_targets = num_targets
        self.target_scale = list(target_scale)
        self.target_aspect = list(target_aspect)
        self.context_scale = list(context_scale)
        self.context_tokens = context_tokens
        self.min_context = min_context
        self.predictor_width = predictor_width
        self.predictor_depth = predictor_depth
        self.predictor_heads = predictor_heads
        self.momentum = momentum
        self.class_token = encoders.has_class_token(self.encoder)
        self.predictor = heads.TokenPredictor(
            self.grid,
            self.feature_dim,
            predictor_width,
            predictor_depth,
            predictor_heads,
            output_dim=self.feature_dim,
            class_token=self.class_token,
        )
        self.teacher = layers.Teacher(self.encoder)

    def views_loss(self, batch):
        (images,) = batch.views
        self.check_size(images)
        context, attended, targets, count = self.masks(ops.shape(images)[0])
        predicted = self.predict_features(images, context, attended, targets, count)
        features = ops.take_along_axis(
            self.target_features(images)[:, None], targets[..., None], axis=2
        )
        errors = losses.smooth_l1(predicted, features)
        # Patches that fill up a block do not count.
        counted = ops.arange(self.largest_target) < count
        errors = ops.where(counted, ops.mean(errors, axis=-1), 0.0)
        return ops.mean(ops.sum(errors, axis=-1)) / ops.cast(count, "float32"), {}

    def masks(self, batch):
        """Which patches of each image are seen in this step, and which are predicted.

        See `tfssl.views.BlockMasks`, which draws them.
        """
        return self.draw_masks(batch, self.uniform)

    def predict_features(self, images, context, attended, targets, count):
        """The teacher's features of the blocks, predicted in training mode.

        Args:
            images: `[batch, height, width, 3]`.
            context, attended, targets, count: as `masks` returns them.

        Returns:
            float32 `[batch, num_targets, largest_target, dim]`.
        """
        tokens = encoders.encode_tokens(
            self.encoder, images, context, attended, training=True
        )
        if self.class_token:
            attended = ops.pad(attended, ((0, 0), (1, 0)), constant_values=True)
        blocks = self.num_targets
        # Each block is predicted by itself, from the same context.
        tokens, context, attended = (
            ops.repeat(each, blocks, axis=0) for each in (tokens, context, attended)
        )
        asked = ops.reshape(targets, (-1, self.largest_target))
        counted = ops.arange(self.largest_target) < count
        counted = ops.broadcast_to(counted, ops.shape(asked))
        attended = ops.concatenate([attended, counted], axis=1)
        predicted = self.predictor(tokens, context, asked, attended, training=True)
        return ops.reshape(
            predicted, (-1, blocks, self.largest_target, self.feature_dim)
        )

    def target_features(self, images):
        """The teacher's normalised features of all patches: `[batch, patches, dim]`."""
        (teacher,) = self.teacher.networks
        # In training its operations are the faster ones; a teacher leaves no block out.
        tokens = encoders.encode_tokens(teacher, images, training=True)
        tokens = ops.cast(tokens, "float32")
        tokens = ops.stop_gradient(tokens[:, int(self.class_token) :])
        mean, variance = ops.moments(tokens, axes=-1, keepdims=True)
        return (tokens - mean) / ops.sqrt(variance + 1e-5)

    @property
    def published_encoder(self):
        """The teacher's, as in the paper; to train on, a copy, see `Method`."""
        return self.teacher.networks[0]

    def after_update(self):
        self.teacher.update(self.now(self.momentum))


_ENCODER = {"positions": "sincos", "class_token": False, "pool": "mean"}

RECIPES = {
    "ijepa": {
        "digits": digits(
            arguments={
                "context_tokens": 16,
                "predictor_width": 32,
                "predictor_depth": 1,
                "momentum": Linear(0.97, 1.0),
            },
            # Nearly the image: the task is made of its patches.
            views={
                "num_views": 1,
                "crop_scale": (0.9, 1.0),
                "degrees": 4.0,
                "brightness": 0.0,
            },
            encoder="vit_tiny",
            encoder_width=64,
            encoder_arguments={"depth": 2, "patch_size": 2, **_ENCODER},
        ),
        "cifar": Recipe(
            arguments={
                "predictor_width": 96,
                "predictor_depth": 4,
                "momentum": Linear(0.99, 1.0),
            },
            views={"crop_scale": (0.3, 1.0), "flip": False},
            encoder="vit_tiny",
            encoder_width=None,
            # Of CIFAR-10. In [0, 1], as the encoder takes pixels by itself, patches are
            # so alike that their features can be told from their places.
            encoder_arguments={
                **_ENCODER,
                "mean": (0.4914, 0.4822, 0.4465),
                "std": (0.2023, 0.1994, 0.2010),
            },
            learning_rate=1e-3,
            weight_decay=Cosine(0.04, 0.4),
            optimizer_arguments={"decay_all": False},
            warmup_epochs=10,
            epochs=400,
        ),
        "paper": Recipe(
            views={"crop_scale": (0.3, 1.0), "flip": False},
            encoder="vit_base",
            encoder_width=None,
            encoder_arguments={
                **_ENCODER,
                "mean": encoders.IMAGENET_MEAN,
                "std": encoders.IMAGENET_STD,
            },
            epochs=600,
            # 1e-3 for 2048 images.
            learning_rate=3.5e-4,
            weight_decay=Cosine(0.04, 0.4),
            optimizer_arguments={"decay_all": False},
            batch_size=2048,
            warmup_epochs=40,
        ),
    }
}
