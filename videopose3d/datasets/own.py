"""Our own file of a data set: any joints, cameras and frame rate in one plain .npz; docs/datasets.md lists its keys.

Nothing in it is pickled, and nothing pickled is read.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d.calibration import CalibratedCamera
from videopose3d.datasets.sequences import PoseDataset, PoseSequence, check_finite
from videopose3d.errors import FileFormatError, OutputError, SkeletonMismatchError
from videopose3d.files import replacing
from videopose3d.safe_pickle import load_npz
from videopose3d.skeleton import SKELETONS, Skeleton
from videopose3d.types import FloatArray

FORMAT = "videopose3d-dataset/1"
_NEEDED = ("format", "fps", "joints", "keypoint_joints", "subjects", "actions", "cameras", "sizes")
_LENS = {"focal": 2, "center": 2, "radial": 3, "tangential": 2, "orientation": 4, "translation": 3}
"""Numbers of a camera that may be there: a row per sequence, NaN where not known."""


# --- writing

logger = logging.getLogger(__name__)
_LARGEST_BODY = 10.0
"""Nothing that moves on a skeleton reaches farther from its root [m]."""
_SMALLEST_PICTURE = 2.0  # px


def save_dataset(dataset: PoseDataset, path: str | os.PathLike[str]) -> None:
    """Write a data set into one .npz; `load_dataset` with its path gives the same back.

    Raises:
        OutputError: The place cannot be written.
    """
    if os.fspath(path)[-4:].lower() != ".npz":
        raise OutputError("the name must end in .npz", where=path, fix=f"Write to {path}.npz.")
    takes = dataset.sequences
    arrays: dict[str, Any] = {
        "format": FORMAT,
        "name": dataset.name,
        "source": dataset.source,
        "fps": np.float64(dataset.fps),
        "subjects": np.array([s.subject for s in takes], str),
        "actions": np.array([s.action for s in takes], str),
        "cameras": np.array([s.camera.name for s in takes], str),
        "sizes": np.array([s.camera.size for s in takes], np.int64).reshape(-1, 2),
        **_skeleton_arrays("", dataset.skeleton),
        **_skeleton_arrays("keypoint_", dataset.keypoint_skeleton),
    }
    for name, width in _LENS.items():
        values = [getattr(s.camera, name) for s in takes]
        arrays[name] = np.array([[np.nan] * width if v is None else v for v in values], np.float64).reshape(-1, width)
    for i, sequence in enumerate(takes):
        arrays |= {
            f"{key}/{i}": array.astype(np.float32)
            for key in ("keypoints", "poses", "trajectory")
            if (array := getattr(sequence, key)) is not None
        }
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _skeleton_arrays(prefix: str, skeleton: Skeleton) -> dict[str, Any]:
    return {
        f"{prefix}skeleton": skeleton.name,
        f"{prefix}joints": np.array(skeleton.joints, str),
        f"{prefix}bones": np.array(skeleton.bones, str).reshape(-1, 2),
    }


# --- reading


def load_own(path: str | os.PathLike[str]) -> PoseDataset:
    """The data set of a file in our own format.

    Raises:
        InputError: There is no such file, or there are gaps in its arrays.
        FileFormatError: It is not in this format, or its arrays do not fit together.
    """
    path = Path(path)
    data = load_npz(path)
    if str(data.get("format", "")) != FORMAT:
        raise FileFormatError(
            f"not a data set file ({FORMAT})",
            where=path,
            fix="A file of the original layout is read by the name of its data set, e.g. h36m.",
        )
    if missing := [key for key in _NEEDED if key not in data]:
        raise FileFormatError(f"no {', '.join(missing)} in it", where=path, fix="docs/datasets.md lists the keys.")
    try:
        dataset = _dataset(data, path)
    except (SkeletonMismatchError, AttributeError, TypeError, ValueError, IndexError, KeyError) as error:
        raise FileFormatError(
            f"its arrays do not fit together ({error})", where=path, fix="docs/datasets.md lists the keys."
        ) from error
    for sequence in dataset.sequences:
        check_finite(sequence, str(path))
        _doubt_units(sequence, path)
    return dataset


def _dataset(data: dict[str, Any], path: Path) -> PoseDataset:
    fps = float(data["fps"])
    if not 0 < fps < float("inf"):
        raise ValueError(f"{fps} frames per second")
    skeleton, keypoint_skeleton = _skeleton(data, ""), _skeleton(data, "keypoint_")
    dataset = PoseDataset(
        name=str(data.get("name", path.stem)),
        skeleton=skeleton,
        keypoint_skeleton=keypoint_skeleton,
        fps=fps,
        sequences=tuple(_sequences(data)),
        source=str(data.get("source", "")) or str(path),
    )
    for s in dataset.sequences:
        _check_sequence(s, dataset)
    return dataset


def _skeleton(data: dict[str, Any], prefix: str) -> Skeleton:
    """A known skeleton where the joints are its own, else one with the names and bones of the file."""
    joints = tuple(str(joint) for joint in data[f"{prefix}joints"])
    name = str(data.get(f"{prefix}skeleton", ""))
    same = [known for known in SKELETONS.values() if known.joints == joints and name in ("", known.name)]
    if same:
        return same[0]
    bones = tuple((str(a), str(b)) for a, b in data.get(f"{prefix}bones", ()))
    skeleton = Skeleton(name or f"joints{len(joints)}", joints, bones)
    if len(set(joints)) != len(joints):
        raise ValueError("two joints of one name")
    _ = skeleton.mirror, skeleton.bone_indices  # a side without a partner, a bone without its joint
    return skeleton


def _sequences(data: dict[str, Any]) -> Iterator[PoseSequence]:
    for i, (subject, action, camera) in enumerate(zip(data["subjects"], data["actions"], data["cameras"], strict=True)):
        width, height = (int(n) for n in data["sizes"][i])
        lens = {name: tuple(row) for name in _LENS if (row := _row(data, name, i)) is not None}
        yield PoseSequence(
            str(subject),
            str(action),
            CalibratedCamera(str(camera), (width, height), **lens),  # type: ignore[arg-type]
            _float32(data[f"keypoints/{i}"]),
            _float32(data[f"poses/{i}"]) if f"poses/{i}" in data else None,
            _float32(data[f"trajectory/{i}"]) if f"trajectory/{i}" in data else None,
        )


def _row(data: dict[str, Any], name: str, i: int) -> list[float] | None:
    """One camera's numbers of one kind; None where the file has none or NaN."""
    if name not in data:
        return None
    row: list[float] = data[name][i].tolist()
    if len(row) != _LENS[name]:
        raise ValueError(f"{name} has {len(row)} numbers per camera, not {_LENS[name]}")
    return row if np.isfinite(row).all() else None


