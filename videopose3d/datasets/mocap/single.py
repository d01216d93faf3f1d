"""One motion file of a user, whatever its rig: BVH, or AMC with its ASF."""

from __future__ import annotations

import os
from pathlib import Path

from videopose3d.datasets.mocap.asf_amc import CMU_FPS, parse_amc, parse_asf
from videopose3d.datasets.mocap.body import coco_joints, h36m_joints
from videopose3d.datasets.mocap.bvh import parse_bvh
from videopose3d.datasets.mocap.guess import guess_rig
from videopose3d.datasets.mocap.library import on_floor, thinning
from videopose3d.datasets.mocap.motion import Motion
from videopose3d.datasets.mocap.rig import RigMotion
from videopose3d.datasets.mocap.rigmap import landmarks
from videopose3d.errors import FileFormatError, InputError


def load_motion_file(
    path: str | os.PathLike[str],
    fps: float | None = None,
    unit: float | None = None,
    detector: str = "mediapipe",
) -> Motion:
    """The motion of a ``.bvh`` file, or of an ``.amc`` file with an ``.asf`` file beside it.

    Joints are found by their names; the rate is thinned to at most 60 Hz; the feet stand on z = 0.

    Args:
        path: The file. Of an ``.asf`` file the one ``.amc`` beside it is taken.
        fps: True frame rate [1/s] where the file's is wrong; AMC files hold none, 120 is taken for them.
        unit: Metres per unit of length of the file; guessed from the length of the legs where None.
        detector: Whose idea of hips and shoulders the COCO points follow.

    Raises:
        InputError: The file is missing, of another kind, or its joints have unknown names.
    """
    path = Path(path)
    match path.suffix.lower():
        case ".bvh":
            motion = parse_bvh(_text(path), path, fps)
        case ".amc" | ".asf":
            motion = _read_acclaim(path, fps or CMU_FPS)
        case _:
            raise FileFormatError("not a motion file that can be read", where=path, fix="Give a .bvh or .amc file.")
    return _motion(motion, path, unit, detector)


def _motion(motion: RigMotion, path: Path, unit: float | None, detector: str) -> Motion:
    try:
        motion, rig, guessed = guess_rig(motion)
        body, soles = landmarks(motion, rig, unit or guessed)
    except FileFormatError as error:
        raise FileFormatError(error.what, where=path, fix=error.fix) from error
    body = on_floor(body, soles)
    step = thinning(motion.fps)
    h36m, coco = h36m_joints(body)[::step], coco_joints(body, detector)[::step]
    return Motion(path.stem, "file", "", "train", motion.fps / step, h36m, coco)


def _read_acclaim(path: Path, fps: float) -> RigMotion:
    amc = path if path.suffix.lower() == ".amc" else _beside(path, ".amc")
    asf = path if path.suffix.lower() == ".asf" else _beside(path, ".asf")
    return parse_amc(_text(amc), parse_asf(_text(asf), asf), amc, fps)


def _beside(path: Path, suffix: str) -> Path:
    """The file of another suffix with the same name, its part before ``_`` (02_01, 02), or the only one."""
    there = sorted(p for p in path.parent.glob("*") if p.suffix.lower() == suffix)
    for stem in (path.stem, path.stem.split("_")[0]):
        named = [p for p in there if p.stem == stem]
        if named:
            return named[0]
    if len(there) == 1:
        return there[0]
    raise InputError(
        f"{len(there)} {suffix} files lie beside it and none has its name",
        where=path,
        fix=f"Put the {suffix} file of the same recording beside it, as {path.stem}{suffix}.",
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path, fix="Check the path.") from error
