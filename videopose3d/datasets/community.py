"""The files that the original program and a dozen later projects exchange: positions in 3D and keypoints in 2D.

Both are .npz files with pickled dicts, read without running the pickle (`safe_pickle`):

    data_3d_*.npz    positions_3d  {subject: {action: (T, J, 3)}}                 [m], world axes
    data_2d_*.npz    positions_2d  {subject: {action: [(T, J, F) per camera]}}    x, y [px], with F = 3 the score
                     metadata      {num_joints, keypoints_symmetry: [left, right], layout_name, ...}
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from videopose3d.errors import FileFormatError, OutputError
from videopose3d.files import replacing
from videopose3d.safe_pickle import load_npz
from videopose3d.skeleton import COCO17, H36M17, HUMANEVA15, HUMANEVA20, MPII16, SKELETONS, Skeleton, side
from videopose3d.types import FloatArray

Positions3D = dict[str, dict[str, FloatArray]]
"""{subject: {action: (T, J, 3)}} [m]."""
Positions2D = dict[str, dict[str, list[FloatArray]]]
"""{subject: {action: [per camera (T, J, F)]}} [px]."""

LAYOUTS = {"h36m": H36M17, "coco": COCO17, "mpii": MPII16, "humaneva15": HUMANEVA15, "humaneva20": HUMANEVA20}
"""The layout names of the 2D files."""


# --- 3D


def read_positions_3d(path: str | os.PathLike[str]) -> Positions3D:
    """{subject: {action: (T, J, 3) float32}} of a ``data_3d_*.npz``, [m] in world axes.

    Raises:
        InputError: There is no such file.
        FileFormatError: It is damaged, of another layout, or holds more than arrays.
    """
    found = load_npz(path, ["positions_3d"])["positions_3d"]
    return _each_action(found, path, lambda take, where: _frames(take, (3,), where))


def write_positions_3d(path: str | os.PathLike[str], positions: Mapping[str, Mapping[str, Any]]) -> None:
    """Write a ``data_3d_*.npz`` that the original program reads, too.

    Raises:
        OutputError: The place cannot be written.
    """
    _save(path, positions_3d={s: {a: _float32(take) for a, take in takes.items()} for s, takes in positions.items()})


# --- 2D


def read_positions_2d(path: str | os.PathLike[str]) -> tuple[Positions2D, dict[str, Any]]:
    """{subject: {action: [per camera (T, J, F) float32]}} and the metadata of a ``data_2d_*.npz``.

    The metadata come back complete and in Python's own types: ``num_joints`` int, ``keypoints_symmetry``
    [left, right] lists of int, ``layout_name`` str (from the joints where the file has none); other keys unchanged.

    Raises:
        InputError: There is no such file.
        FileFormatError: It is damaged, of another layout, or holds more than arrays.
    """
    data = load_npz(path, ["positions_2d", "metadata"])
    positions = _each_action(data["positions_2d"], path, _views)
    metadata = _complete_metadata(data["metadata"], path)
    for subject, takes in positions.items():
        for action, views in takes.items():
            if any(view.shape[1] != metadata["num_joints"] for view in views):
                joints = sorted({view.shape[1] for view in views})
                raise FileFormatError(
                    f"{subject} {action!r} has {', '.join(map(str, joints))} joints, "
                    f"the metadata say {metadata['num_joints']}",
                    where=path,
                )
    return positions, metadata


def write_positions_2d(
    path: str | os.PathLike[str],
    positions: Mapping[str, Mapping[str, Sequence[Any]]],
    metadata: Mapping[str, Any],
) -> None:
    """Write a ``data_2d_*.npz`` that the original program reads, too.

    Args:
        path: Where.
        positions: {subject: {action: [per camera (T, J, F)]}} [px].
        metadata: `keypoint_metadata` of the joints, and what else the file should carry.

    Raises:
        OutputError: The place cannot be written.
    """
    arrays = {s: {a: [_float32(v) for v in views] for a, views in takes.items()} for s, takes in positions.items()}
    _save(path, positions_2d=arrays, metadata=dict(metadata))


# --- which joints


def keypoint_metadata(skeleton: Skeleton) -> dict[str, Any]:
    """``num_joints``, ``keypoints_symmetry`` and ``layout_name`` of a 2D file with these joints."""
    left = [i for i, joint in enumerate(skeleton.joints) if side(joint) == "left"]
    names = {known: name for name, known in LAYOUTS.items()}
    return {
        "layout_name": names.get(skeleton, skeleton.name),
        "num_joints": len(skeleton),
        "keypoints_symmetry": [left, [skeleton.mirror[i] for i in left]],
    }


def keypoint_skeleton(metadata: Mapping[str, Any]) -> Skeleton:
    """The joints of a 2D file; those of an unknown layout are named by number and side, e.g. ``left_3``.

    Args:
        metadata: As `read_positions_2d` gives it.
    """
    joints, (left, right) = metadata["num_joints"], metadata["keypoints_symmetry"]
    named = {**SKELETONS, **LAYOUTS}.get(metadata.get("layout_name", ""))
    for known in [named] if named else LAYOUTS.values():
        if len(known) == joints and _sides(known) == (set(left), set(right)):
            return known
    names = [f"joint_{i}" for i in range(joints)]
    for a, b in zip(left, right, strict=True):
        names[a], names[b] = f"left_{a}", f"right_{a}"
    return Skeleton(str(metadata.get("layout_name", f"joints{joints}")), tuple(names), ())


def _sides(skeleton: Skeleton) -> tuple[set[int], set[int]]:
    """Joints on the left and on the right. Not the pairs: the original's list for MPII pairs hips with ankles."""
    left, right = ({i for i, joint in enumerate(skeleton.joints) if side(joint) == s} for s in ("left", "right"))
    return left, right


