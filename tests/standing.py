"""Somebody who stands still, every joint known by hand."""

from __future__ import annotations

import numpy as np

from videopose3d.skeleton import side

HEIGHTS = {
    "ankle": 0.9, "knee": 0.45, "hip": 0.0, "pelvis": 0.0, "spine": -0.25, "thorax": -0.5, "shoulder": -0.5,
    "elbow": -0.25, "wrist": -0.05, "neck": -0.6, "head": -0.75, "nose": -0.65, "eye": -0.7, "ear": -0.68,
}  # fmt: skip
"""Below the pelvis [m]; y points down."""
ACROSS = {
    "hip": 0.15,
    "knee": 0.16,
    "ankle": 0.17,
    "shoulder": 0.2,
    "elbow": 0.35,
    "wrist": 0.45,
    "eye": 0.04,
    "ear": 0.08,
}


def facing_us(joints: tuple[str, ...]) -> np.ndarray:
    """(J, 3) [m] somebody who faces the camera: the left hand is on the right of the picture."""
    pose = np.zeros((len(joints), 3), np.float32)
    for index, joint in enumerate(joints):
        part = joint.removeprefix("left_").removeprefix("right_")
        sign = {"left": 1, "right": -1, "middle": 0}[side(joint)]
        pose[index, :2] = sign * ACROSS.get(part, 0.0), HEIGHTS[part]
    return pose
