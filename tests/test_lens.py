from __future__ import annotations

from dataclasses import replace
from math import radians, tan
from pathlib import Path

import cv2
import numpy as np
import pytest

from videopose3d.config import LiftConfig
from videopose3d.errors import FileFormatError, InputError, VideoPose3DError
from videopose3d.geometry import pixels_from_points
from videopose3d.lens import ideal_camera, lens_of, read_lens, straightened
from videopose3d.result_file import boxes_around
from videopose3d.skeleton import COCO17
from videopose3d.types import Keypoints2D

SIZE = (640, 480)
MATRIX = np.array([[600.0, 0, 330], [0, 610, 250], [0, 0, 1]])
BENT = np.array([-0.2, 0.05, 0.001, -0.002, 0.01])
SPACE = np.random.default_rng(0).uniform((-1, -0.8, 2.5), (1, 0.8, 4), (2, 9, 17, 3))


def keypoints(points: np.ndarray | None = None, **about: object) -> Keypoints2D:
    points = np.zeros((1, 3, 17, 2)) if points is None else points
    points = points.astype(np.float32)
    seen = np.ones(points.shape[:2], bool)
    scores = np.full(points.shape[:3], 0.9, np.float32)
    return replace(Keypoints2D(points, scores, boxes_around(points), seen, COCO17, 25, SIZE), **about)  # type: ignore[arg-type]


def written(path: Path, **values: object) -> Path:
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for name, value in values.items():
        storage.write(name, value)
    storage.release()
    return path


TOML = """
[int_cam1]
name = "left"
size = [ 640.0, 480.0,]
matrix = [ [ 600.0, 0.0, 330.0,], [ 0.0, 610.0, 250.0,], [ 0.0, 0.0, 1.0,],]
distortions = [ -0.2, 0.05, 0.001, -0.002,]
rotation = [ 0.0, 0.0, 0.0,]
translation = [ 0.0, 0.0, 0.0,]
fisheye = false
{more}
[metadata]
adjusted = false
"""
SECOND = TOML.replace("int_cam1", "int_cam2").replace('"left"', '"right"').replace("600.0", "700.0").split("{more}")[0]
ROS = """image_width: 640
image_height: 480
camera_matrix:
  rows: 3
  cols: 3
  data: [600, 0, 330, 0, 610, 250, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.2, 0.05, 0.001, -0.002, 0.01]
"""


@pytest.mark.parametrize("name", ["c.yml", "c.yaml", "c.xml", "c.json"])
def test_files_of_opencv(name: str, tmp_path: Path) -> None:
    about = {"image_width": 640, "image_height": 480}
    file = written(tmp_path / name, **about, camera_matrix=MATRIX, distortion_coefficients=BENT[None])
    lens = read_lens(file, None, SIZE)
    np.testing.assert_allclose(lens.matrix, MATRIX)
    np.testing.assert_allclose(lens.distortion, BENT)
    assert lens.origin == f"--calib {name}"


def test_other_names_and_no_distortion(tmp_path: Path) -> None:
    lens = read_lens(written(tmp_path / "c.yml", cameraMatrix=MATRIX), None, (1920, 1080))  # says no size
    np.testing.assert_allclose(lens.matrix, MATRIX)
    np.testing.assert_array_equal(lens.distortion, np.zeros(5))
    rational = read_lens(written(tmp_path / "r.yml", K=MATRIX, D=np.linspace(0.01, 0.08, 8)), None)
    np.testing.assert_allclose(rational.distortion, np.linspace(0.01, 0.08, 8))


