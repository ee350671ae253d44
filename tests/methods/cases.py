"""Every method, small: what the contract runs over. One line for each method."""

import keras
import numpy as np

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


def patch_encoder(size=SIZE // 2, filters=(16, 32)):
    """A network for patches, without batch statistics."""
    patch = keras.Input((size, size, 3))
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


def cmc_bank(contrast):
    """With a row for each of the digits."""
    bank = {"contrast": contrast, "images": 1297, "negatives": 128}
    return tfssl.methods.CMC(pair(), mild_views(1), temperature=0.2, **bank)


def dim(**weights):
    network = tfssl.encoders.dim_cnn(SIZE, width=16, dim=128)
    return tfssl.methods.DeepInfoMax(network, mild_views(), units=64, **weights)


def context_encoder(**options):
    network = tfssl.encoders.context_cnn(SIZE, width=16, bottleneck=64)
    return tfssl.methods.ContextEncoder(network, one_view(), width=16, **options)


CASES = {
    "cmc": lambda: tfssl.methods.CMC(pair(), mild_views(), temperature=0.2),
    "cmc_nce": lambda: cmc_bank("nce"),
    "cmc_softmax": lambda: cmc_bank("softmax"),
    "context_encoder": lambda: context_encoder(hole="region", adversarial_weight=0),
    "context_encoder_adversarial": lambda: context_encoder(hole="blocks"),
    "cpc": lambda: tfssl.methods.CPC(
        tfssl.encoders.patch_grid(patch_encoder(12, (32, 32)), SIZE, stride=2),
        one_view(),
        steps=[1, 2],
        filters=32,
        blocks=2,
        directions=4,
        patch_views="DigitViews",
    ),
    "dim": lambda: dim(global_weight=1.0, local_weight=0.5, prior_weight=0),
    "dim_prior": lambda: dim(global_weight=1.0, local_weight=0.5),
    "moco": lambda: tfssl.methods.MoCo(
        encoder(), views(), queue_size=320, momentum=0.9, symmetric=True
    ),
    "moco_v1": lambda: tfssl.methods.MoCo(
        encoder(tfssl.layers.SplitBatchNormalization(groups=2)),
        views(),
        projector=(16,),
        queue_size=192,
        momentum=0.9,
    ),
    "simclr": lambda: tfssl.methods.SimCLR(encoder(), views(), temperature=0.2),
    "simclr_v2": lambda: tfssl.methods.SimCLRv2(encoder(), views(), temperature=0.2),
    "simclr_v2_memory": lambda: tfssl.methods.SimCLRv2(
        encoder(), views(), memory=320, momentum=0.9, temperature=0.2
    ),
}

# What no case covers, for the tests of replicas and backends. No digit is learned from
# the hole in its centre.
COMPARED = {
    "context_encoder_center": lambda: context_encoder(adversarial_weight=0),
    "dim_dv": lambda: dim(estimator="dv", prior_weight=0),
    "dim_jsd": lambda: dim(estimator="jsd", prior_weight=0),
}

# An adversary takes TensorFlow.
ADVERSARIAL = {"context_encoder_adversarial", "dim_prior"}
BOTH_BACKENDS = sorted({*CASES, *COMPARED} - ADVERSARIAL)

# Normalised in groups of the batch, or with draws by place in it: its order matters.
ORDERED = {
    "cmc_nce",
    "cmc_softmax",
    "context_encoder",
    "cpc",
    "moco_v1",
    *ADVERSARIAL,
}


def make(name, seed=0, optimizer=None, adversary_optimizer=None):
    """A compiled model with the same weights at each call."""
    keras.utils.set_random_seed(seed)
    model = {**CASES, **COMPARED}[name]()
    if name in ADVERSARIAL and adversary_optimizer is None:
        adversary_optimizer = keras.optimizers.SGD(0.01)
    model.compile(optimizer or tfssl.optimizers.SGD(0.05), adversary_optimizer)
    return model


def batch(model, x, seed=0):
    """What the model's loss gets of these images."""
    made = tuple(model.views(x, seed=seed))
    return (*made, np.arange(len(x), dtype="int32")) if model.needs_index else made


def images(n=32, seed=0):
    """Smooth coloured pictures: random 4x4 grids, enlarged."""
    random = np.random.default_rng(seed)
    grid = random.integers(0, 256, (n, 4, 4, 3)).astype("float32")
    return np.repeat(np.repeat(grid, SIZE // 4, 1), SIZE // 4, 2).astype("uint8")
