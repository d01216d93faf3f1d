"""People for the renderer: standing still, every joint known by hand."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from standing import facing_us

from videopose3d.result_file import boxes_around
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Keypoints2D, Poses3D, Result

MakeResult = Callable[..., Result]


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
