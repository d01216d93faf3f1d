"""ResNet (He et al., CVPR 2016) with the stride on the 3x3 convolution, as a backbone of four levels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import relu

EXPANSION = 4
"""Channels that leave a bottleneck over channels inside it."""


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution beside a shortcut.

    Args:
        inputs, width, outputs: Channels that come in, inside, that go out.
        stride: Of the 3x3 convolution and the shortcut.
        project: Whether the shortcut is a 1x1 convolution.
    """

    def __init__(self, inputs: int, width: int, outputs: int, stride: int = 1, *, project: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if project:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        h = relu(self.bn1(self.conv1(x)))
        h = self.bn3(self.conv3(relu(self.bn2(self.conv2(h)))))
        return relu(h + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """The backbone.

    Args:
        blocks: Bottlenecks of the four stages: (3, 4, 6, 3) is ResNet-50, (3, 4, 23, 3) ResNet-101.
    """

    def __init__(self, blocks: Sequence[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = _stage(64, 64, blocks[0], 1)
        self.layer2 = _stage(256, 128, blocks[1], 2)
        self.layer3 = _stage(512, 256, blocks[2], 2)
        self.layer4 = _stage(1024, 512, blocks[3], 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W) to the stages, coarsest first: C5 (N, 2048, H / 32, W / 32) to C2 (N, 256, H / 4, W / 4)."""
        c2 = self.layer1(self.maxpool(relu(self.bn1(self.conv1(x)))))
        c3 = self.layer2(c2)
        c4 = self.layer3(c3)
        return [self.layer4(c4), c4, c3, c2]


def _stage(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    outputs = EXPANSION * width
    rest = (Bottleneck(outputs, width, outputs, project=False) for _ in range(blocks - 1))
    return nn.Sequential(Bottleneck(inputs, width, outputs, stride, project=True), *rest)
