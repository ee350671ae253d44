"""ResNets in PyTorch, as tfssl has them."""

from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """A residual block of ResNet, basic or with a bottleneck."""

    def __init__(self, inputs, width, stride, bottleneck):
        super().__init__()
        outputs = 4 * width if bottleneck else width
        if bottleneck:
            sizes = [(inputs, width, 1, 1), (width, width, 3, stride)]
            sizes += [(width, outputs, 1, 1)]
        else:
            sizes = [(inputs, width, 3, stride), (width, width, 3, 1)]
        self.branch = nn.Sequential()
        for at, size in enumerate(sizes):
            self.branch.extend(convolution(*size))
            if at < len(sizes) - 1:
                self.branch.append(nn.ReLU(inplace=True))
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = convolution(inputs, outputs, 1, stride)

    def forward(self, x):
        return functional.relu(self.branch(x) + self.shortcut(x))


def convolution(inputs, outputs, side, stride):
    layer = nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


def resnet(name, width, side):
    """ResNet-18 or 50 without a classifier, and the number of its features."""
    bottleneck, depths = {
        "resnet18": (False, (2, 2, 2, 2)),
        "resnet50": (True, (3, 4, 6, 3)),
    }[name]
    if side > 64:
        stem = [convolution(3, width, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    else:
        stem = [convolution(3, width, 3, 1), nn.ReLU()]
    blocks, inputs = [], width
    for stage, depth in enumerate(depths):
        for at in range(depth):
            stride = 2 if stage and not at else 1
            blocks.append(Block(inputs, width << stage, stride, bottleneck))
            inputs = (width << stage) * (4 if bottleneck else 1)
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*stem, *blocks, *pool), inputs
