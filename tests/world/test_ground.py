from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
from strider import FPS, HEIGHT, as_poses, to_camera, walk

from videopose3d.levelling import vertical
from videopose3d.types import Poses3D
from videopose3d.world.contacts import speeds, standing
from videopose3d.world.ground import ANKLE, fit_plane, heights
from videopose3d.world.place import find_world, scaled, world_axes


def tilt(ground: np.ndarray, other: np.ndarray) -> float:
    """Angle between two grounds [degrees]."""
    return float(np.degrees(np.arccos(np.clip(ground[:3] @ other[:3], -1, 1))))


@pytest.mark.parametrize(("pitch", "roll"), [(10, 3), (-8, 0), (25, -6)])
@pytest.mark.parametrize("heading", [0.0, 0.6, 1.5])
def test_a_walker_shows_the_ground(pitch: float, roll: float, heading: float) -> None:
    joints, stand = walk(heading=heading)
    seen, truth = to_camera(joints, pitch, roll)
    world = find_world(as_poses(seen), FPS)
    across = heading > 1  # then only the bodies tell the pitch, and are believed a little less than a level camera
    assert tilt(world.ground, truth) < (3 if across else 1.5)
    assert world.ground[3] == pytest.approx(HEIGHT, abs=0.25 if across else 0.08)
    agree = world.contacts[0] == stand
    assert agree.mean() > 0.9
    feet = world.poses[0][:, [6, 3]]
    np.testing.assert_allclose(feet[stand, 2], ANKLE, atol=0.04)


def test_world_axes_stand_on_the_ground_below_the_camera() -> None:
    joints, _ = walk()
    seen, truth = to_camera(joints, pitch=12, roll=0)
    axes = world_axes(truth)
    turn, shift = axes[:, :3], axes[:, 3]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(shift, [0, 0, HEIGHT])
    np.testing.assert_allclose(seen @ turn.T + shift, joints, atol=1e-9)  # the walker's axes are those of the world
    assert (turn @ (0, 0, 1))[0] == pytest.approx(0)  # it looks along y,
    assert (turn @ (1, 0, 0))[0] > 0  # what is right stays right
    np.testing.assert_allclose(world_axes(np.array([0, 0, -1.0, 3]))[:, 2] @ (0, 0, 1), -1)  # straight down


def test_the_world_is_the_motion_moved_and_turned() -> None:
    seen, _ = to_camera(walk(40)[0])
    world = find_world(as_poses(seen), FPS)
    turn, shift = world.world_from_camera[:, :3], world.world_from_camera[:, 3]
    np.testing.assert_allclose(world.poses[0], seen @ turn.T + shift, atol=1e-5)
    np.testing.assert_allclose(heights(seen, world.ground), world.poses[0, ..., 2], atol=1e-5)


def test_someone_who_stays_does_not_tilt_the_ground() -> None:
    seen, truth = to_camera(walk(1)[0])
    still = np.repeat(seen, 100, axis=0)
    still[:, 6] += 0.05 * truth[:3]  # the left foot seems to be higher
    world = find_world(as_poses(still), FPS)
    assert tilt(world.ground, np.array([*vertical(as_poses(still)).up, 0])) < 1.5
    assert world.contacts.all()


def test_a_foot_on_a_chair_is_not_on_the_ground() -> None:
    places = np.random.default_rng(0).uniform(-2, 2, (40, 3)) * (1, 0, 1) + (0, 1.4 - ANKLE, 5)
    places[:8, 1] -= 0.45
    ground = fit_plane(places, vertical(as_poses(to_camera(walk(1)[0], 0, 0)[0])))
    assert tilt(ground, np.array([0, -1, 0, 0.0])) < 1
    assert ground[3] == pytest.approx(1.4, abs=0.02)


def test_hysteresis() -> None:
    slow, between, fast = 0.1, 0.4, 2.0
    speed = np.array([fast, between, slow, between, fast, between, between, slow, np.nan, between])
    height = np.array([0, 0, 0, 0, 0, 0, 0, 0.3, 0, 0])
    both = np.stack([speed, np.full(10, slow)], -1)[None]
    expected = [False, True, True, True, False, True, True, True, False, False]
    np.testing.assert_array_equal(standing(both)[0, :, 0], expected)
    with_heights = standing(both, np.stack([height, height], -1)[None])
    np.testing.assert_array_equal(with_heights[0, :, 0], expected[:4] + [False] * 6)
    assert with_heights[0, :, 1].sum() == 9


def test_depth_that_wavers_is_no_motion() -> None:
    feet = np.tile([0.2, 1.2, 5.0], (1, 60, 2, 1))
    wavering = feet * (1 + 0.01 * np.sin(np.arange(60) / 5))[:, None, None]  # 1 % of the depth along the line of sight
    assert np.nanmax(speeds(wavering, FPS)) < 0.1
    moving = feet + np.arange(60)[:, None, None] * (0.02, 0, 0)
    np.testing.assert_allclose(speeds(moving, FPS), 0.5, atol=0.02)
    assert np.isnan(speeds(feet[:, :1], FPS)).all()


def unknown(frames: int) -> Poses3D:
    nothing = np.full((1, frames, 17, 3), np.nan, np.float32)
    return Poses3D(nothing, nothing[:, :, 0], as_poses(walk(1)[0]).skeleton)


def test_whatever_is_known_there_is_a_world(caplog: pytest.LogCaptureFixture) -> None:
    seen, _ = to_camera(walk(60)[0])
    nobody = replace(as_poses(seen), poses=np.zeros((0, 60, 17, 3), np.float32), trajectory=np.zeros((0, 60, 3)))
    one = find_world(as_poses(seen[:1]), FPS)
    assert one.poses[0, 0, [3, 6], 2].min() == pytest.approx(ANKLE, abs=1e-4)  # the lowest joint is an ankle
    for poses, people in ((nobody, 0), (unknown(60), 1)):
        world = find_world(poses, FPS)
        assert world.poses.shape == (people, 60, 17, 3)
        assert not world.contacts.any()
        np.testing.assert_allclose(world.ground, [0, -1, 0, 1.5])
    gone = as_poses(seen)
    gone.trajectory[0, 20:30] = np.nan
    world = find_world(gone, FPS)
    assert np.isnan(world.poses[0, 20:30]).all()
    assert not world.contacts[0, 20:30].any()
    assert np.isfinite(world.poses[0, 30:]).all()
    assert not caplog.records


def test_a_camera_that_moves_is_remarked(caplog: pytest.LogCaptureFixture) -> None:
    seen, _ = to_camera(walk(100)[0])
    panned = seen + np.arange(100)[:, None, None] * (0.08, 0, 0)  # 2 m/s
    with caplog.at_level(logging.WARNING):
        world = find_world(as_poses(panned), FPS)
    assert "the camera moves" in caplog.text
    assert np.isfinite(world.poses).all()


def test_twice_as_large_is_twice_as_far() -> None:
    poses = as_poses(to_camera(walk(60)[0])[0])
    world = find_world(poses, FPS)
    larger, elsewhere = scaled(poses, world, 2.0)
    np.testing.assert_array_equal(larger.poses, 2 * poses.poses)
    joints = (larger.poses + larger.trajectory[:, :, None]).astype(np.float64)
    turn, shift = elsewhere.world_from_camera[:, :3], elsewhere.world_from_camera[:, 3]
    np.testing.assert_allclose(elsewhere.poses, joints @ turn.T + shift, atol=1e-5)
    np.testing.assert_allclose(heights(joints, elsewhere.ground), elsewhere.poses[..., 2], atol=1e-5)
