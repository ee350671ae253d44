"""The other side of benchmarks/accuracy.py, which starts it in the peer's environment.

What lightly's benchmark for CIFAR-10 sets for SimCLR: batches of 128, SGD, views, head,
loss and a cosine by epochs. For speed: bfloat16, channels-last, a fused optimizer, and
no workers, the best of 0, 1 and 2 in the row `16_bfloat16` of benchmarks/steps.py.
"""

import json
import sys
import time

import numpy as np
import resnet_torch
import torch
import turns
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from lightly.transforms import SimCLRTransform
from lightly.transforms.utils import IMAGENET_NORMALIZE
from PIL import Image
from torch import nn

BATCH = 128


class Images(torch.utils.data.Dataset):
    """Views of images."""

    def __init__(self, images):
        self.images = images
        self.transform = SimCLRTransform(32, cj_strength=0.5, gaussian_blur=0.0)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, at):
        return self.transform(Image.fromarray(self.images[at]))


class Run:
    """Training, epoch by epoch.

    Args:
        images: dict of uint8 arrays, `train` and `held_out`.
        width: int, of the ResNet-18.
        epochs: int, of the schedule.
    """

    def __init__(self, images, width, epochs):
        torch.manual_seed(0)
        self.images = images
        self.encoder, features = resnet_torch.resnet("resnet18", width, 32)
        head = SimCLRProjectionHead(features, features, 128)
        self.network = nn.Sequential(self.encoder, head)
        self.network.to(memory_format=torch.channels_last)
        self.loss = NTXentLoss()
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), 0.06, momentum=0.9, weight_decay=5e-4, fused=True
        )
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimizer, epochs
        )
        self.loader = torch.utils.data.DataLoader(
            Images(images["train"]), BATCH, shuffle=True, drop_last=True
        )

    def epoch(self):
        self.network.train()
        for views in self.loader:
            pixels = torch.cat(views).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                z = self.network(pixels)
            loss = self.loss(*z.float().chunk(2))
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        self.schedule.step()

    @torch.no_grad()
    def features(self, name):
        """Of the images as they are: float32 `[n, dim]`."""
        self.encoder.eval()
        mean, std = (
            torch.tensor(IMAGENET_NORMALIZE[each]).reshape(1, 3, 1, 1)
            for each in ("mean", "std")
        )
        found = []
        for part in torch.from_numpy(self.images[name]).split(500):
            pixels = (part.permute(0, 3, 1, 2) / 255 - mean) / std
            found.append(
                self.encoder(pixels.contiguous(memory_format=torch.channels_last))
            )
        return torch.cat(found).numpy()


def main():
    given = json.loads(sys.argv[1])
    with np.load(given["file"]) as known:
        images = {name: known[name] for name in known}
    run = Run(images, given["width"], given["epochs"])
    turns.answer(
        {
            "versions": {"torch": torch.__version__},
            "batch_size": BATCH,
            "weights": sum(p.numel() for p in run.encoder.parameters()),
        }
    )
    for (file,) in turns.asked():
        start = time.perf_counter()
        run.epoch()
        seconds = time.perf_counter() - start
        if file is not None:
            np.savez(file, **{name: run.features(name) for name in images})
        turns.answer(seconds)


if __name__ == "__main__":
    main()
