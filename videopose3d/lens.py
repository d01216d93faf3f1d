"""Which camera a clip was taken with: from options, calibration files, or the video's metadata.

A `Lens` maps space to the pixels of the video as it is. Everything behind the 2D stage works in the picture of an ideal
camera instead (one focal length, its axis through the middle, no distortion), to which `straightened` moves keypoints.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib import import_module
from math import hypot
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d.config import DEFAULT_FOV, LiftConfig
from videopose3d.errors import FileFormatError, InputError
from videopose3d.geometry import Camera, camera_from_focal, camera_from_fov
from videopose3d.types import Float64Array, Keypoints2D, Lens

_DIAGONAL_35MM = hypot(36, 24)
_FOCALS_35MM = 8, 800  # mm; others are no focal lengths
_MATRIX = ("camera_matrix", "cameraMatrix", "CameraMatrix", "Camera_Matrix", "K", "intrinsic_matrix", "mtx", "matrix")
_DISTORTION = (
    *("distortion_coefficients", "distortionCoefficients", "Distortion_Coefficients", "distortion", "distortions"),
    *("dist_coeffs", "distCoeffs", "dist_coefs", "dist", "D"),
)
_SIZE = ("image_size", "imageSize", "size")
_WIDTH, _HEIGHT = ("image_width", "image_Width", "width"), ("image_height", "image_Height", "height")
_SHAPES = 0.01
_ASTRAY = 0.005
_FIX = "Give OpenCV's YAML or XML with camera_matrix, or TOML with matrix and distortions (docs/world.md)."


def lens_of(keypoints: Keypoints2D, config: LiftConfig) -> Lens:
    """The camera of a clip: what the user says, else the video's metadata, else the stated default.

    Raises:
        InputError: The calibration file is missing, or of other pictures.
        FileFormatError: It is no calibration file.
    """
    size = keypoints.size
    if config.calib is not None:
        return read_lens(config.calib, config.calib_camera, size)
    if config.focal is not None:
        return _pinhole(camera_from_focal(size, config.focal), f"--focal {config.focal:g}")
    if config.fov is not None:
        return _pinhole(camera_from_fov(size, config.fov), f"--fov {config.fov:g}")
    if keypoints.focal_35mm is not None and _FOCALS_35MM[0] <= keypoints.focal_35mm <= _FOCALS_35MM[1]:
        focal = keypoints.focal_35mm / _DIAGONAL_35MM * hypot(*size)
        return _pinhole(
            camera_from_focal(size, focal), f"the video says {keypoints.focal_35mm:g} mm (35 mm equivalent)"
        )
    return _pinhole(camera_from_fov(size, DEFAULT_FOV), f"assumed: a field of view of {DEFAULT_FOV:g} degrees")


def _pinhole(camera: Camera, origin: str) -> Lens:
    matrix = np.array([[camera.focal, 0, camera.center[0]], [0, camera.focal, camera.center[1]], [0, 0, 1.0]])
    return Lens(matrix, np.zeros(5), origin)


def ideal_camera(lens: Lens, size: tuple[int, int]) -> Camera:
    """The camera without distortion whose axis goes through the middle of pictures of that size."""
    return camera_from_focal(size, float(lens.matrix[0, 0] + lens.matrix[1, 1]) / 2)


def straightened(keypoints: Keypoints2D, lens: Lens) -> Keypoints2D:
    """The keypoints in the picture of the `ideal_camera`; those that the lens cannot have seen are NaN."""
    camera = ideal_camera(lens, keypoints.size)
    wanted = _pinhole(camera, "")
    if np.allclose(lens.matrix, wanted.matrix) and not lens.distortion.any():
        return keypoints
    points = keypoints.points.reshape(-1, 2).astype(np.float64)
    rays = _undistorted(points, lens)
    moved = (rays * camera.focal + camera.center).reshape(keypoints.points.shape).astype(np.float32)
    scores = np.where(np.isfinite(moved).all(-1), keypoints.scores, 0).astype(np.float32)
    return replace(keypoints, points=moved, scores=scores)


def _undistorted(points: Float64Array, lens: Lens) -> Float64Array:
    """(N, 2) slopes of the rays through pixels; NaN where no ray leads there."""
    from videopose3d.opencv import cv2

    rays = np.full_like(points, np.nan)
    known = np.isfinite(points).all(-1)
    if known.any():
        stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-9)
        some = points[known][:, None]
        found = cv2.undistortPointsIter(some, lens.matrix, lens.distortion, np.eye(3), np.eye(3), stop)[:, 0]
        space = np.concatenate([found, np.ones_like(found[:, :1])], -1)
        back, _ = cv2.projectPoints(space, np.zeros(3), np.zeros(3), lens.matrix, lens.distortion)
        astray = np.linalg.norm(back[:, 0] - points[known], axis=-1) > _ASTRAY * lens.matrix[0, 0]
        found[astray | ~np.isfinite(found).all(-1)] = np.nan
        rays[known] = found
    return rays


def read_lens(path: str | os.PathLike[str], camera: str | None, size: tuple[int, int] | None = None) -> Lens:
    """A camera from a calibration file.

    Args:
        path: YAML, XML or JSON as OpenCV's FileStorage writes it (also ROS's ``camera_info``), or TOML as anipose and
            Pose2Sim write it.
        camera: Which one, for TOML files of several.
        size: (width, height) of the pictures [px]; the file's numbers are scaled to it. None leaves them.

    Raises:
        InputError: There is no such file or camera, or it is of pictures of another shape.
        FileFormatError: It is no calibration file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("there is no such calibration file", where=path, fix="Check --calib.")
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise _no_calibration(path, "it cannot be read as text") from error
    entry = _toml_entry(path, text, camera) if path.suffix.lower() == ".toml" else _storage(path, text)
    matrix, distortion, calibrated = _numbers(entry, path)
    positive = min(matrix[0, 0], matrix[1, 1], matrix[2, 2]) > 0
    if not (np.isfinite(matrix).all() and np.isfinite(distortion).all() and positive):
        raise _no_calibration(path, "its focal lengths are not positive numbers")
    if len(distortion) > 14 or len(distortion) in (1, 2, 3) or entry.get("fisheye"):
        raise _no_calibration(path, "a fisheye lens, or another model of distortion than OpenCV's")
    padded = np.zeros(next(n for n in (5, 8, 12, 14) if n >= len(distortion)))
    padded[: len(distortion)] = distortion
    lens = Lens(matrix / matrix[2, 2], padded, f"--calib {path.name}")
    return _resized(lens, calibrated, size, path)


