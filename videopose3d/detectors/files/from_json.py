"""JSON files of OpenPose, AlphaPose, COCO's results format and MMPose.

==================== ==========================================================================================
program              content
==================== ==========================================================================================
OpenPose             a file per frame: {"people": [{"pose_keypoints_2d": [x, y, c, ...]}]}
AlphaPose, COCO      [{"image_id", "keypoints": [x, y, c, ...], "score", "box" or "bbox": [x, y, w, h]}]
MMPose 1.x           {"instance_info": F} or F, where F is [{"frame_id", "instances": [I, ...]}], or [I, ...] of
                     one picture; I is {"keypoints": [[x, y], ...], "keypoint_scores", "bbox": [[x0, y0, x1, y1]],
                     "bbox_score"}
MMPose 0.x           its lists as they are: per frame [{"keypoints": [[x, y, c], ...], "bbox": [x0, ..., score]}]
==================== ==========================================================================================
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d.detectors.files.joints import BY_COUNT, OPENPOSE_BY_COUNT
from videopose3d.detectors.files.sightings import (
    Sightings,
    by_number,
    check_pixels,
    make_person,
    strictly,
    to_unit_scores,
)
from videopose3d.errors import FileFormatError, InputError
from videopose3d.skeleton import Skeleton
from videopose3d.types import Array, Person

_KNOWN = "Known are files of OpenPose, AlphaPose, MMPose, Detectron, COCO results and data_2d_custom_*.npz."


def read_json(path: Path) -> Sightings:
    """Everybody in a ``.json`` file.

    Raises:
        FileFormatError: It is damaged, or of no program known here.
    """
    content = _load(path)
    found: Sightings = strictly(lambda: _recognised(content, path), path, "a file of 2D keypoints")
    check_pixels(found.frames, path)
    return found


def read_openpose_folder(folder: Path) -> Sightings:
    """Everybody in a folder with one ``.json`` per frame, numbered by the last number in its name.

    Raises:
        InputError: There are no such files, or those of several clips.
        FileFormatError: One is damaged, or not OpenPose's.
    """
    numbered: dict[int, Path] = {}
    clips = set()
    for path in sorted(folder.glob("*.json")):
        match = re.fullmatch(r"(.*?)(\d+)(_keypoints)?", path.stem)
        if match and not path.name.startswith("."):
            clips.add(match[1])
            numbered[int(match[2])] = path
    if not numbered:
        fix = "Give the folder that OpenPose wrote with --write_json."
        raise InputError("no numbered .json files in this folder", where=folder, fix=fix)
    if len(clips) > 1:
        names = ", ".join(sorted(clips)[:3])
        raise InputError(f"files of several clips ({names})", where=folder, fix="Put each clip in its own folder.")
    people: list[tuple[int, Person | None]] = []
    skeletons: set[Skeleton] = set()
    for number, path in numbered.items():
        content = _load(path)
        if not isinstance(content, dict) or "people" not in content:
            raise FileFormatError("not a frame of OpenPose (no 'people' in it)", where=path, fix=_KNOWN)
        found: list[tuple[Person, Skeleton]] = strictly(partial(_openpose, content), path, "OpenPose")
        people += [(number, None), *((number, person) for person, _ in found)]
        skeletons |= {skeleton for _, skeleton in found}
    sightings = Sightings(
        kind="OpenPose",
        frames=by_number(people, None, folder),
        skeleton=_only(skeletons, folder),
        source=folder,
        name=clips.pop().rstrip("_- ."),
        offset=min(numbered),
    )
    check_pixels(sightings.frames, folder)
    return sightings


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        fix = "It may be damaged: get or make it again."
        raise FileFormatError("not a readable JSON file", where=path, fix=fix) from error


def _recognised(content: Any, path: Path) -> Sightings:
    """The people of a file, read in the way that its content asks for."""
    if isinstance(content, dict) and "people" in content:
        found = _openpose(content)
        return Sightings("OpenPose", [[p for p, _ in found]], _only({s for _, s in found}, path), path)
    if isinstance(content, dict) and isinstance(content.get("instance_info"), list):
        return _mmpose(content["instance_info"], path)
    if isinstance(content, list):
        first = next(iter(content), None)
        if isinstance(first, dict) and {"image_id", "keypoints"} <= first.keys():
            return _coco_results(content, path)
        if not isinstance(first, dict) or {"instances", "keypoints"} & first.keys():
            return _mmpose(content, path)
    if isinstance(content, dict) and "annotations" in content:
        raise FileFormatError("COCO annotations, not results", where=path, fix=_KNOWN)
    raise FileFormatError("no 2D keypoints of a program known here", where=path, fix=_KNOWN)


# --- OpenPose


def _openpose(content: dict[str, Any]) -> list[tuple[Person, Skeleton]]:
    found = []
    for entry in content["people"]:
        points, scores = _triples(entry["pose_keypoints_2d"])
        if len(points) not in OPENPOSE_BY_COUNT:
            raise ValueError(f"{len(points)} joints per person; known are {_counts(OPENPOSE_BY_COUNT)}")
        person = make_person(points, scores)
        if person is not None:
            found.append((person, OPENPOSE_BY_COUNT[len(points)]))
    return found


# --- AlphaPose and COCO results


def _coco_results(records: list[Any], path: Path) -> Sightings:
    """A record per person and picture, in any order; pictures with nobody have none."""
    people = []
    for record in records:
        points, scores = _triples(record["keypoints"])
        x, y, w, h = _box(record.get("bbox", record.get("box")))
        person = make_person(points, scores, np.array([x, y, x + w, y + h]), _number(record.get("score")))
        people.append((_frame_number(record["image_id"]), person))
    names = [record["image_id"] for record in records]
    from_zero = all(isinstance(name, str) and re.fullmatch(r"(0|[1-9]\d*)\.\w+", name) for name in names)
    frames = by_number(people, 0 if from_zero else None, path)  # AlphaPose calls the frames of a video 0.jpg, 1.jpg
    kind = "AlphaPose" if all(isinstance(name, str) for name in names) else "COCO results"
    offset = 0 if from_zero else min(number for number, _ in people)
    skeleton, frames = _body(frames)
    return Sightings(kind, to_unit_scores(frames), skeleton, path, offset=offset)


def _frame_number(image: Any) -> int:
    if isinstance(image, int) and not isinstance(image, bool):
        return image
    numbers = re.findall(r"\d+", re.sub(r"\.\w+$", "", str(image)))
    if not numbers:
        raise ValueError(f"no frame number in the picture's name {str(image)[:40]!r}")
    return int(numbers[-1])


# --- MMPose


def _mmpose(content: list[Any], path: Path) -> Sightings:
    """Frames of people, or the people of a single picture."""
    one_picture = bool(content) and all(isinstance(entry, dict) and "keypoints" in entry for entry in content)
    numbered: list[tuple[int, Person | None]] = []
    for index, entry in enumerate([content] if one_picture else content):
        number = int(entry["frame_id"]) if isinstance(entry, dict) and "frame_id" in entry else index
        instances = entry["instances"] if isinstance(entry, dict) else entry
        numbered.append((number, None))
        numbered += [(number, _instance(instance)) for instance in instances]
    skeleton, frames = _body(by_number(numbered, None, path))
    return Sightings("MMPose", to_unit_scores(frames), skeleton, path)


def _instance(entry: dict[str, Any]) -> Person | None:
    points = np.asarray(entry["keypoints"], np.float64)
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ValueError(f"keypoints of shape {points.shape}")
    scores = np.asarray(entry["keypoint_scores"], np.float64) if "keypoint_scores" in entry else None
    if scores is None and points.shape[1] == 3:
        scores = points[:, 2]
    if scores is not None and scores.shape != (len(points),):
        raise ValueError(f"{len(points)} joints, scores of shape {scores.shape}")
    box = np.ravel(np.asarray(entry.get("bbox", [np.nan] * 4), np.float64))
    score = _number(entry.get("bbox_score", box[4] if len(box) > 4 else None))
    return make_person(points[:, :2], scores, _box(box[:4]), score)


# --- parts of records


def _triples(values: Any) -> tuple[Array, Array]:
    """(J, 2) points and (J,) scores of x, y, c, x, y, c, ..."""
    triples = np.asarray(values, np.float64).reshape(-1, 3)
    return triples[:, :2], triples[:, 2]


def _box(values: Any) -> Array:
    """Four numbers; NaN where there is no box."""
    box = np.full(4, np.nan) if values is None else np.asarray(values, np.float64)
    if box.shape != (4,):
        raise ValueError(f"a box of {box.size} numbers")
    return box


def _number(value: Any) -> float | None:
    return None if value is None else float(np.ravel(value)[0])


def _body(frames: list[list[Person]]) -> tuple[Skeleton, list[list[Person]]]:
    """The joint set told by the number of joints, and the people without the joints beyond it (hands, face)."""
    counts = {len(person.scores) for people in frames for person in people} or {17}
    if len(counts) > 1 or not counts <= BY_COUNT.keys():
        shown = ", ".join(map(str, sorted(counts)))
        raise ValueError(f"{shown} joints per person; known are {_counts(BY_COUNT)}, the same for everybody")
    skeleton = BY_COUNT[counts.pop()]
    n = len(skeleton)
    cut = [[Person(p.keypoints[:n], p.scores[:n], p.box, p.score) for p in people] for people in frames]
    return skeleton, cut


def _counts(known: dict[int, Skeleton]) -> str:
    return ", ".join(map(str, sorted(known)))


def _only(skeletons: set[Skeleton], source: Path) -> Skeleton:
    """The joint set of everybody; BODY_25 where nobody says."""
    if len(skeletons) > 1:
        raise FileFormatError("frames with different joint sets", where=source, fix="Use one model for a clip.")
    return skeletons.pop() if skeletons else OPENPOSE_BY_COUNT[25]
