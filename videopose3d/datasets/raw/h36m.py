"""Human3.6M as handed out: one file per take with the 3D positions of 32 joints, in three kinds of file.

=========== ===================================================== ==========================================
kind        path                                                  content
=========== ===================================================== ==========================================
CDF         S1/MyPoseFeatures/D3_Positions/Walking 1.cdf          variable Pose (1, T, 96) [mm]
MATLAB      S1/MyPoseFeatures/D3_Positions/Walking 1.cdf.mat      an array (T, 96) or (1, T, 96), or a cell of it
HDF5        S1/MyPoses/3D_positions/Walking 1.h5                  data set 3D_positions (96, T) [mm]
=========== ===================================================== ==========================================

The files may lie in folders or in archives: Poses_D3_Positions_S1.tgz of the makers, h36m.zip of Martinez et al.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeVar

import numpy as np

from videopose3d.calibration import project, world_to_camera
from videopose3d.datasets.human36m import cameras, seventeen_joints
from videopose3d.datasets.raw.archives import ARCHIVE_SUFFIXES, archive_members
from videopose3d.datasets.raw.arrays import RawArray, read_cdf, read_hdf5, read_mat
from videopose3d.errors import FileFormatError, InputError
from videopose3d.geometry import pixels_from_screen
from videopose3d.types import FloatArray

T = TypeVar("T")

SUBJECTS = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
"""Those with 3D."""

ACTIONS = (
    *("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases"),
    *("Sitting", "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether"),
)
TAKES_PER_ACTION = 2
JOINTS = 32

_RENAMED = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}
_DROPPED = {("S11", "Directions")}  # its video is damaged
_FOLDERS = {".cdf": "D3_Positions", ".cdf.mat": "D3_Positions", ".h5": "3D_positions"}
_LAYOUTS = (
    "Expected S1/MyPoseFeatures/D3_Positions/*.cdf (or *.cdf.mat), S1/MyPoses/3D_positions/*.h5, "
    "Poses_D3_Positions_S1.tgz, or h36m.zip."
)


@dataclass(frozen=True)
class RawTake:
    """One take, read.

    Attributes:
        subject, action: ``S1``, ``Walking 1``; renamed as the community's files have them.
        positions: (T, 32, 3) world axes [m].
    """

    subject: str
    action: str
    positions: FloatArray


def read_h36m(source: Path) -> Iterator[RawTake]:
    """The takes of a folder or archive, everyone of `SUBJECTS` from the first place that has them.

    Plain files go before archives, CDF before MATLAB before HDF5.

    Raises:
        InputError: Nothing of Human3.6M there, or an action that Human3.6M does not have.
        FileFormatError: A file is damaged or holds something else.
    """
    if not source.exists():
        raise InputError("no such file or folder", where=source, fix=_LAYOUTS)
    seen: set[str] = set()
    for takes in _places(source):
        here: dict[str, set[str]] = {}
        for subject, action, take in takes:
            if subject in seen or action in here.setdefault(subject, set()):
                continue
            here[subject].add(action)
            yield RawTake(subject, action, _positions(*take))
        seen |= here.keys()
    if not seen:
        raise InputError("nothing of Human3.6M in here", where=source, fix=_LAYOUTS)


Found = Iterator[tuple[str, str, tuple[Path, str, str]]]
"""Subject, action, and (readable file, its kind, its name for messages)."""


def _places(source: Path) -> Iterator[Found]:
    if source.is_file():
        yield _in_archive(source)
        return
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for kind in _FOLDERS:
        yield _in_folder(files, kind)
    for path in files:
        if path.name.lower().endswith(ARCHIVE_SUFFIXES) and not path.name.startswith("."):
            yield _in_archive(path)


def _in_folder(files: list[Path], kind: str) -> Found:
    for path in files:
        if _kind(path) == kind and (take := _take_of(path.absolute(), path.parent)):
            yield *take, (path, kind, str(path))


def _in_archive(path: Path) -> Found:
    for name, file in archive_members(path, lambda member: _take_of(member, path) is not None):
        subject, action = _take_of(name, path) or ("", "")
        yield subject, action, (file, _kind(name), f"{path}: {name}")


def _kind(path: PurePath) -> str:
    return next((kind for kind in _FOLDERS if path.name.lower().endswith(kind)), "")


def _take_of(path: PurePath, container: Path) -> tuple[str, str] | None:
    """Subject and action of a file, None for one that is not a take.

    Files of other features (D3_Positions_mono, ...) have the same names in folders of other names.
    """
    kind = _kind(path)
    flat = len(path.parts) == 1 and "D3_Positions_S" in container.name
    if not kind or path.name.startswith(".") or "_ALL" in path.name or not (flat or path.parent.name == _FOLDERS[kind]):
        return None
    named = re.findall(r"(?<![A-Za-z0-9])S\d+(?![A-Za-z0-9])", " ".join(path.parent.parts))
    named = named or re.findall(r"_(S\d+)\.", container.name)
    if not named or named[-1] not in SUBJECTS:
        return None
    return named[-1], common_name(path.name[: -len(kind)])


def common_name(action: str) -> str:
    """``Photo 1`` of ``TakingPhoto 1``: two actions have two names among the subjects."""
    for old, new in _RENAMED.items():
        action = action.replace(old, new)
    return action


def _positions(path: Path, kind: str, name: str) -> FloatArray:
    try:
        if kind == ".cdf":
            rows = _rows(read_cdf(path, "Pose"), name)
        elif kind == ".h5":
            rows = _rows(read_hdf5(path, "3D_positions").T, name)
        else:
            rows = _rows(_widest(read_mat(path), name), name)
    except FileFormatError as error:
        raise FileFormatError(error.what, where=name, fix=error.fix) from error
    if not np.isfinite(rows).all():
        bad = int((~np.isfinite(rows).all(-1)).argmax())
        raise FileFormatError(f"a position in frame {bad} is not a number", where=name, fix="Get the file again.")
    return (rows.reshape(-1, JOINTS, 3) / 1000).astype(np.float32)


def _rows(array: RawArray, name: str) -> RawArray:
    """(T, 96) of (1, T, 96) or (T, 96)."""
    rows = array[0] if array.ndim == 3 and len(array) == 1 else array
    if rows.ndim != 2 or rows.shape[1] != JOINTS * 3 or not len(rows) or rows.dtype.kind != "f":
        raise FileFormatError(
            f"expected positions (frames, {JOINTS * 3}), got {array.shape} of {array.dtype}",
            where=name,
            fix="Use the feature 'D3 Positions', not angles or another feature.",
        )
    return rows


def _widest(arrays: Mapping[str, RawArray], name: str) -> RawArray:
    """The array with 96 columns; what it is called does not matter."""
    for array in arrays.values():
        if array.shape[-1:] == (JOINTS * 3,):
            return array
    shapes = ", ".join(f"{key} {array.shape}" for key, array in arrays.items()) or "no numbers"
    raise FileFormatError(f"no array (frames, {JOINTS * 3}), it has {shapes}", where=name)


def in_order(takes: Iterator[RawTake]) -> dict[str, dict[str, FloatArray]]:
    """Positions by subject (in the order of `SUBJECTS`) and action (by name)."""
    found: dict[str, dict[str, FloatArray]] = {subject: {} for subject in SUBJECTS}
    for take in takes:
        found[take.subject][take.action] = take.positions
    return {subject: dict(sorted(actions.items())) for subject, actions in found.items() if actions}


def missing_takes(positions: Mapping[str, Mapping[str, object]]) -> list[str]:
    """What a complete data set has and this one has not, one line per subject.

    Raises:
        InputError: An action that Human3.6M does not have.
    """
    lines = []
    for subject in SUBJECTS:
        if subject not in positions:
            lines.append(f"no {subject}")
            continue
        counts = Counter(action.split(" ")[0] for action in positions[subject])
        if strange := counts.keys() - set(ACTIONS):
            raise InputError(f"{subject}: not an action of Human3.6M: {', '.join(sorted(strange))}")
        short = [f"{a} ({counts[a]} of 2)" for a in ACTIONS if counts[a] < _expected(subject, a)]
        if short:
            lines.append(f"{subject} lacks {', '.join(short)}")
    return lines


def _expected(subject: str, action: str) -> int:
    return TAKES_PER_ACTION - ((subject, action) in _DROPPED)


def without_damaged(takes: Mapping[str, Mapping[str, T]]) -> dict[str, dict[str, T]]:
    """The same, by subject and action, without the takes whose video is damaged."""
    return {
        subject: {action: take for action, take in actions.items() if (subject, action) not in _DROPPED}
        for subject, actions in takes.items()
    }


def projected(positions: FloatArray, subject: str) -> list[FloatArray]:
    """(T, 17, 2) [px] in each of the four cameras, by the paper's model of the lens, of (T, 32, 3) world axes [m]."""
    joints = seventeen_joints(positions)
    views = []
    for camera in cameras(subject):
        if camera.orientation is None or camera.translation is None or camera.intrinsics is None:
            raise InputError(f"the cameras of {subject} are not known", fix=f"They are for {', '.join(SUBJECTS)}.")
        points = world_to_camera(joints, np.array(camera.orientation), np.array(camera.translation))
        screen = project(points[None], camera.intrinsics[None])[0]
        views.append(pixels_from_screen(screen, camera.size).astype(np.float32))
    return views
