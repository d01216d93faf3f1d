"""Cameras of synthetic clips. World axes: x and y horizontal, z up, metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A pinhole camera at one moment.

    Attributes:
        position: (3,) where it stands [m].
        rotation: (3, 3) world to camera axes (x right, y down, z forward).
        focal: Focal length [px].
        size: Width and height of the picture [px]; the principal point is the middle.
    """

    position: Array
    rotation: Array
    focal: float
    size: tuple[int, int]

    @property
    def center(self) -> Array:
        """(2,) principal point [px]; the origin is the corner of the picture."""
        return np.array(self.size, float) / 2

    def to_camera(self, points: Array) -> Array:
        """(..., 3) world points [m] in camera axes [m]."""
        seen: Array = (points - self.position) @ self.rotation.T
        return seen

    def project(self, points: Array) -> Array:
        """(..., 2) pixels of world points (..., 3); pixel i spans [i, i + 1). NaN behind the camera."""
        p = self.to_camera(points)
        depth = np.where(p[..., 2:] > 1e-3, p[..., 2:], np.nan)
        pixels: Array = p[..., :2] / depth * self.focal + self.center
        return pixels

    def scaled(self, factor: int) -> View:
        """The same view with ``factor`` times as many pixels each way."""
        width, height = self.size
        return View(self.position, self.rotation, self.focal * factor, (width * factor, height * factor))


@dataclass(frozen=True)
class Film:
    """What a camera makes of light.

    Attributes:
        exposure: Brightness.
        balance: (3,) factors on red, green and blue.
        blur: Spread of the lens' blur [px].
        grain: Spread of the sensor's noise, in steps of 8 bits.
    """

    exposure: float = 1.05
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur: float = 0.0
    grain: float = 0.0


def look(yaw: Array | float, pitch: Array | float, roll: Array | float = 0.0) -> Array:
    """(..., 3, 3) world to camera axes of a camera that looks along y where all angles are zero.

    Args:
        yaw: To the left [rad].
        pitch: Down [rad].
        roll: Clockwise, as the picture's content turns against it [rad].
    """
    yaw, pitch, roll = np.broadcast_arrays(*(np.asarray(angle, np.float64) for angle in (yaw, pitch, roll)))
    level = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    turned: Array = _about(roll, 0, 1) @ _about(pitch, 1, 2) @ level @ _about(-yaw, 0, 1)
    return turned


def _about(angle: Array, first: int, second: int) -> Array:
    """(..., 3, 3) rotations that turn axis ``first`` towards ``second``."""
    turn = np.zeros((*angle.shape, 3, 3))
    turn[...] = np.eye(3)
    turn[..., first, first] = turn[..., second, second] = np.cos(angle)
    turn[..., second, first], turn[..., first, second] = np.sin(angle), -np.sin(angle)
    return turn
