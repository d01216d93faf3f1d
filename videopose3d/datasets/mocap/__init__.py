"""Motion capture as training data: importers, one body for all sets, and a library of motions."""

from videopose3d.datasets.mocap.library import build_library
from videopose3d.datasets.mocap.motion import Motion, MotionLibrary, load_library, save_library
from videopose3d.datasets.mocap.single import load_motion_file
from videopose3d.datasets.mocap.sources import read_source, read_sources

__all__ = [
    "Motion",
    "MotionLibrary",
    "build_library",
    "load_library",
    "load_motion_file",
    "read_source",
    "read_sources",
    "save_library",
]