def _numbers(entry: dict[str, Any], path: Path) -> tuple[Float64Array, Float64Array, tuple[float, float] | None]:
    """(3, 3) matrix, (N,) distortion and the size of the pictures [px], where the file says it.

    Raises:
        FileFormatError: One of them is missing, or is something else.
    """
    what = f"no {_MATRIX[0]} in it"
    try:
        found = _value(entry, _MATRIX)
        what = "its camera matrix is not 3 x 3 numbers"
        matrix = np.array(found, np.float64).reshape(3, 3)
        what = "its distortion is not a list of numbers"
        distortion = np.array(_value(entry, _DISTORTION, ()), np.float64).ravel()
        what = "its picture size is not two numbers"
        return matrix, distortion, _calibrated_size(entry)
    except (ValueError, TypeError, KeyError) as error:
        raise _no_calibration(path, what) from error


def _toml_entry(path: Path, text: str, camera: str | None) -> dict[str, Any]:
    """The table of one camera."""
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        tables: dict[str, Any] = toml.loads(text)
    except toml.TOMLDecodeError as error:
        raise _no_calibration(path, f"no TOML ({error})") from error
    cameras: dict[str, dict[str, Any]] = {
        name: table
        for name, table in tables.items()
        if isinstance(table, dict) and any(key in table for key in _MATRIX)
    }
    if not cameras and any(key in tables for key in _MATRIX):
        return tables
    named = {str(table.get("name", name)): table for name, table in cameras.items()} | cameras
    if camera is None and len(cameras) == 1:
        return next(iter(cameras.values()))
    if camera not in named:
        what = f"no camera {camera!r}" if camera else f"{len(cameras)} cameras"
        if not cameras:
            raise _no_calibration(path, "no camera in it")
        raise InputError(what, where=path, fix=f"Choose one with --calib-camera: {', '.join(cameras)}.")
    return named[camera]


def _storage(path: Path, text: str) -> dict[str, Any]:
    """The top level of a file of OpenCV's FileStorage, matrices as lists."""
    from videopose3d.opencv import cv2

    if path.suffix.lower() in (".yml", ".yaml") and not text.lstrip().startswith("%YAML"):
        text = f"%YAML:1.0\n---\n{text}"  # other programs leave it out, and OpenCV insists
    try:
        storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        root = storage.root()
        names = [] if root.empty() else root.keys()
        return {name: _node(root.getNode(name)) for name in names}
    except (cv2.error, SystemError) as error:
        raise _no_calibration(path, "neither YAML, XML nor JSON that OpenCV reads") from error


def _node(node: Any) -> Any:
    if node.isMap():
        return _node(node.getNode("data")) if not node.getNode("data").empty() else None
    if node.isSeq():
        return [_node(node.at(i)) for i in range(node.size())]
    return node.string() if node.isString() else node.real()


def _value(entry: dict[str, Any], names: tuple[str, ...], default: Any = None) -> Any:
    """The first of the names that is there."""
    found = next((entry[name] for name in names if entry.get(name) is not None), default)
    if found is None:
        raise KeyError(names[0])
    return found


def _calibrated_size(entry: dict[str, Any]) -> tuple[float, float] | None:
    """(width, height) that the file says its pictures have [px]."""
    if any(entry.get(name) is not None for name in _SIZE):
        width, height = _value(entry, _SIZE)
    elif any(entry.get(name) is not None for name in _WIDTH):
        width, height = _value(entry, _WIDTH), _value(entry, _HEIGHT)
    else:
        return None
    return float(width), float(height)


def _resized(lens: Lens, calibrated: tuple[float, float] | None, size: tuple[int, int] | None, path: Path) -> Lens:
    """The lens for pictures of another size of the same shape.

    Raises:
        InputError: They have another shape, so that nobody knows what was cut off.
    """
    if size is None or calibrated is None or calibrated == size:
        return lens
    across, down = size[0] / calibrated[0], size[1] / calibrated[1]
    if abs(across / down - 1) > _SHAPES:
        shown = f"{calibrated[0]:g} x {calibrated[1]:g}"
        what = f"calibrated for pictures of {shown} px, these have {size[0]} x {size[1]}"
        raise InputError(what, where=path, fix="Calibrate with the settings the video was taken with, or use --fov.")
    scale = np.array([[across, 1, across], [1, down, down], [1, 1, 1]])
    return replace(lens, matrix=lens.matrix * scale, origin=f"{lens.origin}, scaled to {size[0]} x {size[1]}")


def _no_calibration(path: Path, why: str) -> FileFormatError:
    return FileFormatError(why, where=path, fix=_FIX)
