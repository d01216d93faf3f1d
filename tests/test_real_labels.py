"""tests/golden/labels/real_frames.json: keypoints set by hand in frames of real clips."""

from __future__ import annotations

import copy
import json
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from golden_files import FOLDER

from videopose3d.metrics_2d import average_precision
from videopose3d.skeleton import COCO17

FILE = FOLDER / "labels/real_frames.json"
LIMBS = [(f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in pairwise(("shoulder", "elbow", "wrist"))]
LIMBS += [(f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in pairwise(("hip", "knee", "ankle"))]


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def faults(content: dict[str, Any]) -> list[str]:
    """What is wrong with labels, as ``image: what``."""
    found = []
    images = {image["id"]: image for image in content["images"]}
    if len(images) != 60 or [a["image_id"] for a in content["annotations"]] != list(images):
        found.append("all: not one person in each of 60 frames")
    for entry in content["annotations"]:
        image, table = images[entry["image_id"]], np.reshape(entry["keypoints"], (-1, 3)).astype(float)
        name = f"{image['file_name']} {image['frame']}"
        if table.shape != (17, 3):
            found.append(f"{name}: {len(table)} joints")
            continue
        x, y, width, height = entry["bbox"]
        points, seen = table[:, :2], table[:, 2] > 0
        checks = {
            "a visibility that COCO does not have": np.isin(table[:, 2], (0, 1, 2)).all(),
            "another number of keypoints": entry["num_keypoints"] == seen.sum(),
            "a place for a joint without a label": not points[~seen].any(),
            "a joint outside the frame": (
                (points[seen] >= 0) & (points[seen] <= (image["width"] - 1, image["height"] - 1))
            ).all(),
            "a joint outside the box": (
                (points[seen] >= (x - 2, y - 2)) & (points[seen] <= (x + width + 2, y + height + 2))
            ).all(),
            "a box outside the frame": min(x, y) >= -0.5
            and x + width <= image["width"]
            and y + height <= image["height"],
            "no torso to measure by": seen[COCO17.indices(["left_shoulder", "right_hip"])].all(),
            "fewer than nine joints": seen.sum() >= 9,
            "no word about the person": bool(entry["person"]),
            "sides exchanged": not _exchanged(table),
            "a limb too long": not _long(table, float(np.hypot(width, height))),
        }
        found += [f"{name}: {what}" for what, holds in checks.items() if not holds]
    return found


def _exchanged(table: np.ndarray) -> bool:
    """Facing us, the person's left is at our right; the back turned to us, at our left."""

    def order(joint: str) -> float:
        left, right = (table[COCO17.index(f"{s}_{joint}")] for s in ("left", "right"))
        return float(left[0] - right[0]) if left[2] and right[2] else 0.0

    visible = table[:, 2] == 2
    ears = (table[COCO17.indices(["left_ear", "right_ear"]), 2] > 0).all()
    front = ears and visible[COCO17.indices(["left_eye", "right_eye"])].all()
    back = ears and not table[COCO17.indices(["nose", "left_eye", "right_eye"]), 2].any()
    sides = [order(joint) for joint in ("ear", "shoulder", "hip") if order(joint)]
    return bool((front and min(sides) < 0) or (back and max(sides) > 0))


def _long(table: np.ndarray, diagonal: float) -> bool:
    for ends in LIMBS:
        a, b = table[COCO17.indices(ends)]
        if a[2] and b[2] and np.hypot(*(a - b)[:2]) > 0.45 * diagonal:
            return True
    return False


def test_the_labels_are_sound(content: dict[str, Any]) -> None:
    assert faults(content) == []


def test_joints_are_coco_s(content: dict[str, Any]) -> None:
    (category,) = content["categories"]
    assert tuple(category["keypoints"]) == COCO17.joints


def test_all_clips_are_there_and_credited(content: dict[str, Any]) -> None:
    credits = {entry["id"]: entry for entry in content["licenses"]}
    assert all(entry["name"] and entry["credit"] for entry in credits.values())
    for image in content["images"]:
        assert credits[image["license"]]["clip"] == image["file_name"]
    counts = Counter(image["file_name"] for image in content["images"])
    assert len(counts) == 5
    assert min(counts.values()) >= 9
    assert FILE.stat().st_size < 60_000


def test_frames_are_not_near_duplicates(content: dict[str, Any]) -> None:
    places: dict[tuple[str, str], list[int]] = {}
    for image, entry in zip(content["images"], content["annotations"], strict=True):
        who = entry["person"].split()[0]
        places.setdefault((image["file_name"], who), []).append(image["frame"])
    assert all(later - earlier >= 4 for frames in places.values() for earlier, later in pairwise(sorted(frames)))


def test_eight_frames_were_labelled_twice_and_agree(content: dict[str, Any]) -> None:
    labelled = {entry["image_id"]: entry for entry in content["annotations"]}
    assert len(content["again"]) == 8
    apart = []
    for entry in content["again"]:
        first = np.reshape(labelled[entry["image_id"]]["keypoints"], (17, 3))
        again = np.reshape(entry["keypoints"], (17, 2))
        known = again.any(-1)
        assert (first[known, 2] > 0).all()
        side = max(labelled[entry["image_id"]]["bbox"][2:])
        apart.append(np.linalg.norm(first[known, :2] - again[known], axis=-1) / side)
    assert np.median(np.concatenate(apart)) < 0.012
    assert max(np.median(distances) for distances in apart) < 0.02


def test_it_is_truth_for_average_precision(content: dict[str, Any]) -> None:
    found = [{"image_id": a["image_id"], "keypoints": a["keypoints"], "score": 1.0} for a in content["annotations"]]
    assert average_precision(content, found).ap == 1.0


BREAKS = {
    "sides exchanged": lambda entry: _exchange(entry, [f"{s}_shoulder" for s in ("left", "right")]),
    "a joint outside the frame": lambda entry: entry["keypoints"].__setitem__(0, -3.0),
    "a visibility that COCO does not have": lambda entry: entry["keypoints"].__setitem__(2, 3),
    "a place for a joint without a label": lambda entry: entry["keypoints"].__setitem__(2, 0),
    "16 joints": lambda entry: entry.__setitem__("keypoints", entry["keypoints"][3:]),
    "a limb too long": lambda entry: entry["keypoints"].__setitem__(3 * COCO17.index("left_wrist") + 1, 5.0),
}


def _exchange(entry: dict[str, Any], joints: list[str]) -> None:
    table = np.reshape(entry["keypoints"], (17, 3))
    rows = COCO17.indices(joints)
    table[rows] = table[rows[::-1]]
    entry["keypoints"] = table.ravel().tolist()


@pytest.mark.parametrize("what", BREAKS)
def test_broken_labels_are_caught(what: str, content: dict[str, Any]) -> None:
    broken = copy.deepcopy(content)
    front = next(
        entry for entry in broken["annotations"] if entry["person"] == "man sitting" and entry["num_keypoints"] == 17
    )
    BREAKS[what](front)
    assert what in "; ".join(faults(broken))
