"""Weights that the authors of methods published, and what is known of their files.

Nobody could fetch these files where this table was written. Checksums are second-hand:
of the authors' pages, of names of files, and of the Hugging Face hub.
"""

import dataclasses

_META = "https://dl.fbaipublicfiles.com/"
_HUB = "https://huggingface.co/timm/"
_V2 = "https://storage.googleapis.com/simclr-checkpoints/simclrv2/pretrained/r50_1x_sk0"
_SHA256, _MD5 = 64, 32  # hexadecimal digits


@dataclasses.dataclass(frozen=True)
class File:
    """A file of an entry.

    Args:
        address: string.
        size: int, bytes; None if nobody stated it.
        sha256, md5: strings, hexadecimal digits: all of them, or those it begins with.
            None if nobody stated any.
    """

    address: str
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None

    @property
    def name(self):
        """Of the file, without a path."""
        return self.address.rpartition("/")[2]

    @property
    def verified(self):
        """Whether its whole sha256 is known."""
        return len(self.sha256 or "") == _SHA256

    @property
    def known(self):
        """What is known of its checksum, in words."""
        for kind, digits, all_of_them in (
            ("sha256", self.sha256, _SHA256),
            ("md5", self.md5, _MD5),
        ):
            if digits:
                whole = len(digits) == all_of_them
                return f"whole {kind}" if whole else f"{kind} begins {digits}"
        return "nothing"


@dataclasses.dataclass(frozen=True)
class Entry:
    """An encoder that its authors published.

    Args:
        method: string, one of `tfssl.methods.METHODS`.
        architecture: string, as people call it.
        scheme: string, one of `tfssl.zoo.SCHEMES`.
        files: tuple of `File`; the first is what is converted.
        licence: string, of the weights.
        home: string, repository of the authors.
        epochs: int; None if it was not looked up.
        linear: float, accuracy of a linear classifier on ImageNet, as the authors
            report it.
        note: string, what else must be said.
    """

    method: str
    architecture: str
    scheme: str
    files: tuple
    licence: str
    home: str
    epochs: int | None
    linear: float
    note: str = ""

    @property
    def noncommercial(self):
        """Whether the licence forbids commercial use."""
        return "NC" in self.licence.split("-")

    @property
    def verified(self):
        """Whether the whole sha256 of each file is known."""
        return all(file.verified for file in self.files)

    def summary(self):
        """What a listing says of it."""
        facts = {
            "method": self.method,
            "dataset": "ImageNet",
            "architecture": self.architecture,
            "epochs": self.epochs,
            "linear": self.linear,
            "licence": self.licence + (", non-commercial" * self.noncommercial),
            "known_checksum": "; ".join(
                dict.fromkeys(file.known for file in self.files)
            ),
        }
        return {key: value for key, value in facts.items() if value is not None}


def _moco(method, folder, epochs, md5, linear):
    address = f"{_META}moco/moco_checkpoints/{folder}/{folder}_pretrain.pth.tar"
    return Entry(
        method,
        "ResNet-50",
        "moco",
        (File(address, md5=md5),),
        "MIT",
        "https://github.com/facebookresearch/moco",
        epochs,
        linear,
    )


def _resnet(method, scheme, path, licence, home, epochs, linear, **facts):
    return Entry(
        method,
        "ResNet-50",
        scheme,
        (File(f"{_META}{path}", **facts),),
        licence,
        f"https://github.com/facebookresearch/{home}",
        epochs,
        linear,
    )


def _dino(architecture, file, linear, note=""):
    return Entry(
        "dino",
        architecture,
        "timm",
        (file,),
        "Apache-2.0",
        "https://github.com/facebookresearch/dino",
        None,
        linear,
        note,
    )


def _hub(repository, revision, sha256):
    address = f"{_HUB}{repository}/resolve/{revision}/model.safetensors"
    return File(address, sha256=sha256)


_COPY = "timm's copy of the authors' weights"

