"""Folders of detections with one file per take and camera: which files there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from videopose3d.errors import InputError

CameraFiles = dict[str, dict[str, list[Path]]]
"""{subject: {action: [file per camera]}}."""


@dataclass(frozen=True)
class Naming:
    """How a data set names the files of detections.

    Attributes:
        pattern: Regular expression of a file name with the groups ``action`` and ``camera``.
        cameras: All of them, in the order of the data set.
        example: For messages.
    """

    pattern: str
    cameras: tuple[str, ...]
    example: str


H36M = Naming(
    r"(?P<action>.+)\.(?P<camera>\d{8})(\.\w+)?\.npz",
    ("54138969", "55011271", "58860488", "60457274"),
    "S1/Walking 1.54138969.mp4.npz",
)
HUMANEVA = Naming(r"(?P<action>.+)_\((?P<camera>C\d)\)(\.\w+)?\.npz", ("C1", "C2", "C3"), "S1/Walking_1_(C1).avi.npz")


def camera_files(folder: Path, naming: Naming) -> CameraFiles:
    """The files of a folder of detections, subjects in the order of their numbers, actions by name.

    Names with ``_ALL`` and those of other cameras (HumanEva has four more) are left out.

    Raises:
        InputError: No such folder, nothing in it, or a take without one of the cameras.
    """
    if not folder.is_dir():
        raise InputError("no such folder", where=folder, fix=f"Expected files like {naming.example} in it.")
    found: dict[str, dict[str, dict[str, Path]]] = {}
    for path in sorted(folder.glob("S*/*.npz"), key=_subject_number):
        match = re.fullmatch(naming.pattern, path.name)
        if match and path.name[0] != "." and "_ALL" not in path.name and match["camera"] in naming.cameras:
            takes = found.setdefault(path.parent.name, {})
            takes.setdefault(match["action"], {})[match["camera"]] = path
    if not found:
        raise InputError("no detections in this folder", where=folder, fix=f"Expected files like {naming.example}.")
    return {
        subject: {action: _all_cameras(files, naming.cameras) for action, files in sorted(takes.items())}
        for subject, takes in found.items()
    }


def _subject_number(path: Path) -> tuple[int, str]:
    return int("0" + re.sub(r"\D", "", path.parent.name)), path.name


def _all_cameras(files: dict[str, Path], cameras: Sequence[str]) -> list[Path]:
    if missing := [camera for camera in cameras if camera not in files]:
        some = next(iter(files.values()))
        fix = "Every take needs a file of each camera."
        raise InputError(f"no detections of camera {', '.join(missing)} beside it", where=some, fix=fix)
    return [files[camera] for camera in cameras]
