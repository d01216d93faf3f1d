"""People for the renderer: standing still, every joint known by hand."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from videopose3d.result_file import boxes_around
from videopose3d.skeleton import COCO17, H36M17, side
from videopose3d.types import Keypoints2D, Poses3D, Result

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

MakeResult = Callable[..., Result]


def facing_us(joints: tuple[str, ...]) -> np.ndarray:
    """(J, 3) [m] somebody who faces the camera: the left hand is on the right of the picture."""
    pose = np.zeros((len(joints), 3), np.float32)
    for index, joint in enumerate(joints):
        part = joint.removeprefix("left_").removeprefix("right_")
        sign = {"left": 1, "right": -1, "middle": 0}[side(joint)]
        pose[index, :2] = sign * ACROSS.get(part, 0.0), HEIGHTS[part]
    return pose


@pytest.fixture
def make_result() -> MakeResult:
    def make(
        people: int = 1, frames: int = 6, size: tuple[int, int] = (320, 240), fps: Fraction = Fraction(10)
    ) -> Result:
        focal, roots = size[1] * 1.0, np.zeros((people, frames, 3), np.float32)
        roots[..., 0] = np.arange(people)[:, None] - (people - 1) / 2
        roots[..., 2] = 3.0
        body = np.tile(facing_us(H36M17.joints), (people, frames, 1, 1))
        seen = np.tile(facing_us(COCO17.joints), (people, frames, 1, 1)) + roots[:, :, None]
        points = (seen[..., :2] / seen[..., 2:] * focal + np.array(size) / 2).astype(np.float32)
        keypoints = Keypoints2D(
            points,
            np.full((people, frames, 17), 0.9, np.float32),
            boxes_around(points),
            np.ones((people, frames), bool),
            COCO17,
            fps,
            size,
            source="made up",
        )
        return Result(keypoints, Poses3D(body, roots, H36M17), focal=focal)

    return make
