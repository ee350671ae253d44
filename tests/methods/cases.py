"""Every method, small: what the contract runs over."""

import keras
import numpy as np
from keras import ops

import tfssl

SIZE = 16


def encoder(norm=None):
    """A residual network small enough to be traced in a moment."""
    norm = norm or tfssl.layers.BatchNormalization()

    def normalize(x):
        return type(norm).from_config({**norm.get_config(), "name": None})(x)

    image = keras.Input((SIZE, SIZE, 3))
    x = tfssl.encoders.pixel_scaling()(image)
    for filters in (8, 16):
        x = keras.layers.Conv2D(filters, 3, 2, "same", use_bias=False)(x)
        x = normalize(x)
        x = y = keras.layers.ReLU()(x)
        y = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
        y = normalize(y)
        x = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    # Where a stroke is says as much as what it is.
    x = keras.layers.Dense(128, use_bias=False)(keras.layers.Flatten()(x))
    return keras.Model(image, keras.layers.ReLU()(normalize(x)), name="small")


def pixels(size=SIZE):
    """The smallest of encoders: the mean colour."""
    image = keras.Input((size, size, 3))
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))


def patch_encoder(size=SIZE // 2, filters=(16, 32), channels=3):
    """A network for patches, without batch statistics."""
    size = (size, size) if isinstance(size, int) else size
    patch = keras.Input((*size, channels))
    x = tfssl.encoders.pixel_scaling()(patch)
    for count in filters:
        x = keras.layers.Conv2D(count, 3, 2, "same")(x)
        x = keras.layers.ReLU()(keras.layers.LayerNormalization()(x))
    return keras.Model(patch, keras.layers.Flatten()(x), name="small_patch")


def views(num_views=2):
    return tfssl.views.DigitViews(SIZE, num_views=num_views)


def mild_views(num_views=2):
    """For methods that make a part of their task themselves."""
    return tfssl.views.DigitViews(SIZE, (0.7, 1.0), 8.0, 0.2, num_views)


def one_view():
    """Nearly the image itself, for methods that make their task themselves."""
    return tfssl.views.DigitViews(SIZE, (0.9, 1.0), 4.0, 0.0, num_views=1)


def pair():
    """Two small encoders side by side."""

    def half():
        return tfssl.encoders.dim_cnn((SIZE // 2, SIZE), width=8, dim=64, channels=1)

    return tfssl.encoders.split_pair(half(), half(), SIZE, "halves")


def one_of_each_kind(names, kinds=None):
    """Parameters of a test: all names, of which the default run takes one a kind."""
    import pytest

    return [
        name
        if name in (kinds or KINDS)
        else pytest.param(name, marks=pytest.mark.matrix)
        for name in names
    ]


def from_recipe(name):
    """The method as it is trained on the digits."""
    recipe = tfssl.methods.recipe(name, SIZE, "digits")
    width = recipe.own_width // 4
    return recipe.replace(encoder_width=width).make(num_images=1297)


def cmc_bank(contrast):
    """With a row for each of the digits."""
    bank = {"contrast": contrast, "num_images": 1297, "negatives": 128}
    return tfssl.methods.CMC(pair(), mild_views(1), temperature=0.2, **bank)


def dim(**weights):
    network = tfssl.encoders.dim_cnn(SIZE, width=16, dim=128)
    return tfssl.methods.DeepInfoMax(network, mild_views(), units=64, **weights)


def context_encoder(**options):
    network = tfssl.encoders.context_cnn(SIZE, width=16, bottleneck=64)
    return tfssl.methods.ContextEncoder(network, one_view(), width=16, **options)


def any_size():
    """A residual network whose features are the mean of a map, of any size."""
    return tfssl.encoders.resnet10(
        SIZE, stem="small", width=8, zero_init_residual=False
    )


def multi_crop(num_local=2):
    """Two views of the encoder's size and small ones."""
    own = {"degrees": 12.0, "num_views": 1}
    large = tfssl.views.DigitViews(SIZE, (0.4, 1.0), **own).pipelines
    small = tfssl.views.DigitViews(SIZE // 2, (0.2, 0.5), **own).pipelines
    return tfssl.views.Views(large * 2 + small * num_local)


# Every method that is registered, and what their recipes do not show.
CASES = {
    **{name: lambda name=name: from_recipe(name) for name in tfssl.methods.METHODS},
    "cmc_nce": lambda: cmc_bank("nce"),
    "cmc_softmax": lambda: cmc_bank("softmax"),
    "context_encoder_adversarial": lambda: context_encoder(hole="blocks"),
    "context_encoder_region": lambda: context_encoder(
        hole="region", adversarial_weight=0
    ),
    "dim_both": lambda: dim(global_weight=1.0, local_weight=0.5, prior_weight=0),
    "moco_symmetric": lambda: tfssl.methods.MoCo(
        encoder(), views(), queue_size=320, momentum=0.9, symmetric=True
    ),
    "simclr_v2_queue": lambda: tfssl.methods.SimCLRv2(
        encoder(), views(), queue_size=320, momentum=0.9, temperature=0.2
    ),
}

# One of each kind: with a bank, an adversary, a teacher and a queue, and plain. The
# others are marked `matrix` where a test takes long.
KINDS = ("cmc_nce", "dim", "moco_v2", "simclr")

# Whose features, means over patches, are worth less than pixels until they are tuned.
OF_PATCHES = ("ijepa", "mae")

# Who learn more slowly than the others.
SLOW = ("dim", "dim_both", "dim_global", *OF_PATCHES)

# Whose loss is a difference, near 0 at first; it is of order 1.
NEAR_ZERO = ("simsiam",)

# What no case covers, for the tests of replicas and backends. No digit is learned from
# the hole in its centre, nor in so few steps from a small part of it.
COMPARED = {
    "context_encoder_center": lambda: context_encoder(adversarial_weight=0),
    "dino_multi_crop": lambda: tfssl.methods.DINO(
        any_size(),
        multi_crop(),
        head=(64, 32),
        prototypes=64,
        head_norm=True,
        momentum=0.95,
        freeze_last_layer=2,
    ),
    "moco_groups": lambda: tfssl.methods.MoCo(
        encoder(tfssl.layers.SplitBatchNormalization(groups=4)),
        views(),
        projector=(16,),
        queue_size=192,
        momentum=0.9,
    ),
    "mae_drop_path": lambda: tfssl.methods.MAE(
        tfssl.encoders.vit(SIZE, width=16, depth=2, heads=2, drop_path=0.5),
        one_view(),
        decoder_width=16,
        decoder_depth=1,
    ),
    "dim_dv": lambda: dim(estimator="dv", prior_weight=0),
    "dim_jsd": lambda: dim(estimator="jsd", prior_weight=0),
    "swav_multi_crop": lambda: tfssl.methods.SwAV(
        any_size(),
        multi_crop(),
        projector=(64, 32),
        prototypes=32,
        freeze_prototypes=2,
        queue_size=128,
        queue_start=3,
    ),
}

# What several devices share out. Without those of 8 groups of a batch: of 16 images two
# decide on their statistics, so that rounding grows to anything within three steps.
# `moco_groups` has four groups.
SHARED_OUT = sorted({*CASES, *COMPARED, "distillation"} - {"moco_v1", "moco_v2"})


def make(name, seed=0, optimizer=None, adversary_optimizer=None):
    """A compiled model with the same weights at each call."""
    keras.utils.set_random_seed(seed)
    model = {**CASES, **COMPARED}[name]()
    adversary = {}
    if getattr(model, "adversary", None) is not None:
        adversary["adversary_optimizer"] = adversary_optimizer or keras.optimizers.SGD(
            0.01
        )
    model.compile(optimizer or tfssl.optimizers.SGD(0.05), **adversary)
    return model


def batch(model, x, seed=0):
    """What the model's loss gets of these images."""
    views = tuple(model.views(x, seed=seed))
    index = ops.arange(len(x), dtype="int32") if model.needs_index else None
    if not model.needs_labels:
        return tfssl.methods.Batch(views, index)
    return tfssl.methods.Batch((*views, views[0]), index, labels(len(x)) % 3)


def labels(n):
    """Every third image has one: as a method may need them."""
    return np.where(np.arange(n) % 3 == 0, np.arange(n) % 5, -1)


def data(model, x):
    """What `fit` gets: the images, and labels if the model needs them."""
    return (x, labels(len(x))) if model.needs_labels else (x,)


def images(n=32, seed=0):
    """Smooth coloured pictures: random 4x4 grids, enlarged."""
    random = np.random.default_rng(seed)
    grid = random.integers(0, 256, (n, 4, 4, 3)).astype("float32")
    return np.repeat(np.repeat(grid, SIZE // 4, 1), SIZE // 4, 2).astype("uint8")
