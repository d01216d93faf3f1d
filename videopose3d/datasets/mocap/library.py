"""The folder of motion capture sets (CMU subsets and UI-PRMD) as one library of motions.

Layout: ``split.json``, ``cmu/`` (``clips.csv``, ``bad_segments.csv``, ``skeletons.json``, ``<set>.tar.xz``)
and ``ui-prmd/`` (``s01.npz`` ..., ``bad_clips.csv``).
"""

from __future__ import annotations

import csv
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from videopose3d.datasets.mocap import markers, ui_prmd
from videopose3d.datasets.mocap.asf_amc import AsfSkeleton, parse_amc, parse_asf
from videopose3d.datasets.mocap.body import Landmarks, coco_joints, h36m_joints
from videopose3d.datasets.mocap.bvh import parse_bvh
from videopose3d.datasets.mocap.deepmimic import parse_deepmimic
from videopose3d.datasets.mocap.motion import Motion, MotionLibrary
from videopose3d.datasets.mocap.rig import Float64, RigMotion
from videopose3d.datasets.mocap.rigmap import ASF, DAZ, DEEPMIMIC, ROTVEC, RigMap, landmarks
from videopose3d.datasets.mocap.rotvec import parse_rotvec
from videopose3d.errors import FileFormatError
from videopose3d.types import FloatArray

HIGHEST_FPS = 60.0
SHORTEST = 0.25
"""Pieces left between cuts that are shorter than this are thrown away [s]."""
UI_PRMD = "ui-prmd"
FLOOR_QUANTILE = 0.02
DAZ_SHOULDER_SHIFT = 6.05
"""papagina's shoulders are 229 mm apart: move each this much outward [cm], to 350 mm."""


class Label(NamedTuple):
    """What a motion is called; see ``Motion``."""

    name: str
    dataset: str
    subject: str
    split: str


Row = dict[str, str]
Clip = tuple[Row, RigMotion, RigMap, float]
"""Row of clips.csv, world motion, landmarks of its rig, metres per unit."""


def build_library(folder: str | os.PathLike[str], detector: str = "mediapipe") -> MotionLibrary:
    """All motions of a folder of motion capture sets; bad frames cut out, double clips left out.

    Args:
        folder: Holds ``cmu/`` and ``ui-prmd/``.
        detector: Whose idea of hips and shoulders the COCO points follow; see ``body.DETECTOR_SHIFTS``.

    Raises:
        FileFormatError: A file is missing or not as expected.
    """
    return MotionLibrary(tuple(set_motions(folder, detector)), detector)


def set_motions(folder: str | os.PathLike[str], detector: str = "mediapipe") -> Iterator[Motion]:
    """The motions of `build_library`, one at a time."""
    yield from cmu_motions(Path(folder) / "cmu", detector)
    yield from ui_prmd_motions(Path(folder), detector)


def cmu_motions(folder: Path, detector: str = "mediapipe") -> Iterator[Motion]:
    """Motions of the five CMU subsets, set by set."""
    bad = _rows(folder / "bad_segments.csv")
    for row, motion, rig, unit in cmu_clips(folder):
        cuts = [(int(b["first_frame"]), int(b["last_frame"])) for b in bad if b["path"] == row["path"]]
        good = np.ones(len(motion.positions), bool)
        for first, last in cuts:
            good[first : last + 1] = False
        body, soles = landmarks(motion, rig, unit)
        if row["set"] != "jump":  # its floor is right, and some of its clips never stand
            body = on_floor(body, soles[good])
        label = Label(str(PurePosixPath(row["path"]).with_suffix("")), row["set"], row["subject"], row["split"])
        yield from cut_motions(body, good, motion.fps, label, detector)


def cmu_clips(folder: Path) -> Iterator[Clip]:
    """The clips of ``clips.csv`` that are not double, in their own axes and units, at their true rates."""
    skeletons = _json(folder / "skeletons.json")
    wanted: dict[str, dict[str, Row]] = {}
    for row in _rows(folder / "clips.csv"):
        if "skip" not in row["note"]:
            wanted.setdefault(row["archive"], {})[row["path"]] = row
    for archive, rows in wanted.items():
        for path, text, asf in _archive_texts(folder / archive, set(rows)):
            row = rows[path]
            yield (row, *_READERS[row["set"]](text, row, skeletons, asf))


def ui_prmd_motions(folder: Path, detector: str = "mediapipe") -> Iterator[Motion]:
    """Motions of UI-PRMD (``folder/ui-prmd``), with bones of constant length per recording."""
    splits = {s: split for split, people in _json(folder / "split.json")["ui-prmd"].items() for s in people}
    rows = _rows(folder / "ui-prmd" / "bad_clips.csv")
    dropped = {(row["subject"], row["clip"]) for row in rows if row["advice"] == "drop"}
    for path in sorted((folder / "ui-prmd").glob("s*.npz")):
        subject = path.stem
        with np.load(path, allow_pickle=False) as file:
            clips = {
                key: ui_prmd.decode_markers(file[key], path) for key in file.files if (subject, key) not in dropped
            }
        for key, body in _ui_prmd_person(clips, subject).items():
            label = Label(f"{subject}/{key}", UI_PRMD, subject, splits[subject])
            yield from cut_motions(body, body.complete, ui_prmd.FPS, label, detector)


