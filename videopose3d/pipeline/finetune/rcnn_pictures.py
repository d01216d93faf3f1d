"""Labelled pictures as Detectron2 wants them: one record per picture, and which joints change places in a mirror."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from videopose3d.datasets.coco import LabelledPeople
from videopose3d.skeleton import Skeleton
from videopose3d.types import FloatArray

PICTURES = "videopose3d_pictures"
"""What Detectron2's catalogue calls them."""
_CORNERS = 0  # BoxMode.XYXY_ABS: a box is x0, y0, x1, y1
_INDEX_TO_MIDDLE = 0.5  # [px] COCO's pixel i is the number i, Detectron2's the interval [i, i + 1)


def records(people: LabelledPeople) -> list[dict[str, Any]]:
    """One record per picture with at least one labelled person.

    Who has a box but no labelled joint belongs to the picture, too: otherwise the network would learn that this is
    nobody. Joints are x, y, visibility, half a pixel more than COCO's, and zeros where they are not labelled.
    """
    found: dict[str, dict[str, Any]] = {}
    points = np.dstack([people.joints + np.float32(_INDEX_TO_MIDDLE), people.visibility])
    points[people.visibility == 0] = 0
    for row, file in enumerate(people.files):
        width, height = people.sizes[row].tolist()
        path = str(people.folder / file)
        record = {"file_name": path, "image_id": len(found), "width": width, "height": height, "annotations": []}
        found.setdefault(file, record)["annotations"].append(_annotation(people.boxes[row], points[row]))
    for file, boxes in _only_boxed(people).items():
        if file in found:
            found[file]["annotations"] += [_annotation(box, np.zeros_like(points[0])) for box in boxes]
    return list(found.values())


def _annotation(box: FloatArray, points: FloatArray) -> dict[str, Any]:
    joints = points.ravel().tolist()
    return {"bbox": box.tolist(), "bbox_mode": _CORNERS, "category_id": 0, "iscrowd": 0, "keypoints": joints}


def _only_boxed(people: LabelledPeople) -> dict[str, list[FloatArray]]:
    """Boxes of those without a labelled joint, by picture; the file is one that `read_coco` has read."""
    content = json.loads(people.source.read_bytes())
    category = next(c["id"] for c in content["categories"] if c.get("keypoints"))
    files = {image["id"]: str(image["file_name"]) for image in content["images"]}
    found = defaultdict(list)
    for one in content["annotations"]:
        ours = one["category_id"] == category and not one.get("iscrowd")
        if ours and not any(v > 0 for v in one["keypoints"][2::3]) and one["image_id"] in files:
            box = np.array(one["bbox"], np.float32)
            if np.isfinite(box).all() and (box[2:] > 0).all():
                found[files[one["image_id"]]].append(np.concatenate([box[:2], box[:2] + box[2:]]))
    return found


def mirrored_pairs(skeleton: Skeleton) -> list[tuple[str, str]]:
    """The joints that change places in a mirror, by name, each pair once."""
    names = skeleton.joints
    return [(names[i], names[j]) for i, j in enumerate(skeleton.mirror) if i < j]


@contextmanager
def registered(people: LabelledPeople) -> Iterator[None]:
    """Detectron2's catalogue has the pictures, named `PICTURES`, until the block ends."""
    from detectron2.data import DatasetCatalog, MetadataCatalog

    found, skeleton = records(people), people.skeleton
    DatasetCatalog.register(PICTURES, lambda: found)
    try:
        MetadataCatalog.get(PICTURES).set(
            thing_classes=["person"],
            keypoint_names=list(skeleton.joints),
            keypoint_flip_map=mirrored_pairs(skeleton),
        )
        yield
    finally:
        DatasetCatalog.remove(PICTURES)
        if PICTURES in MetadataCatalog.list():
            MetadataCatalog.remove(PICTURES)
