"""What is really there, to show beside what was found: from a result file, or from a file of poses."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d.errors import FileFormatError, InputError, SkeletonMismatchError
from videopose3d.render.stage import Array
from videopose3d.skeleton import H36M17, skeleton_of
from videopose3d.types import FloatArray, Poses3D

_SAME_RATE = 2e-3
"""Frame rates that differ by no more than this share are the same: many call 30000/1001 30."""


@dataclass(frozen=True)
class Truth:
    """The true poses, in the frames of a result.

    Attributes:
        poses: (P, T, J, 3) and (P, T, 3), NaN where there is no truth; P need not be that of the result.
        error: (T,) mean distance of the joints, roots put together, over everybody with both [mm].
    """

    poses: Poses3D
    error: Array


def load_truth(path: str | os.PathLike[str], found: Poses3D, fps: Fraction | None = None) -> Truth:
    """The truth of a result, from a file that holds ``poses_3d`` (and ``trajectory``) in camera axes [m].

    A result file will do, an .npz with these arrays, or an .npy with the poses alone; (T, J, 3) is one person.
    It may have a frame more or less than the result: what is missing is unknown, what goes beyond is cut off.

    Args:
        path: The file.
        found: Poses of the result.
        fps: Frame rate of the result [1/s]; None where it is not known.

    Raises:
        InputError: There is no such file, or it is of another clip: of another rate, or longer or shorter.
        FileFormatError: It holds no poses.
        SkeletonMismatchError: They have other joints than the result.
    """
    true, rate = read_truth(Path(path))
    skeleton, frames = true.skeleton, found.poses.shape[1]
    if skeleton.joints != found.skeleton.joints:
        what = f"its joints are {skeleton.name}, those of the result {found.skeleton.name}"
        raise SkeletonMismatchError(what, where=path, fix="Give the truth of the same joints.")
    check_clip(path, true.poses.shape[1], rate, frames, fps)
    fitted = Poses3D(_fitted(true.poses, frames), _fitted(true.trajectory, frames), skeleton, lifter="truth")
    return Truth(fitted, _error(found, fitted))


def check_clip(
    path: str | os.PathLike[str], true: int, rate: Fraction | None, frames: int, fps: Fraction | None, slack: int = 1
) -> None:
    """Refuse the truth of another clip.

    Args:
        path: The file.
        true: Its number of frames.
        rate: Its frame rate [1/s], where it says so.
        frames: Number of frames of the clip.
        fps: Frame rate of the clip [1/s], where it is known.
        slack: Frames that the two may differ by.

    Raises:
        InputError: Frame rate or number of frames differ.
    """
    fix = "Give the truth of this clip."
    if rate is not None and fps is not None and abs(rate / fps - 1) > _SAME_RATE:
        what = f"a truth of {float(rate):g} frames per second for a clip of {float(fps):g}"
        raise InputError(what, where=path, fix=fix)
    if abs(true - frames) > slack:
        raise InputError(f"a truth of {true} frames for a clip of {frames}", where=path, fix=fix)


def read_truth(path: Path) -> tuple[Poses3D, Fraction | None]:
    """Poses of a file, and its frame rate [1/s] where it says so.

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
    return Poses3D(poses - poses[:, :, :1], trajectory, skeleton), _rate(data.get("fps"), path)


def _rate(fps: Any, path: Path) -> Fraction | None:
    """A frame rate that is written as numerator and denominator, or as one number."""
    if fps is None:
        return None
    try:
        parts = [Fraction(number) for number in np.ravel(fps).tolist()]
        rate = parts[0] / (parts[1] if len(parts) > 1 else 1)
    except (ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise FileFormatError("its fps is no frame rate", where=path, fix="Write fps as one number [1/s].")
    return rate


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