def _ui_prmd_person(clips: dict[str, Float64], subject: str) -> dict[str, Landmarks]:
    """All clips of one person; markers and bones are read per exercise: some are other recordings."""
    bodies: dict[str, Landmarks] = {}
    for exercise in sorted({key[:3] for key in clips}):
        recording = {key: clips[key] for key in sorted(clips) if key.startswith(exercise)}
        found = ui_prmd.recording_landmarks(recording, subject)
        lengths = markers.median_bones(found.values())
        bodies |= {key: markers.fixed_bones(body, lengths) for key, body in found.items()}
    pitch = markers.gaze_pitch(bodies.values())
    return {key: markers.level_head(body, pitch) for key, body in bodies.items()}


def cut_motions(body: Landmarks, good: NDArray[np.bool_], fps: float, label: Label, detector: str) -> Iterator[Motion]:
    """One motion per run of good frames (T,), every n-th frame so that the rate is at most 60 Hz.

    Args:
        body: Landmarks of a whole clip.
        good: Frames to keep.
        fps: Rate of the clip [1/s].
        label: What the motions are called.
        detector: Whose idea of hips and shoulders the COCO points follow.
    """
    if good.any():
        kept = body.pick(good)
        yield from cut_joints(h36m_joints(kept), coco_joints(kept, detector), good, fps, label)


def cut_joints(
    h36m: FloatArray, coco: FloatArray, good: NDArray[np.bool_], fps: float, label: Label
) -> Iterator[Motion]:
    """The motions of `cut_motions`, from the joints (G, 17, 3) of the G good frames."""
    step = thinning(fps)
    start = 0
    for first, end in runs(good):
        pick = slice(start, start + end - first, step)
        start += end - first
        if end - first >= SHORTEST * fps:
            name = f"{label.name}[{first}:{end}]"
            yield Motion(name, label.dataset, label.subject, label.split, fps / step, h36m[pick], coco[pick])


def thinning(fps: float) -> int:
    """Keep every n-th frame so that the rate is at most 60 Hz."""
    return ceil(fps / HIGHEST_FPS - 1e-3)


def on_floor(body: Landmarks, soles: Float64) -> Landmarks:
    """The body moved up or down so that its feet, whose lowest heights are given (T,) [m], stand at z = 0."""
    return body.moved(np.array([0.0, 0.0, -float(np.quantile(soles, FLOOR_QUANTILE))]))


def runs(good: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open (first, end) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _read_amc(text: str, row: Row, _: Any, asf: AsfSkeleton) -> tuple[RigMotion, RigMap, float]:
    return parse_amc(text, asf, row["path"], float(row["fps"])), ASF, asf.metres


def _read_bvh(text: str, row: Row, _: Any, __: AsfSkeleton) -> tuple[RigMotion, RigMap, float]:
    for side, sign in (("l", 1), ("r", -1)):
        text = _widen(text, f"JOINT {side}Shldr", sign * DAZ_SHOULDER_SHIFT)
    return parse_bvh(text, row["path"], float(row["fps"])), DAZ, 0.01


def _widen(text: str, joint: str, shift: float) -> str:
    """The BVH text with the OFFSET of one joint moved along x."""
    head, marker, tail = text.partition(joint)
    before, word, after = tail.partition("OFFSET")
    x, rest = after.split(maxsplit=1)
    return f"{head}{marker}{before}{word} {float(x) + shift:.6f} {rest}"


def _read_rotvec(text: str, row: Row, skeletons: Any, _: AsfSkeleton) -> tuple[RigMotion, RigMap, float]:
    return parse_rotvec(text, skeletons["chaneyddtt_expmap38"], float(row["fps"]), row["path"]), ROTVEC, 1.0


def _read_deepmimic(text: str, row: Row, skeletons: Any, _: AsfSkeleton) -> tuple[RigMotion, RigMap, float]:
    skeleton = skeletons["jump_humanoid15"]
    return parse_deepmimic(text, skeleton, row["path"], float(row["fps"])), DEEPMIMIC, 1.0


_READERS: dict[str, Callable[[str, Row, Any, Any], tuple[RigMotion, RigMap, float]]] = {
    "papagina": _read_bvh,
    "cyun9601": _read_amc,
    "kseniia": _read_amc,
    "chaneyddtt": _read_rotvec,
    "jump": _read_deepmimic,
}
CMU_SETS = frozenset(_READERS)
"""Names of the subsets of CMU's database."""


def _archive_texts(path: Path, wanted: set[str]) -> Iterator[tuple[str, str, AsfSkeleton | None]]:
    """(path, text, skeleton beside it) of the wanted members of an archive.

    Read front to back: random access in xz is slow. A skeleton may follow its motions, so those wait.
    """
    try:
        with tarfile.open(path) as tar:
            texts = {
                member.name: file.read().decode("utf-8", "replace")
                for member in tar
                if (member.name in wanted or member.name.endswith(".asf")) and (file := tar.extractfile(member))
            }
    except (OSError, tarfile.TarError) as error:
        raise FileFormatError(f"cannot be read ({error})", where=path, fix="Fetch the archive again.") from error
    skeletons = {
        str(PurePosixPath(name).parent): parse_asf(text, name) for name, text in texts.items() if name.endswith(".asf")
    }
    if missing := sorted(wanted - set(texts)):
        raise FileFormatError(f"{len(missing)} clips are missing, first {missing[0]}", where=path)
    for name in sorted(wanted):
        yield name, texts.pop(name), skeletons.get(str(PurePosixPath(name).parent))


def _rows(path: Path) -> list[Row]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise FileFormatError("cannot be read", where=path, fix="Is this a folder of motion capture sets?") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileFormatError(
            f"cannot be read ({error})", where=path, fix="Is this a folder of motion capture sets?"
        ) from error
