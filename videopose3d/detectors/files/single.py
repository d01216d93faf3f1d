"""The one person of a video, with its gaps filled as the original program fills them: what `prepare` takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from videopose3d.detectors.files import read_people
from videopose3d.detectors.files.sightings import Sightings
from videopose3d.errors import InputError
from videopose3d.result_file import load_result
from videopose3d.skeleton import Skeleton
from videopose3d.types import BoolArray, FloatArray, Keypoints2D


@dataclass(frozen=True)
class Detections:
    """One person over one video.

    Attributes:
        name: File name of the video.
        points: (T, J, 2) [px]; NaN where nobody was detected.
        boxes: (T, 4) x0, y0, x1, y1 [px]; NaN where nobody was detected.
        size: (width, height) of the video [px]; None where the file does not say.
        skeleton: Which joints these are; None where the file does not say.
        fps: Frame rate of the video [1/s]; None where the file does not say.
        held: Gaps are to be filled with the last pose, not interpolated.
        source: The file, for messages.
    """

    name: str
    points: FloatArray = field(repr=False)
    boxes: FloatArray = field(repr=False)
    size: tuple[int, int] | None
    skeleton: Skeleton | None
    source: Path
    fps: float | None = None
    held: bool = False

    @property
    def seen(self) -> BoolArray:
        """(T,) somebody was detected."""
        seen: BoolArray = np.isfinite(self.points).any((1, 2))
        return seen

    def filled(self) -> FloatArray:
        """(T, J, 2) [px] without gaps.

        Raises:
            InputError: Nobody, or a joint never, was detected.
        """
        if not self.seen.any():
            fix = "Leave this video out, or detect again with a lower threshold."
            raise InputError(f"nobody was detected in any of its {len(self.points)} frames", where=self.source, fix=fix)
        return hold_last(self.points) if self.held else interpolate(self.points, self.source)


def interpolate(values: FloatArray, source: object = None) -> FloatArray:
    """(T, ...) with each gap bridged by a straight line over time, the ends held; per number, not per frame.

    Raises:
        InputError: A number is missing in all frames.
    """
    flat = values.reshape(len(values), -1).astype(np.float64)
    frames = np.arange(len(flat))
    for column in flat.T:
        known = np.isfinite(column)
        if not known.any():
            raise InputError("a joint was not detected in any frame", where=source, fix="Leave this video out.")
        column[:] = np.interp(frames, frames[known], column[known])
    return flat.reshape(values.shape).astype(np.float32)


def hold_last(values: FloatArray) -> FloatArray:
    """(T, ...) with each gap filled by the frame before it; before the first one, by the first."""
    known = np.isfinite(values.reshape(len(values), -1)).all(1)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))
    last[: known.argmax()] = known.argmax()
    held: FloatArray = values[last]
    return held


def read_detections(path: Path) -> Detections:
    """The person of a file of detections; of several in a frame the one with the best score.

    Args:
        path: A result file of ours, or anything `read_people` reads.

    Raises:
        InputError: No such file.
        FileFormatError: Damaged, or of no program known here.
    """
    if is_result(path):
        return _of_result(load_result(path).keypoints, path)
    return _best_of(read_people(path))


def is_result(path: Path) -> bool:
    """Whether this is a result file of ours, as far as can be told without reading its arrays."""
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            return "keypoints_2d.npy" in archive.namelist()
    except (OSError, BadZipFile, ValueError, NotImplementedError):
        return False


def _best_of(sightings: Sightings) -> Detections:
    frames = sightings.frames
    joints = next((len(p.scores) for people in frames for p in people), len(sightings.skeleton or range(17)))
    points = np.full((len(frames), joints, 2), np.nan, np.float32)
    boxes = np.full((len(frames), 4), np.nan, np.float32)
    for t, people in enumerate(frames):
        if people:
            best = max(people, key=lambda person: person.score)
            points[t], boxes[t] = best.keypoints, best.box
    return Detections(
        name=sightings.name,
        points=points,
        boxes=boxes,
        size=sightings.size,
        skeleton=sightings.skeleton,
        source=sightings.source,
        fps=float(sightings.fps) if sightings.fps else None,
        held=sightings.held,
    )


def _of_result(keypoints: Keypoints2D, path: Path) -> Detections:
    """The person seen in most frames; where only interpolated, as the result file has it."""
    name = keypoints.source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or path.name.removesuffix(".npz")
    most = int(keypoints.present.sum(1).argmax()) if keypoints.people else None
    nowhere = np.full((keypoints.frames, len(keypoints.skeleton), 2), np.nan, np.float32)
    boxless = np.full((keypoints.frames, 4), np.nan, np.float32)
    return Detections(
        name=name,
        points=nowhere if most is None else keypoints.points[most],
        boxes=boxless if most is None else keypoints.boxes[most],
        size=keypoints.size,
        skeleton=keypoints.skeleton,
        source=path,
        fps=float(keypoints.fps),
    )
