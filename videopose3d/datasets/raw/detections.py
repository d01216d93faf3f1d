"""2D detections of one video each, from files of several programs.

=================== ================================================================ ============================
kind                content                                                          gaps
=================== ================================================================ ============================
Detectron dump      ``boxes``, ``keypoints`` (T, 2) objects: per frame and class      interpolated
                    (n, 5) x0, y0, x1, y1, score and (n, 4, 17) x, y, logit, prob
... with 6 rows     the same, (n, 6, 17): rows 4, 5 are x, y by soft-argmax           last pose repeated
plain array         ``keypoints`` (T, J, 2 or more) x, y, ...                         interpolated
result file         written by ``videopose3d detect``, ``infer``                      interpolated
=================== ================================================================ ============================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d.errors import FileFormatError, InputError
from videopose3d.result_file import load_result
from videopose3d.safe_pickle import load_npz
from videopose3d.skeleton import Skeleton
from videopose3d.types import Array, BoolArray, FloatArray, Keypoints2D

SOFT_ARGMAX_ROWS = 6
"""Rows of the keypoints that the authors' modified Detectron writes; plain Detectron writes 4."""
DUMP_JOINTS = 17
"""COCO's, or Human3.6M's from a Detectron trained on it: the dump does not say."""


@dataclass(frozen=True)
class Detections:
    """One person over one video.

    Attributes:
        name: File name of the video.
        points: (T, J, 2) [px]; NaN where nobody was detected.
        boxes: (T, 4) x0, y0, x1, y1 [px]; NaN where nobody was detected or boxes are not known.
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
    """The person of a file of detections; of several in a frame the one with the best box.

    Raises:
        InputError: No such file.
        FileFormatError: Damaged, or none of the kinds at the top of this file.
    """
    if not path.is_file():
        raise InputError("no such file", where=path)
    data = load_npz(path)
    if "keypoints_2d" in data:
        return _of_result(load_result(path).keypoints, path)
    if "keypoints" not in data:
        raise FileFormatError(
            f"no keypoints in it, it has {', '.join(data) or 'nothing'}",
            where=path,
            fix="Give a Detectron dump, an array 'keypoints' (T, J, 2), or a result file of videopose3d detect.",
        )
    try:
        return _of_dump(data, path) if "boxes" in data else _of_array(data, path)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        why = " ".join(str(error).split())[:120]
        raise FileFormatError(f"its arrays are not those of a Detectron dump ({why})", where=path) from error


def _of_dump(data: Mapping[str, Any], path: Path) -> Detections:
    """Class 1 of a Detectron dump is the person; class 0, the background, is empty."""
    boxes, people = data["boxes"], data["keypoints"]
    if len(boxes) != len(people) or not len(boxes):
        raise ValueError(f"{len(boxes)} frames of boxes, {len(people)} of keypoints")
    rows = [
        _best(np.asarray(b[1], np.float64), np.asarray(k[1], np.float64)) for b, k in zip(boxes, people, strict=True)
    ]
    count = next((len(k) for _, k in rows if k is not None), 4)
    first = 4 if count == SOFT_ARGMAX_ROWS else 0
    points = [np.full((DUMP_JOINTS, 2), np.nan) if k is None else k[first : first + 2].T for _, k in rows]
    return Detections(
        name=path.name.removesuffix(".npz"),
        points=np.stack(points).astype(np.float32),
        boxes=np.stack([box for box, _ in rows]).astype(np.float32),
        size=_size(data),
        skeleton=None,
        source=path,
        held=count == SOFT_ARGMAX_ROWS,
    )


def _best(boxes: Array, people: Array) -> tuple[Array, Array | None]:
    """Box (4,) and keypoint rows (4 or 6, 17) of the person with the highest score in a frame."""
    if not boxes.size or not people.size:
        return np.full(4, np.nan), None
    if boxes.ndim != 2 or boxes.shape[1] != 5 or people.shape not in {(len(boxes), n, DUMP_JOINTS) for n in (4, 6)}:
        raise ValueError(f"boxes {boxes.shape}, keypoints {people.shape}")
    best = int(boxes[:, 4].argmax())
    if not (np.isfinite(boxes[best]).all() and np.isfinite(people[best]).all()):
        raise ValueError("a box or keypoint is not a number")
    return boxes[best, :4], people[best]


def _of_array(data: Mapping[str, Any], path: Path) -> Detections:
    points = np.asarray(data["keypoints"], np.float32)
    if points.ndim != 3 or not points.size or points.shape[2] < 2:
        raise ValueError(f"keypoints {points.shape}")
    return Detections(
        name=path.name.removesuffix(".npz"),
        points=points[..., :2],
        boxes=np.full((len(points), 4), np.nan, np.float32),
        size=_size(data),
        skeleton=None,
        source=path,
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


def _size(data: Mapping[str, Any]) -> tuple[int, int] | None:
    metadata = data.get("metadata")
    if isinstance(metadata, np.ndarray) and metadata.shape == ():
        metadata = metadata.item()
    if not isinstance(metadata, dict) or not {"w", "h"} <= metadata.keys():
        return None
    size = int(metadata["w"]), int(metadata["h"])
    if min(size) <= 0:
        raise ValueError(f"a video of {size[0]} x {size[1]} px")
    return size
