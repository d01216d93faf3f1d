"""Convolutional pose machine (Wei et al., CVPR 2016), in the layout of MMPose's checkpoints.

Six stages; each sees the image's features and the maps of the stage before. Maps have an eighth of the input's size
and are trained to blobs of height 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

_CHANNELS = 128
_FEATURES = 32  # channels that a later stage sees of the image
_LATER_STAGES = 5


class CPM(nn.Module):
    """The network for inputs whose sides are multiples of 8.

    Args:
        joints: K, number of maps.
    """

    def __init__(self, joints: int = 17) -> None:
        super().__init__()
        self.joints = joints
        self.stem = nn.Sequential(
            *_image_features(),
            ConvModule(_CHANNELS, 32, 5),
            ConvModule(32, 512, 9),
            ConvModule(512, 512, 1),
            ConvModule(512, joints, 1, plain=True),
        )
        self.middle = nn.Sequential(*_image_features())
        self.cpm_stages = nn.ModuleList(_Stage(joints + _FEATURES) for _ in range(_LATER_STAGES))
        self.middle_conv = nn.ModuleList(
            nn.Sequential(ConvModule(_CHANNELS, _FEATURES, 5)) for _ in range(_LATER_STAGES)
        )
        self.out_convs = nn.ModuleList(
            nn.Sequential(ConvModule(_CHANNELS, _CHANNELS, 1), ConvModule(_CHANNELS, joints, 1, plain=True))
            for _ in range(_LATER_STAGES)
        )
        self.apply(_initialise)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W) to the maps of the six stages, each (N, K, H / 8, W / 8)."""
        image = self.middle(x)
        found = [self.stem(x)]
        for stage, features, predict in zip(self.cpm_stages, self.middle_conv, self.out_convs, strict=True):
            found.append(predict(stage(torch.cat([found[-1], features(image)], 1))))
        return found

    def maps(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to the maps of the last stage (N, K, H / 8, W / 8)."""
        return self(x)[-1]  # type: ignore[no-any-return]


class ConvModule(nn.Module):
    """A convolution that keeps the size, batch norm and ReLU; ``plain`` is a convolution with bias alone."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, plain: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=plain)
        self.bn = None if plain else nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        h: Tensor = self.conv(x)
        return h if self.bn is None else relu(self.bn(h))


class _Stage(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            ConvModule(inputs, _CHANNELS, 11),
            ConvModule(_CHANNELS, _CHANNELS, 11),
            ConvModule(_CHANNELS, _CHANNELS, 11),
        )

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.model(x)
        return h


def _image_features() -> list[nn.Module]:
    """Three 9x9 convolutions, each halved: (N, 3, H, W) to (N, 128, H / 8, W / 8)."""
    return [
        layer
        for inputs in (3, _CHANNELS, _CHANNELS)
        for layer in (ConvModule(inputs, _CHANNELS, 9), nn.MaxPool2d(3, 2, 1))
    ]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, 0, 0.001)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
