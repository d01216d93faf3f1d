"""Which way is down, from how people stand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from videopose3d.types import FloatArray, Poses3D

Array = NDArray[np.float64]

STEEPEST = 45.0
"""A camera is not believed to be tilted farther than this [degrees]: those people lie."""
_BENT = 25.0  # degrees


def levelling(poses: Poses3D, fps: Fraction) -> FloatArray:
    """(3, 3) to multiply points (..., 3) in camera axes with from the right, so that down is down.

    A camera is rarely level. People who stand straight, trunk and legs in a line and knees not bent, stand
    upright: their mean direction is taken for the vertical. With less than a second of them in the clip, or
    when they would be tilted by more than `STEEPEST`, the camera is taken for level.
    """
    straight = straight_bodies(poses)
    if len(straight) < float(fps):
        return np.eye(3, dtype=np.float32)
    down = -straight.mean(0)
    down /= np.linalg.norm(down)
    if down[1] < np.cos(np.radians(STEEPEST)):
        return np.eye(3, dtype=np.float32)
    x, y, z = down  # the smallest rotation that turns this direction onto (0, 1, 0)
    k = 1 / (1 + y)
    turn = [[1 - k * x * x, -x, -k * x * z], [x, y, z], [-k * x * z, -z, 1 - k * z * z]]
    return np.array(turn, np.float32).T


def straight_bodies(poses: Poses3D) -> Array:
    """(n, 3) unit vectors from ankles to thorax of everybody in every frame who stands, or lies, straight."""
    needed = ("left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle", "pelvis", "thorax")
    if not set(needed) <= set(poses.skeleton.joints):
        return np.zeros((0, 3))
    bodies = poses.poses[np.isfinite(poses.poses).all((-1, -2))].astype(np.float64)
    at = {joint: bodies[:, poses.skeleton.index(joint)] for joint in needed}
    ankles = (at["left_ankle"] + at["right_ankle"]) / 2
    lines = [(at["pelvis"] - ankles, at["thorax"] - at["pelvis"])]
    for side in ("left", "right"):
        hip, knee, ankle = (at[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
        lines.append((knee - hip, ankle - knee))
    straight = np.ones(len(bodies), bool)
    for one, other in lines:
        straight &= (_unit(one) * _unit(other)).sum(-1) > np.cos(np.radians(_BENT))
    directions: Array = _unit(at["thorax"] - ankles)[straight]
    return directions


def _unit(vectors: Array) -> Array:
    scaled: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return scaled