def _complete_metadata(found: Any, path: str | os.PathLike[str]) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise FileFormatError(f"its metadata are {_kind(found)}, not a dict", where=path)
    try:
        joints = int(found["num_joints"])
        left, right = ([int(i) for i in part] for part in found["keypoints_symmetry"])
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(
            "its metadata lack num_joints or keypoints_symmetry = [left, right]", where=path
        ) from error
    both = [*left, *right]
    if len(left) != len(right) or len(set(both)) != len(both) or not set(both) <= set(range(joints)):
        raise FileFormatError(f"its keypoints_symmetry does not fit {joints} joints", where=path)
    metadata = {**_python_numbers(found), "num_joints": joints, "keypoints_symmetry": [left, right]}
    if not isinstance(metadata.get("layout_name"), str):
        metadata.pop("layout_name", None)
        skeleton = keypoint_skeleton(metadata)
        metadata["layout_name"] = next((name for name, known in LAYOUTS.items() if known == skeleton), skeleton.name)
    return metadata


# --- the parts of both


def _each_action(found: Any, path: str | os.PathLike[str], read: Callable[[Any, str], Any]) -> dict[str, Any]:
    """{subject: {action: what ``read`` makes of it}}, with the place in every complaint."""
    if not isinstance(found, dict):
        raise FileFormatError(f"expected {{subject: {{action: ...}}}}, got {_kind(found)}", where=path)
    for subject, takes in found.items():
        if not isinstance(subject, str) or not isinstance(takes, dict):
            raise FileFormatError(f"subject {subject!r}: expected {{action: ...}}, got {_kind(takes)}", where=path)
    return {
        subject: {str(action): read(take, f"{path}: {subject} {action!r}") for action, take in takes.items()}
        for subject, takes in found.items()
    }


def _views(found: Any, where: str) -> list[FloatArray]:
    several = isinstance(found, list | tuple) or (isinstance(found, np.ndarray) and found.ndim in (1, 4))
    if not several:
        raise FileFormatError(f"expected a list of arrays, one per camera, got {_kind(found)}", where=where)
    return [_frames(view, (2, 3), f"{where}, camera {i}") for i, view in enumerate(found)]


def _frames(found: Any, features: tuple[int, ...], where: str) -> FloatArray:
    try:
        frames = _float32(found)
    except (TypeError, ValueError, OverflowError):
        raise FileFormatError(f"expected numbers, got {_kind(found)}", where=where) from None
    if frames.ndim != 3 or frames.shape[2] not in features:
        last = " or ".join(map(str, features))
        raise FileFormatError(f"expected an array (frames, joints, {last}), got {frames.shape}", where=where)
    return frames


def _float32(array: Any) -> FloatArray:
    return np.asarray(array, np.float32)


def _python_numbers(value: Any) -> Any:
    """The same with Python's numbers and lists instead of NumPy's."""
    if isinstance(value, dict):
        return {key: _python_numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_python_numbers(item) for item in value]
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _kind(found: Any) -> str:
    return f"an array {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__


def _save(path: str | os.PathLike[str], **members: Any) -> None:
    if os.fspath(path)[-4:].lower() != ".npz":
        raise OutputError("the name must end in .npz", where=path, fix=f"Write to {path}.npz.")
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **members)
