"""HumanEva-I as its MATLAB tools leave it: one .mat per take with 3D and projected 2D joints.

Layout: ``converted_15j/Train/S1/Walking_1.mat`` (``Validate``, S2, S3, ...); in each file one array (T, J, 3) of
world positions [mm] and one (T, 3, J, 2) or (3, T, J, 2) of pixels in cameras C1, C2, C3, with J = 15 or 20. What
the arrays are called does not matter. A file holds either just the frames of its part or the whole take, which is
then cut to `FRAMES`; without a Train or Validate folder the whole take gives both parts. Frames of corrupt motion
capture are not numbers. Version 4 to 7.3 of the format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from videopose3d.datasets.raw.arrays import RawArray, read_mat
from videopose3d.errors import FileFormatError, InputError
from videopose3d.types import BoolArray, FloatArray

CAMERAS = ("C1", "C2", "C3")
PARTS = ("Train", "Validate")
JOINTS = (15, 20)
FIRST_VALID = 5
"""Where the validation part of every take begins; it ends where the training part begins."""

FRAMES = {
    "S1": {
        "Walking 1": (590, 1203),
        "Jog 1": (367, 740),
        "ThrowCatch 1": (473, 945),
        "Gestures 1": (395, 801),
        "Box 1": (385, 789),
    },
    "S2": {
        "Walking 1": (438, 876),
        "Jog 1": (398, 795),
        "ThrowCatch 1": (550, 1128),
        "Gestures 1": (500, 901),
        "Box 1": (382, 734),
    },
    "S3": {
        "Walking 1": (448, 939),
        "Jog 1": (401, 842),
        "ThrowCatch 1": (493, 1027),
        "Gestures 1": (533, 1102),
        "Box 1": (512, 1021),
    },
}
"""Training frames of every labelled take, [first, end) on the clock of the motion capture."""

OFFSETS = {
    "S1": {
        "Walking 1": (82, 81, 82),
        "Jog 1": (51, 51, 50),
        "ThrowCatch 1": (61, 61, 60),
        "Gestures 1": (45, 45, 44),
        "Box 1": (57, 57, 56),
    },
    "S2": {
        "Walking 1": (115, 115, 114),
        "Jog 1": (100, 100, 99),
        "ThrowCatch 1": (127, 127, 127),
        "Gestures 1": (122, 122, 121),
        "Box 1": (119, 119, 117),
    },
    "S3": {
        "Walking 1": (80, 80, 80),
        "Jog 1": (65, 65, 65),
        "ThrowCatch 1": (79, 79, 79),
        "Gestures 1": (83, 83, 82),
        "Box 1": (1, 1, 1),
    },
}
"""The frame of each camera's video, counted from 1, that belongs to frame 0 of the motion capture."""

_NEVER = {("S3", "ThrowCatch 1")}  # the makers' tools leave it out
_FIX = "Expected files like converted_15j/Train/S1/Walking_1.mat."


@dataclass(frozen=True)
class Take:
    """One part of one take.

    Attributes:
        part: ``Train`` or ``Validate``.
        person, action: ``S1``, ``Walking 1``.
        first: Its first frame on the clock of the motion capture.
        positions: (T, J, 3) world axes [m]; NaN where the motion capture is corrupt.
        points: (3, T, J, 2) [px] in the three cameras.
    """

    part: str
    person: str
    action: str
    first: int
    positions: FloatArray = field(repr=False)
    points: FloatArray = field(repr=False)

    @property
    def subject(self) -> str:
        """``Train/S1``."""
        return f"{self.part}/{self.person}"

    def chunks(self) -> list[tuple[str, slice, bool]]:
        """``Walking 1 chunk0`` and so on: name, frames, and whether the motion capture is sound there.

        Sound and corrupt stretches are numbered together, in the order of time.
        """
        sound: BoolArray = np.isfinite(self.positions).all((1, 2)) & np.isfinite(self.points).all((0, 2, 3))
        edges = [0, *(np.flatnonzero(np.diff(sound)) + 1).tolist(), len(sound)]
        return [
            (f"{self.action} chunk{i}", slice(start, end), bool(sound[start]))
            for i, (start, end) in enumerate(zip(edges[:-1], edges[1:], strict=True))
        ]

    def video_frames(self, camera: int, chunk: slice) -> slice:
        """Where a chunk is in the video of a camera, counted from 0."""
        shift = self.first + OFFSETS[self.person][self.action][camera] - 1
        return slice(chunk.start + shift, chunk.stop + shift)


