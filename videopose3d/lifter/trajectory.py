"""Where the person is: the root in camera coordinates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

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
    columns = values.reshape(len(values), -1).astype(np.float64)
    if not known.all():
        frames = np.arange(len(values))
        columns = np.stack([np.interp(frames, frames[known], column[known]) for column in columns.T], -1)
    smoothed = _local_parabola(columns, window).reshape(values.shape)
    smoothed[~known] = np.nan
    return smoothed


def _local_parabola(columns: Array, window: int) -> Array:
    """(T, K) the values, in every frame, of the parabola that fits the ``window`` frames around it best.

    At the ends it is the parabola of the first and last window. (``scipy.signal`` has it too, and takes most
    of a second to import.)
    """
    powers = np.vander(np.arange(window) - window // 2, 3)
    fit = powers @ np.linalg.pinv(powers)  # (window, window): row i is the parabola's value at frame i of a window
    half = window // 2
    middle = np.lib.stride_tricks.sliding_window_view(columns, window, axis=0) @ fit[half]
    return np.concatenate([fit[:half] @ columns[:window], middle, fit[half + 1 :] @ columns[-window:]])
