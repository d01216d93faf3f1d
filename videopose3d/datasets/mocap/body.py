"""From the landmarks that every motion capture set has to the H36M-17 and COCO-17 joints.

All points are metres, z up. A body frame has the axes forward, left, up (columns of a matrix, right-handed).
The sets disagree most about trunk and head: those joints are placed here, once, in frames that all sets have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videopose3d.datasets.mocap.rig import Float64, axis_rotation
from videopose3d.errors import SkeletonMismatchError
from videopose3d.skeleton import COCO17, H36M17, LIMB_JOINTS
from videopose3d.types import FloatArray

SPINE_FRACTION = 0.475
"""Where Human3.6M's spine lies between pelvis and thorax: 233 of 490 mm of its rest skeleton."""

# Points seen from the middle between the ears, [mm] forward, left, up, for a stature of 1.75 m.
# Face: COCO regressor of the body model `anny` 0.6.2 on 27 adults, value / stature x 1.75 m.
NOSE = (105.0, 0.0, -11.0)
LEFT_EYE = (83.0, 30.0, 20.0)
LEFT_EAR = (0.0, 75.0, 0.0)
# Human3.6M's Neck/Nose and Head have no anatomical definition. With these values thorax - neck - head come
# near to its rest skeleton (121 and 115 mm): neck joint behind the mouth, head joint in the upper skull.
H36M_NECK = (30.0, 0.0, -65.0)
H36M_HEAD = (0.0, 0.0, 55.0)

# COCO keypoint minus joint centre, [mm] forward, outward, up, in the frames of pelvis and shoulders.
# Source: 600 adult bodies of the body model `anny` 0.6.2, walking (docs/lifter.md).
COCO_HIP = (21.0, -20.0, -21.0)
COCO_SHOULDER = (-4.0, -13.0, 18.0)
# What detectors add to the COCO regressor, same order. MediaPipe: docs/detector_noise.md; MoveNet: 600 adult bodies.
DETECTOR_SHIFTS: dict[str, dict[str, tuple[float, float, float]]] = {
    "coco": {},
    "mediapipe": {
        "hip": (10.0, -3.0, -2.0),
        "shoulder": (0.0, 7.0, 9.0),
        "nose": (-18.0, 0.0, 5.0),
        "eye": (-17.0, -4.0, 5.0),
        "ear": (16.0, -25.0, 10.0),
    },
    "movenet": {"hip": (7.0, 4.0, 26.0), "shoulder": (-5.0, 19.0, 20.0)},
}
COCO_RIG_HALF_HIPS = 115.0
"""Half hip width of the bodies COCO_HIP was measured on [mm]. Hips of motion capture rigs are 161-188 mm
apart instead of 230, so the outward shift starts at this width: what is seen is the body, not the rig."""

REFERENCE_LENGTH = 1.357
"""Thigh + shank + pelvis-to-thorax [m] of a body of 1.75 m (legs: D. Winter's 0.491 of it; trunk: anny)."""


@dataclass(frozen=True)
class Landmarks:
    """What each set has to give, [m], z up.

    Attributes:
        limbs: (T, 12, 3) joint centres in the order of ``skeleton.LIMB_JOINTS``.
        trunk: (T, K, 3) line from above the pelvis to the neck base; its last point is the thorax joint.
        ears: (T, 3) the middle between the ears.
        head: (T, 3, 3) axes of the head.
    """

    limbs: Float64
    trunk: Float64
    ears: Float64
    head: Float64

    def __post_init__(self) -> None:
        frames = len(self.limbs)
        shapes = (self.limbs.shape, self.trunk.shape[::2], self.ears.shape, self.head.shape)
        expected = ((frames, 12, 3), (frames, 3), (frames, 3), (frames, 3, 3))
        if shapes != expected:
            raise SkeletonMismatchError(f"expected shapes {expected}, got {shapes}", where="Landmarks")

    def limb(self, joint: str) -> Float64:
        """(T, 3) one limb joint."""
        return self.limbs[:, LIMB_JOINTS.index(joint)]

    @property
    def pelvis(self) -> Float64:
        """(T, 3) middle between the hips."""
        return (self.limb("left_hip") + self.limb("right_hip")) / 2

    @property
    def spine(self) -> Float64:
        """(T, 3) the point of the trunk line where Human3.6M has its spine joint."""
        return _along(np.concatenate([self.pelvis[:, None], self.trunk], 1), SPINE_FRACTION)

    def pick(self, frames: NDArray[np.bool_] | slice) -> Landmarks:
        """The same body at some frames."""
        return Landmarks(self.limbs[frames], self.trunk[frames], self.ears[frames], self.head[frames])

    def moved(self, by: Float64) -> Landmarks:
        """The body moved by (3,) or (T, 3) [m]."""
        by = np.broadcast_to(by, self.ears.shape)
        return Landmarks(self.limbs + by[:, None], self.trunk + by[:, None], self.ears + by, self.head)

    @property
    def complete(self) -> NDArray[np.bool_]:
        """(T,) frames without NaN."""
        parts = (self.limbs, self.trunk, self.ears, self.head)
        whole: NDArray[np.bool_] = np.logical_and.reduce(
            [np.isfinite(part).reshape(len(part), -1).all(1) for part in parts]
        )
        return whole