def _check_sequence(s: PoseSequence, dataset: PoseDataset) -> None:
    where = f"{s.subject} {s.action!r}, camera {s.camera.name}"
    if min(s.camera.size) <= 0:
        raise ValueError(f"{where}: an image of {s.camera.size[0]} x {s.camera.size[1]} px")
    if s.keypoints.shape[1] != len(dataset.keypoint_skeleton) or s.keypoints.shape[2] != dataset.features:
        expected = (len(s), len(dataset.keypoint_skeleton), dataset.features)
        raise ValueError(f"{where}: keypoints {s.keypoints.shape}, expected {expected}")
    turn = s.camera.orientation
    if turn is not None and abs(np.linalg.norm(turn) - 1) > 0.01:
        raise ValueError(f"{where}: the orientation {turn} is no unit quaternion (w, x, y, z)")
    if s.poses is None:
        return
    if s.poses.shape != (len(s), len(dataset.skeleton), 3):
        raise ValueError(f"{where}: poses {s.poses.shape}, expected {(len(s), len(dataset.skeleton), 3)}")
    if np.abs(s.poses[:, 0]).max(initial=0) > 0:
        raise ValueError(f"{where}: joint 0 is not at 0; subtract it and give it as trajectory")


def _doubt_units(s: PoseSequence, path: Path) -> None:
    """Say so where the numbers look like other units: they would train, and give nonsense."""
    where = f"{path}: {s.subject} {s.action!r}, camera {s.camera.name}"
    if s.poses is not None and (reach := float(np.median(np.abs(s.poses).max((1, 2))))) > _LARGEST_BODY:
        logger.warning("%s: joints are %.0f m from the root; are these millimetres? Metres are wanted", where, reach)
    if np.abs(s.keypoints[..., :2]).max(initial=0) <= _SMALLEST_PICTURE:
        logger.warning("%s: no keypoint is beyond %g px; pixels are wanted, not shares", where, _SMALLEST_PICTURE)


def _float32(array: Any) -> FloatArray:
    return np.asarray(array, np.float32)
