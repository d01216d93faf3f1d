"""Where the person is: the root in camera coordinates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.interpolate import interp1d
from scipy.signal import savgol_filter

from videopose3d.geometry import Camera, place_root, rays_from_pixels
from videopose3d.skeleton import LIMB_JOINTS, Skeleton
from videopose3d.types import Array, FloatArray

SMOOTHING = 0.5
"""Length of the window over which a root path is smoothed [s]; its depth is the least certain figure of all."""


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

    Every frame is placed by weighted least squares over the twelve limb joints; then the path is smoothed.

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
    return smooth(path, fps, SMOOTHING).astype(np.float32)


def smooth(values: Array, fps: Fraction, seconds: float) -> Array:
    """Values (T, ...) smoothed over time by a local parabola (Savitzky-Golay).

    Frames with NaN stay NaN and are bridged for the smoothing.

    Args:
        values: What changes over time.
        fps: Frame rate [1/s].
        seconds: Length of the window; below five frames nothing is changed.
    """
    window = min(2 * round(seconds * float(fps) / 2) + 1, (len(values) - 1) // 2 * 2 + 1)
    known = np.isfinite(values).all(tuple(range(1, values.ndim)))
    if known.sum() < 2 or window < 5:
        return values
    there = values[known]
    bridged = interp1d(
        np.flatnonzero(known), there, axis=0, bounds_error=False, fill_value=(there[0], there[-1]), assume_sorted=True
    )
    smoothed: Array = savgol_filter(bridged(np.arange(len(values))), window, 2, axis=0)
    smoothed[~known] = np.nan
    return smoothed
