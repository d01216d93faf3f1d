"""Which joints the body itself hides: arms behind the trunk, a leg behind the other."""

from __future__ import annotations

import torch
from torch import Tensor

from videopose3d.skeleton import COCO17

_DEEPER = 0.06
"""How much farther away than the middle of the bone in front of it a hidden joint is at least [m]."""
_TRUNK, _LEG = 0.13, 0.055
"""Half widths of what hides [m]."""


def hidden_by_body(coco: Tensor) -> Tensor:
    """(N, F, 17) limb joints that lie behind the trunk or the other leg.

    Args:
        coco: (N, F, 17, 3) keypoints in camera coordinates [m], of a person of 1.70 m.
    """

    def at(name: str) -> Tensor:
        return coco[:, :, COCO17.index(name)]

    hips = (at("left_hip") + at("right_hip")) / 2
    shoulders = (at("left_shoulder") + at("right_shoulder")) / 2
    hidden = torch.zeros_like(coco[..., 0], dtype=torch.bool)
    for side, other in (("left", "right"), ("right", "left")):
        for joint in ("elbow", "wrist"):
            hidden[:, :, COCO17.index(f"{side}_{joint}")] = _behind(at(f"{side}_{joint}"), hips, shoulders, _TRUNK)
        hip, knee, ankle = (at(f"{other}_{joint}") for joint in ("hip", "knee", "ankle"))
        for joint in ("knee", "ankle"):
            point = at(f"{side}_{joint}")
            hidden[:, :, COCO17.index(f"{side}_{joint}")] = _behind(point, hip, knee, _LEG) | _behind(
                point, knee, ankle, _LEG
            )
    return hidden


def _behind(point: Tensor, start: Tensor, end: Tensor, half_width: float) -> Tensor:
    """(N, F) whether points (N, F, 3) are hidden by bones from ``start`` to ``end``."""
    p, a, b = (x[..., :2] / x[..., 2:].clamp(min=0.3) for x in (point, start, end))
    along = b - a
    share = (((p - a) * along).sum(-1) / along.square().sum(-1).clamp(min=1e-9)).clamp(0, 1)
    depth = torch.lerp(start[..., 2], end[..., 2], share)
    apart = (p - a - share[..., None] * along).norm(dim=-1) * depth
    hidden: Tensor = (apart < half_width) & (point[..., 2] > depth + _DEEPER)
    return hidden
