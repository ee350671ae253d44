"""PyTorch's side of benchmarks/steps.py, which starts it in the peer's environment.

A loop as one would write it for speed: channels-last, autocast, a fused optimizer. On a
GPU the images are there, the views are made there, a batch at a time, and all of it is
compiled. On a CPU the views are lightly's, from a DataLoader. SimCLR is here, the other
methods are those of lightly, in steps_lightly.py.
"""

import functools
import json
import math
import sys
import time
from pathlib import Path

import resnet_torch
import torch
import turns
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

import process_memory  # noqa: E402


def nt_xent(z, temperature=0.2):
    z = functional.normalize(z.float(), dim=1)
    count = len(z)
    logits = z @ z.T / temperature
    logits = logits.masked_fill(
        torch.eye(count, dtype=torch.bool, device=z.device), -9e9
    )
    partners = torch.arange(count, device=z.device).roll(count // 2)
    return functional.cross_entropy(logits, partners)


def crop_and_flip(images, side):
    """Random resized crops, some of them mirrored, by a batched affine map."""
    count, device = len(images), images.device

    def uniform(low, high):
        return torch.empty(count, device=device).uniform_(low, high)

    area = uniform(0.2, 1.0)
    ratio = torch.exp(uniform(math.log(3 / 4), math.log(4 / 3)))
    width = (area * ratio).sqrt().clamp(max=1.0)
    height = (area / ratio).sqrt().clamp(max=1.0)
    x, y = (1 - width) * uniform(-1, 1), (1 - height) * uniform(-1, 1)
    width = torch.where(uniform(0, 1) < 0.5, width, -width)
    zero = torch.zeros_like(x)
    maps = torch.stack([width, zero, x, zero, height, y], 1).reshape(-1, 2, 3)
    grid = functional.affine_grid(maps, (count, 3, side, side), align_corners=False)
    return functional.grid_sample(
        images, grid, padding_mode="reflection", align_corners=False
    )


def colours(x, strength):
    """Brightness, contrast, saturation, hue, and grey: as drawn for each image."""
    count, device = len(x), x.device

    def factor(size):
        return torch.empty(count, 1, 1, 1, device=device).uniform_(1 - size, 1 + size)

    def drawn(probability):
        return torch.rand(count, 1, 1, 1, device=device) < probability

    luma = torch.tensor([0.299, 0.587, 0.114], device=device).reshape(1, 3, 1, 1)
    y = x * factor(0.8 * strength)
    mean = (y * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    y = (mean + (y - mean) * factor(0.8 * strength)).clamp(0, 1)
    grey = (y * luma).sum(1, keepdim=True)
    y = (grey + (y - grey) * factor(0.8 * strength)).clamp(0, 1)
    # Hue as a turn about the grey axis, which is cheaper than by HSV.
    angle = 2 * math.pi * (factor(0.2 * strength) - 1)
    cos, sin = angle.cos(), angle.sin() / math.sqrt(3)
    mean = y.mean(1, keepdim=True)
    turned = torch.stack([y[:, 2] - y[:, 1], y[:, 0] - y[:, 2], y[:, 1] - y[:, 0]], 1)
    y = (mean + (y - mean) * cos + turned * sin).clamp(0, 1)
    x = torch.where(drawn(0.8), y, x)
    return torch.where(drawn(0.2), (x * luma).sum(1, keepdim=True), x)


def blur(x, taps=23):
    """Gaussian blur of half of the images, each with a width of its own."""
    count, channels, height, width = x.shape
    sigma = torch.empty(count, 1, device=x.device).uniform_(0.1, 2.0)
    at = torch.arange(taps, device=x.device) - taps // 2
    kernel = torch.softmax(-(at**2) / (2 * sigma**2), 1).repeat_interleave(channels, 0)
    y = x.reshape(1, count * channels, height, width)
    for shape in ((-1, 1, taps, 1), (-1, 1, 1, taps)):
        weights = kernel.reshape(shape).to(y.dtype)
        pad = (
            (0, 0, taps // 2, taps // 2) if shape[2] > 1 else (taps // 2,) * 2 + (0, 0)
        )
        y = functional.conv2d(
            functional.pad(y, pad, "reflect"), weights, groups=count * channels
        )
    drawn = torch.rand(count, 1, 1, 1, device=x.device) < 0.5
    return torch.where(drawn, y.reshape(x.shape), x)


class SimCLR(nn.Module):
    """The loss of two views, which may be one tensor already."""

    def __init__(self, row):
        super().__init__()
        self.row = row
        self.encoder, features = resnet_torch.resnet(
            row["network"], row["width"], row["side"]
        )
        self.projector = nn.Sequential(
            nn.Linear(features, 2048, bias=False),
            nn.BatchNorm1d(2048),
            nn.ReLU(),
            nn.Linear(2048, 128, bias=False),
            nn.BatchNorm1d(128),
        )

    def forward(self, views):
        return nt_xent(self.projector(self.encoder(torch.cat(views))))

    def transform(self):
        """Lightly's views of an image."""
        from lightly.transforms import SimCLRTransform

        small = self.row["side"] <= 64
        return SimCLRTransform(
            input_size=self.row["side"],
            cj_strength=0.5 if small else 1.0,
            gaussian_blur=0.0 if small else 0.5,
            min_scale=0.2,
            normalize=None,
        )

    def optimizer(self):
        return torch.optim.SGD(
            self.parameters(), 0.03, momentum=0.9, weight_decay=1e-4, fused=True
        )

    def before_update(self):
        pass

    def after_update(self):
        pass


def method(row):
    """The module of a row's method."""
    if row["method"] == "simclr":
        return SimCLR(row)
    import steps_lightly

    return steps_lightly.METHODS[row["method"]](row)


class Loop:
    """Steps of a method."""

    def __init__(self, row, device):
        self.row, self.device = row, device
        self.method = method(row).to(device, memory_format=torch.channels_last)
        self.weights = sum(p.numel() for p in self.method.encoder.parameters())
        self.optimizer = self.method.optimizer()
        self.low = row["precision"] == "bfloat16"
        self.loss, self.make_views = self._loss, self._make_views
        if device == "cuda":
            torch.set_float32_matmul_precision("high")
            torch.backends.cudnn.benchmark = True
            self.loss = torch.compile(self._loss)
            self.make_views = torch.compile(self._make_views)

    def _loss(self, views):
        with torch.autocast(self.device, torch.bfloat16, enabled=self.low):
            return self.method(views)

    def _make_views(self, images):
        x = images.permute(0, 3, 1, 2).float() / 255
        x = torch.cat([crop_and_flip(x, self.row["side"]) for _ in range(2)])
        x = colours(x, 0.5 if self.row["side"] <= 64 else 1.0)
        if self.row["side"] > 64:
            x = blur(x)
        return [x.contiguous(memory_format=torch.channels_last)]

    def step(self, views):
        loss = self.loss(views)
        loss.backward()
        self.method.before_update()
        self.optimizer.step()
        self.method.after_update()
        self.optimizer.zero_grad(set_to_none=True)
        return loss

    def device_turns(self):
        """A function of nothing that runs an epoch; the images are on the device."""
        row = self.row
        count, source = row["batch"] * row["steps"], row["source"]
        shape = (count, source, source, 3)
        images = torch.randint(0, 256, shape, dtype=torch.uint8, device=self.device)

        def epoch():
            order = torch.randperm(count, device=self.device)
            for rows in order.reshape(-1, row["batch"]):
                loss = self.step(self.make_views(images[rows]))
            loss.item()

        return epoch

    def loader_turns(self, workers):
        """The same with views from a DataLoader that runs on and on."""
        import numpy as np
        from PIL import Image

        row = self.row
        transform = self.method.transform()
        count, source = row["batch"] * row["steps"], row["source"]
        pixels = np.random.default_rng(0).integers(
            0, 256, (count, source, source, 3), "uint8"
        )

        class Images(torch.utils.data.Dataset):
            def __len__(self):
                return 10**9

            def __getitem__(self, at):
                return transform(Image.fromarray(pixels[at % count]))

        loader = torch.utils.data.DataLoader(
            Images(), row["batch"], num_workers=workers
        )
        batches = iter(loader)
        # What the workers have made ahead is not counted: two batches each.
        for _ in range(2 * workers):
            next(batches)

        def epoch():
            for _ in range(row["steps"]):
                views = [
                    view.contiguous(memory_format=torch.channels_last)
                    for view in next(batches)
                ]
                loss = self.step(views)
            loss.item()

        return epoch


def main():
    row = json.loads(sys.argv[1])
    on_gpu = row.get("gpu", False)
    loop = Loop(row, "cuda" if on_gpu else "cpu")
    if on_gpu:
        compiled = loop.device_turns()
        compiled()
        makers = {"compiled": lambda: compiled}
        device = torch.cuda.get_device_name()
    else:
        # Made for each turn: workers must not run while it is another's.
        makers = {
            f"{count} workers": functools.partial(loop.loader_turns, count)
            for count in range(3)
        }
        device = f"{torch.get_num_threads()} threads"
    turns.answer(
        {
            "device": device,
            "versions": {"torch": torch.__version__},
            "weights": loop.weights,
            "variants": list(makers),
        }
    )
    for (variant,) in turns.asked():
        epoch = makers[variant]()
        if row.get("warm_up", not on_gpu):
            epoch()
        start = time.perf_counter()
        epoch()
        speed = row["batch"] * row["steps"] / (time.perf_counter() - start)
        del epoch
        turns.answer((speed, peak_memory(on_gpu)))


def peak_memory(on_gpu):
    """Of the GPU or of the process, in MiB."""
    if on_gpu:
        return torch.cuda.max_memory_allocated() / 2**20
    return process_memory.peak()


if __name__ == "__main__":
    main()
