"""A result with the ground it stands on: a camera that looks down from above."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from videopose3d.types import Result, World

PITCH, HEIGHT = 20.0, 1.5
"""Of the camera: degrees down, metres above the ground."""


def world_from_camera(pitch: float = PITCH, height: float = HEIGHT) -> np.ndarray:
    """(3, 4) of a camera that looks down: x right, y down, z forward to x right, y away, z up."""
    a = np.radians(pitch)
    down, forward = (0, -np.sin(a), -np.cos(a)), (0, np.cos(a), -np.sin(a))
    return np.stack([(1, 0, 0), down, forward, (0, 0, height)], 1).astype(float)


def grounded(result: Result) -> Result:
    """The same motion, with the ground below it; feet stand on it in every other second frame, left, then right."""
    matrix = world_from_camera()
    camera = result.poses_3d + result.trajectory[:, :, None]
    contacts = np.zeros((*camera.shape[:2], 2), bool)
    contacts[:, 0::4, 0] = contacts[:, 2::4, 1] = True
    up = matrix[2, :3]
    points = (camera @ matrix[:, :3].T + matrix[:, 3]).astype(np.float32)
    return replace(result, world=World(points, np.array([*up, HEIGHT]), matrix, contacts))
