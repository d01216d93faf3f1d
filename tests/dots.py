"""A keypoint network that sees coloured dots: what it should find is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from videopose3d.detectors.loading import KeypointNetwork
from videopose3d.detectors.published import RECIPES
from videopose3d.skeleton import COCO17, Skeleton

COLOURS = np.array([(r, g, b) for r in (0, 127, 255) for g in (0, 127, 255) for b in (0, 127, 255)][1:], np.uint8)
"""Of joint after joint; the ground is black."""


class Dots(nn.Module):
    """Maps that are high where a joint's colour is."""

    def __init__(self, joints: int, stride: int, height: float) -> None:
        super().__init__()
        self.joints, self.stride, self.height = joints, stride, height
        self.colours = nn.Parameter(torch.from_numpy(COLOURS[:joints] / 255.0).float())

    def maps(self, x: Tensor) -> Tensor:
        squared = ((x[:, None] - self.colours[None, :, :, None, None]) ** 2).sum(2)
        return self.height * avg_pool2d(torch.exp(-squared / 0.01), self.stride)


def dots_network(
    family: str = "cpn", size: tuple[int, int] = (256, 192), skeleton: Skeleton = COCO17
) -> KeypointNetwork:
    """As if it had been loaded; its colours are not normalised."""
    recipe = replace(RECIPES[family], mean=(0, 0, 0), deviation=(1, 1, 1))
    network = Dots(len(skeleton), recipe.stride, recipe.height).eval()
    return KeypointNetwork(network, recipe, size, skeleton, "dots")  # type: ignore[arg-type]


def dots_picture(height: int, width: int, people: list[np.ndarray], radius: float = 7.0) -> np.ndarray:
    """(height, width, 3) with a disc at every x, y of people's (J, 2) joints, in pixels that span [i, i + 1)."""
    image = np.zeros((height, width, 3), np.uint8)
    y, x = np.mgrid[:height, :width] + 0.5
    for joints in people:
        for (u, v), colour in zip(joints, COLOURS, strict=False):
            image[(x - u) ** 2 + (y - v) ** 2 <= radius**2] = colour
    return image


def somebody(left: float, top: float, scale: float = 50.0, joints: int = 17) -> tuple[np.ndarray, np.ndarray]:
    """Joints (J, 2) on a grid of four columns, and the box around them (4,)."""
    grid = np.array([(k % 4, k // 4) for k in range(joints)], float)
    points = (left, top) + scale * grid + np.random.default_rng(0).uniform(-3, 3, grid.shape)
    return points, np.concatenate([points.min(0) - 10, points.max(0) + 10])
