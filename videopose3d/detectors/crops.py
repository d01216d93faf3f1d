"""From boxes to pictures of one size for a keypoint network, and from its maps back to the image.

There are two families. CPN cuts a rectangle of whole pixels, with the mean colour where it leaves the image, and
resizes it. MMPose's networks (and the hourglass) warp a region of the right aspect, with black around the image.

Coordinates here are those of the tools and of COCO: pixel i is the number i. In the rest of this package pixel i is
the interval [i, i + 1), so that its middle is i + 0.5; `to_image` gives that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videopose3d.opencv import cv2
from videopose3d.types import Array, FloatArray, Frame

Size = tuple[int, int]
"""(height, width) [px]."""
MEAN_COLOUR = (122.7717, 115.9465, 102.9801)
"""RGB that CPN subtracts."""
_WIDENING = (0.10, 0.15)  # CPN's margin on each side of a box, in shares of its width and height
_INDEX_TO_MIDDLE = 0.5  # [px]


def rectangle(box: Array, image: Size, target: Size, extra: float = 1.0) -> NDArray[np.int64]:
    """(4,) x0, y0, x1, y1 of the whole pixels around a box that CPN sees; may leave the image.

    Args:
        box: (4,) x0, y0, x1, y1 [px].
        image: Size of the image.
        target: Size of the network's input, whose aspect the rectangle gets.
        extra: Enlargement; 1.25 in training.
    """
    height, width = image
    pad = max(height, width)
    x0, y0, x1, y1 = (float(v) + pad for v in box)
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    wide = (x1 - x0) * (1 + 2 * _WIDENING[0]) * extra
    high = (y1 - y0) * (1 + 2 * _WIDENING[1]) * extra
    size, base = (high, target[0]) if high / target[0] > wide / target[1] else (wide, target[1])
    sides = np.array([target[1], target[0]])
    canvas = np.array([width + 2 * pad, height + 2 * pad])
    room = np.minimum(centre, canvas - centre) * 2 / sides * base - 1
    half = min(size, *room) / 2 / base * sides
    low, high_end = np.trunc(centre - half), np.trunc(centre + half)
    corners: NDArray[np.int64] = np.concatenate([low, np.maximum(high_end, low + 1)]).astype(np.int64) - pad
    return corners


def cut(frame: Frame, corners: NDArray[np.int64], target: Size) -> Frame:
    """A rectangle of whole pixels resized to (height, width, 3); outside the image is the mean colour."""
    x0, y0, x1, y1 = (int(v) for v in corners)
    height, width = frame.shape[:2]
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    patch: Frame = frame[top:bottom, left:right]
    if (left, top, right, bottom) != (x0, y0, x1, y1):
        patch = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
        patch[:] = np.rint(MEAN_COLOUR).astype(np.uint8)
        if left < right and top < bottom:
            patch[top - y0 : bottom - y0, left - x0 : right - x0] = frame[top:bottom, left:right]
    return cv2.resize(patch, target[::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def region(box: Array, target: Size, padding: float = 1.25) -> Array:
    """(4,) x0, y0, x1, y1 [px] around a box that MMPose's networks see: its aspect, and ``padding`` times as large.

    Args:
        box: (4,) x0, y0, x1, y1 [px].
        target: Size of the network's input.
        padding: Enlargement.
    """
    x0, y0, x1, y1 = (float(v) for v in box)
    wide, high, aspect = (x1 - x0) * padding, (y1 - y0) * padding, target[1] / target[0]
    half = np.array([max(wide, high * aspect), max(high, wide / aspect)]) / 2
    centre = np.array([x0 + x1, y0 + y1]) / 2
    return np.concatenate([centre - half, centre + half])


def warp_matrix(corners: Array, target: Size) -> Array:
    """(2, 3) that takes image coordinates to those of the network's input."""
    x0, y0, x1, y1 = corners
    scale = target[1] / (x1 - x0)
    middle = np.array([x0 + x1, y0 + y1]) / 2
    moved = np.array([target[1], target[0]]) / 2 - scale * middle
    return np.array([[scale, 0, moved[0]], [0, scale, moved[1]]])


def warp(frame: Frame, corners: Array, target: Size) -> Frame:
    """A region of a picture as (height, width, 3), bilinear; outside the image is black.

    Computed along one axis after the other: OpenCV 4 rounds positions to 1/32 px, OpenCV 5 does not, this neither.
    """
    matrix = warp_matrix(corners, target)
    rows, columns = (
        _neighbours((np.arange(count) - matrix[axis, 2]) / matrix[axis, axis], size)
        for count, size, axis in zip(target, frame.shape, (1, 0), strict=False)
    )
    (top, bottom, upper, lower), (left, right, before, after) = rows, columns
    first = int(left.min())
    part = frame[:, first : int(right.max()) + 1]
    lines = upper[:, None, None] * part[top] + lower[:, None, None] * part[bottom]
    warped = before[:, None] * lines[:, left - first] + after[:, None] * lines[:, right - first]
    return np.rint(warped).astype(np.uint8)


def _neighbours(at: Array, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray, FloatArray]:
    """The pixels left and right of positions and their weights, 0 outside the image."""
    low = np.floor(at)
    share = at - low
    left, right = low.astype(np.int64), low.astype(np.int64) + 1
    weights = [
        np.where((index >= 0) & (index < size), weight, 0).astype(np.float32)
        for index, weight in ((left, 1 - share), (right, share))
    ]
    return left.clip(0, size - 1), right.clip(0, size - 1), weights[0], weights[1]


def from_cells(cells: Array, corners: Array, map_size: Size, middle: float) -> Array:
    """Cells of maps as image coordinates (..., 2) in which pixel i is the number i.

    Args:
        cells: (..., 2) x, y of the maps; the first cell is 0.
        corners: (..., 4) of `rectangle` or `region`, one per person; the axes before must broadcast.
        map_size: Cells of a map, (height, width).
        middle: Where in cell 0 the network means, in cells: 0.5 for CPN and the hourglass, which learn the cell that
            a joint lies in, 0 for MMPose's, which learn the nearest corner.
    """
    corners = np.asarray(corners, np.float64)
    start, end = corners[..., :2], corners[..., 2:]
    shares: Array = (np.asarray(cells, np.float64) + middle) / (map_size[1], map_size[0])
    image: Array = start + shares * (end - start)
    return image


def to_image(cells: Array, corners: Array, map_size: Size, middle: float) -> FloatArray:
    """As `from_cells`, in the coordinates of this package: pixel i spans [i, i + 1)."""
    return (from_cells(cells, corners, map_size, middle) + _INDEX_TO_MIDDLE).astype(np.float32)
