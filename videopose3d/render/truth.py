"""What is really there, to show beside what was found: from a result file, or from a file of poses."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d.errors import FileFormatError, InputError, SkeletonMismatchError
from videopose3d.render.stage import Array
from videopose3d.skeleton import H36M17, Skeleton, skeleton_of
from videopose3d.types import FloatArray, Poses3D


@dataclass(frozen=True)
class Truth:
    """The true poses, in the frames of a result.

    Attributes:
        poses: (P, T, J, 3) and (P, T, 3), NaN where there is no truth; P need not be that of the result.
        error: (T,) mean distance of the joints, roots put together, over everybody with both [mm].
    """

    poses: Poses3D
    error: Array


def load_truth(path: str | os.PathLike[str], found: Poses3D) -> Truth:
    """The truth of a result, from a file that holds ``poses_3d`` (and ``trajectory``) in camera axes [m].

    A result file will do, an .npz with these arrays, or an .npy with the poses alone; (T, J, 3) is one person.
    Frames are those of the result: what is missing is unknown, what goes beyond is cut off.

    Args:
        path: The file.
        found: Poses of the result.

    Raises:
        InputError: There is no such file.
        FileFormatError: It holds no poses.
        SkeletonMismatchError: They have other joints than the result.
    """
    poses, trajectory, skeleton = read_truth(Path(path))
    if skeleton.joints != found.skeleton.joints:
        what = f"its joints are {skeleton.name}, those of the result {found.skeleton.name}"
        raise SkeletonMismatchError(what, where=path, fix="Give the truth of the same joints.")
    frames = found.poses.shape[1]
    fitted = Poses3D(_fitted(poses, frames), _fitted(trajectory, frames), skeleton, lifter="truth")
    return Truth(fitted, _error(found, fitted))


def read_truth(path: Path) -> tuple[FloatArray, FloatArray, Skeleton]:
    """Poses (P, T, J, 3), trajectory (P, T, 3) and joints of a file.

    Raises:
        InputError: There is no such file.
        FileFormatError: It holds no poses.
    """
    if not path.is_file():
        raise InputError("no such file", where=path, fix="Give a result file, or an .npz with poses_3d.")
    fix = "Give a result file, an .npz with poses_3d (and trajectory), or an .npy with poses, (T, 17, 3) in metres."
    try:
        loaded: Any = np.load(path, allow_pickle=False)
        data = {"poses_3d": loaded} if isinstance(loaded, np.ndarray) else {key: loaded[key] for key in loaded.files}
    except Exception as error:  # a damaged file raises what it likes
        raise FileFormatError("not a readable file of poses", where=path, fix=fix) from error
    if "poses_3d" not in data:
        raise FileFormatError("there are no poses_3d in it", where=path, fix=fix)
    poses = np.asarray(data["poses_3d"], np.float32)
    poses = poses[None] if poses.ndim == 3 else poses
    skeleton = skeleton_of(data["joint_names"].tolist()) if "joint_names" in data else H36M17
    if poses.ndim != 4 or poses.shape[2:] != (len(skeleton), 3):
        raise FileFormatError(f"its poses are {poses.shape}", where=path, fix=fix)
    root = poses[:, :, 0] if np.nan_to_num(poses[:, :, 0]).any() else np.full_like(poses[:, :, 0], np.nan)
    trajectory = np.asarray(data.get("trajectory", root), np.float32)
    trajectory = trajectory[None] if trajectory.ndim == 2 else trajectory
    if trajectory.shape != (*poses.shape[:2], 3):
        raise FileFormatError(f"its trajectory is {trajectory.shape}", where=path, fix=fix)
    return poses - poses[:, :, :1], trajectory, skeleton


def _fitted(array: FloatArray, frames: int) -> FloatArray:
    """The array (P, T, ...) with as many frames as asked for."""
    whole = np.full((array.shape[0], frames, *array.shape[2:]), np.nan, np.float32)
    whole[:, : array.shape[1]] = array[:, :frames]
    return whole


def _error(found: Poses3D, truth: Poses3D) -> Array:
    """(T,) [mm]; every true person is compared with the found one whose path is nearest."""
    with warnings.catch_warnings():  # means of nothing are NaN, as they should be
        warnings.simplefilter("ignore", RuntimeWarning)
        errors = [
            1000 * np.linalg.norm(found.poses[_nearest(found, truth, person)] - truth.poses[person], axis=-1).mean(-1)
            for person in range(len(truth.poses) if len(found.poses) else 0)
        ]
        frames = found.poses.shape[1]
        return np.nanmean(errors, 0).astype(np.float64) if errors else np.full(frames, np.nan)


def _nearest(found: Poses3D, truth: Poses3D, person: int) -> int:
    """The found person who is nearest to a true one on average; the same number where no path is known."""
    apart = np.nanmean(np.linalg.norm(found.trajectory - truth.trajectory[person], axis=-1), axis=1)
    if np.isfinite(apart).any():
        return int(np.nanargmin(apart))
    return min(person, len(apart) - 1)
