"""Folders of videos or detections with one file per take and camera: which files there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from videopose3d.errors import InputError

CameraFiles = dict[str, dict[str, list[Path]]]
"""{subject: {action: [file per camera]}}."""


@dataclass(frozen=True)
class Naming:
    """How a data set names its files.

    Attributes:
        pattern: Regular expression of a file name with the groups ``action`` and ``camera``.
        cameras: All of them, in the order of the data set.
        example: For messages.
        what: What the files are, for messages.
        folders: Below the folder of a subject, where they may be.
    """

    pattern: str
    cameras: tuple[str, ...]
    example: str
    what: str = "detections"
    folders: tuple[str, ...] = (".",)


H36M = Naming(
    r"(?P<action>.+)\.(?P<camera>\d{8})(\.\w+)?\.npz",
    ("54138969", "55011271", "58860488", "60457274"),
    "S1/Walking 1.54138969.mp4.npz",
)
H36M_VIDEOS = Naming(
    r"(?P<action>.+)\.(?P<camera>\d{8})\.(mp4|avi|mkv|mov)",
    H36M.cameras,
    "S1/Videos/Walking 1.54138969.mp4",
    "videos",
    (".", "Videos"),
)
HUMANEVA = Naming(r"(?P<action>.+)_\((?P<camera>C\d)\)(\.\w+)?\.npz", ("C1", "C2", "C3"), "S1/Walking_1_(C1).avi.npz")


def camera_files(folder: Path, naming: Naming) -> CameraFiles:
    """The files of a folder, subjects in the order of their numbers, actions by name.

    Names with ``_ALL`` and those of other cameras (HumanEva has four more) are left out.

    Raises:
        InputError: No such folder, nothing in it, or a take without one of the cameras.
    """
    if not folder.is_dir():
        raise InputError("no such folder", where=folder, fix=f"Expected files like {naming.example} in it.")
    found: dict[str, dict[str, dict[str, Path]]] = {}
    files = [(p, subject) for subject in folder.glob("S*/") for f in naming.folders for p in (subject / f).glob("*")]
    for path, subject in sorted(files, key=_subject_number):
        match = re.fullmatch(naming.pattern, path.name)
        if match and path.name[0] != "." and "_ALL" not in path.name and match["camera"] in naming.cameras:
            takes = found.setdefault(subject.name, {})
            takes.setdefault(match["action"], {})[match["camera"]] = path
    if not found:
        raise InputError(f"no {naming.what} in this folder", where=folder, fix=f"Expected files like {naming.example}.")
    return {
        subject: {action: _all_cameras(files, naming) for action, files in sorted(takes.items())}
        for subject, takes in found.items()
    }


def _subject_number(file: tuple[Path, Path]) -> tuple[int, str]:
    path, subject = file
    return int("0" + re.sub(r"\D", "", subject.name)), path.name


def _all_cameras(files: dict[str, Path], naming: Naming) -> list[Path]:
    if missing := [camera for camera in naming.cameras if camera not in files]:
        some = next(iter(files.values()))
        fix = "Every take needs a file of each camera."
        raise InputError(f"no {naming.what} of camera {', '.join(missing)} beside it", where=some, fix=fix)
    return [files[camera] for camera in naming.cameras]
