"""Input coordinates that assume no particular camera, and the way back.

Each frame's viewing rays are turned so that the ray of the person's middle is the optical axis, and divided
by the person's apparent size. What is left depends on the pose and hardly on where in the picture, how far
away or with which lens it was filmed; the size is kept as a feature because perspective depends on it.
(Camera-ray inputs: Zhan et al., "Ray3D", CVPR 2022; the rotation onto the axis: arXiv 2501.16146.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from videopose3d.skeleton import Skeleton

FEATURES = 4
"""x and y on the turned image plane in units of the apparent size, score, log of the apparent size."""

_TYPICAL_SIZE = 0.15
_SMALLEST_SIZE = 1e-4


def canonical_input(rays: Tensor, scores: Tensor, skeleton: Skeleton) -> tuple[Tensor, Tensor]:
    """Lifter features of 2D joints given as rays.

    Args:
        rays: (..., J, 2) slopes x/z, y/z; any finite value where the score is 0.
        scores: (..., J) confidence 0..1; 0 for a joint that was not seen.
        skeleton: Which joints these are.

    Returns:
        (..., J, 4) features, and (..., 3, 3) the rotations from camera axes to the turned axes.
    """
    seen = (scores > 0).to(rays.dtype)
    turn = rotation_onto_axis(_middle(rays, seen, skeleton))
    x, y, z = turn[..., None, :, :].unbind(-1)  # (rays, 1) turned, by columns: a fifth of the time of a matrix product
    turned = rays[..., :1] * x + rays[..., 1:] * y + z
    flat = turned[..., :2] / turned[..., 2:].clamp(min=0.05)
    squares = (flat.square().sum(-1) * seen).sum(-1) / seen.sum(-1).clamp(min=1)
    size = squares.sqrt().clamp(min=_SMALLEST_SIZE)[..., None]
    log_size = (size / _TYPICAL_SIZE).log().expand_as(scores)
    flat = flat / size[..., None] * seen[..., None]
    return torch.cat([flat, scores[..., None], log_size[..., None]], -1), turn


def _middle(rays: Tensor, seen: Tensor, skeleton: Skeleton) -> Tensor:
    """(..., 2) the middle of the hips, or of all seen joints where a hip is missing."""
    hips = skeleton.indices(("left_hip", "right_hip"))
    whole = (rays * seen[..., None]).sum(-2) / seen.sum(-1, keepdim=True).clamp(min=1)
    both = seen[..., hips].min(-1, keepdim=True).values
    return torch.where(both > 0, rays[..., hips, :].mean(-2), whole)


def rotation_onto_axis(middle: Tensor) -> Tensor:
    """(..., 3, 3) the smallest rotations that turn rays of slope (..., 2) onto the optical axis."""
    x, y = middle.unbind(-1)
    norm = (1 + x.square() + y.square()).sqrt()
    x, y, z = x / norm, y / norm, 1 / norm
    k = 1 / (1 + z)
    rows = [1 - k * x * x, -k * x * y, -x, -k * x * y, 1 - k * y * y, -y, x, y, z]
    return torch.stack(rows, -1).reshape(*x.shape, 3, 3)


def mirror_input(features: Tensor, skeleton: Skeleton) -> Tensor:
    """(..., J, features) of the person seen in a mirror; applying it twice changes nothing."""
    mirrored = features[..., list(skeleton.mirror), :].clone()
    mirrored[..., 0] *= -1
    return mirrored


def mirror_pose(pose: Tensor, skeleton: Skeleton) -> Tensor:
    """(..., J, 3) in a mirror that swaps left and right; its own inverse."""
    mirrored = pose[..., list(skeleton.mirror), :].clone()
    mirrored[..., 0] *= -1
    return mirrored
