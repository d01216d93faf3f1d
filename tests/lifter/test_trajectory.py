from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from videopose3d.geometry import Camera, pixels_from_points
from videopose3d.lifter.trajectory import root_path, smoothed_path
from videopose3d.skeleton import COCO17, H36M17, LIMB_JOINTS

CAMERA = Camera(1000.0, (640.0, 360.0))


def parabola(frames):
    t = np.arange(frames)[:, None] / 25
    return np.array([0.1, -0.2, 4]) + t * [1, 0.1, -0.5] + t**2 * [0.2, 0, 0.3]


def shown(path, seed=0):
    """Poses that walk along a path, and the COCO keypoints that a camera sees of their limbs."""
    poses = np.random.default_rng(seed).normal(0, 0.4, (len(path), 17, 3)).astype(np.float32)
    poses[:, 0] = 0
    points = np.full((len(path), 17, 2), np.nan, np.float32)
    pixels = pixels_from_points(poses + path[:, None], CAMERA)
    points[:, COCO17.indices(LIMB_JOINTS)] = pixels[:, H36M17.indices(LIMB_JOINTS)]
    scores = np.where(np.isfinite(points).all(-1), 0.8, 0).astype(np.float32)
    return poses, points, scores


def trajectory(poses, points, scores, fps=25):
    return smoothed_path(root_path(poses, H36M17, points, scores, COCO17, CAMERA), Fraction(fps))


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 6, 40])
@pytest.mark.parametrize("fps", [5, 25, 120])
def test_the_path_is_found_in_any_length_and_rate(frames, fps):
    found = trajectory(*shown(parabola(frames)), fps)
    np.testing.assert_allclose(found, parabola(frames), atol=1e-3)


def test_joints_are_matched_by_name():
    poses, points, scores = shown(parabola(20))
    face = [joint for joint in range(17) if COCO17.joints[joint] not in LIMB_JOINTS]
    points[:, face], scores[:, face] = 1e4, 1  # the face has no partner and is not used
    np.testing.assert_allclose(trajectory(poses, points, scores), parabola(20), atol=1e-3)
    points[:, COCO17.index("left_wrist")] += 50
    assert np.abs(trajectory(poses, points, scores) - parabola(20)).max() > 0.01
    scores[:, COCO17.index("left_wrist")] = 0
    np.testing.assert_allclose(trajectory(poses, points, scores), parabola(20), atol=1e-3)


def test_where_too_little_is_seen_it_is_not_known():
    poses, points, scores = shown(parabola(30))
    scores[10:13, :15] = 0
    found = trajectory(poses, points, scores)
    unknown = np.isnan(found).all(-1)
    np.testing.assert_array_equal(np.flatnonzero(unknown), [10, 11, 12])
    np.testing.assert_allclose(found[~unknown], parabola(30)[~unknown], atol=0.01)


def test_nothing_seen_is_nothing_known():
    poses, points, _ = shown(parabola(30))
    assert np.isnan(trajectory(poses, points, np.zeros((30, 17)))).all()


def test_noise_is_smoothed_away_most_of_all_along_the_ray():
    rng, errors = np.random.default_rng(0), {}
    poses, points, scores = shown(np.tile([0.0, 0, 5], (200, 1)))
    noisy = points + rng.normal(0, 4, points.shape)
    for fps in (5, 25):  # at 5 frames per second the window is too short to smooth
        errors[fps] = np.abs(trajectory(poses, noisy, scores, fps) - trajectory(poses, points, scores, fps)).mean(0)
    assert (errors[25] < 0.6 * errors[5]).all()
    assert (errors[25] > 0).all()
    assert errors[5][2] > 3 * errors[5][0]
