from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from standing import facing_us

from videopose3d.levelling import levelling, vertical
from videopose3d.skeleton import H36M17
from videopose3d.types import Poses3D


def standing(frames: int) -> Poses3D:
    body = np.tile(facing_us(H36M17.joints), (1, frames, 1, 1))
    return Poses3D(body, np.zeros((1, frames, 3), np.float32), H36M17)


def pitched(degrees: float) -> np.ndarray:
    """(3, 3) to multiply points from the right: what a camera sees that looks down by so many degrees."""
    a = np.radians(degrees)
    return np.array([[1, 0, 0], [0, np.cos(a), np.sin(a)], [0, -np.sin(a), np.cos(a)]]).T


@pytest.mark.parametrize("degrees", [-20, 12, 40])
def test_who_stands_straight_shows_what_is_down(degrees: float) -> None:
    level = standing(frames=30)
    tilted = replace(level, poses=(level.poses @ pitched(degrees)).astype(np.float32))
    turn = levelling(tilted)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(turn) == pytest.approx(1)
    left = np.degrees(np.arccos((tilted.poses @ turn)[0, 0, 9, 1] / level.poses[0, 0, 9, 1]))
    assert left < 0.09 * abs(degrees)  # cameras are level more often than not


def test_a_camera_is_taken_for_level_where_nobody_shows_otherwise() -> None:
    poses = standing(frames=30)
    lying = poses.poses @ pitched(85).astype(np.float32)
    for other in (lying, np.full_like(lying, np.nan), lying[:0]):
        clip = Poses3D(other, np.zeros((*other.shape[:2], 3), np.float32), poses.skeleton)
        np.testing.assert_array_equal(levelling(clip), np.eye(3))
        assert vertical(clip).spread[1] > np.radians(10)


def test_the_straighter_somebody_stands_the_more_he_says() -> None:
    poses = standing(frames=30)
    knees = poses.skeleton.indices(("left_knee", "right_knee"))
    tilted = poses.poses @ pitched(20).astype(np.float32)
    pitches, spreads = [], []
    for bend in (0.0, 0.15, 0.4):
        bent = tilted.copy()
        bent[:, :, knees] += (0, 0, -bend)
        found = vertical(replace(poses, poses=bent))
        pitches.append(np.degrees(np.arcsin(found.up[2])))
        spreads.append(found.spread[1])
    assert 20 > pitches[0] > pitches[1] > pitches[2] > 1
    assert spreads[0] < spreads[1] < spreads[2]


def test_a_somersault_does_not_count() -> None:
    poses = standing(frames=60)
    poses.poses[:, ::2] *= (1, -1, 1)  # every other frame upside down
    np.testing.assert_allclose(vertical(poses).up, [0, -1, 0], atol=1e-6)
