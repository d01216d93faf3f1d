"""Joint angles in degrees, from joint positions alone; every definition is in docs/formats/angles.md.

A limb is measured in the frame of the trunk: up (pelvis to thorax), right (left to right hip or shoulder, made
perpendicular to up), forward. Zero is the standing body with hanging arms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videopose3d.types import Poses3D

Array = NDArray[np.float64]

SIDEWAYS = 10.0
"""The flexion of a limb this near to the left-right axis says nothing, and is left out [degrees]."""
SHORTEST = 1e-6
"""A bone shorter than this has no direction [m]."""


@dataclass(frozen=True)
class Frame:
    """Axes of a part of the body, each (..., 3), of length 1; NaN where they cannot be told."""

    forward: Array
    up: Array
    right: Array


def joint_angles(poses: Poses3D) -> dict[str, Array]:
    """Every angle by name, each (P, T) [degrees]; NaN where it is not known.

    Raises:
        SkeletonMismatchError: A joint that is needed is not among those of the poses.
    """
    at = joints_by_name(poses)
    pelvis, chest = body_frame(at, "hip"), body_frame(at, "shoulder")
    found = dict(_trunk(at, pelvis, chest))
    for side in ("left", "right"):
        found |= {f"{side}_{name}": angle for name, angle in _limbs(at, side, pelvis, chest)}
    return found


def joints_by_name(poses: Poses3D) -> dict[str, Array]:
    """(P, T, 3) of every joint, Y up, relative to the pelvis [m]."""
    points: Array = poses.poses.astype(np.float64) * (1.0, -1.0, -1.0)  # camera axes: y down
    needed = ["pelvis", "thorax", "head"]
    needed += [f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle")]
    needed += [f"{side}_{joint}" for side in ("left", "right") for joint in ("shoulder", "elbow", "wrist")]
    return {joint: points[:, :, poses.skeleton.index(joint)] for joint in needed}


def body_frame(at: dict[str, Array], joint: str) -> Frame:
    """The trunk, turned as the line between the two hips, or shoulders, is turned."""
    up = unit(at["thorax"] - at["pelvis"])
    across = at[f"right_{joint}"] - at[f"left_{joint}"]
    right = unit(across - dot(across, up)[..., None] * up)
    return Frame(np.cross(up, right), up, right)


def limb(vector: Array, frame: Frame, side: str) -> tuple[Array, Array]:
    """Flexion and abduction of a thigh or an upper arm (..., 3), each (...) [degrees].

    Flexion, forward, is the turn about the axis to the right, -90 .. 270; abduction, away from the body, what is
    left of the way to the limb's direction, -90 .. 90. The two and the frame give the direction back.
    """
    direction = unit(vector)
    outward = dot(direction, frame.right) * (1.0 if side == "right" else -1.0)
    flexion = degrees(dot(direction, frame.forward), -dot(direction, frame.up))
    return (flexion + 90.0) % 360.0 - 90.0, np.degrees(np.arcsin(np.clip(outward, -1.0, 1.0)))


def bend(near: Array, middle: Array, far: Array) -> Array:
    """(...) how far a joint is bent [degrees]: 0 for a straight limb."""
    return between(middle - near, far - middle)


def between(one: Array, other: Array) -> Array:
    """(...) angle between two directions, 0 .. 180 [degrees]."""
    a, b = unit(one), unit(other)
    return degrees(np.linalg.norm(np.cross(a, b), axis=-1), dot(a, b))


def twist(pelvis: Frame, chest: Frame) -> Array:
    """(...) turn of the shoulders against the hips about the trunk, to the left positive [degrees]."""
    return degrees(dot(chest.right, pelvis.forward), dot(chest.right, pelvis.right))


def unit(vectors: Array) -> Array:
    """The vectors (..., 3) with length 1; NaN for one that has no direction."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Array = vectors / np.where(length > SHORTEST, length, np.nan)
    return scaled


def dot(one: Array, other: Array) -> Array:
    """(...) of (..., 3)."""
    product: Array = (one * other).sum(-1)
    return product


def degrees(sine: Array, cosine: Array) -> Array:
    """Angle of a direction in a plane, -180 .. 180."""
    angle: Array = np.degrees(np.arctan2(sine, cosine))
    return angle


def _trunk(at: dict[str, Array], pelvis: Frame, chest: Frame) -> Iterator[tuple[str, Array]]:
    vertical = np.array([0.0, 1.0, 0.0])
    right = unit((at["right_hip"] - at["left_hip"]) * (1.0, 0.0, 1.0))  # of the person, in the plane of the floor
    yield "trunk_lean", between(pelvis.up, np.broadcast_to(vertical, pelvis.up.shape))
    yield "trunk_lean_forward", degrees(dot(pelvis.up, np.cross(vertical, right)), pelvis.up[..., 1])
    yield "trunk_lean_right", degrees(dot(pelvis.up, right), pelvis.up[..., 1])
    yield "trunk_twist_left", twist(pelvis, chest)
    head = unit(at["head"] - at["thorax"])
    yield "head_flexion", degrees(dot(head, chest.forward), dot(head, chest.up))


def _limbs(at: dict[str, Array], side: str, pelvis: Frame, chest: Frame) -> Iterator[tuple[str, Array]]:
    hip, knee, ankle = (at[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
    shoulder, elbow, wrist = (at[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
    for name, vector, frame in (("hip", knee - hip, pelvis), ("shoulder", elbow - shoulder, chest)):
        flexion, abduction = limb(vector, frame, side)
        yield f"{name}_flexion", np.where(np.abs(abduction) > 90.0 - SIDEWAYS, np.nan, flexion)
        yield f"{name}_abduction", abduction
    yield "shoulder_elevation", between(elbow - shoulder, -chest.up)
    yield "knee_flexion", bend(hip, knee, ankle)
    yield "elbow_flexion", bend(shoulder, elbow, wrist)
