"""Where the person is: the root in camera coordinates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from videopose3d.geometry import Camera, place_root, rays_from_pixels
from videopose3d.skeleton import LIMB_JOINTS, Skeleton
from videopose3d.smoothing import one_euro, savitzky_golay
from videopose3d.types import Array

SMOOTHING = 0.5
"""Length of the window over which a root path is smoothed [s]; its depth is the least certain figure of all."""
CALMER = 1 / 2, 1 / 8
"""What the cutoff and beta of the One-Euro filter of poses are multiplied by for the path; chosen as these."""


def root_path(
    poses: Array,
    skeleton: Skeleton,
    points: Array,
    scores: Array,
    keypoint_skeleton: Skeleton,
    camera: Camera,
) -> Array:
    """Root path that best explains the 2D joints, every frame placed by weighted least squares over the limb joints.

    Args:
        poses: (T, J, 3) root-relative [m].
        skeleton: Their joints.
        points: (T, K, 2) [px].
        scores: (T, K) confidence, 0 where not seen.
        keypoint_skeleton: The joints of ``points``.
        camera: The camera.

    Returns:
        (T, 3) [m]; NaN where it cannot be known.
    """
    joints = [name for name in LIMB_JOINTS if name in skeleton.joints and name in keypoint_skeleton.joints]
    at, seen = skeleton.indices(joints), keypoint_skeleton.indices(joints)
    rays = rays_from_pixels(points[:, seen].astype(np.float64), camera)
    return place_root(poses[:, at], rays, scores[:, seen])


def smoothed_path(path: Array, fps: Fraction, causal: tuple[float, float] | None = None) -> Array:
    """The root path (T, 3) [m] of an unbroken stretch, smoothed over time.

    Args:
        path: As from `root_path`.
        fps: Frame rate [1/s].
        causal: Cutoff and beta of the `one_euro` filter that smooths poses, to smooth the path with one, too.
    """
    if causal:
        cutoff, beta = causal
        return one_euro(path, fps, cutoff * CALMER[0], beta * CALMER[1])
    return savitzky_golay(path, fps, SMOOTHING)