OFFICIAL = {
    "moco_v1_resnet50_imagenet": _moco(
        "moco_v1", "moco_v1_200ep", 200, "b251726a57be750490c34a7602b59076", 0.606
    ),
    "moco_v2_resnet50_imagenet": _moco(
        "moco_v2", "moco_v2_800ep", 800, "a04e12f8b0e44fdcac1fb4e06f33727b", 0.711
    ),
    "moco_v2_200ep_resnet50_imagenet": _moco(
        "moco_v2", "moco_v2_200ep", 200, "59fd9945645e27d585be89338ce9232e", 0.677
    ),
    "moco_v3_resnet50_imagenet": _resnet(
        *("moco_v3", "moco_v3_resnet", "moco-v3/r-50-1000ep/r-50-1000ep.pth.tar"),
        *("CC-BY-NC", "moco-v3", 1000, 0.746),
    ),
    "barlow_twins_resnet50_imagenet": _resnet(
        *("barlow_twins", "torchvision", "barlowtwins/ljng/resnet50.pth"),
        *("MIT", "barlowtwins", 1000, 0.735),
        sha256="cf015f40cc",
    ),
    "vicreg_resnet50_imagenet": _resnet(
        *("vicreg", "torchvision", "vicreg/resnet50.pth"),
        *("MIT", "vicreg", None, 0.732),
        size=94_345_885,
        sha256="c843e7652491ff2f712734619fd74d85e5e92ac902615665ad3fd50dc6ada591",
    ),
    "swav_resnet50_imagenet": _resnet(
        *("swav", "swav", "deepcluster/swav_800ep_pretrain.pth.tar"),
        *("CC-BY-NC", "swav", 800, 0.753),
    ),
    "simsiam_resnet50_imagenet": _resnet(
        *("simsiam", "simsiam"),
        "simsiam/models/100ep/pretrain/checkpoint_0099.pth.tar",
        *("CC-BY-NC", "simsiam", 100, 0.681),
    ),
    "dino_resnet50_imagenet": _resnet(
        *("dino", "torchvision"),
        "dino/dino_resnet50_pretrain/dino_resnet50_pretrain.pth",
        *("Apache-2.0", "dino", None, 0.753),
    ),
    "simclr_resnet50_imagenet": Entry(
        *("simclr", "ResNet-50", "simclr"),
        (
            File(
                "https://storage.googleapis.com/simclr-gcs/checkpoints/ResNet50_1x.zip"
            ),
        ),
        *("Apache-2.0", "https://github.com/google-research/simclr", None, 0.691),
        note="nobody confirmed that the address has this form",
    ),
    "simclr_v2_resnet50_imagenet": Entry(
        *("simclr_v2", "ResNet-50", "simclr"),
        (
            File(f"{_V2}/model.ckpt-250228.index"),
            File(f"{_V2}/model.ckpt-250228.data-00000-of-00001"),
        ),
        *("Apache-2.0", "https://github.com/google-research/simclr", None, 0.717),
    ),
    "dino_vit_small_16_imagenet": _dino(
        "ViT-S/16",
        File(
            f"{_META}dino/dino_deitsmall16_pretrain/dino_deitsmall16_pretrain.pth",
            md5="cf0f22",
        ),
        0.770,
    ),
    "dino_vit_small_8_imagenet": _dino(
        "ViT-S/8",
        _hub(
            "vit_small_patch8_224.dino",
            "06cd8ed4b3fcef6305223df082ef8c19bc775704",
            "e1b79616ce6d1b8dc3cc0d5952b6d0958356a189122882493e665d28f20654a0",
        ),
        0.797,
        _COPY,
    ),
    "dino_vit_base_16_imagenet": _dino(
        "ViT-B/16",
        _hub(
            "vit_base_patch16_224.dino",
            "9578d3895b3c81965d4fb6de0ffb14491b6fc8f9",
            "93181583427d6de3e18ab0e6ee4df35736cfc51a3c1bf9ae0e9b53b1316598dc",
        ),
        0.782,
        _COPY,
    ),
    "dino_vit_base_8_imagenet": _dino(
        "ViT-B/8",
        _hub(
            "vit_base_patch8_224.dino",
            "57b4c6dac26b2cff845bfbed5bf37c9dd32ec496",
            "01be14b99784a4c0970a5703214513588daf27014e908ac7ea08967b7bd80f5f",
        ),
        0.801,
        _COPY,
    ),
    "mae_vit_base_imagenet": Entry(
        *("mae", "ViT-B/16", "mae"),
        (File(f"{_META}mae/pretrain/mae_pretrain_vit_base.pth", md5="8cad7c"),),
        *("CC-BY-NC", "https://github.com/facebookresearch/mae", None, 0.678),
    ),
    "moco_v3_vit_small_imagenet": Entry(
        *("moco_v3", "ViT-S/16", "moco_v3_vit"),
        (
            File(
                f"{_META}moco-v3/vit-s-300ep/vit-s-300ep.pth.tar",
                md5="f32f0062e8884e64bcd2044c67bd3e43",
            ),
        ),
        *("CC-BY-NC", "https://github.com/facebookresearch/moco-v3", 300, 0.732),
    ),
    "moco_v3_vit_base_imagenet": Entry(
        *("moco_v3", "ViT-B/16", "moco_v3_vit"),
        (
            File(
                f"{_META}moco-v3/vit-b-300ep/vit-b-300ep.pth.tar",
                md5="7fe6d104c5ba222fecc6dc838f2dbcf9",
            ),
        ),
        *("CC-BY-NC", "https://github.com/facebookresearch/moco-v3", 300, 0.767),
    ),
}
