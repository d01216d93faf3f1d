"""A small result with numbers of every kind: two people, gaps, an unknown trajectory."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Keypoints2D, Poses3D, Result

NOBODY, GUESSED, UNPLACED = 2, 3, 4
"""Frames of person 0: absent, interpolated, without a trajectory."""

MakeResult = Callable[..., Result]


@pytest.fixture
def make_result() -> MakeResult:
    def make(people: int = 2, frames: int = 6, *, lifted: bool = True) -> Result:
        rng = np.random.default_rng(0)
        shape = (people, frames, 17)
        points = rng.uniform(0, 1920, (*shape, 2)).astype(np.float32)
        scores = rng.uniform(0, 1, shape).astype(np.float32)
        boxes = rng.uniform(0, 1000, (people, frames, 4)).astype(np.float32)
        present = np.ones((people, frames), bool)
        poses = rng.normal(0, 1, (*shape, 3)).astype(np.float32)
        trajectory = rng.normal(0, 3, (people, frames, 3)).astype(np.float32)
        if people and frames > UNPLACED:
            for array in (points, boxes, poses, trajectory):
                array[0, NOBODY] = np.nan
            scores[0, NOBODY] = 0
            present[0, [NOBODY, GUESSED]] = False
            points[0, 0, 5] = np.nan
            trajectory[0, UNPLACED] = np.nan
        keypoints = Keypoints2D(
            points,
            scores,
            boxes,
            present,
            COCO17,
            Fraction(30000, 1001),
            (1920, 1080),
            'a "b", ü.mp4',
            "made up",
        )
        return Result(
            keypoints, Poses3D(poses, trajectory, H36M17, "open") if lifted else None, focal=1500.0, height=1.8
        )

    return make
