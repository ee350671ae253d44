"""Layouts of checkpoints: where in a file an encoder's weights are, and their names."""

import dataclasses

from tfssl.encoders import IMAGENET_MEAN, IMAGENET_STD

_IMAGENET = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}


@dataclasses.dataclass(frozen=True)
class Scheme:
    """Where in a checkpoint the weights of an encoder are.

    Args:
        about: string, what writes such files.
        network: string, how the weights are named: "torchvision" or "simclr" for
            residual networks, "timm" for vision transformers.
        at: tuple of keys, one inside the other, under which the weights are.
        prefix: string that the names of the encoder's weights begin with.
        beside: tuple of beginnings of names that belong to other networks.
        heads: tuple of beginnings of names, after the prefix, of layers above the
            features.
        renamed: dict from beginnings of names, after the prefix, to those of the
            network.
        options: dict of arguments of `tfssl.encoders.resnet` or `tfssl.encoders.vit`.
    """

    about: str
    network: str = "torchvision"
    at: tuple = ()
    prefix: str = ""
    beside: tuple = ()
    heads: tuple = ("fc.",)
    renamed: dict = dataclasses.field(default_factory=dict)
    options: dict = dataclasses.field(default_factory=lambda: dict(_IMAGENET))


_EVERYTHING = ("",)
# What the children of a torchvision network are called once they are a sequence.
_SEQUENCE = {
    "0.": "conv1.",
    "1.": "bn1.",
    "4.": "layer1.",
    "5.": "layer2.",
    "6.": "layer3.",
    "7.": "layer4.",
}
_MOCO_V3 = {
    "at": ("state_dict",),
    "prefix": "module.base_encoder.",
    "beside": ("module.momentum_encoder.", "module.predictor."),
}

SCHEMES = {
    "torchvision": Scheme(
        "A state dict of torchvision's ResNet, as Barlow Twins, VICReg and DINO have it"
    ),
    "moco": Scheme(
        "MoCo v1 and v2",
        at=("state_dict",),
        prefix="module.encoder_q.",
        beside=("module.encoder_k.", "module.queue"),
    ),
    "moco_v3_resnet": Scheme("MoCo v3 with a ResNet", **_MOCO_V3),
    "moco_v3_vit": Scheme(
        "MoCo v3 with a vision transformer, of 12 heads in any size",
        network="timm",
        heads=("head.",),
        options={**_IMAGENET, "heads": 12},
        **_MOCO_V3,
    ),
    "swav": Scheme(
        "SwAV",
        prefix="module.",
        heads=("projection_head.", "prototypes."),
        # As the authors' code has it.
        options={"mean": IMAGENET_MEAN, "std": (0.228, 0.224, 0.225)},
    ),
    "simsiam": Scheme(
        "SimSiam",
        at=("state_dict",),
        prefix="module.encoder.",
        beside=("module.predictor.",),
    ),
    "simclr": Scheme(
        "SimCLR v1 and v2: checkpoints of TensorFlow, without selective kernels",
        network="simclr",
        prefix="base_model/",
        beside=("head_supervised/", "head_contrastive/", "ema_model/", "global_step"),
        heads=(),
        options={"stem_pool": "same"},
    ),
    "simclr_converter": Scheme(
        "SimCLR v1 that was converted to torchvision's names",
        at=("state_dict",),
        options={"stem_pool": "same"},
    ),
    "timm": Scheme(
        "A state dict of timm's vision transformer, as DINO has it; also safetensors",
        network="timm",
        heads=("head.",),
    ),
    "mae": Scheme(
        "MAE; of a whole checkpoint its encoder",
        network="timm",
        at=("model",),
        heads=("decoder_", "mask_token", "head."),
    ),
    "lightly": Scheme(
        "A Lightning checkpoint of lightly: a ResNet as a sequence, called backbone",
        at=("state_dict",),
        prefix="backbone.",
        beside=_EVERYTHING,
        heads=(),
        renamed=_SEQUENCE,
    ),
    "solo_learn": Scheme(
        "A Lightning checkpoint of solo-learn: a ResNet called backbone",
        at=("state_dict",),
        prefix="backbone.",
        beside=_EVERYTHING,
    ),
}
