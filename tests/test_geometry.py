from __future__ import annotations

import numpy as np
import pytest
from golden_files import golden
from hypothesis import given, settings
from hypothesis import strategies as st

from videopose3d.errors import VideoPose3DError
from videopose3d.geometry import (
    Camera,
    camera_from_focal,
    camera_from_fov,
    pixels_from_points,
    pixels_from_screen,
    place_root,
    rays_from_pixels,
    screen_from_pixels,
)

CAMERA = Camera(1100.0, (950.0, 550.0))
seeds = st.integers(0, 2**32 - 1)
lengths = st.floats(100, 5000)
patient = settings(deadline=None, max_examples=50)


@pytest.mark.parametrize(
    ("size", "fov", "focal"),
    [
        ((1000, 500), 90, 500),  # half the width over tan 45
        ((500, 1000), 90, 500),  # the longer side, also upright
        ((1920, 1080), 60, 960 * 3**0.5),
        ((640, 640), 120, 320 / 3**0.5),
    ],
)
def test_focal_length_from_field_of_view(size, fov, focal):
    camera = camera_from_fov(size, fov)
    assert camera.focal == pytest.approx(focal, rel=1e-12)
    assert camera.center == (size[0] / 2, size[1] / 2)


@pytest.mark.parametrize("fov", [0, 0.99, 179.01, 180, -60, float("nan"), float("inf")])
def test_an_impossible_field_of_view_is_refused(fov):
    with pytest.raises(VideoPose3DError, match="field of view.*--fov 60"):
        camera_from_fov((640, 480), fov)


@pytest.mark.parametrize("focal", [0, -3, float("nan")])
def test_an_impossible_focal_length_is_refused(focal):
    with pytest.raises(VideoPose3DError, match="focal length.*positive"):
        camera_from_focal((640, 480), focal)


def test_projection_by_hand():
    points = np.array([[0.0, 0, 5], [1, 0, 2], [-1, 2, 4]])
    np.testing.assert_allclose(pixels_from_points(points, CAMERA), [[950, 550], [1500, 550], [675, 1100]])
    np.testing.assert_allclose(rays_from_pixels(np.array([[950.0, 550], [2050, -550]]), CAMERA), [[0, 0], [1, -1]])


