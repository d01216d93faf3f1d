"""One motion file of a user, whatever its rig or marker set: BVH, AMC with its ASF, C3D, TRC, or an npz of points."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from videopose3d.config_mocap import MocapConfig
from videopose3d.datasets.mocap.asf_amc import CMU_FPS, parse_amc, parse_asf
from videopose3d.datasets.mocap.body import coco_joints, h36m_joints
from videopose3d.datasets.mocap.bvh import parse_bvh
from videopose3d.datasets.mocap.figures import read_figures
from videopose3d.datasets.mocap.guess import guess_rig
from videopose3d.datasets.mocap.library import SHORTEST, Label, cut_joints, on_floor, thinning
from videopose3d.datasets.mocap.motion import Motion
from videopose3d.datasets.mocap.points import Points, read_points
from videopose3d.datasets.mocap.rig import RigMotion, without_holds
from videopose3d.datasets.mocap.rigmap import landmarks
from videopose3d.errors import FileFormatError, InputError

MOTION_FILES = (".bvh", ".amc", ".asf", ".c3d", ".trc", ".npz")
DETECTOR = "mediapipe"


class Loaded(NamedTuple):
    """What a file holds: its motions, and who was left out and why."""

    motions: tuple[Motion, ...]
    left_out: tuple[str, ...] = ()


def load_motion_file(
    path: str | os.PathLike[str], config: MocapConfig | None = None, label: Label | None = None
) -> Loaded:
    """The motions of a ``.bvh`` file, of an ``.amc`` file with an ``.asf`` beside it, or of points (see `figures`).

    Joints and markers are found by their names; the rate is thinned to at most 60 Hz; feet stand on z = 0. A rig has
    one motion. Points have one for everybody and every stretch without a long gap.

    Args:
        path: The file. Of an ``.asf`` file the one ``.amc`` beside it is taken.
        config: What the file does not say; its detector is mediapipe by default.
        label: What the motions are called; by default name and split of file and config.

    Raises:
        InputError: The file is missing, of another kind, or its joints or markers have unknown names.
        MissingDependencyError: The package for this kind of file is not installed.
    """
    path, config = Path(path), config or MocapConfig()
    label = label or Label(path.stem, config.dataset or "file", config.subject or "", config.split)
    if path.suffix.lower() not in MOTION_FILES:
        fix = f"Give one of {', '.join(MOTION_FILES)}."
        raise FileFormatError("not a motion file that can be read", where=path, fix=fix)
    try:
        return _load(path, config, label)
    except (ArithmeticError, LookupError, ValueError) as error:  # what a broken file may run into
        raise FileFormatError(f"cannot be understood ({error!r})", where=path) from error


def _load(path: Path, config: MocapConfig, label: Label) -> Loaded:
    detector = config.detector or DETECTOR
    match path.suffix.lower():
        case ".bvh":
            return Loaded((_rig_motion(parse_bvh(_text(path), path, config.fps), path, config.unit, detector, label),))
        case ".amc" | ".asf":
            motion = _read_acclaim(path, config.fps or CMU_FPS)
            return Loaded((_rig_motion(motion, path, config.unit, detector, label),))
        case _:
            return _point_motions(read_points(path), path, config, label)


def _rig_motion(motion: RigMotion, path: Path, unit: float | None, detector: str, label: Label) -> Motion:
    motion = without_holds(motion)
    try:
        motion, rig, guessed = guess_rig(motion)
        body, soles = landmarks(motion, rig, unit or guessed)
    except FileFormatError as error:
        raise FileFormatError(error.what, where=path, fix=error.fix) from error
    body = on_floor(body, soles)
    step = thinning(motion.fps)
    h36m, coco = h36m_joints(body)[::step], coco_joints(body, detector)[::step]
    return Motion(label.name, label.dataset, label.subject, label.split, motion.fps / step, h36m, coco)


def _point_motions(points: Points, path: Path, config: MocapConfig, label: Label) -> Loaded:
    points = replace(points, fps=config.fps or points.fps)
    try:
        figures, left_out = read_figures(points, config.unit, config.up, config.detector or DETECTOR)
    except FileFormatError as error:
        raise FileFormatError(error.what, where=path, fix=error.fix) from error
    motions: list[Motion] = []
    for person, figure in figures.items():
        who = f"/{person}" if len(figures) > 1 and person else ""
        named = label._replace(name=label.name + who, subject=(label.subject + who).lstrip("/"))
        motions += cut_joints(figure.h36m, figure.coco, figure.good, points.fps, named)
    if not motions:
        raise FileFormatError(f"no stretch of {SHORTEST:g} s without a gap", where=path, fix="Fill the gaps first.")
    return Loaded(tuple(motions), left_out)


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