def test_files_of_ros(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(ROS)
    lens = read_lens(tmp_path / "c.yaml", None, SIZE)
    np.testing.assert_allclose(lens.matrix, MATRIX)
    np.testing.assert_allclose(lens.distortion, BENT)


def test_toml_of_one_and_of_several_cameras(tmp_path: Path) -> None:
    file = tmp_path / "Calib.toml"
    file.write_text(TOML.replace("{more}", ""))
    lens = read_lens(file, None, SIZE)
    np.testing.assert_allclose(lens.matrix, MATRIX)
    np.testing.assert_allclose(lens.distortion, [-0.2, 0.05, 0.001, -0.002, 0])
    file.write_text(TOML.replace("{more}", SECOND))
    with pytest.raises(InputError, match="2 cameras.*--calib-camera: int_cam1, int_cam2"):
        read_lens(file, None, SIZE)
    for name in ("int_cam2", "right"):
        assert read_lens(file, name, SIZE).matrix[0, 0] == 700
    with pytest.raises(InputError, match="no camera 'middle'"):
        read_lens(file, "middle", SIZE)


def test_pictures_of_another_size(tmp_path: Path) -> None:
    file = written(
        tmp_path / "c.yml", image_width=640, image_height=480, camera_matrix=MATRIX, distortion_coefficients=BENT
    )
    lens = read_lens(file, None, (1280, 960))
    np.testing.assert_allclose(lens.matrix, MATRIX * [[2, 1, 2], [1, 2, 2], [1, 1, 1]])
    np.testing.assert_allclose(lens.distortion, BENT)
    assert lens.origin.endswith("scaled to 1280 x 960")
    for other in ((1280, 720), (480, 640)):
        with pytest.raises(InputError, match="calibrated for pictures of 640 x 480 px"):
            read_lens(file, None, other)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("c.toml", "a = ", "no TOML"),
        ("c.toml", "a = 1", "no camera in it"),
        ("c.toml", TOML.replace("fisheye = false", "fisheye = true").replace("{more}", ""), "fisheye"),
        ("c.toml", TOML.replace("[ 0.0, 0.0, 1.0,],]", "]").replace("{more}", ""), "is not 3 x 3 numbers. Give"),
        ("c.json", '{"camera_matrix": [[600, 0], [0, 600]]}', "its camera matrix is not 3 x 3 numbers. Give"),
        ("c.toml", TOML.replace("-0.2, 0.05", '"a"').replace("{more}", ""), "distortion is not a list of numbers"),
        ("c.toml", TOML.replace("640.0, 480.0", "640.0").replace("{more}", ""), "picture size is not two numbers"),
        ("c.yml", "%YAML:1.0\n---\nf: 600\n", "camera_matrix"),
        ("c.yml", ROS.replace("data: [600", "data: [-600"), "not positive"),
        ("c.yml", ROS.replace("-0.2, 0.05, 0.001, -0.002, 0.01", "1, 2"), "another model"),
        ("c.xml", "<?xml version='1.0'?><a/>", "OpenCV"),
        ("c.txt", "600 600 320 240", "OpenCV"),
        ("c.bin", b"\xff\xfe\x00", "text"),
    ],
)
def test_what_is_no_calibration_says_so(name: str, text: str | bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FileFormatError, match=why) as error:
        read_lens(tmp_path / name, None, SIZE)
    assert "docs/world.md" in str(error.value)
    with pytest.raises(InputError, match="no such calibration file"):
        read_lens(tmp_path / "none.yml", None, SIZE)


def test_keypoints_are_straightened() -> None:
    seen, _ = cv2.projectPoints(SPACE.reshape(-1, 3), np.zeros(3), np.zeros(3), MATRIX, BENT)
    bent = keypoints(seen.reshape(*SPACE.shape[:-1], 2))
    bent.points[0, 3, 4] = np.nan
    lens = replace(lens_of(bent, LiftConfig()), matrix=MATRIX, distortion=BENT)
    camera = ideal_camera(lens, SIZE)
    assert (camera.focal, camera.center) == (605, (320, 240))
    straight = straightened(bent, lens)
    expected = pixels_from_points(SPACE, camera)
    expected[0, 3, 4] = np.nan
    np.testing.assert_allclose(straight.points, expected, atol=0.02)
    assert straight.scores[0, 3, 4] == 0
    assert straight.scores.sum() == pytest.approx(bent.scores.sum() - 0.9, rel=1e-5)
    assert np.nanmax(np.abs(straight.points - bent.points)) > 10


def test_an_ideal_camera_changes_nothing() -> None:
    some = keypoints(np.random.default_rng(1).uniform(0, 480, (1, 3, 17, 2)))
    assert straightened(some, lens_of(some, LiftConfig(focal=500))) is some


def test_where_no_ray_leads_is_not_seen() -> None:
    """Far outside, this barrel lens has folded back on itself."""
    some = keypoints(np.array([[[[330, 250.0]] * 8 + [[9000, 9000]] * 9]]))
    lens = replace(lens_of(some, LiftConfig()), matrix=MATRIX, distortion=BENT)
    straight = straightened(some, lens)
    assert np.isfinite(straight.points[0, 0, :8]).all()
    assert np.isnan(straight.points[0, 0, 8:]).all()
    assert not straight.scores[0, 0, 8:].any()


def test_which_camera_is_taken(tmp_path: Path) -> None:
    file = written(tmp_path / "c.yml", camera_matrix=MATRIX)
    told, silent = keypoints(focal_35mm=26.0), keypoints()
    for some, config, focal, origin in [
        (told, LiftConfig(calib=str(file)), 605, "--calib c.yml"),
        (told, LiftConfig(focal=500), 500, "--focal 500"),
        (told, LiftConfig(fov=90), 320, "--fov 90"),
        (told, LiftConfig(), 26 / 43.2666 * 800, "26 mm"),
        (silent, LiftConfig(), 320 / tan(radians(30)), "assumed: a field of view of 60"),
        (keypoints(focal_35mm=0.0), LiftConfig(), 320 / tan(radians(30)), "assumed"),
    ]:
        lens = lens_of(some, config)
        assert ideal_camera(lens, SIZE).focal == pytest.approx(focal, rel=1e-4)
        assert origin in lens.origin


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"calib": "a.yml", "fov": 60.0}, "--calib contradicts --fov. Leave out --fov."),
        ({"calib": "a.yml", "focal": 60.0}, "--calib contradicts --focal. Leave out --focal."),
        ({"calib": "a.yml", "focal": 60.0, "fov": 60.0}, "--calib contradicts --fov and --focal."),
        ({"focal": 600.0, "fov": 60.0}, "--fov contradicts --focal. Leave one of them out."),
        ({"calib_camera": "a"}, "--calib-camera without --calib."),
    ],
)
def test_settings_that_contradict_each_other(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(VideoPose3DError, match=says):
        LiftConfig(**wrong)  # type: ignore[arg-type]
