"""A data set from its files: 2D and 3D of the same takes brought together, in camera axes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from videopose3d.calibration import CalibratedCamera, world_to_camera
from videopose3d.datasets import custom, human36m, humaneva
from videopose3d.datasets.community import (
    Positions2D,
    Positions3D,
    keypoint_skeleton,
    read_positions_2d,
    read_positions_3d,
)
from videopose3d.datasets.own import load_own
from videopose3d.datasets.sequences import PoseDataset, PoseSequence, check_finite
from videopose3d.errors import InputError, SkeletonMismatchError
from videopose3d.skeleton import HUMANEVA15, HUMANEVA20, Skeleton
from videopose3d.types import FloatArray

DATASETS = ("h36m", "humaneva15", "humaneva20", "custom")
GROUND_TRUTH = "gt"
"""The keypoints where none are named: the motion capture, projected."""


def load_dataset(
    name: str | os.PathLike[str],
    keypoints: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] = "data",
) -> PoseDataset:
    """A data set with everything in memory.

    Takes that only the 2D file has come without poses. 2D that is longer than 3D is cut.

    Args:
        name: One of `DATASETS`, or the path of a file that `save_dataset` wrote.
        keypoints: The NAME of ``data_2d_<data set>_<NAME>.npz``, or a path; None for `GROUND_TRUTH`. Not for a file
            of our own format, which holds its keypoints.
        folder: Where the ``data_2d_*`` and ``data_3d_*`` files are.

    Raises:
        InputError: No such data set or file; 2D and 3D do not fit together; gaps in either.
        FileFormatError: A file is damaged or of another layout.
        SkeletonMismatchError: The joints are not those of the data set.
    """
    name, folder = os.fspath(name), Path(folder)
    if name not in DATASETS:
        return _own(name, keypoints)
    points_file = _keypoint_file(name, keypoints, folder)
    positions_2d, metadata = read_positions_2d(points_file)
    skeleton = keypoint_skeleton(metadata)
    if name == "custom":
        rig = partial(custom.cameras, metadata=metadata, where=points_file)
        rate = custom.frame_rate(metadata)
        takes = tuple(_sequences(positions_2d, {}, rig, str(points_file)))
        return PoseDataset(name, human36m.SKELETON, skeleton, rate, takes, str(points_file))
    poses_file = _poses_file(name, folder)
    kind = _KINDS[name]
    positions_3d = _only_used_joints(read_positions_3d(poses_file), kind, poses_file)
    source = f"{poses_file}, {points_file}"
    _check_all_there(positions_3d, positions_2d, points_file)
    takes = tuple(_sequences(positions_2d, positions_3d, kind.cameras, source))
    return PoseDataset(name, kind.skeleton, skeleton, kind.fps, takes, source)


@dataclass(frozen=True)
class _Kind:
    """What the files of a data set leave out."""

    skeleton: Skeleton
    fps: float
    cameras: Callable[[str], tuple[CalibratedCamera, ...]]


_KINDS = {
    "h36m": _Kind(human36m.SKELETON, human36m.FPS, human36m.cameras),
    "humaneva15": _Kind(HUMANEVA15, humaneva.FPS, humaneva.cameras),
    "humaneva20": _Kind(HUMANEVA20, humaneva.FPS, humaneva.cameras),
}


# --- which files


def _own(name: str, keypoints: object) -> PoseDataset:
    if not Path(name).is_file():
        raise InputError(
            f"no data set {name!r}", fix=f"There are {', '.join(DATASETS)}, or give the path of a data set file."
        )
    if keypoints is not None:
        raise InputError("this file holds its own keypoints", where=name, fix="Leave the keypoints out.")
    return load_own(name)


def _keypoint_file(name: str, keypoints: str | os.PathLike[str] | None, folder: Path) -> Path:
    start = f"data_2d_{name}_"
    there = sorted(file.stem.removeprefix(start) for file in folder.glob(f"{start}*.npz"))
    known = f"In {folder} there are {', '.join(there)}." if there else f"There are none in {folder}."
    keypoints = os.fspath(GROUND_TRUTH if keypoints is None else keypoints)
    if keypoints.endswith(".npz"):
        return Path(keypoints)
    file = folder / f"{start}{keypoints}.npz"
    if not file.is_file():
        raise InputError("no such keypoints", where=file, fix=known)
    return file


def _poses_file(name: str, folder: Path) -> Path:
    file = folder / f"data_3d_{name}.npz"
    if not file.is_file():
        raise InputError(
            "no such file", where=file, fix="docs/datasets.md says how to make it, and how to name a folder."
        )
    return file


# --- 2D and 3D together


def _only_used_joints(positions: Positions3D, kind: _Kind, where: Path) -> Positions3D:
    try:
        used = {
            subject: {a: _used(take, kind.skeleton) for a, take in takes.items()}
            for subject, takes in positions.items()
        }
    except SkeletonMismatchError as error:
        raise SkeletonMismatchError(error.what, where=where, fix=error.fix) from None
    return used


def _used(take: FloatArray, skeleton: Skeleton) -> FloatArray:
    if skeleton is human36m.SKELETON:
        return human36m.seventeen_joints(take)
    if take.shape[1] != len(skeleton):
        raise SkeletonMismatchError(
            f"expected {len(skeleton)} joints, got {take.shape[1]}", fix=f"This would be humaneva{take.shape[1]}."
        )
    return take


def _check_all_there(positions_3d: Positions3D, positions_2d: Positions2D, where: Path) -> None:
    """Every take with 3D needs its keypoints."""
    for subject, takes in positions_3d.items():
        if subject not in positions_2d:
            raise InputError(
                f"no keypoints of {subject}, whose 3D poses there are",
                where=where,
                fix=f"It has {', '.join(positions_2d)}.",
            )
        if missing := [action for action in takes if action not in positions_2d[subject]]:
            raise InputError(
                f"no keypoints of {subject} {missing[0]!r}, whose 3D poses there are",
                where=where,
                fix=f"It has {', '.join(positions_2d[subject])}.",
            )


def _sequences(
    positions_2d: Positions2D,
    positions_3d: Positions3D,
    cameras: Callable[[str], tuple[CalibratedCamera, ...]],
    source: str,
) -> Iterator[PoseSequence]:
    for subject, takes in positions_2d.items():
        rig = cameras(subject)
        for action, views in takes.items():
            if len(views) != len(rig):
                raise InputError(
                    f"{subject} {action!r} has keypoints of {len(views)} cameras, there are {len(rig)}", where=source
                )
            world = positions_3d.get(subject, {}).get(action)
            for camera, points in zip(rig, views, strict=True):
                sequence = _sequence(subject, action, camera, points, world, source)
                check_finite(sequence, source)
                yield sequence


def _sequence(
    subject: str,
    action: str,
    camera: CalibratedCamera,
    points: FloatArray,
    world: FloatArray | None,
    source: str,
) -> PoseSequence:
    """One view of a take; ``world`` is (T, J, 3) [m] or None where there is no 3D."""
    if world is None:
        return PoseSequence(subject, action, camera, points)
    where = f"{source}: {subject} {action!r}, camera {camera.name}"
    if camera.orientation is None or camera.translation is None:
        raise InputError("3D poses of a subject whose cameras' places are not known", where=where)
    if len(points) < len(world):
        raise InputError(f"{len(points)} frames of keypoints for {len(world)} of 3D poses", where=where)
    seen = world_to_camera(world, np.asarray(camera.orientation), np.asarray(camera.translation))
    poses = seen - seen[:, :1]
    return PoseSequence(subject, action, camera, points[: len(world)], poses, seen[:, 0])
