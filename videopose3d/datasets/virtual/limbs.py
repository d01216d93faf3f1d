"""Smooth random poses of arms and legs inside the limits of human joints.

Angles are drawn at moments about half a second apart and interpolated, for every chosen limb, in the frame of the
hips or of the shoulders. Ranges: American Academy of Orthopaedic Surgeons, *Joint Motion* (1965), rounded.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Generator, Tensor

from videopose3d.datasets.virtual.rotations import hat_matrix, rand
from videopose3d.skeleton import COCO17, H36M17

_LEG = ((-25.0, 120.0), (-20.0, 45.0), (-35.0, 35.0), (0.0, 140.0))
"""Flexion and abduction of the hip, rotation of the thigh, flexion of the knee [degrees]."""
_ARM = ((0.0, 170.0), (-40.0, 125.0), (-100.0, 70.0), (0.0, 145.0))
"""Elevation of the upper arm, its plane (0 to the side, 90 in front), its rotation, flexion of the elbow [degrees]."""
_FRAMES_APART = 14


def pose_limbs(windows: Tensor, share: float, gen: Generator) -> Tensor:
    """Give each limb of a share of the windows (N, F, 34, 3) a random motion; bones keep their lengths."""
    chosen = torch.nonzero(rand(len(windows), gen=gen) < share)[:, 0]
    some = windows[chosen]
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for limb, chain in ((_LEG, ("hip", "knee", "ankle")), (_ARM, ("shoulder", "elbow", "wrist"))):
            moved = _pose(some, [f"{side}_{joint}" for joint in chain], sign, limb, gen)
            hit = rand(len(some), gen=gen) < 0.6
            some = torch.where(hit[:, None, None, None], moved, some)
    windows = windows.clone()
    windows[chosen] = some
    return windows


def _pose(
    windows: Tensor, chain: list[str], sign: float, limits: tuple[tuple[float, float], ...], gen: Generator
) -> Tensor:
    """Windows whose limb ``chain`` (three joints) has a random motion."""
    count, frames = windows.shape[:2]
    low, high = torch.tensor(limits, device=gen.device).T * (pi / 180)
    knots = frames // _FRAMES_APART + 2
    drawn = (rand(count, knots, 4, gen=gen) + rand(count, knots, 4, gen=gen)) / 2  # the ends of a range are rare
    angles = hat_matrix(frames, knots, gen.device) @ (low + (high - low) * drawn)
    leg = chain[0].endswith("hip")
    upper, lower = _leg(angles, sign) if leg else _arm(angles, sign)
    axes = body_frame(windows, ("right_hip", "left_hip") if leg else ("right_shoulder", "left_shoulder"))
    top, middle, end = H36M17.indices(chain)
    long, short = (
        (windows[:, :, b] - windows[:, :, a]).norm(dim=-1, keepdim=True) for a, b in ((top, middle), (middle, end))
    )
    out = windows.clone()
    out[:, :, middle] = out[:, :, top] + long * (axes @ upper[..., None])[..., 0]
    out[:, :, end] = out[:, :, middle] + short * (axes @ lower[..., None])[..., 0]
    for joint in chain[1:]:  # these are the same points in both joint sets, apart from what moved them before
        three, two = H36M17.index(joint), 17 + COCO17.index(joint)
        out[:, :, two] = out[:, :, three] + windows[:, :, two] - windows[:, :, three]
    return out


def _leg(angles: Tensor, sign: float) -> tuple[Tensor, Tensor]:
    """(..., 3) directions left, up, forward of thigh and shank from angles (..., 4) [rad]."""
    flexion, abduction, rotation, knee = angles.unbind(-1)
    thigh = torch.stack([sign * abduction.sin(), -abduction.cos() * flexion.cos(), abduction.cos() * flexion.sin()], -1)
    back = torch.stack([torch.zeros_like(flexion), -flexion.sin(), -flexion.cos()], -1)
    return thigh, _bent(thigh, back, rotation, knee)


def _arm(angles: Tensor, sign: float) -> tuple[Tensor, Tensor]:
    """(..., 3) directions left, up, forward of upper arm and forearm from angles (..., 4) [rad]."""
    elevation, plane, rotation, elbow = angles.unbind(-1)
    upper = torch.stack([sign * elevation.sin() * plane.cos(), -elevation.cos(), elevation.sin() * plane.sin()], -1)
    front = torch.stack([-sign * plane.sin() * 0.5, 0.3 + 0 * plane, 0.2 + plane.cos().abs()], -1)
    return upper, _bent(upper, front, sign * rotation, elbow)


def _bent(bone: Tensor, towards: Tensor, rotation: Tensor, angle: Tensor) -> Tensor:
    """(..., 3) direction of the bone after a hinge that bends ``towards``, turned about ``bone``."""
    towards = torch.nn.functional.normalize(towards - (towards * bone).sum(-1, keepdim=True) * bone, dim=-1)
    across = torch.linalg.cross(bone, towards, dim=-1)
    towards = rotation.cos()[..., None] * towards + rotation.sin()[..., None] * across
    return angle.cos()[..., None] * bone + angle.sin()[..., None] * towards


def body_frame(windows: Tensor, across: tuple[str, str]) -> Tensor:
    """(N, F, 3, 3) rotations whose columns point left, up the trunk and forward."""
    right, left = (H36M17.index(n) for n in across)
    up = windows[:, :, H36M17.index("thorax")] - windows[:, :, H36M17.index("pelvis")]
    up = torch.nn.functional.normalize(up, dim=-1)
    side = windows[:, :, left] - windows[:, :, right]
    side = torch.nn.functional.normalize(side - (side * up).sum(-1, keepdim=True) * up, dim=-1)
    return torch.stack([side, up, torch.linalg.cross(side, up, dim=-1)], -1)
