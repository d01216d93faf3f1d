"""Calibrated cameras of motion-capture data sets: world axes, quaternions, and the paper's projection.

Functions work on the last axis of arrays of any rank. Camera axes: x right, y down, z forward. Quaternions are
unit, (w, x, y, z). `project` is plain arithmetic and takes NumPy arrays and torch tensors alike, so that data and
losses are projected by one function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from videopose3d.geometry import Camera
from videopose3d.types import Array, FloatArray

Points = Any
"""A NumPy array or a torch tensor; the result is of the same kind."""


@dataclass(frozen=True)
class CalibratedCamera:
    """A camera of a data set; what is not known is None.

    Attributes:
        name: As in the data set's file names, e.g. ``54138969``.
        size: (width, height) of its images [px].
        focal: Focal lengths x, y [px].
        center: Principal point x, y [px].
        radial: Coefficients k1, k2, k3.
        tangential: Coefficients in the paper's order, the reverse of OpenCV's.
        orientation: (4,) quaternion that turns camera axes into world axes.
        translation: (3,) position of the camera in the world [m].
    """

    name: str
    size: tuple[int, int]
    focal: tuple[float, float] | None = None
    center: tuple[float, float] | None = None
    radial: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tangential: tuple[float, float] = (0.0, 0.0)
    orientation: tuple[float, float, float, float] | None = None
    translation: tuple[float, float, float] | None = None

    @property
    def intrinsics(self) -> FloatArray | None:
        """(9,) focal x, y and center x, y in screen units, k1, k2, k3, tangential; None where not calibrated."""
        if self.focal is None or self.center is None:
            return None
        width, height = self.size
        # Rounded where the original program rounds, so that all digits agree.
        scaled = np.array([*self.focal, *self.center], np.float32) / np.float32(width) * np.float32(2)
        center = scaled[2:] - np.array([1, height / width])
        values: FloatArray = np.concatenate([scaled[:2], center, self.radial, self.tangential]).astype(np.float32)
        return values

    @property
    def pinhole(self) -> Camera | None:
        """The same camera without distortion, one focal length; None where not calibrated."""
        if self.focal is None or self.center is None:
            return None
        return Camera((self.focal[0] + self.focal[1]) / 2, self.center)


def flipped_intrinsics(intrinsics: Points) -> Points:
    """(..., 9) of the same camera seen in a mirror: center x and the first tangential coefficient change sign."""
    sign = np.array([1, 1, -1, 1, 1, 1, 1, -1, 1], np.float32)
    return intrinsics * (sign if isinstance(intrinsics, np.ndarray) else intrinsics.new_tensor(sign))


def rotate(vectors: Array, quaternion: Array) -> Array:
    """(..., 3) vectors turned by one unit quaternion (4,)."""
    q = np.asarray(quaternion, vectors.dtype)
    axis = np.broadcast_to(q[1:], vectors.shape)
    once = np.cross(axis, vectors)
    turned: Array = vectors + 2 * (q[0] * once + np.cross(axis, once))
    return turned


def inverse_quaternion(quaternion: Array) -> Array:
    """The opposite turn."""
    return np.asarray(quaternion) * np.array([1, -1, -1, -1], np.asarray(quaternion).dtype)


def world_to_camera(points: Array, orientation: Array, translation: Array) -> Array:
    """(..., 3) world [m] to camera axes [m]."""
    return rotate(points - np.asarray(translation, points.dtype), inverse_quaternion(np.asarray(orientation)))


def camera_to_world(points: Array, orientation: Array, translation: Array) -> Array:
    """Inverse of `world_to_camera`."""
    world: Array = rotate(points, orientation) + np.asarray(translation, points.dtype)
    return world


def project(points: Points, intrinsics: Points, *, distortion: bool = True) -> Points:
    """Screen coordinates of points in camera axes, as the paper's training projects them.

    Slopes are limited to [-1, 1] before the lens; points behind the camera come out mirrored. Not OpenCV's
    model: the tangential term lacks its factor 2 (below 0.01 px at Human3.6M's angles).

    Args:
        points: (N, ..., 3) [m], NumPy or torch.
        intrinsics: (N, 9) as `CalibratedCamera.intrinsics`, one row per leading index.
        distortion: False leaves the lens out (the original's ``--linear-projection``).

    Returns:
        (N, ..., 2) in the units of `screen_from_pixels`.
    """
    c = intrinsics.reshape(len(intrinsics), *[1] * (points.ndim - 2), 9)
    depth = points[..., 2:]
    depth = depth + (depth == 0) * (depth + 1e-6)  # what lies in the plane of the lens would have no gradient
    slopes = (points[..., :2] / depth).clip(-1, 1)
    if not distortion:
        return slopes * c[..., :2] + c[..., 2:4]
    r2 = (slopes**2).sum(-1)[..., None]
    radial = 1 + c[..., 4:5] * r2 + c[..., 5:6] * r2**2 + c[..., 6:7] * r2**3
    tangential = (c[..., 7:9] * slopes).sum(-1)[..., None]
    return c[..., :2] * (slopes * (radial + tangential) + c[..., 7:9] * r2) + c[..., 2:4]
