"""How well motion agrees with the picture, the ground and itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videopose3d.geometry import Camera, pixels_from_points
from videopose3d.skeleton import LIMB_JOINTS
from videopose3d.types import BoolArray, Keypoints2D, MotionQuality, Poses3D

Array = NDArray[np.float64]


def quality(poses: Poses3D, keypoints: Keypoints2D, camera: Camera, contacts: BoolArray) -> MotionQuality:
    """Figures of everybody in a clip together.

    Args:
        poses: Poses and trajectories.
        keypoints: The 2D stage of the same clip, in a picture without distortion.
        camera: Of that picture.
        contacts: (P, T, 2) when the left and the right foot stand.
    """
    places = poses.poses.astype(np.float64) + poses.trajectory[:, :, None]
    feet = places[:, :, poses.skeleton.indices(("left_ankle", "right_ankle"))]
    bones = np.array(poses.skeleton.bone_indices)
    lengths = np.linalg.norm(places[:, :, bones[:, 1]] - places[:, :, bones[:, 0]], axis=-1)
    return MotionQuality(
        reprojection=_reprojection(places, poses, keypoints, camera),
        sliding=1000 * _mean(np.linalg.norm(np.diff(feet, axis=1), axis=-1), contacts[:, 1:] & contacts[:, :-1]),
        jitter=1000 * _mean(np.linalg.norm(np.diff(places, 2, axis=1), axis=-1)),
        bones=1000 * _mean(np.array([_spread(of_one) for of_one in lengths])),
    )


def _reprojection(places: Array, poses: Poses3D, keypoints: Keypoints2D, camera: Camera) -> float:
    names = [name for name in LIMB_JOINTS if name in keypoints.skeleton.joints and name in poses.skeleton.joints]
    seen = keypoints.skeleton.indices(names)
    pictures = pixels_from_points(places[:, :, poses.skeleton.indices(names)], camera)
    off = np.linalg.norm(pictures - keypoints.points[:, :, seen], axis=-1)
    weights = np.where(np.isfinite(off), keypoints.scores[:, :, seen], 0)
    return float(np.average(np.nan_to_num(off), weights=weights)) if weights.sum() else float("nan")


def _spread(lengths: Array) -> Array:
    """(B,) standard deviations of lengths (T, B), of the frames where they are known."""
    known = lengths[np.isfinite(lengths).all(-1)]
    spread: Array = known.std(0) if len(known) > 1 else np.full(lengths.shape[-1], np.nan)
    return spread


def _mean(values: Array, chosen: BoolArray | None = None) -> float:
    """Mean of what is known, NaN where there is nothing."""
    known = values[np.isfinite(values) & (True if chosen is None else chosen)]
    return float(known.mean()) if known.size else float("nan")
