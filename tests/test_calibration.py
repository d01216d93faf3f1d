from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_files import golden
from hypothesis import given
from hypothesis import strategies as st

from videopose3d.calibration import (
    CalibratedCamera,
    camera_to_world,
    flipped_intrinsics,
    inverse_quaternion,
    project,
    rotate,
    world_to_camera,
)
from videopose3d.datasets.human36m import cameras
from videopose3d.geometry import pixels_from_points, pixels_from_screen, screen_from_pixels

GOLDEN = golden("geometry")
CAMERAS = [(subject, i) for subject in ("S1", "S9") for i in range(4)]
every_camera = pytest.mark.parametrize(("subject", "i"), CAMERAS)
both_kinds = pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
SIZES = [(1000, 1002), (1000, 1000), (1920, 1080), (640, 480), (1080, 1920)]
WORLD = {name: GOLDEN[name] for name in ("world_points", "world_points_far")}


def expected(subject: str, i: int, name: str) -> np.ndarray:
    return GOLDEN[f"{subject}/cam{i}/{name}"]


def test_every_golden_camera_is_looked_at():
    found = {tuple(key.split("/")[:2]) for key in GOLDEN if "/cam" in key}
    assert found == {(subject, f"cam{i}") for subject, i in CAMERAS}


@every_camera
def test_the_camera_is_the_golden_one(subject, i):
    camera = cameras(subject)[i]
    assert camera.size == tuple(expected(subject, i, "resolution"))
    assert np.array_equal(np.float32(camera.orientation), expected(subject, i, "orientation"))
    assert np.array_equal(np.float32(camera.translation), expected(subject, i, "translation_m"))
    assert camera.intrinsics.dtype == np.float32
    assert np.array_equal(camera.intrinsics, expected(subject, i, "intrinsic"))
    assert np.array_equal(flipped_intrinsics(camera.intrinsics), expected(subject, i, "flipped_intrinsic"))
    assert torch.equal(
        flipped_intrinsics(torch.from_numpy(camera.intrinsics)),
        torch.from_numpy(expected(subject, i, "flipped_intrinsic")),
    )


@every_camera
def test_world_to_camera_and_back(subject, i):
    place = np.asarray(cameras(subject)[i].orientation), np.asarray(cameras(subject)[i].translation)
    seen = world_to_camera(GOLDEN["world_points"], *place)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen, expected(subject, i, "camera_points"), rtol=0, atol=2e-6)
    back = camera_to_world(expected(subject, i, "camera_points"), *place)
    np.testing.assert_allclose(back, expected(subject, i, "back_to_world"), rtol=0, atol=2e-6)
    far = world_to_camera(GOLDEN["world_points_far"], *place)
    np.testing.assert_allclose(far, expected(subject, i, "far_camera_points"), rtol=0, atol=4e-6)


@every_camera
@both_kinds
def test_projections(subject, i, kind):
    intrinsics = expected(subject, i, "intrinsic")
    points = expected(subject, i, "camera_points")
    each = kind(np.repeat(intrinsics[None], len(points), 0))
    screen = np.asarray(project(kind(points), each))
    np.testing.assert_allclose(screen, expected(subject, i, "project"), rtol=0, atol=2e-6)
    pixels = pixels_from_screen(screen, tuple(expected(subject, i, "resolution")))
    np.testing.assert_allclose(pixels, expected(subject, i, "project_pixels"), rtol=0, atol=1e-3)
    linear = np.asarray(project(kind(points), each, distortion=False))
    np.testing.assert_allclose(linear, expected(subject, i, "project_linear"), rtol=0, atol=2e-6)


