"""Labels of real frames: reading tests/golden/labels/real_frames.json."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from videopose3d.errors import FileFormatError
from videopose3d.types import Array

LABELS = Path(__file__).resolve().parents[1] / "tests/golden/labels/real_frames.json"
VISIBLE, HIDDEN = 2, 1
_HALF = 0.5  # COCO: pixel i is the number i; here it spans [i, i + 1)


@dataclass(frozen=True)
class Label:
    """One person in one frame.

    Attributes:
        clip, frame: File name, and number of the frame from 0 on.
        person: In words.
        box: (4,) x0, y0, x1, y1 [px].
        area: Of the person [px^2].
        points: (17, 2) COCO joints [px], NaN where not labelled.
        visibility: (17,) 0 not labelled, 1 hidden, 2 visible.
        again: (17, 2) the same joints set a second time, from nothing; NaN where they were not.
    """

    clip: str
    frame: int
    person: str
    box: Array = field(repr=False)
    area: float
    points: Array = field(repr=False)
    visibility: Array = field(repr=False)
    again: Array = field(repr=False)


@dataclass(frozen=True)
class Labels:
    """All of a file, in its order.

    Attributes:
        people: One entry per labelled frame.
        credits: Clip, source and licence.
    """

    people: tuple[Label, ...]
    credits: tuple[tuple[str, str, str], ...]


def read_labels(path: str | os.PathLike[str] = LABELS) -> Labels:
    """The labels of a COCO file whose images are frames of clips.

    Raises:
        FileFormatError: It is no such file.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        images = {image["id"]: image for image in content["images"]}
        again = {entry["image_id"]: _points(entry["keypoints"], 2) for entry in content["again"]}
        people = []
        for entry in content["annotations"]:
            image, table = images[entry["image_id"]], np.reshape(entry["keypoints"], (17, 3)).astype(float)
            x, y, width, height = entry["bbox"]
            people.append(
                Label(
                    clip=image["file_name"],
                    frame=int(image["frame"]),
                    person=entry["person"],
                    box=np.array([x, y, x + width, y + height]) + _HALF,
                    area=float(entry["area"]),
                    points=_points(table, 3),
                    visibility=table[:, 2].astype(int),
                    again=again.get(entry["image_id"], np.full((17, 2), np.nan)),
                )
            )
        credits = [(entry["clip"], entry["credit"], entry["name"]) for entry in content["licenses"]]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"not labels of frames ({error})", where=path, fix="Give the file of the tests."
        ) from error
    return Labels(tuple(people), tuple(credits))


def _points(values: object, columns: int) -> Array:
    """(17, 2) [px] in the coordinates of this package; zeros are joints without a label."""
    table = np.reshape(values, (17, columns)).astype(float)  # type: ignore[arg-type]
    points: Array = np.where(table.any(-1, keepdims=True), table[:, :2] + _HALF, np.nan)
    return points


def scatter(labels: Labels) -> tuple[int, int, float, float]:
    """People and joints labelled twice, and the median distance between both [px] and [share of the box's side]."""
    twice = [label for label in labels.people if np.isfinite(label.again).any()]
    apart = np.concatenate([np.linalg.norm(label.points - label.again, axis=-1) for label in twice])
    sides = np.repeat([(label.box[2:] - label.box[:2]).max() for label in twice], 17)
    known = np.isfinite(apart)
    return len(twice), int(known.sum()), float(np.median(apart[known])), float(np.median((apart / sides)[known]))
