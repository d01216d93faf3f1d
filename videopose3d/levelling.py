"""Which way is up, from how people stand.

A camera is rarely level. People who stand straight stand upright: over a clip, their mean direction from ankles to
thorax is the vertical to a few degrees. What straight means is a matter of degree, so every frame counts as much as its
body is straight, and how a camera is usually held counts a little, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import radians

import numpy as np
from numpy.typing import NDArray

from videopose3d.types import FloatArray, Poses3D

Array = NDArray[np.float64]

LEVEL: Array = np.array([0.0, -1.0, 0.0])
"""Up, in the axes of a camera that is level."""
_STEEPEST = radians(55)
"""A body that leans farther than this from a level camera's vertical lies, or turns a somersault."""
_BENT = radians(25)
_NEEDED = ("left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle", "pelvis", "thorax")
# How far off the vertical is, on motion capture lifted by the bundled lifter (docs/world.md): that of straight bodies,
# and a level camera's. About the viewing direction (roll), and forwards (pitch), where depths are guessed.
_OF_STRAIGHT_BODIES = np.radians([2.5, 4.0])
_OF_CAMERAS = np.radians([6.0, 14.0])


@dataclass(frozen=True)
class Vertical:
    """Which way is up, and how sure that is.

    Attributes:
        up: (3,) unit vector in camera axes.
        spread: (2,) standard deviation of its roll and its pitch [rad].
    """

    up: Array
    spread: Array


def vertical(poses: Poses3D) -> Vertical:
    """The vertical of a clip, from everybody in it; that of a level camera where nobody shows it."""
    directions, weights = _bodies(poses)
    directions, weights = directions[weights > 0], weights[weights > 0]
    if not len(weights):
        return Vertical(LEVEL, _OF_CAMERAS)
    up = _middle(directions, weights)
    straight = float(np.quantile(weights, 0.9))
    spread = _OF_STRAIGHT_BODIES / np.sqrt(straight)
    trust = _OF_CAMERAS**2 / (_OF_CAMERAS**2 + spread**2)
    tilt = trust * np.array([np.arctan2(up[0], -up[1]), np.arcsin(np.clip(up[2], -1, 1))])
    return Vertical(_tilted(tilt), spread * np.sqrt(trust))


def levelling(poses: Poses3D) -> FloatArray:
    """(3, 3) to multiply points (..., 3) in camera axes with from the right, so that down is down."""
    x, y, z = -vertical(poses).up  # the smallest rotation that turns this direction onto (0, 1, 0)
    k = 1 / (1 + y)
    turn = [[1 - k * x * x, -x, -k * x * z], [x, y, z], [-k * x * z, -z, 1 - k * z * z]]
    return np.array(turn, np.float32).T


def _bodies(poses: Poses3D) -> tuple[Array, Array]:
    """(n, 3) unit vectors from ankles to thorax of everybody in every frame, and (n,) how straight: 0 to 1."""
    if not set(_NEEDED) <= set(poses.skeleton.joints):
        return np.zeros((0, 3)), np.zeros(0)
    bodies = poses.poses[np.isfinite(poses.poses).all((-1, -2))].astype(np.float64)
    at = {joint: bodies[:, poses.skeleton.index(joint)] for joint in _NEEDED}
    ankles = (at["left_ankle"] + at["right_ankle"]) / 2
    lines = [(at["pelvis"] - ankles, at["thorax"] - at["pelvis"])]
    for side in ("left", "right"):
        hip, knee, ankle = (at[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
        lines.append((knee - hip, ankle - knee))
    bends = np.stack([np.arccos(np.clip((_unit(one) * _unit(other)).sum(-1), -1, 1)) for one, other in lines])
    directions = _unit(at["thorax"] - ankles)
    weights = np.exp(-0.5 * (bends**2).mean(0) / _BENT**2)
    weights[directions @ LEVEL < np.cos(_STEEPEST)] = 0
    return directions, weights


def _middle(directions: Array, weights: Array) -> Array:
    """The weighted geometric median of unit vectors (n, 3), by Weiszfeld's iteration."""
    middle = _unit((directions * weights[:, None]).sum(0))
    for _ in range(20):
        near = np.maximum(np.linalg.norm(directions - middle, axis=-1), 0.02)
        middle = _unit((directions * (weights / near)[:, None]).sum(0))
    return middle


def _tilted(tilt: Array) -> Array:
    """Up for a roll and a pitch [rad]."""
    roll, pitch = tilt
    return np.array([np.sin(roll) * np.cos(pitch), -np.cos(roll) * np.cos(pitch), np.sin(pitch)])


def _unit(vectors: Array) -> Array:
    scaled: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return scaled
