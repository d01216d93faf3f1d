"""Cascaded pyramid network (Chen et al., CVPR 2018), in the layout of the published PyTorch checkpoints.

A pyramid over a ResNet (GlobalNet) finds the easy joints at every level; RefineNet joins the levels and corrects the
hard ones. Maps have a quarter of the input's size and are trained to blobs of height 255.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn

from videopose3d.detectors.networks.resnet import Bottleneck, ResNet

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Bottlenecks of the backbone by the number of its layers."""
_LEVELS = (2048, 1024, 512, 256)  # channels of C5, C4, C3, C2
_CHANNELS = 256  # of the pyramid


class CPN(nn.Module):
    """The network for inputs whose sides are multiples of 32.

    Args:
        blocks: Bottlenecks of the backbone's stages.
        joints: K, number of maps.
    """

    def __init__(self, blocks: Sequence[int] = BLOCKS[50], joints: int = 17) -> None:
        super().__init__()
        self.joints = joints
        self.resnet = ResNet(blocks)
        self.global_net = GlobalNet(joints)
        self.refine_net = RefineNet(joints)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """(N, 3, H, W) to the maps of GlobalNet, coarsest first, and of RefineNet: each (N, K, H / 4, W / 4)."""
        features = self.global_net.features(self.resnet(x))
        return self.global_net.maps(features), self.refine_net(features)

    def maps(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to the maps of RefineNet (N, K, H / 4, W / 4); those of GlobalNet are not computed."""
        refined: Tensor = self.refine_net(self.global_net.features(self.resnet(x)))
        return refined

    def heads(self) -> list[nn.Module]:
        """The last convolutions and batch norms of both networks: what fine-tuning starts anew (paper, section 5.2)."""
        modules = dict(self.named_modules())
        last = [f"global_net.predict.{level}.{layer}" for level in range(len(_LEVELS)) for layer in (3, 5)]
        return [modules[name] for name in [*last, "refine_net.final_predict.1", "refine_net.final_predict.2"]]

    @torch.no_grad()
    def reset_heads(self) -> list[str]:
        """Initialise `heads` anew, running statistics included; the names of their tensors come back."""
        heads = self.heads()
        for head in heads:
            if isinstance(head, nn.BatchNorm2d):
                head.reset_running_stats()
            _initialise(head)
        return [
            f"{name}.{key}"
            for name, module in self.named_modules()
            if any(module is head for head in heads)
            for key in module.state_dict()
        ]


class GlobalNet(nn.Module):
    """A feature pyramid, and maps from each of its levels."""

    def __init__(self, joints: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, _CHANNELS, 1, bias=False), nn.BatchNorm2d(_CHANNELS), nn.ReLU())
            for channels in _LEVELS
        )
        self.upsamples = nn.ModuleList(
            nn.Sequential(_Enlarge(2), nn.Conv2d(_CHANNELS, _CHANNELS, 1, bias=False), nn.BatchNorm2d(_CHANNELS))
            for _ in _LEVELS[1:]
        )
        self.predict = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(_CHANNELS, _CHANNELS, 1, bias=False),
                nn.BatchNorm2d(_CHANNELS),
                nn.ReLU(),
                nn.Conv2d(_CHANNELS, joints, 3, padding=1, bias=False),
                _Enlarge(8 >> level),
                nn.BatchNorm2d(joints),
            )
            for level in range(len(_LEVELS))
        )

    def features(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """C5 to C2 to the pyramid, coarsest first: each (N, 256, h, w) of its level's size."""
        found = [self.laterals[0](levels[0])]
        for lateral, upsample, level in zip(self.laterals[1:], self.upsamples, levels[1:], strict=True):
            found.append(lateral(level) + upsample(found[-1]))
        return found

    def maps(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The pyramid to maps (N, K, H / 4, W / 4), coarsest first."""
        return [predict(feature) for predict, feature in zip(self.predict, features, strict=True)]


class RefineNet(nn.Module):
    """Bottlenecks, the more the coarser the level, on top of which all levels are joined."""

    def __init__(self, joints: int) -> None:
        super().__init__()
        self.cascade = nn.ModuleList(
            nn.Sequential(*(_bottleneck(_CHANNELS) for _ in range(3 - level)), _Enlarge(8 >> level))
            for level in range(len(_LEVELS))
        )
        self.final_predict = nn.Sequential(
            _bottleneck(len(_LEVELS) * _CHANNELS),
            nn.Conv2d(_CHANNELS, joints, 3, padding=1, bias=False),
            nn.BatchNorm2d(joints),
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """The pyramid to maps (N, K, H / 4, W / 4)."""
        joined = torch.cat([branch(level) for branch, level in zip(self.cascade, features, strict=True)], 1)
        maps: Tensor = self.final_predict(joined)
        return maps


class _Enlarge(nn.Upsample):
    """Bilinear, with the corners' centres on each other."""

    def __init__(self, factor: int) -> None:
        super().__init__(scale_factor=factor, mode="bilinear", align_corners=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C, factor * h, factor * w)."""
        return x if self.scale_factor == 1 else super().forward(x)


def _bottleneck(inputs: int) -> Bottleneck:
    return Bottleneck(inputs, _CHANNELS // 2, _CHANNELS, project=True)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(
            module.weight, 0, sqrt(2 / (module.kernel_size[0] * module.kernel_size[1] * module.out_channels))
        )
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
