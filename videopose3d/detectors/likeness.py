"""How alike two sightings of people are, and who belongs to whom when everybody is to be as alike as possible."""

from __future__ import annotations

import numpy as np

from videopose3d.skeleton import Skeleton
from videopose3d.types import Array

SIGMAS = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062,
    "hip": 0.107, "knee": 0.087, "ankle": 0.089,
}  # fmt: skip
"""How exactly people mark each kind of joint, in shares of the person's size (COCO keypoint evaluation)."""
OTHER_SIGMA = 0.089
"""Of joints that COCO does not have."""
FEWEST_JOINTS = 5
"""Joints that both have to show to be compared by them."""


def box_overlap(one: Array, other: Array) -> Array:
    """(N, M) intersection over union of boxes (N, 4) and (M, 4): x0, y0, x1, y1."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    union = box_area(one)[:, None] + box_area(other)[None] - shared
    overlap: Array = shared / np.maximum(union, 1e-9)
    return overlap


def box_area(boxes: Array) -> Array:
    """(N,) area of boxes (N, 4) [px²]."""
    area: Array = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(-1)
    return area


def joint_sigmas(skeleton: Skeleton) -> Array:
    """(J,) `SIGMAS` of a skeleton's joints."""
    kinds = (joint.removeprefix("left_").removeprefix("right_") for joint in skeleton.joints)
    return np.array([SIGMAS.get(kind, OTHER_SIGMA) for kind in kinds])


def keypoint_likeness(one: Array, other: Array, areas: Array, sigmas: Array) -> Array:
    """(N, M) object keypoint similarity 0..1 over the joints that both show; NaN where those are too few.

    Args:
        one: (N, J, 2) [px], NaN where not found.
        other: (M, J, 2) [px].
        areas: (N, M) area of the people [px²].
        sigmas: (J,) as `joint_sigmas` gives.
    """
    squares = ((one[:, None] - other[None]) ** 2).sum(-1)
    both = np.isfinite(squares)
    alike = np.exp(-np.where(both, squares, 0) / (2 * np.maximum(areas, 1)[..., None] * (2 * sigmas) ** 2))
    count = both.sum(-1)
    mean = (alike * both).sum(-1) / np.maximum(count, 1)
    return np.where(count >= FEWEST_JOINTS, mean, np.nan)


def assign(cost: Array) -> list[tuple[int, int]]:
    """Pairs (row, column) of least total cost, as many as there are rows or columns, whichever are fewer.

    The Hungarian method with shortest augmenting paths, O(rows² columns).

    Args:
        cost: (N, M) finite costs.
    """
    if cost.shape[0] > cost.shape[1]:
        return sorted((row, column) for column, row in assign(cost.T))
    rows, columns = cost.shape
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    owner = np.full(columns, -1)
    for start in range(rows):
        came_from = np.full(columns, -1)  # the column before on the path; -1 is the start
        shortest, done = np.full(columns, np.inf), np.zeros(columns, bool)
        row, last = start, -1
        while True:
            through = cost[row] - row_price[row] - column_price
            better = ~done & (through + _length(shortest, last) < shortest)
            shortest[better], came_from[better] = (through + _length(shortest, last))[better], last
            last = int(np.where(done, np.inf, shortest).argmin())
            if owner[last] < 0:
                break
            done[last] = True
            row = int(owner[last])
        row_price[start] += shortest[last]
        row_price[owner[done]] += shortest[last] - shortest[done]
        column_price[done] -= shortest[last] - shortest[done]
        while last >= 0:
            before = int(came_from[last])
            owner[last] = owner[before] if before >= 0 else start
            last = before
    return sorted((int(row), column) for column, row in enumerate(owner) if row >= 0)


def _length(shortest: Array, column: int) -> float:
    """Length of the shortest path to a column; 0 at the start."""
    return float(shortest[column]) if column >= 0 else 0.0
