"""Recipes: the numbers that a method is trained with."""

import dataclasses
import math

import keras

from tfssl import optimizers
from tfssl.views import SMALL_IMAGE


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a pretraining run.

    Args:
        arguments: dict, what the method's constructor gets besides encoder and views.
        views_class: string, a class of `tfssl.views`. Defaults to the method's own.
        views: dict, what the views get besides the image size.
        encoder: string, a function of `tfssl.encoders`. Defaults to "resnet18".
        encoder_width: int, channels of its first stage. Defaults to 64.
        encoder_arguments: dict, what else `make_encoder` of the method gets.
        epochs: int. Defaults to 100.
        optimizer: "adam", "adamw", "lars" or "sgd". Defaults to "adamw".
        optimizer_arguments: dict, what else the optimizer gets, such as `beta_1`.
        learning_rate: float, the peak for 256 images a step. It grows linearly with
            the batch for lars and sgd, and with its square root for adam and adamw.
        weight_decay: float; decoupled for adamw, coupled for lars and sgd.
        batch_size: int, images a step over all devices.
        warmup_epochs: float, epochs of linear warm-up before the cosine.
        falls: tuple of floats, the shares of the run after which the rate falls to a
            tenth, instead of warm-up and cosine; `()` keeps it as it is. Defaults to
            None, the cosine.

    Example:
        >>> import dataclasses, tfssl
        >>> recipe = tfssl.methods.recipe("simclr", image_size=32)
        >>> recipe = dataclasses.replace(recipe, batch_size=512)
        >>> optimizer = recipe.make_optimizer(images=50_000, epochs=100)
    """

    arguments: dict = dataclasses.field(default_factory=dict)
    views_class: str | None = None
    views: dict = dataclasses.field(default_factory=dict)
    encoder: str = "resnet18"
    encoder_width: int = 64
    encoder_arguments: dict = dataclasses.field(default_factory=dict)
    epochs: int = 100
    optimizer: str = "adamw"
    optimizer_arguments: dict = dataclasses.field(default_factory=dict)
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    batch_size: int = 256
    warmup_epochs: float = 1.0
    falls: tuple | None = None

    def make_optimizer(self, images, epochs):
        """The optimizer with the schedule of a run.

        Args:
            images: int, images in an epoch.
            epochs: int.

        Returns:
            `keras.optimizers.Optimizer`.

        Raises:
            ValueError: for an unknown optimizer.
        """
        if self.optimizer not in _OPTIMIZERS:
            raise ValueError(
                f"optimizer must be one of {sorted(_OPTIMIZERS)}. Received: "
                f"{self.optimizer!r}"
            )
        make, rule = _OPTIMIZERS[self.optimizer]
        peak = rule(self.learning_rate, self.batch_size)
        steps_per_epoch = images // self.batch_size
        total = steps_per_epoch * epochs
        if self.falls is None:
            warmup = min(round(self.warmup_epochs * steps_per_epoch), total)
            rate = optimizers.WarmupCosine(peak, total, warmup)
        else:
            rate = optimizers.Steps(peak, [round(at * total) for at in self.falls])
        return make(rate, weight_decay=self.weight_decay, **self.optimizer_arguments)


def _sqrt_rule(rate, batch_size):
    return rate * math.sqrt(batch_size / 256)


def _adam(rate, weight_decay, **kwargs):
    # To Keras a decay of 0 is one that must be applied.
    return keras.optimizers.Adam(rate, weight_decay=weight_decay or None, **kwargs)


_OPTIMIZERS = {
    "adam": (_adam, _sqrt_rule),
    "adamw": (keras.optimizers.AdamW, _sqrt_rule),
    "lars": (optimizers.LARS, optimizers.scale_rate),
    "sgd": (optimizers.SGD, optimizers.scale_rate),
}


def _digits(**changes):
    """What works for handwritten digits in a minute or two on a CPU."""
    recipe = Recipe(
        views_class="DigitViews",
        encoder="dim_cnn",
        encoder_width=32,
        epochs=60,
        weight_decay=1e-4,
        batch_size=128,
    )
    return dataclasses.replace(recipe, **changes)


# Two views that share the digit, and not quite its place and size.
_MILD = {"crop_scale": (0.7, 1.0), "degrees": 8.0, "brightness": 0.2}

# One view that is nearly the image, for methods that make their task themselves.
_STILL = {"num_views": 1, "crop_scale": (0.9, 1.0), "degrees": 4.0, "brightness": 0.0}

# Networks that play against each other bear less momentum.
_ADVERSARIAL = {"beta_1": 0.5}

# The authors' settings for ImageNet, and near those of their CIFAR demonstration.
_MOCO = {
    "encoder": "resnet50",
    "optimizer": "sgd",
    "learning_rate": 0.03,
    "weight_decay": 1e-4,
    "warmup_epochs": 0,
    "epochs": 200,
}
_MOCO_SMALL = {
    "optimizer": "sgd",
    "learning_rate": 0.06,
    "weight_decay": 5e-4,
}

# The queue of a small data set is short, so its keys must not lag behind for long.
_SHORT_QUEUE = {"temperature": 0.1, "momentum": 0.99}

_SIMCLR_SMALL = {
    "views": {"crop_scale": (0.2, 1.0)},
    "optimizer": "lars",
    "learning_rate": 2.0,
    "weight_decay": 1e-4,
}

_DIM_GLOBAL = {"global_weight": 1.0, "local_weight": 0.0, "prior_weight": 1.0}

PRESETS = ("digits", "cifar", "paper")

# The recipes of each method, in the order of the presets.
RECIPES = {
    "cmc": (
        _digits(
            arguments={"temperature": 0.2, "projector": (128, 64)},
            views=_MILD,
            encoder_arguments={"split": "halves", "dim": 128},
        ),
        Recipe(
            arguments={"temperature": 0.1},
            views={"num_views": 2},
            optimizer="sgd",
            learning_rate=0.06,
            weight_decay=5e-4,
        ),
        Recipe(
            arguments={"contrast": "nce", "negatives": 16384, "temperature": 0.07},
            views={"crop_scale": (0.08, 1.0)},
            encoder="resnet50",
            epochs=240,
            optimizer="sgd",
            learning_rate=0.06,
            weight_decay=1e-4,
            batch_size=128,
            falls=(120 / 240, 160 / 240, 200 / 240),
        ),
    ),
    "context_encoder": (
        _digits(
            arguments={"hole": "blocks", "adversarial_weight": 0, "width": 16},
            views=_STILL,
            encoder="context_cnn",
            encoder_arguments={"bottleneck": 128},
        ),
        Recipe(
            arguments={"width": 32},
            views={"crop_scale": (0.5, 1.0)},
            encoder="context_cnn",
            encoder_arguments={"bottleneck": 512},
            optimizer="adam",
            optimizer_arguments=_ADVERSARIAL,
            weight_decay=0.0,
            batch_size=128,
        ),
        Recipe(
            encoder="context_cnn",
            optimizer="adam",
            optimizer_arguments=_ADVERSARIAL,
            # 2e-3 for 64 images, ten times the discriminator's.
            learning_rate=4e-3,
            weight_decay=0.0,
            batch_size=64,
            falls=(),
        ),
    ),
    "cpc": (
        _digits(
            views=_STILL,
            arguments={
                "filters": 64,
                "blocks": 2,
                "steps": (1, 2),
                "directions": 4,
                # What neighbours share should be the digit: so many of its pixels are.
                "patch_views": "DigitViews",
            },
            encoder_width=24,
            encoder_arguments={"patch_size": 12, "stride": 2, "dim": 256},
            epochs=30,
            batch_size=64,
        ),
        Recipe(
            # A deeper context falls slower at first.
            arguments={"filters": 128, "blocks": 2, "patch_views": "PatchViews"},
            views={"crop_scale": (0.5, 1.0)},
            learning_rate=2e-3,
            weight_decay=1e-4,
            batch_size=64,
        ),
        Recipe(
            arguments={"directions": 4, "patch_views": "PatchViews"},
            views={"crop_scale": (0.5, 1.0)},
            encoder="resnet50",
            encoder_arguments={"patch_size": 80, "stride": 36},
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
            falls=(),
        ),
    ),
    "dim": (
        _digits(
            arguments={"units": 128},
            views=_MILD,
            encoder_arguments={"dim": 256},
        ),
        Recipe(
            arguments={"units": 512},
            views={"crop_scale": (0.5, 1.0)},
            encoder="dim_cnn",
            learning_rate=5e-4,
            weight_decay=1e-4,
            batch_size=128,
        ),
        Recipe(
            views={"crop_scale": (1.0, 1.0), "flip": False},
            encoder="dim_cnn",
            epochs=1000,
            optimizer="adam",
            # 1e-4 for 64 images.
            learning_rate=2e-4,
            weight_decay=0.0,
            batch_size=64,
            falls=(),
        ),
    ),
    "moco_v1": (
        _digits(
            arguments={"projector": (64,), "queue_size": 1024, **_SHORT_QUEUE},
        ),
        Recipe(
            arguments={"projector": (128,), "queue_size": 4096, **_SHORT_QUEUE},
            views={"version": 2},
            **_MOCO_SMALL,
        ),
        Recipe(
            arguments={"projector": (128,), "temperature": 0.07},
            views={"version": 1},
            falls=(120 / 200, 160 / 200),
            **_MOCO,
        ),
    ),
    "moco_v2": (
        _digits(
            arguments={"projector": (128, 64), "queue_size": 1024, **_SHORT_QUEUE},
        ),
        Recipe(
            arguments={"projector": (2048, 128), "queue_size": 4096, **_SHORT_QUEUE},
            **_MOCO_SMALL,
        ),
        Recipe(arguments={"temperature": 0.2}, **_MOCO),
    ),
    "simclr": (
        _digits(arguments={"temperature": 0.2, "projector": (128, 64)}),
        Recipe(
            arguments={"temperature": 0.2, "projector": (2048, 128)},
            **_SIMCLR_SMALL,
        ),
        Recipe(
            arguments={"temperature": 0.1},
            encoder="resnet50",
            optimizer="lars",
            learning_rate=0.3,
            weight_decay=1e-4,
            batch_size=4096,
            warmup_epochs=10,
        ),
    ),
    "simclr_v2": (
        _digits(arguments={"temperature": 0.2, "projector": (128, 128, 64)}),
        Recipe(
            arguments={"temperature": 0.2, "projector": (2048, 2048, 128)},
            **_SIMCLR_SMALL,
        ),
        Recipe(
            arguments={"temperature": 0.1},
            encoder="sk_resnet50",
            epochs=800,
            optimizer="lars",
            learning_rate=0.4,
            weight_decay=1e-4,
            batch_size=4096,
            warmup_epochs=40,
        ),
    ),
}
RECIPES["moco"] = RECIPES["moco_v2"]
# DIM(G): the same with the features as a whole, and a stronger prior.
RECIPES["dim_global"] = tuple(
    dataclasses.replace(each, arguments={**each.arguments, **_DIM_GLOBAL})
    for each in RECIPES["dim"]
)

# Image sizes that the network of a paper fits, and what "auto" takes for others.
_FITS = {
    "context_encoder": (lambda size: size.bit_count() == 1, {"encoder": "resnet50"}),
    # Patches of a quarter of the side: a grid of 7 x 7, as in CPC v1.
    "cpc": (lambda size: size == 260, {"encoder_arguments": {}}),
    "dim": (lambda size: size == 32, {"encoder": "resnet50"}),
}
_FITS["dim_global"] = _FITS["dim"]


def recipe(method, image_size, preset="auto"):
    """The recipe of a method.

    Args:
        method: name of the method, as in `tfssl.methods.METHODS`.
        image_size: int, height of the images in pixels.
        preset: "digits", a small network and views that fit handwritten digits;
            "cifar", tuned for images up to 64 pixels; "paper"; or "auto", which chooses
            cifar or paper by the image size, and a network that fits it.

    Returns:
        `Recipe`.

    Raises:
        ValueError: for an unknown method or preset.

    Source: section "Hyper-parameters" of each paper; the small-image numbers are ours.
    """
    if method not in RECIPES:
        raise ValueError(
            f"method must be one of {sorted(RECIPES)}. Received: {method!r}"
        )
    if preset not in ("auto", *PRESETS):
        raise ValueError(
            f"preset must be auto or one of {PRESETS}. Received: {preset!r}"
        )
    chosen = preset
    if preset == "auto":
        chosen = "cifar" if image_size <= SMALL_IMAGE else "paper"
    found = RECIPES[method][PRESETS.index(chosen)]
    if preset == "auto" and chosen == "paper" and method in _FITS:
        fits, changes = _FITS[method]
        if not fits(image_size):
            found = dataclasses.replace(found, **changes)
    return found
