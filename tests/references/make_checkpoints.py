"""Writes checkpoints.npz: what networks of PyTorch make of small images.

Needs an environment with torch, torchvision and timm (made with 2.14, 0.29 and 1.0.31):

    python tests/references/make_checkpoints.py

With a folder it writes checkpoints of full size, in the layouts of their authors and
with random weights, and the features at 224 pixels, for compare_checkpoints.py:

    python tests/references/make_checkpoints.py /tmp/checkpoints
"""

import pathlib
import sys

import numpy as np
import timm
import torch
import torchvision
from checkpoint_weights import images, simclr_names, weight, weights
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

FOLDER = pathlib.Path(__file__).parent
MEAN = (0.485, 0.456, 0.406)
IMAGENET = (MEAN, (0.229, 0.224, 0.225))
SWAV = (MEAN, (0.228, 0.224, 0.225))
NONE = ((0, 0, 0), (1, 1, 1))
R18, R50 = ((2, 2, 2, 2), False), ((3, 4, 6, 3), True)
# Width and pixels of the small ones.
WIDTH, SIZE = 4, 64


class SamePool(torch.nn.MaxPool2d):
    """Max-pooling that is padded as TensorFlow does, for even sizes."""

    def __init__(self):
        super().__init__(3, 2)

    def forward(self, x):
        return super().forward(torch.nn.functional.pad(x, (0, 1, 0, 1)))


class Narrow(ResNet):
    """torchvision's network of another width, without a classifier."""

    def __init__(self, block, stages):
        super().__init__(block, stages)
        self.inplanes = WIDTH
        self.conv1 = torch.nn.Conv2d(3, WIDTH, 7, 2, 3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(WIDTH)
        for stage, blocks in enumerate(stages):
            layer = self._make_layer(block, WIDTH * 2**stage, blocks, 2 if stage else 1)
            setattr(self, f"layer{stage + 1}", layer)
        self.fc = torch.nn.Identity()


def features(model, x, scaling):
    mean, std = (np.asarray(each, "float32") for each in scaling)
    x = torch.tensor(((x / np.float32(255) - mean) / std).transpose(0, 3, 1, 2))
    with torch.no_grad():
        return model.eval()(x).numpy()


def small():
    x = images(SIZE)
    for key, (stages, bottleneck) in {"resnet18": R18, "resnet50": R50}.items():
        model = Narrow(Bottleneck if bottleneck else BasicBlock, stages)
        state = weights(stages, bottleneck, WIDTH)
        state = {name: torch.tensor(array) for name, array in state.items()}
        missing = model.load_state_dict(state, strict=False).missing_keys
        assert all(name.endswith("num_batches_tracked") for name in missing)
        yield key, features(model, x, IMAGENET)
        if bottleneck:
            model.maxpool = SamePool()
            yield "simclr", features(model, x, NONE)


def randomized(model):
    """The model with numbers that follow from the names of its weights."""
    state = model.state_dict()
    made = {
        name: torch.tensor(weight(name, tensor.shape))
        if tensor.ndim
        else torch.tensor(0)
        for name, tensor in state.items()
        if "pos_embed" not in name
    }
    model.load_state_dict({**state, **made})
    return model.eval()


def resnet():
    model = torchvision.models.resnet50()
    model.fc = torch.nn.Identity()
    return randomized(model)


def transformer(name, **options):
    return randomized(timm.create_model(name, num_classes=0, **options))


def full(folder):
    """Saves each layout; yields its name, scheme, file and features."""
    x = images(224)

    def prefixed(state, prefix):
        return {f"{prefix}{name}": tensor for name, tensor in state.items()}

    def save(file, content, legacy=False):
        torch.save(content, folder / file, _use_new_zipfile_serialization=not legacy)

    model = resnet()
    state, head = model.state_dict(), {"fc.weight": torch.zeros(8, 2048)}
    other = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    found = features(model, x, IMAGENET)
    save(
        "moco.pth.tar",
        {
            "epoch": 200,
            "arch": "resnet50",
            "state_dict": {
                **prefixed({**state, **head}, "module.encoder_q."),
                **prefixed(other, "module.encoder_k."),
                "module.queue": torch.zeros(128, 64),
                "module.queue_ptr": torch.zeros(1, dtype=torch.long),
            },
            "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(3)}}},
        },
        legacy=True,
    )
    yield "moco", "moco", "moco.pth.tar", found
    for name in ("barlow_twins", "vicreg", "dino_resnet"):
        save(f"{name}.pth", state)
        yield name, "torchvision", f"{name}.pth", found
    save(
        "moco_v3.pth.tar",
        {
            "state_dict": {
                **prefixed({**state, **head}, "module.base_encoder."),
                **prefixed(other, "module.momentum_encoder."),
                "module.predictor.0.weight": torch.zeros(3),
            }
        },
    )
    yield "moco_v3_resnet", "moco_v3_resnet", "moco_v3.pth.tar", found
    heads = {
        "projection_head.0.weight": torch.zeros(3),
        "prototypes.weight": torch.ones(3),
    }
    save("swav.pth.tar", prefixed({**state, **heads}, "module."), legacy=True)
    yield "swav", "swav", "swav.pth.tar", features(model, x, SWAV)
    model.maxpool = SamePool()
    found = features(model, x, NONE)
    save("converter.pth", {"state_dict": {**state, **head}})
    yield "simclr_converter", "simclr_converter", "converter.pth", found
    names = simclr_names(R50[0])
    arrays = {
        names[name]: tensor.numpy().transpose(2, 3, 1, 0)
        if tensor.ndim == 4
        else tensor.numpy()
        for name, tensor in state.items()
        if tensor.ndim
    }
    # compare_checkpoints.py makes a checkpoint of TensorFlow of it.
    np.savez(folder / "simclr.npz", **arrays)
    yield "simclr", "simclr", "simclr.npz", found

    for name, timms, scheme, options, at in (
        ("dino_small_16", "vit_small_patch16_224", "timm", {}, None),
        ("dino_base_16", "vit_base_patch16_224", "timm", {}, None),
        ("mae_base", "vit_base_patch16_224", "mae", {}, "model"),
        ("moco_v3_small", "vit_small_patch16_224", "moco_v3_vit", {"num_heads": 12}, 0),
    ):
        model = transformer(timms, **options)
        content = dict(model.state_dict())
        if at == 0:
            at, content = "state_dict", prefixed(content, "module.base_encoder.")
        save(f"{name}.pth", {at: content} if at else content)
        yield name, scheme, f"{name}.pth", features(model, x, IMAGENET)


def main():
    if len(sys.argv) == 1:
        np.savez_compressed(FOLDER / "checkpoints.npz", **dict(small()))
        return
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "list.txt", "w") as listing:
        for name, scheme, file, values in full(folder):
            np.save(folder / f"{name}.npy", values)
            print(name, scheme, file, file=listing)


if __name__ == "__main__":
    main()