@patient
@given(seeds, lengths, lengths, lengths)
def test_pixel_to_ray_to_pixel(seed, focal, width, height):
    camera = Camera(focal, (width / 2, height / 2))
    pixels = np.random.default_rng(seed).uniform(-500, 5500, (4, 3, 2))
    rays = rays_from_pixels(pixels, camera)
    depth = np.random.default_rng(seed + 1).uniform(0.5, 50, (4, 3, 1))
    points = np.concatenate([rays, np.ones_like(depth)], -1) * depth
    np.testing.assert_allclose(pixels_from_points(points, camera), pixels, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rays_and_screen_coordinates_keep_the_precision_they_are_given(dtype):
    pixels = np.ones((3, 2), dtype)
    assert rays_from_pixels(pixels, CAMERA).dtype == dtype
    assert screen_from_pixels(pixels, (640, 480)).dtype == dtype
    assert pixels_from_screen(pixels, (640, 480)).dtype == dtype


@pytest.mark.parametrize("size", [(1000, 1002), (1000, 1000), (1920, 1080), (640, 480), (1080, 1920)])
def test_screen_coordinates_are_the_published_ones(size):
    arrays = golden("geometry")
    name = f"{size[0]}x{size[1]}"
    screen = screen_from_pixels(arrays["pixels"], size)
    np.testing.assert_allclose(screen, arrays[f"normalize/{name}"], atol=1e-5)
    np.testing.assert_allclose(pixels_from_screen(screen, size), arrays[f"denormalize/{name}"], atol=1e-2)


@patient
@given(seeds, st.integers(16, 8000), st.integers(16, 8000))
def test_screen_coordinates_and_back(seed, width, height):
    pixels = np.random.default_rng(seed).uniform(-1000, 9000, (5, 2))
    screen = screen_from_pixels(pixels, (width, height))
    np.testing.assert_allclose(pixels_from_screen(screen, (width, height)), pixels, atol=1e-8)


def seen_poses(seed, frames=4, joints=12):
    """Random people in front of the camera: poses, their roots, and the rays of their joints."""
    rng = np.random.default_rng(seed)
    poses = rng.normal(0, 0.4, (frames, joints, 3)).clip(-1, 1)
    roots = np.stack([rng.uniform(-2, 2, frames), rng.uniform(-1, 1, frames), rng.uniform(1.5, 9, frames)], -1)
    points = poses + roots[:, None]
    return poses, roots, points[..., :2] / points[..., 2:]


@patient
@given(seeds)
def test_the_root_is_placed_exactly_without_noise(seed):
    poses, roots, rays = seen_poses(seed)
    weights = np.random.default_rng(seed).uniform(0.1, 1, rays.shape[:2])
    np.testing.assert_allclose(place_root(poses, rays, weights), roots, atol=1e-6)


def test_three_joints_are_enough_and_unseen_ones_do_not_matter():
    poses, roots, rays = seen_poses(1, frames=6)
    weights = np.ones(rays.shape[:2])
    weights[:, 3:] = 0
    rays[0, 3:] = 1e6
    rays[1, 3:] = np.nan
    poses[2, 3:] = np.nan
    weights[3, 3:] = np.nan
    np.testing.assert_allclose(place_root(poses, rays, weights), roots, atol=1e-6)


def test_a_missing_joint_of_weight_is_left_out():
    poses, roots, rays = seen_poses(2)
    rays[0, 5, 1], poses[1, 7, 2] = np.nan, np.nan
    np.testing.assert_allclose(place_root(poses, rays, np.ones(rays.shape[:2])), roots, atol=1e-6)


def test_fewer_than_three_joints_place_nobody():
    poses, roots, rays = seen_poses(3, frames=3)
    weights = np.ones(rays.shape[:2])
    weights[0, 2:] = 0
    rays[1, :10] = np.nan
    placed = place_root(poses, rays, weights)
    assert np.isnan(placed[:2]).all()
    np.testing.assert_allclose(placed[2], roots[2], atol=1e-6)


def test_nobody_at_all():
    poses, _, rays = seen_poses(4)
    assert np.isnan(place_root(poses, rays, np.zeros(rays.shape[:2]))).all()
    assert place_root(poses[:0], rays[:0], np.zeros((0, 12))).shape == (0, 3)


def test_nobody_stands_behind_the_camera():
    poses, roots, _ = seen_poses(5, frames=3)
    roots[:2, 2] = -4
    points = poses + roots[:, None]
    placed = place_root(poses, points[..., :2] / points[..., 2:], np.ones((3, 12)))
    assert np.isnan(placed[:2]).all()
    assert np.isfinite(placed[2]).all()


def test_all_joints_on_one_ray_do_not_crash():
    poses, _, rays = seen_poses(6)
    placed = place_root(poses, np.zeros_like(rays) + 0.1, np.ones(rays.shape[:2]))
    assert placed.shape == (4, 3)


def test_a_doubtful_joint_weighs_less():
    poses, roots, rays = seen_poses(7)
    rays[:, 0] += 0.05
    errors = []
    for doubt in (1.0, 0.1, 0.01):
        weights = np.ones(rays.shape[:2])
        weights[:, 0] = doubt
        errors.append(np.linalg.norm(place_root(poses, rays, weights) - roots, axis=-1).max())
    assert errors[0] > 10 * errors[1] > 100 * errors[2] > 0


def test_it_is_the_error_in_the_image_that_is_small():
    # One joint far nearer than the others: the algebraic error would let the far ones win by their depth.
    rng = np.random.default_rng(8)
    poses = rng.normal(0, 0.3, (200, 12, 3))
    poses[:, ::2, 2] -= 2.0
    roots = np.array([0.2, 0.1, 3.5])
    points = poses + roots
    rays = points[..., :2] / points[..., 2:] + rng.normal(0, 0.01, (200, 12, 2))
    placed = place_root(poses, rays, np.ones((200, 12)))

    def reprojection(path):
        moved = poses + path[:, None]
        return ((moved[..., :2] / moved[..., 2:] - rays) ** 2).sum((-2, -1)).mean()

    best = reprojection(placed)
    for axis in range(3):
        for step in (-0.05, 0.05):
            assert reprojection(placed + step * np.eye(3)[axis]) > best
    assert best < reprojection(np.broadcast_to(roots, placed.shape))
