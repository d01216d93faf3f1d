"""Where the person is: the root in camera coordinates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.signal import savgol_filter

from videopose3d.geometry import Camera, place_root, rays_from_pixels
from videopose3d.skeleton import LIMB_JOINTS, Skeleton
from videopose3d.types import Array, FloatArray

SMOOTHING = 0.5
"""Length of the window over which a root path is smoothed [s]."""


def root_trajectory(
    poses: Array,
    skeleton: Skeleton,
    points: Array,
    scores: Array,
    keypoint_skeleton: Skeleton,
    camera: Camera,
    fps: Fraction,
) -> FloatArray:
    """Root path that best explains the 2D joints of an unbroken stretch.

    Every frame is placed by weighted least squares over the twelve limb joints; then the path is smoothed
    by a local parabola (Savitzky-Golay over `SMOOTHING` seconds), along the ray much more uncertain than
    across it.

    Args:
        poses: (T, J, 3) root-relative [m].
        skeleton: Their joints.
        points: (T, K, 2) [px].
        scores: (T, K) confidence, 0 where not seen.
        keypoint_skeleton: The joints of ``points``.
        camera: The camera.
        fps: Frame rate [1/s].

    Returns:
        (T, 3) [m]; NaN where it cannot be known.
    """
    joints = [name for name in LIMB_JOINTS if name in skeleton.joints and name in keypoint_skeleton.joints]
    at, seen = skeleton.indices(joints), keypoint_skeleton.indices(joints)
    rays = rays_from_pixels(points[:, seen].astype(np.float64), camera)
    path = place_root(poses[:, at], rays, scores[:, seen])
    return smooth_path(path, fps).astype(np.float32)


def smooth_path(path: Array, fps: Fraction) -> Array:
    """(T, 3) smoothed over time; NaN frames stay NaN and are bridged for the smoothing."""
    known = np.isfinite(path).all(-1)
    window = 2 * round(SMOOTHING * float(fps) / 2) + 1
    window = min(window, (len(path) - 1) // 2 * 2 + 1)
    if known.sum() < 2 or window < 5:
        return path
    frames = np.arange(len(path))
    bridged = np.stack([np.interp(frames, frames[known], path[known, axis]) for axis in range(3)], -1)
    smooth: Array = savgol_filter(bridged, window, 2, axis=0)
    smooth[~known] = np.nan
    return smooth
