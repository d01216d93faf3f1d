"""Varied bodies and motions: parts mixed, subtrees turned, bones scaled, all to one size.

Windows are (N, F, 34, 3): Human3.6M-17 first, then COCO-17, z up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import pi

import torch
from torch import Generator, Tensor

from videopose3d.datasets.virtual.limbs import body_frame, pose_limbs
from videopose3d.datasets.virtual.rotations import rand, randn, random_rotation, rotated, rotation_from_vector, turn
from videopose3d.skeleton import COCO17, H36M17

CANONICAL_SIZE = 1.58
"""Body size of every window [m]: leg, trunk and head bones in a row, as of a person of 1.70 m."""


@dataclass(frozen=True)
class BodyConfig:
    """How bodies and motions are varied. Angles in degrees.

    Attributes:
        part_mixing: Share of windows with an upper body or arm of another window.
        tilted: Share of windows turned as a whole in any direction (lying, upside down).
        subtree_angle: Spread of the constant turn of trunk, hips, shoulders, elbows and knees.
        random_limbs: Share of windows with random arms and legs inside joint limits.
        bone_spread: Spread of bone lengths, as the logarithm of a factor.
        point_spread: Spread of where COCO hips and shoulders lie on the body: forward, outward, up [m].
        rarity: How much more often rare poses are drawn: the power of their distance from others.
        speed: Range of the factor on the speed of a motion.
        rates: Range of frame rates [1/s].
    """

    part_mixing: float = 0.4
    tilted: float = 0.06
    subtree_angle: Mapping[str, float] = field(
        default_factory=lambda: {"trunk": 10.0, "hip": 12.0, "shoulder": 20.0, "elbow": 18.0, "knee": 8.0}
    )
    random_limbs: float = 0.1
    bone_spread: float = 0.08
    point_spread: tuple[float, float, float] = (0.008, 0.009, 0.009)
    rarity: float = 1.0
    speed: tuple[float, float] = (0.8, 1.25)
    rates: tuple[float, float] = (20.0, 60.0)


def _joints(*names: str) -> list[int]:
    """Indices of joints in both halves of the 34."""
    h36m = [H36M17.index(n) for n in names if n in H36M17.joints]
    return h36m + [17 + COCO17.index(n) for n in names if n in COCO17.joints]


_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_PARTS = {
    f"{side}_{part}": _joints(*(f"{side}_{name}" for name in names))
    for side in ("left", "right")
    for part, names in {
        "elbow": ("wrist",),
        "shoulder": ("elbow", "wrist"),
        "knee": ("ankle",),
        "hip": ("knee", "ankle"),
    }.items()
}
_PARTS["trunk"] = _joints(
    "spine", "thorax", "neck", "head", *_FACE,
    *(f"{s}_{j}" for s in ("left", "right") for j in ("shoulder", "elbow", "wrist")),
)  # fmt: skip
_PIVOTS = {part: H36M17.index("pelvis" if part == "trunk" else part) for part in _PARTS}
_TURNED = {"trunk": ""} | {
    f"{side}_{part}": f"{side}_{before}" if before in ("hip", "shoulder") else before
    for part, before in (("shoulder", "trunk"), ("hip", ""), ("elbow", "shoulder"), ("knee", "hip"))
    for side in ("left", "right")
}
"""Parts that are turned, with the part each hangs on, which comes before it."""
_PART_OF = [0] * 34
for _number, _part in enumerate(_TURNED, start=1):
    for _joint in _PARTS[_part]:
        _PART_OF[_joint] = _number  # the part nearest to the joint comes last
_PIVOT_OF = [0 if part == 0 else _PIVOTS[list(_TURNED)[part - 1]] for part in _PART_OF]
_LEVEL = [0 if p == 0 else 1 if _PART_OF[_PIVOT_OF[j]] == 0 else 2 if _PART_OF[_PIVOT_OF[_PIVOT_OF[j]]] == 0 else 3
          for j, p in enumerate(_PART_OF)]  # fmt: skip
_NEAR = torch.tensor([[float(level <= 1)] for level in _LEVEL])
_FARTHER = [(joint, _PIVOT_OF[joint]) for at in (2, 3) for joint, level in enumerate(_LEVEL) if level == at]
_PIVOT_INDEX = torch.tensor(_PIVOT_OF)

_ANCHORS = [H36M17.index("head" if n in _FACE else n) for n in COCO17.joints]


def vary_bodies(windows: Tensor, config: BodyConfig, gen: Generator) -> Tensor:
    """Windows (N, F, 34, 3) with parts mixed, subtrees turned, bones scaled and some tilted."""
    windows = mix_parts(windows, config.part_mixing, gen)
    windows = turn_subtrees(windows, config.subtree_angle, gen)
    windows = pose_limbs(windows, config.random_limbs, gen)
    windows = scale_bones(windows, config.bone_spread, gen)
    windows = shift_points(windows, config.point_spread, gen)
    count = len(windows)
    tilt = random_rotation(count, gen)
    keep = rand(count, gen=gen) >= config.tilted
    tilt[keep] = torch.eye(3, device=gen.device)
    middle = windows[:, windows.shape[1] // 2, None, None, 0]
    return turn(windows - middle, tilt)


def mix_parts(windows: Tensor, share: float, gen: Generator) -> Tensor:
    """Give a share of the windows the upper body and, apart from that, each arm of other windows.

    A part is carried over in the frame of the body that it hangs on: the upper body in that of the hips and
    trunk, an arm in that of the shoulders and trunk.
    """
    out = windows.clone()
    for part, across in (
        ("trunk", ("right_hip", "left_hip")),
        ("left_shoulder", ("right_shoulder", "left_shoulder")),
        ("right_shoulder", ("right_shoulder", "left_shoulder")),
    ):
        take = torch.nonzero(rand(len(windows), gen=gen) < share / 2)[:, 0]
        donor = windows[torch.randint(len(windows), (len(take),), generator=gen, device=gen.device)]
        host = out[take]
        pivot, joints = _PIVOTS[part], _PARTS[part]
        carry = body_frame(host, across) @ body_frame(donor, across).transpose(-1, -2)
        moved = (donor[:, :, joints] - donor[:, :, pivot, None]) @ carry.transpose(-1, -2) + host[:, :, pivot, None]
        host[:, :, joints] = moved
        out[take] = host
    return out


def turn_subtrees(windows: Tensor, spread: Mapping[str, float], gen: Generator) -> Tensor:
    """Turn each part about the joint it hangs on by a random angle, the same over the window.

    What hangs on a part turns with it; the rotations of trunk, shoulder and elbow are multiplied in this order.
    """
    count, device = len(windows), gen.device
    rotations: dict[str, Tensor] = {}
    for part in _TURNED:
        angle = spread[part.removeprefix("left_").removeprefix("right_")] * pi / 180
        own = rotation_from_vector(randn(count, 3, gen=gen) * angle / 3**0.5)
        rotations[part] = rotations[_TURNED[part]] @ own if _TURNED[part] else own
    of_joint = torch.stack([torch.eye(3, device=device).expand(count, 3, 3), *rotations.values()], 1)[:, _PART_OF]
    pivots = windows.index_select(2, _PIVOT_INDEX.to(device))
    out = rotated(windows - pivots, of_joint[:, None]) + pivots * _NEAR.to(device)
    for joint, pivot in _FARTHER:  # these hang on joints that were moved
        out[:, :, joint] += out[:, :, pivot]
    return out


def scale_bones(windows: Tensor, spread: float, gen: Generator) -> Tensor:
    """Bones of other lengths, left and right alike, the COCO points moving with their joints."""
    count = len(windows)
    factor = (randn(count, 17, gen=gen) * spread).clamp(-2.5 * spread, 2.5 * spread).exp()
    factor = (factor + factor[:, list(H36M17.mirror)]) / 2
    old, new = windows[:, :, :17], windows[:, :, :17].clone()
    for joint, parent in enumerate(H36M17.parents):
        if parent >= 0:
            new[:, :, joint] = new[:, :, parent] + (old[:, :, joint] - old[:, :, parent]) * factor[:, None, joint, None]
    coco = windows[:, :, 17:] - old[:, :, _ANCHORS] + new[:, :, _ANCHORS]
    return torch.cat([new, coco], 2)


def shift_points(windows: Tensor, spread: tuple[float, float, float], gen: Generator) -> Tensor:
    """COCO hips and shoulders moved by the same way, left and right alike, over a window.

    Bodies of other shapes, and other detectors, have them elsewhere relative to the joint centres.
    """
    out = windows.clone()
    for part in ("hip", "shoulder"):
        way = randn(len(out), 3, gen=gen) * torch.tensor(spread, device=gen.device)
        axes = body_frame(out, (f"right_{part}", f"left_{part}"))  # left, up, forward
        forward, outward, up = way.unbind(-1)
        for side, sign in (("left", 1.0), ("right", -1.0)):
            shift = torch.stack([sign * outward, up, forward], -1)[:, None, :, None]
            out[:, :, 17 + COCO17.index(f"{side}_{part}")] += (axes @ shift)[..., 0]
    return out


def normalise_size(windows: Tensor) -> Tensor:
    """Windows (N, F, 34, 3) scaled so that their bodies have `CANONICAL_SIZE`."""
    factor: Tensor = CANONICAL_SIZE / body_size(windows[..., :17, :]).mean(1)
    return windows * factor[:, None, None, None]


def body_size(poses: Tensor) -> Tensor:
    """(...,) length of leg (mean of both), trunk and head bones in a row of poses (..., 17, 3) [m]."""

    def length(*chain: str) -> Tensor:
        joints = poses[..., H36M17.indices(chain), :]
        lengths: Tensor = (joints[..., 1:, :] - joints[..., :-1, :]).norm(dim=-1)
        return lengths.sum(-1)

    legs = length("left_hip", "left_knee", "left_ankle") + length("right_hip", "right_knee", "right_ankle")
    return legs / 2 + length("pelvis", "spine", "thorax", "neck", "head")
