"""Files of other 2D tools: who is seen in every frame, whatever program wrote it. docs/detectors.md lists them."""

from __future__ import annotations

import os
from pathlib import Path

from videopose3d.detectors.files.from_json import read_json, read_openpose_folder
from videopose3d.detectors.files.from_npz import read_npz
from videopose3d.detectors.files.sightings import Sightings, in_coco
from videopose3d.errors import InputError

__all__ = ["Sightings", "in_coco", "read_people"]


def read_people(path: str | os.PathLike[str], clip: str | None = None) -> Sightings:
    """Everybody a file or folder has seen, in the joints of the file; its content says which program wrote it.

    Args:
        path: A folder of OpenPose, or a ``.json`` or ``.npz`` file.
        clip: Which video, for files that hold several.

    Raises:
        InputError: There is no such file or folder, or it holds several videos and none was chosen.
        FileFormatError: It is damaged, or of no program known here.
    """
    path = Path(path)
    if path.is_dir():
        return read_openpose_folder(path)
    if not path.is_file():
        raise InputError("no such file", where=path, fix="Check the name and the folder.")
    with path.open("rb") as file:
        start = file.read(4)
    return read_npz(path, clip) if start[:2] == b"PK" or path.suffix.lower() == ".npz" else read_json(path)