def part_frames(part: str, person: str, action: str) -> tuple[int, int]:
    """[first, end) of a part of a take on the clock of the motion capture."""
    start, end = FRAMES[person][action]
    return (start, end) if part == "Train" else (FIRST_VALID, start)


def read_humaneva(source: Path) -> Iterator[Take]:
    """The labelled takes of a folder of converted files, by part, person and action as in `FRAMES`.

    Raises:
        InputError: No such folder, or nothing of HumanEva in it.
        FileFormatError: A file is damaged, or not of the layout above.
    """
    if not source.is_dir():
        raise InputError("no such folder", where=source, fix=_FIX)
    files = _files(source)
    if not files:
        raise InputError("nothing of HumanEva in here", where=source, fix=_FIX)
    for part in PARTS:
        for person, actions in FRAMES.items():
            for action in actions:
                path = files.get((part, person, action)) or files.get(("", person, action))
                if path is not None:
                    yield _take(path, part, person, action)


def missing_takes(takes: list[Take]) -> list[str]:
    """What a complete data set has and this one has not."""
    here = {(take.part, take.person, take.action) for take in takes}
    return [
        f"no {part}/{person} {action}"
        for part in PARTS
        for person, actions in FRAMES.items()
        for action in actions
        if (part, person, action) not in here and (person, action) not in _NEVER
    ]


def _files(source: Path) -> dict[tuple[str, str, str], Path]:
    """The labelled takes' files by (part or "", person, action)."""
    found: dict[tuple[str, str, str], Path] = {}
    for path in sorted(source.rglob("*.mat")):
        folders = path.absolute().parent.parts
        person = next((f for f in reversed(folders) if re.fullmatch(r"S\d", f)), "")
        part = next((p for p in PARTS if p in path.relative_to(source).parts or p == source.name), "")
        action = path.stem.replace("_", " ")
        if action in FRAMES.get(person, {}):
            found.setdefault((part, person, action), path)
    return found


def _take(path: Path, part: str, person: str, action: str) -> Take:
    positions, points = _arrays(path)
    first, end = part_frames(part, person, action)
    frames = len(positions)
    if frames != end - first:
        if frames < end:
            raise FileFormatError(
                f"{frames} frames; {part}/{person} {action} has {end - first}, the whole take at least {end}",
                where=path,
                fix="Convert the data set again.",
            )
        positions, points = positions[first:end], points[:, first:end]
    metres = (positions / 1000).astype(np.float32)
    return Take(part, person, action, first, metres, points.astype(np.float32))


def _arrays(path: Path) -> tuple[RawArray, RawArray]:
    """(T, J, 3) [mm] and (3, T, J, 2) [px]."""
    arrays = read_mat(path)
    positions = [a for a in arrays.values() if a.ndim == 3 and a.shape[1] in JOINTS and a.shape[2] == 3]
    points = [a for a in arrays.values() if a.ndim == 4 and a.shape[3] == 2]
    if len(positions) == len(points) == 1:
        frames, joints = positions[0].shape[:2]
        if points[0].shape == (frames, len(CAMERAS), joints, 2):
            return positions[0], points[0].transpose(1, 0, 2, 3)
        if points[0].shape == (len(CAMERAS), frames, joints, 2):
            return positions[0], points[0]
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "no numbers"
    raise FileFormatError(
        f"expected positions (T, J, 3) and pixels (T, 3, J, 2) of 15 or 20 joints, got {shapes}",
        where=path,
        fix="Convert the data set again.",
    )
