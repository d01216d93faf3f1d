"""The maps that a CPN learns, made on the device: `detectors.networks.targets.cpn_targets`, many times as fast.

A blurred point is a row times a column. So the rows and columns for every cell are blurred once, and a target is two
look-ups and a product.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from videopose3d.detectors.crops import Size
from videopose3d.detectors.networks.targets import CPN_HEIGHT, CPN_STRIDE
from videopose3d.opencv import cv2
from videopose3d.types import FloatArray


class Blobs:
    """The targets of all levels.

    Args:
        input_size: (height, width) of the network's input [px].
        kernels: Widths of the levels [cells], odd.
        device: Where the targets are wanted.
    """

    def __init__(self, input_size: Size, kernels: Sequence[int], device: str | torch.device = "cpu") -> None:
        self.size = (input_size[0] // CPN_STRIDE, input_size[1] // CPN_STRIDE)
        self._tables = [
            [torch.from_numpy(_profiles(count, kernel)).to(device) for count in self.size] for kernel in kernels
        ]

    def __call__(self, joints: Tensor, visibility: Tensor) -> list[Tensor]:
        """Per level (N, K, H, W); empty for joints without a label or outside.

        Args:
            joints: (N, K, 2) x, y [input px].
            visibility: (N, K) 0 where not labelled.
        """
        cells = torch.floor(joints / CPN_STRIDE).long()
        limit = cells.new_tensor(self.size[::-1])
        there = (visibility > 0) & ((cells >= 0) & (cells < limit)).all(-1)
        columns, rows = cells.minimum(limit - 1).clamp(min=0).unbind(-1)
        height = CPN_HEIGHT * there.to(joints.dtype)[..., None, None]
        return [
            height * vertical[rows][..., None] * horizontal[columns][..., None, :]
            for vertical, horizontal in self._tables
        ]


def _profiles(count: int, kernel: int) -> FloatArray:
    """(count, count) row i is a point at cell i, blurred, the largest value 1."""
    points = np.eye(count, dtype=np.float32)
    blurred = cv2.GaussianBlur(points, (kernel, 1), 0)
    profiles: FloatArray = (blurred / blurred.max(1, keepdims=True)).astype(np.float32)
    return profiles