def stature_ratio(body: Landmarks) -> float:
    """Stature over 1.75 m, told from legs and trunk."""
    parts = [("hip", "knee"), ("knee", "ankle")]
    sides = ("left", "right")
    legs = [_mean_length(body.limb(f"{s}_{a}"), body.limb(f"{s}_{b}")) for s in sides for a, b in parts]
    return (sum(legs) / 2 + _mean_length(body.pelvis, body.trunk[:, -1])) / REFERENCE_LENGTH


def h36m_joints(body: Landmarks) -> FloatArray:
    """(T, 17, 3) Human3.6M joints [m], order of ``skeleton.H36M17``."""
    ratio = stature_ratio(body)
    points = {joint: body.limb(joint) for joint in LIMB_JOINTS} | {
        "pelvis": body.pelvis,
        "spine": body.spine,
        "thorax": body.trunk[:, -1],
        "neck": _in_head(body, H36M_NECK, ratio),
        "head": _in_head(body, H36M_HEAD, ratio),
    }
    return np.stack([points[joint] for joint in H36M17.joints], 1).astype(np.float32)


def coco_joints(body: Landmarks, detector: str = "mediapipe") -> FloatArray:
    """(T, 17, 3) COCO keypoints as points on the body [m], order of ``skeleton.COCO17``.

    Args:
        body: The landmarks.
        detector: Whose idea of hips, shoulders and face, a key of ``DETECTOR_SHIFTS``.

    Raises:
        SkeletonMismatchError: Nothing is known of that detector.
    """
    if detector not in DETECTOR_SHIFTS:
        raise SkeletonMismatchError(f"no keypoint shifts for {detector!r}", fix=f"Known: {', '.join(DETECTOR_SHIFTS)}.")
    added = {part: np.array(shift) for part, shift in DETECTOR_SHIFTS[detector].items()}
    ratio = stature_ratio(body)
    mirror = np.array([1.0, -1.0, 1.0])
    points = {joint: body.limb(joint) for joint in LIMB_JOINTS}
    for part, place in (("nose", NOSE), ("left_eye", LEFT_EYE), ("left_ear", LEFT_EAR)):
        offset = place + added.get(part.removeprefix("left_"), np.zeros(3))
        points[part] = _in_head(body, offset, ratio)
        points[part.replace("left", "right")] = _in_head(body, mirror * offset, ratio)
    ups = (body.spine - body.pelvis, body.trunk[:, -1] - body.spine)
    for part, up, shift in zip(("hip", "shoulder"), ups, _seen_shifts(body, added, ratio), strict=True):
        axes = body_axes(points[f"left_{part}"] - points[f"right_{part}"], up)
        points[f"left_{part}"] = points[f"left_{part}"] + axes @ shift
        points[f"right_{part}"] = points[f"right_{part}"] + axes @ (mirror * shift)
    return np.stack([points[joint] for joint in COCO17.joints], 1).astype(np.float32)


def body_axes(left: Float64, up: Float64) -> Float64:
    """(T, 3, 3) axes forward, left, up of a part from its left (kept) and its rough up direction (T, 3)."""
    left = unit(left)
    forward = unit(np.cross(left, up))
    return np.stack([forward, left, np.cross(forward, left)], -1)


def chin_up(degrees: float) -> Float64:
    """(3, 3) to multiply body axes with from the right: forward turns towards up."""
    return axis_rotation("y", np.asarray(np.radians(-degrees)))


def unit(vectors: Float64) -> Float64:
    """Vectors (..., 3) of length one; a zero vector stays zero."""
    scaled: Float64 = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return scaled


def _seen_shifts(body: Landmarks, added: Mapping[str, Float64], ratio: float) -> tuple[Float64, Float64]:
    """Shifts of left hip and left shoulder [m], forward, left, up."""
    hip, shoulder = (
        ratio / 1e3 * (np.array(base) + added.get(part, 0.0))
        for part, base in (("hip", COCO_HIP), ("shoulder", COCO_SHOULDER))
    )
    half_width = _mean_length(body.limb("left_hip"), body.limb("right_hip")) / 2
    hip[1] += ratio * COCO_RIG_HALF_HIPS / 1e3 - half_width
    return hip, shoulder


def _in_head(body: Landmarks, offset: tuple[float, ...] | Float64, ratio: float) -> Float64:
    return body.ears + body.head @ (np.array(offset) * ratio / 1e3)


def _mean_length(a: Float64, b: Float64) -> float:
    return float(np.linalg.norm(a - b, axis=-1).mean())


def _along(line: Float64, fraction: float) -> Float64:
    """(T, 3) the point of a line (T, K, 3) at a fraction of its length; lengths averaged over time."""
    lengths = np.linalg.norm(np.diff(line, axis=1), axis=-1).mean(0)
    reach = fraction * lengths.sum()
    ends = np.cumsum(lengths)
    piece = int(np.searchsorted(ends, reach))
    rest = (reach - ends[piece] + lengths[piece]) / lengths[piece]
    point: Float64 = line[:, piece] + rest * (line[:, piece + 1] - line[:, piece])
    return point
