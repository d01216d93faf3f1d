"""Cameras and the coordinates that lifters take: rays, screen coordinates, placement of the root.

All functions work on the last axis of arrays of any rank. Camera axes: x right, y down, z forward. Calibrated
cameras, world coordinates and lens distortion are in `calibration`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import radians, tan

import numpy as np

from videopose3d.errors import VideoPose3DError
from videopose3d.types import Array


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion.

    Attributes:
        focal: Focal length [px].
        center: Principal point x, y [px].
    """

    focal: float
    center: tuple[float, float]


def camera_from_fov(size: tuple[int, int], fov: float) -> Camera:
    """The camera whose field of view along the longer side of the image is ``fov`` [degrees].

    Args:
        size: (width, height) of the image [px].
        fov: Angle between 1 and 179 degrees.

    Raises:
        VideoPose3DError: The angle is outside that range.
    """
    if not 1 <= fov <= 179:
        raise VideoPose3DError(f"a field of view of {fov:g} degrees is impossible", fix="Give 1 to 179, e.g. --fov 60.")
    return camera_from_focal(size, max(size) / 2 / tan(radians(fov) / 2))


def camera_from_focal(size: tuple[int, int], focal: float) -> Camera:
    """The camera of focal length ``focal`` [px] with its axis through the middle of the image.

    Raises:
        VideoPose3DError: The focal length is not positive.
    """
    if not focal > 0:
        raise VideoPose3DError(f"a focal length of {focal:g} px is impossible", fix="Give a positive --focal.")
    return Camera(float(focal), (size[0] / 2, size[1] / 2))


def rays_from_pixels(points: Array, camera: Camera) -> Array:
    """(..., 2) px to (..., 2) slopes x/z, y/z of the viewing rays."""
    rays: Array = (points - np.asarray(camera.center, points.dtype)) / points.dtype.type(camera.focal)
    return rays


def pixels_from_points(points: Array, camera: Camera) -> Array:
    """(..., 3) camera coordinates [m] to (..., 2) px."""
    projected: Array = points[..., :2] / points[..., 2:] * camera.focal + np.asarray(camera.center)
    return projected


def screen_from_pixels(points: Array, size: tuple[int, int]) -> Array:
    """(..., 2) px to screen coordinates: x in [-1, 1], y in [-h/w, h/w] (section 4 of the paper's code facts)."""
    width, height = size
    screen: Array = points / points.dtype.type(width) * 2 - np.array([1, height / width], points.dtype)
    return screen


def pixels_from_screen(points: Array, size: tuple[int, int]) -> Array:
    """Inverse of `screen_from_pixels`."""
    width, height = size
    pixels: Array = (points + np.array([1, height / width], points.dtype)) * points.dtype.type(width) / 2
    return pixels


def place_root(poses: Array, rays: Array, weights: Array, min_depth: float = 0.3) -> Array:
    """Root positions that best explain the 2D joints, by weighted least squares per frame.

    A joint at X + t seen along the ray (u, v) satisfies (X_x + t_x) - u (X_z + t_z) = 0 and the same for y:
    two linear equations per joint in the three unknowns of t. A second pass divides every equation by the
    joint's depth, which turns the algebraic error into the reprojection error.

    Args:
        poses: (T, J, 3) root-relative joints [m].
        rays: (T, J, 2) slopes of the same joints.
        weights: (T, J) importance, 0 for unseen joints.
        min_depth: A solution nearer than this is taken for a failure [m].

    Returns:
        (T, 3) positions [m]; NaN where fewer than three joints have weight or the fit fails.
    """
    poses, rays = poses.astype(np.float64), rays.astype(np.float64)
    usable = np.isfinite(rays).all(-1) & np.isfinite(poses).all(-1) & (weights > 0)
    rays, poses = np.where(usable[..., None], rays, 0), np.where(usable[..., None], poses, 0)
    base = np.where(usable, weights, 0).astype(np.float64)
    solution, depth = np.full((len(poses), 3), np.nan), np.ones_like(base)
    enough = usable.sum(-1) >= 3
    for _ in range(3):
        solution[enough] = _solve_root(poses[enough], rays[enough], (base / depth)[enough])
        depth = np.clip(poses[..., 2] + np.nan_to_num(solution[:, None, 2], nan=1.0), min_depth, None)
    solution[~(solution[:, 2] > min_depth)] = np.nan
    return solution


def _solve_root(poses: Array, rays: Array, weights: Array) -> Array:
    """(N, 3) least-squares root positions; arguments as `place_root`, without gaps."""
    rows = np.zeros((*rays.shape, 3))  # (N, J, 2 equations, 3 unknowns)
    rows[..., 0, 0] = rows[..., 1, 1] = 1
    rows[..., 2] = -rays
    right = rays * poses[..., 2:] - poses[..., :2]
    square = weights**2
    normal = np.einsum("nj,njei,njek->nik", square, rows, rows) + 1e-12 * np.eye(3)
    solution: Array = np.linalg.solve(normal, np.einsum("nj,njei,nje->ni", square, rows, right)[..., None])[..., 0]
    return solution
