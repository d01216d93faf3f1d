"""The maps that keypoint networks learn: one blob per joint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videopose3d.opencv import cv2
from videopose3d.types import Array, FloatArray

CPN_HEIGHT = 255.0
"""Of the blobs that a CPN learns."""
CPN_STRIDE = 4
"""Input pixels per cell of its maps."""
_CPN_KERNELS = {(384, 288): (23, 17, 13, 9), (256, 192): (15, 11, 9, 7)}


def cpn_kernels(input_size: tuple[int, int]) -> tuple[int, ...]:
    """Widths [cells] of the blobs of the four levels, coarsest first; RefineNet learns the last.

    Args:
        input_size: (height, width) [px]; other sizes than the two published ones take those of the next in height.
    """
    nearest = min(_CPN_KERNELS, key=lambda size: abs(size[0] - input_size[0]))
    return _CPN_KERNELS[nearest]


def cpn_targets(joints: Array, labelled: Array, map_size: tuple[int, int], kernels: Sequence[int]) -> FloatArray:
    """Blobs of a CPN at the cell in which a joint lies: (levels, K, H, W), height 255.

    A blob is what a Gaussian blur of that width makes of the cell, as OpenCV has it: its borders reflect, and for
    widths up to 9 it has tables instead of a Gaussian.

    Args:
        joints: (K, 2) [input px].
        labelled: (K,) 0 for joints without a label, whose maps stay empty as those of joints outside.
        map_size: (H, W) [cells].
        kernels: Widths of the levels [cells], odd.
    """
    height, width = map_size
    targets = np.zeros((len(kernels), len(joints), height, width), np.float32)
    for k in np.flatnonzero(np.asarray(labelled) > 0):
        if not np.isfinite(joints[k]).all():
            continue
        column, row = np.floor(joints[k] / CPN_STRIDE).astype(int)
        if not (0 <= column < width and 0 <= row < height):
            continue
        point = np.zeros((height, width), np.float32)
        point[row, column] = 1
        for level, kernel in enumerate(kernels):
            blob = cv2.GaussianBlur(point, (kernel, kernel), 0)
            targets[level, k] = blob * (CPN_HEIGHT / blob.max())
    return targets


def gaussian_targets(
    joints: Array, labelled: Array, map_size: tuple[int, int], stride: float, sigma: float
) -> tuple[FloatArray, FloatArray]:
    """Gaussians of height 1 at the nearest cell, cut off at 3 sigma (CPM, hourglass): (K, H, W), and weights (K,).

    Args:
        joints: (K, 2) [input px].
        labelled: (K,) 0 for joints without a label.
        map_size: (H, W) [cells].
        stride: Input pixels per cell.
        sigma: [cells].
    """
    height, width = map_size
    targets = np.zeros((len(joints), height, width), np.float32)
    weights = (np.asarray(labelled) > 0).astype(np.float32)
    reach = 3 * sigma
    y, x = np.mgrid[:height, :width]
    for k in np.flatnonzero(weights):
        centre = np.trunc(joints[k] / stride + 0.5) if np.isfinite(joints[k]).all() else np.full(2, -np.inf)
        if (centre < -reach).any() or (centre >= (width + reach, height + reach)).any():
            weights[k] = 0
            continue
        dx, dy = x - centre[0], y - centre[1]
        inside = (np.abs(dx) <= reach) & (np.abs(dy) <= reach)
        targets[k] = np.where(inside, np.exp(-(dx**2 + dy**2) / (2 * sigma**2)), 0)
    return targets, weights
