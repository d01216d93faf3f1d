from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from standing import facing_us

from videopose3d.levelling import levelling
from videopose3d.skeleton import H36M17
from videopose3d.types import Poses3D

FPS = Fraction(10)


def standing(frames: int) -> Poses3D:
    body = np.tile(facing_us(H36M17.joints), (1, frames, 1, 1))
    return Poses3D(body, np.zeros((1, frames, 3), np.float32), H36M17)


def pitched(degrees: float) -> np.ndarray:
    """(3, 3) to multiply points from the right: what a camera sees that looks down by so many degrees."""
    a = np.radians(degrees)
    return np.array([[1, 0, 0], [0, np.cos(a), np.sin(a)], [0, -np.sin(a), np.cos(a)]]).T


@pytest.mark.parametrize("degrees", [-20, 12, 40])
def test_who_stands_straight_shows_what_is_down(degrees):
    level = standing(frames=30)
    tilted = replace(level, poses=(level.poses @ pitched(degrees)).astype(np.float32))
    turn = levelling(tilted, FPS)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(tilted.poses @ turn, level.poses, atol=1e-5)


def test_a_camera_is_taken_for_level_where_nobody_shows_otherwise():
    poses = standing(frames=30)
    knees = poses.skeleton.indices(("left_knee", "right_knee"))
    sitting = poses.poses @ pitched(20).astype(np.float32)
    sitting[:, :, knees] += (0, 0, -0.4)
    lying = poses.poses @ pitched(85).astype(np.float32)
    for other in (sitting, lying, (poses.poses @ pitched(20).astype(np.float32))[:, :5], np.full_like(sitting, np.nan)):
        clip = Poses3D(other, np.zeros((*other.shape[:2], 3), np.float32), poses.skeleton)
        np.testing.assert_array_equal(levelling(clip, FPS), np.eye(3))