@every_camera
@both_kinds
def test_projections_behind_the_camera_and_outside_its_view(subject, i, kind):
    points = expected(subject, i, "far_camera_points")
    assert (points[:, 2] < 0).any()
    assert (np.abs(points[:, :2] / points[:, 2:]) > 1).any()
    intrinsics = kind(expected(subject, i, "intrinsic")[None])
    far = np.asarray(project(kind(points[None]), intrinsics))[0]
    np.testing.assert_allclose(far, expected(subject, i, "far_project_clamped"), rtol=0, atol=1e-5)
    linear = np.asarray(project(kind(points[None]), intrinsics, distortion=False))[0]
    np.testing.assert_allclose(linear, expected(subject, i, "far_project_linear_clamped"), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["normalize", "denormalize"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_screen_coordinates(size, kind):
    function = {"normalize": screen_from_pixels, "denormalize": pixels_from_screen}[kind]
    name = f"{kind}/{size[0]}x{size[1]}"
    # What was denormalised is what had been normalised, as README section 4 of the golden files says for pixels.
    source = GOLDEN["pixels"] if kind == "normalize" else GOLDEN[f"normalize/{size[0]}x{size[1]}"]
    tolerance = 1e-6 if kind == "normalize" else 1e-2
    np.testing.assert_allclose(function(source, size), GOLDEN[name], rtol=0, atol=tolerance)


def test_quaternions():
    turned = [rotate(v, q) for v, q in zip(GOLDEN["quat/v"], GOLDEN["quat/q"], strict=True)]
    np.testing.assert_allclose(turned, GOLDEN["quat/rotated"], rtol=0, atol=1e-6)
    back = [rotate(v, inverse_quaternion(q)) for v, q in zip(GOLDEN["quat/v"], GOLDEN["quat/q"], strict=True)]
    np.testing.assert_allclose(back, GOLDEN["quat/inverse_rotated"], rtol=0, atol=1e-6)


def test_every_golden_array_is_compared():
    known = {"orientation", "translation_m", "intrinsic", "resolution", "flipped_intrinsic", "camera_points"}
    known |= {"back_to_world", "project", "project_pixels", "project_linear"}
    known |= {"far_camera_points", "far_project_clamped", "far_project_linear_clamped"}
    names = {f"{subject}/cam{i}/{name}" for subject, i in CAMERAS for name in known}
    names |= {*WORLD, "pixels", "quat/q", "quat/v", "quat/rotated", "quat/inverse_rotated"}
    names |= {f"{kind}/{w}x{h}" for kind in ("normalize", "denormalize") for w, h in SIZES}
    assert set(GOLDEN) == names


unit = st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1)


@given(unit, st.lists(st.floats(-5, 5), min_size=3, max_size=3))
def test_there_and_back_is_where_one_was(quaternion, place):
    q = np.array(quaternion) / np.linalg.norm(quaternion)
    points = np.array([[0.3, -1.0, 2.0], [0, 0, 0], [4, 5, -6]])
    seen = world_to_camera(points, q, np.array(place))
    np.testing.assert_allclose(camera_to_world(seen, q, np.array(place)), points, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(seen, axis=-1), np.linalg.norm(points - place, axis=-1), atol=1e-12)


def test_hand_computed():
    camera = CalibratedCamera("c", (200, 100), focal=(100, 50), center=(100, 50), radial=(0.5, 0, 0))
    np.testing.assert_allclose(camera.intrinsics, [1, 0.5, 0, 0, 0.5, 0, 0, 0, 0])
    # Slopes (0.5, 0): 1 + 0.5 * 0.25 = 1.125 times farther out.
    assert project(np.array([[[1.0, 0, 2.0]]]), camera.intrinsics[None]).tolist() == [[[0.5625, 0]]]
    quarter = np.array([np.sqrt(0.5), 0, 0, np.sqrt(0.5)])  # about z: x becomes y
    np.testing.assert_allclose(rotate(np.array([1.0, 0, 0]), quarter), [0, 1, 0], atol=1e-12)


def test_a_mirrored_point_in_the_mirrored_camera():
    intrinsics = cameras("S1")[0].intrinsics[None]
    points = np.array([[[0.4, -0.3, 4.0]]], np.float32)
    mirror = np.array([-1, 1], np.float32)
    seen = project(points * np.array([-1, 1, 1], np.float32), flipped_intrinsics(intrinsics))
    np.testing.assert_allclose(seen, project(points, intrinsics) * mirror, atol=1e-7)


def test_a_camera_without_a_lens():
    camera = CalibratedCamera("c", (640, 480))
    assert camera.intrinsics is None
    assert camera.pinhole is None
    assert CalibratedCamera("c", (640, 480), focal=(600, 600)).intrinsics is None


def test_the_pinhole_twin_sees_the_same_without_distortion():
    camera = cameras("S1")[1]
    points = np.array([[[0.4, -0.3, 4.0], [0.0, 0.2, 5.0]]], np.float32)
    screen = project(points, camera.intrinsics[None], distortion=False)
    pixels = pixels_from_screen(screen, camera.size)
    np.testing.assert_allclose(pixels, pixels_from_points(points, camera.pinhole), atol=0.2)  # one focal length
