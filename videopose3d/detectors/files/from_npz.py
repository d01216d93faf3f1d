"""``.npz`` files with people: dumps of Detectron, the original program's ``data_2d_custom_*``, and plain arrays.

=================== ================================================================ ============================
kind                content                                                          gaps
=================== ================================================================ ============================
Detectron dump      ``boxes``, ``keypoints`` (T, 2) objects: per frame and class      interpolated
                    (n, 5) x0, y0, x1, y1, score and (n, 4, 17) x, y, logit, prob
... with 6 rows     the same, (n, 6, 17): rows 4, 5 are x, y by soft-argmax           last pose repeated
plain array         ``keypoints`` (T, J, 2 or more) x, y, ...                         interpolated
data_2d_*           ``positions_2d`` {video: {action: [(T, J, 2) per camera]}}        none
=================== ================================================================ ============================
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d.detectors.files.sightings import Sightings, check_pixels, make_person, strictly
from videopose3d.errors import FileFormatError, InputError
from videopose3d.safe_pickle import load_npz
from videopose3d.skeleton import COCO17, H36M17, Skeleton
from videopose3d.types import Array, Person

DUMP_JOINTS = 17
"""COCO's, or Human3.6M's from a Detectron trained on it: the dump does not say."""
SOFT_ARGMAX_ROWS = 6
"""Rows of the keypoints that the authors' modified Detectron writes; plain Detectron writes 4."""
LAYOUTS = {"coco": COCO17, "h36m": H36M17}
"""Joint sets by the names that the original program gives them."""


def read_npz(path: Path, clip: str | None = None) -> Sightings:
    """Everybody in an ``.npz``; nothing in it is run.

    Args:
        path: The file.
        clip: Which video, for files that hold several.

    Raises:
        InputError: No such file, or several videos and none was chosen.
        FileFormatError: Damaged, or none of the kinds at the top of this file.
    """
    data = load_npz(path)
    if "positions_2d" in data:
        found: Sightings = strictly(lambda: _of_custom(data, path, clip), path, "a data_2d file")
        check_pixels(found.frames, path)
        return found
    if "keypoints" not in data:
        raise FileFormatError(
            f"no keypoints in it, it has {', '.join(data) or 'nothing'}",
            where=path,
            fix="Give a Detectron dump, an array 'keypoints' (T, J, 2), or a result file of videopose3d detect.",
        )
    read = _of_dump if "boxes" in data else _of_array
    dumped: Sightings = strictly(lambda: read(data, path), path, "a Detectron dump")
    return dumped


def _of_dump(data: Mapping[str, Any], path: Path) -> Sightings:
    """Class 1 of a Detectron dump is the person; class 0, the background, is empty."""
    boxes, people = data["boxes"], data["keypoints"]
    if len(boxes) != len(people) or not len(boxes):
        raise ValueError(f"{len(boxes)} frames of boxes, {len(people)} of keypoints")
    pairs = [(np.asarray(b[1], np.float64), np.asarray(k[1], np.float64)) for b, k in zip(boxes, people, strict=True)]
    rows = next((k.shape[1] for _, k in pairs if k.ndim == 3), 4)
    return Sightings(
        kind="Detectron",
        frames=[_dumped(b, k, rows) for b, k in pairs],
        skeleton=None,
        source=path,
        name=path.name.removesuffix(".npz"),
        size=_size(_plain(data.get("metadata"))),
        held=rows == SOFT_ARGMAX_ROWS,
    )


def _dumped(boxes: Array, people: Array, rows: int) -> list[Person]:
    """The people of one frame: boxes (n, 5), keypoints (n, 4 or 6, 17)."""
    if not boxes.size or not people.size:
        return []
    if boxes.ndim != 2 or boxes.shape[1] != 5 or people.shape != (len(boxes), rows, DUMP_JOINTS) or rows not in (4, 6):
        raise ValueError(f"boxes {boxes.shape}, keypoints {people.shape}")
    if not (np.isfinite(boxes).all() and np.isfinite(people).all()):
        raise ValueError("a box or keypoint is not a number")
    first = 4 if rows == SOFT_ARGMAX_ROWS else 0
    found = (make_person(k[first : first + 2].T, k[3], b[:4], b[4]) for b, k in zip(boxes, people, strict=True))
    return [person for person in found if person is not None]


def _of_array(data: Mapping[str, Any], path: Path) -> Sightings:
    """One person: x, y and, where the third column can be one, the score."""
    array = np.asarray(data["keypoints"], np.float64)
    if array.ndim != 3 or not array.size or array.shape[2] < 2:
        raise ValueError(f"keypoints {array.shape}")
    scores = array[..., 2] if array.shape[2] == 3 and not ((array[..., 2] < 0) | (array[..., 2] > 1)).any() else None
    people = [make_person(p, None if scores is None else scores[t]) for t, p in enumerate(array[..., :2])]
    return Sightings(
        kind="array",
        frames=[[] if person is None else [person] for person in people],
        skeleton=None,
        source=path,
        name=path.name.removesuffix(".npz"),
        size=_size(_plain(data.get("metadata"))),
    )


# --- data_2d_*


def _of_custom(data: Mapping[str, Any], path: Path, clip: str | None) -> Sightings:
    """One take of a file of the original layout."""
    takes = {
        _take_name(video, action, camera, len(views)): (video, points)
        for video, actions in data["positions_2d"].items()
        for action, views in actions.items()
        for camera, points in enumerate(views)
    }
    name = _chosen(takes, clip, path)
    video, points = takes[name]
    metadata = data.get("metadata") or {}
    about = metadata.get("video_metadata", {}).get(video, {})
    points = np.asarray(points, np.float64)
    if points.ndim != 3 or points.shape[2] < 2:
        raise ValueError(f"keypoints {points.shape}")
    people = [make_person(frame) for frame in points[..., :2]]
    fps = float(about.get("fps", 0))
    return Sightings(
        kind="data_2d",
        frames=[[] if person is None else [person] for person in people],
        skeleton=_layout(metadata),
        source=path,
        name=video,
        size=_size(about),
        fps=Fraction(fps).limit_denominator(1001) if 0 < fps < np.inf else None,
    )


def _take_name(video: str, action: str, camera: int, cameras: int) -> str:
    """How a take is asked for: by its video where that says it all."""
    parts = [video, *([] if action == "custom" else [action]), *([str(camera)] if cameras > 1 else [])]
    return "/".join(parts)


def _chosen(takes: Mapping[str, Any], clip: str | None, path: Path) -> str:
    if not takes:
        raise ValueError("no videos in it")
    if clip is None and len(takes) == 1:
        return next(iter(takes))
    if clip in takes:
        return str(clip)
    names = ", ".join(list(takes)[:6]) + (", ..." if len(takes) > 6 else "")
    what = f"no video {clip!r} in it" if clip else f"it holds {len(takes)} videos"
    raise InputError(what, where=path, fix=f"Choose one with --clip: {names}.")


def _layout(metadata: Mapping[str, Any]) -> Skeleton | None:
    return LAYOUTS.get(str(metadata.get("layout_name", "")).lower())


def _plain(metadata: Any) -> Any:
    """The dictionary in an array of no dimensions."""
    return metadata.item() if isinstance(metadata, np.ndarray) and metadata.shape == () else metadata


def _size(about: Any) -> tuple[int, int] | None:
    if not isinstance(about, dict) or not {"w", "h"} <= about.keys():
        return None
    size = int(about["w"]), int(about["h"])
    if min(size) <= 0:
        raise ValueError(f"a video of {size[0]} x {size[1]} px")
    return size
