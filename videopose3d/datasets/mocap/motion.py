"""Motions and their library: what training draws windows from, kept in one npz without pickles."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d.errors import FileFormatError, SkeletonMismatchError
from videopose3d.files import replacing
from videopose3d.types import FloatArray

FORMAT = "videopose3d/mocap/1"
SPLITS = ("train", "validation", "test")
STEP = 1e-4
"""Resolution of the stored offsets [m]."""
LARGEST = 3.2
"""No joint is farther from the pelvis [m]: offsets are stored as int16."""


@dataclass(frozen=True)
class Motion:
    """An uninterrupted piece of one person's motion.

    Attributes:
        name: Clip, and the frames of the file it was cut from.
        dataset: ``ui-prmd``, ``papagina``, ``cyun9601``, ...; ``file`` for a single file.
        subject: Person, as the set names them; "" where unknown.
        split: ``train``, ``validation`` or ``test``.
        fps: Frame rate [1/s].
        joints_h36m: (T, 17, 3) [m] world, z up, right-handed, floor at about z = 0; order of ``H36M17``.
        joints_coco: (T, 17, 3) [m] the COCO keypoints of the same frames as a detector sees them; ``COCO17``.
    """

    name: str
    dataset: str
    subject: str
    split: str
    fps: float
    joints_h36m: FloatArray
    joints_coco: FloatArray

    def __post_init__(self) -> None:
        for kind, joints in (("joints_h36m", self.joints_h36m), ("joints_coco", self.joints_coco)):
            if joints.shape != (len(self.joints_h36m), 17, 3):
                raise SkeletonMismatchError(
                    f"expected {kind} of shape ({len(self.joints_h36m)}, 17, 3), got {joints.shape}",
                    where=self.name,
                )
        if self.split not in SPLITS:
            raise SkeletonMismatchError(
                f"unknown split {self.split!r}", where=self.name, fix=f"Use one of {', '.join(SPLITS)}."
            )

    @property
    def frames(self) -> int:
        """T, the number of frames."""
        return len(self.joints_h36m)

    @property
    def seconds(self) -> float:
        """Length [s]."""
        return self.frames / self.fps


@dataclass(frozen=True)
class MotionLibrary:
    """Many motions.

    Attributes:
        motions: In the order they were read.
        detector: Whose idea of hips and shoulders ``joints_coco`` follows.
    """

    motions: tuple[Motion, ...]
    detector: str = "mediapipe"

    def __len__(self) -> int:
        return len(self.motions)

    def __iter__(self) -> Iterator[Motion]:
        return iter(self.motions)

    def select(self, split: str | None = None, dataset: str | None = None) -> MotionLibrary:
        """The motions of one split, of one set, or of both."""
        kept = (m for m in self.motions if split in (None, m.split) and dataset in (None, m.dataset))
        return MotionLibrary(tuple(kept), self.detector)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the sets, in the order they were read."""
        return tuple(dict.fromkeys(motion.dataset for motion in self.motions))

    @property
    def minutes(self) -> float:
        """Length of all motions together [min]."""
        return sum(motion.seconds for motion in self.motions) / 60


def save_library(path: str | os.PathLike[str], library: MotionLibrary) -> None:
    """Write a library as one npz: pelvis as float32, all else as int16 steps of 0.1 mm from the pelvis.

    The int16 values are differences from frame to frame over the whole file (wrap-around intended): they
    deflate to a third. Reading gives the joints back to 0.05 mm.

    Raises:
        OutputError: The file cannot be written.
    """
    motions = library.motions
    text = {key: np.array([getattr(m, key) for m in motions], str) for key in ("name", "dataset", "subject", "split")}
    roots = [motion.joints_h36m[:, 0] for motion in motions]
    packed = {kind: _pack([getattr(m, kind) for m in motions], roots) for kind in ("joints_h36m", "joints_coco")}
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            format=np.array(FORMAT),
            detector=np.array(library.detector),
            fps=np.array([m.fps for m in motions], np.float64),
            offsets=np.cumsum([0] + [m.frames for m in motions]).astype(np.int64),
            pelvis=np.concatenate([np.zeros((0, 3), np.float32), *roots]),
            **text,
            **packed,
        )


def load_library(path: str | os.PathLike[str]) -> MotionLibrary:
    """Read what ``save_library`` wrote.

    Raises:
        FileFormatError: The file is missing, damaged or something else.
    """
    try:
        with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            if str(file["format"]) != FORMAT:
                raise ValueError(f"format {file['format']}, expected {FORMAT}")
            return _unpack({key: file[key] for key in file.files})
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise FileFormatError(
            f"not a motion library ({error})",
            where=path,
            fix="Make one: videopose3d prepare mocap SOURCE... -o library.npz.",
        ) from error


def _unpack(data: dict[str, NDArray[Any]]) -> MotionLibrary:
    pelvis = data["pelvis"][:, None]
    joints = {}
    for kind in ("joints_h36m", "joints_coco"):
        steps = np.cumsum(data[kind], axis=0, dtype=np.int16)
        joints[kind] = steps * np.float32(STEP) + pelvis
    pieces = [slice(a, b) for a, b in zip(data["offsets"], data["offsets"][1:], strict=False)]
    labels = zip(*(data[key].tolist() for key in ("name", "dataset", "subject", "split", "fps")), strict=True)
    motions = (
        Motion(name, dataset, subject, split, fps, joints["joints_h36m"][cut], joints["joints_coco"][cut])
        for (name, dataset, subject, split, fps), cut in zip(labels, pieces, strict=True)
    )
    return MotionLibrary(tuple(motions), str(data["detector"]))


def _pack(joints: Sequence[FloatArray], roots: Sequence[FloatArray]) -> NDArray[np.int16]:
    """(all frames, 17, 3) differences in time of the joints seen from the pelvis, in steps of 0.1 mm."""
    if not joints:
        return np.zeros((0, 17, 3), np.int16)
    seen = np.concatenate([np.rint((j - r[:, None]) / STEP) for j, r in zip(joints, roots, strict=True)])
    if np.abs(seen).max() > 32767:
        raise SkeletonMismatchError(
            "a joint is more than 3.2 m from the pelvis", fix="Is the unit of the motion right?"
        )
    whole = seen.astype(np.int16)
    return np.diff(whole, axis=0, prepend=np.zeros((1, 17, 3), np.int16))
