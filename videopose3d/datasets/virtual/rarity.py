"""How rare a pose is among many: its distance to the nearest others."""

from __future__ import annotations

import torch
from torch import Tensor

from videopose3d.datasets.virtual.bodies import body_size
from videopose3d.skeleton import H36M17

_SAMPLE = 4096
_NEIGHBOUR = 4
_RANGE = (0.3, 3.0)


def distances_to_others(poses: Tensor) -> Tensor:
    """(N,) distance of each pose (N, 17, 3), z up, to its fourth neighbour, over the median of these.

    Poses are compared without place, size and the way they face, with up to 4096 of them evenly chosen. The distance
    is limited to 0.3 to 3 medians, so that errors of the recording do not come to the front.
    """
    seen = poses - poses[:, :1]
    left = seen[:, H36M17.index("left_hip")] - seen[:, H36M17.index("right_hip")]
    angle = torch.atan2(left[:, 1], left[:, 0])
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    x, y, z = seen.unbind(-1)
    facing = torch.stack([cos * x + sin * y, cos * y - sin * x, z], -1) / body_size(poses)[:, None, None]
    flat = facing.flatten(1)
    sample = flat[:: max(1, len(flat) // _SAMPLE)]
    nearest = min(_NEIGHBOUR + 1, len(sample))
    exact = "donot_use_mm_for_euclid_dist"  # neighbours are too near for the difference of large products
    apart = (torch.cdist(part, sample, compute_mode=exact) for part in torch.split(flat, 2048))
    far = torch.cat([distances.kthvalue(nearest, -1).values for distances in apart])
    scaled: Tensor = (far / far.median().clamp(min=1e-6)).clamp(*_RANGE)
    return scaled
