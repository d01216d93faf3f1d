"""Stacked hourglass network (Newell et al., ECCV 2016), in the layout of the published PyTorch checkpoints.

Each hourglass goes down four octaves and up again and gives maps; the next one corrects them. Maps have a quarter of
the input's size and are trained to blobs of height 1.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, relu

_CHANNELS = 256
_DEPTH = 4


class Hourglass(nn.Module):
    """The network for inputs whose sides are multiples of 64.

    Args:
        stacks: Hourglasses in a row.
        joints: K, number of maps.
    """

    def __init__(self, stacks: int = 8, joints: int = 16) -> None:
        super().__init__()
        self.joints = joints
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Residual(64, 128))
        self.layer2 = nn.Sequential(Residual(128, _CHANNELS))
        self.layer3 = nn.Sequential(Residual(_CHANNELS, _CHANNELS))
        self.hg = nn.ModuleList(_Octaves() for _ in range(stacks))
        self.res = nn.ModuleList(nn.Sequential(Residual(_CHANNELS, _CHANNELS)) for _ in range(stacks))
        self.fc = nn.ModuleList(
            nn.Sequential(nn.Conv2d(_CHANNELS, _CHANNELS, 1), nn.BatchNorm2d(_CHANNELS), nn.ReLU())
            for _ in range(stacks)
        )
        self.score = nn.ModuleList(nn.Conv2d(_CHANNELS, joints, 1) for _ in range(stacks))
        self.fc_ = nn.ModuleList(nn.Conv2d(_CHANNELS, _CHANNELS, 1) for _ in range(stacks - 1))
        self.score_ = nn.ModuleList(nn.Conv2d(joints, _CHANNELS, 1) for _ in range(stacks - 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W) to the maps of every stack, each (N, K, H / 4, W / 4)."""
        x = self.layer1(relu(self.bn1(self.conv1(x))))
        x = self.layer3(self.layer2(max_pool2d(x, 2)))
        found: list[Tensor] = []
        for i, hourglass in enumerate(self.hg):
            h = self.fc[i](self.res[i](hourglass(x)))
            found.append(self.score[i](h))
            if i < len(self.fc_):
                x = x + self.fc_[i](h) + self.score_[i](found[-1])
        return found

    def maps(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to the maps of the last stack (N, K, H / 4, W / 4)."""
        return self(x)[-1]  # type: ignore[no-any-return]


class Residual(nn.Module):
    """Batch norm and ReLU before each of three convolutions, beside a shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        width = outputs // 2
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, width, 1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1)
        self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1)) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        h = self.conv1(relu(self.bn1(x)))
        h = self.conv3(relu(self.bn3(self.conv2(relu(self.bn2(h))))))
        summed: Tensor = h + (x if self.downsample is None else self.downsample(x))
        return summed


class _Octaves(nn.Module):
    """One hourglass: per octave the residuals beside, down and up, and the one at the bottom."""

    def __init__(self) -> None:
        super().__init__()
        self.hg = nn.ModuleList(
            nn.ModuleList(nn.Sequential(Residual(_CHANNELS, _CHANNELS)) for _ in range(3 + (octave == 0)))
            for octave in range(_DEPTH)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self._octave(_DEPTH - 1, x)

    def _octave(self, octave: int, x: Tensor) -> Tensor:
        layers = self.hg[octave]
        assert isinstance(layers, nn.ModuleList)
        beside, down, up, *bottom = layers
        h = down(max_pool2d(x, 2))
        h = self._octave(octave - 1, h) if octave else bottom[0](h)
        enlarged: Tensor = beside(x) + interpolate(up(h), scale_factor=2.0)
        return enlarged
