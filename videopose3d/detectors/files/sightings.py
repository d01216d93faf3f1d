"""What a file of another tool says: the people of every frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d.errors import FileFormatError, SkeletonMismatchError
from videopose3d.skeleton import COCO17, H36M17, Skeleton
from videopose3d.types import Array, Person

MOST_FRAMES = 2_000_000
"""Numbers farther apart than this are no frame numbers of one clip."""


@dataclass(frozen=True)
class Sightings:
    """The people of every frame of one clip.

    Attributes:
        kind: The program or format.
        frames: Whoever was seen in every frame, nobody being an empty list.
        skeleton: Which joints the people have; None where the file does not say.
        source: The file or folder.
        name: File name of the video, as far as the file says.
        size: (width, height) of the video [px]; None where the file does not say.
        fps: Frame rate [1/s]; None where the file does not say.
        held: Gaps are to be filled with the last pose, as the original program does for this kind of file.
        offset: What the file calls the first frame; other than 0, frames before it may be missing.
    """

    kind: str
    frames: list[list[Person]] = field(repr=False)
    skeleton: Skeleton | None
    source: Path
    name: str = ""
    size: tuple[int, int] | None = None
    fps: Fraction | None = None
    held: bool = False
    offset: int = 0


def make_person(
    points: Array, scores: Array | None = None, box: Array | None = None, score: float | None = None
) -> Person | None:
    """One person of a file; None when not a single joint was found.

    Args:
        points: (J, 2) [px]. A joint at (0, 0) with score 0, or that is not a number, was not found.
        scores: (J,) confidence; None for 1.
        box: (4,) x0, y0, x1, y1 [px]; None for the box around the joints found.
        score: Confidence of the person; None for the mean of the joints found.
    """
    scores = np.ones(len(points)) if scores is None else np.nan_to_num(scores, nan=0.0)
    found = np.isfinite(points).all(1) & ((points != 0).any(1) | (scores > 0))
    if not found.any():
        return None
    points = np.where(found[:, None], points, np.nan)
    scores = np.where(found, np.clip(scores, 0, 1), 0)
    if box is None or not np.isfinite(box).all():
        box = np.concatenate([np.nanmin(points, 0), np.nanmax(points, 0)])
    if score is None or not np.isfinite(score):
        score = float(scores[found].mean())
    return Person(points.astype(np.float32), scores.astype(np.float32), np.asarray(box, np.float32), float(score))


def by_number(numbered: Sequence[tuple[int, Person | None]], first: int | None, source: Path) -> list[list[Person]]:
    """People in order of their frames' numbers; ``first`` is the number of the first frame, None for the lowest.

    Raises:
        FileFormatError: The numbers are too far apart to be frames of one clip.
    """
    if not numbered:
        return []
    numbers = [number for number, _ in numbered]
    first = min(numbers) if first is None else first
    if max(numbers) - first >= MOST_FRAMES:
        what = f"pictures numbered {min(numbers)} to {max(numbers)} are no frames of one clip"
        raise FileFormatError(what, where=source, fix="Give the keypoints of one video, its frames numbered in order.")
    frames: list[list[Person]] = [[] for _ in range(max(numbers) - first + 1)]
    for number, person in numbered:
        if person is not None:
            frames[number - first].append(person)
    return frames


def to_unit_scores(frames: list[list[Person]]) -> list[list[Person]]:
    """People with scores of 0..1: where a program's go above 1, all are divided by the largest of the file."""
    most = max((person.score for people in frames for person in people), default=1.0)
    if most <= 1:
        return frames
    return [[replace(person, score=person.score / most) for person in people] for people in frames]


def check_pixels(frames: list[list[Person]], source: Path) -> None:
    """Raise FileFormatError where coordinates are shares of the picture instead of pixels."""
    largest = max((float(np.nanmax(np.abs(p.keypoints))) for people in frames for p in people), default=np.inf)
    if largest <= 1.5:  # noqa: PLR2004 - shares, a little beyond the picture's edge
        what = "its coordinates are shares of the picture, not pixels"
        raise FileFormatError(what, where=source, fix="Write them in pixels (OpenPose: --keypoint_scale 0).")


def in_coco(sightings: Sightings, layout: Skeleton = COCO17) -> Sightings:
    """The same people in COCO-17, taken by joint name; Human3.6M's joints, which do not hold COCO's, as they are.

    Args:
        sightings: What a file says.
        layout: The joints of files that do not say which they have.

    Raises:
        SkeletonMismatchError: Joints of COCO-17 are missing, or the layout has another number of joints.
    """
    skeleton = sightings.skeleton or layout
    count = next((len(person.scores) for people in sightings.frames for person in people), len(skeleton))
    if count != len(skeleton):
        what = f"its people have {count} joints, {skeleton.name} has {len(skeleton)}"
        raise SkeletonMismatchError(what, where=sightings.source, fix="Name its joints with --layout.")
    if skeleton in (COCO17, H36M17):
        return replace(sightings, skeleton=skeleton)
    if missing := [joint for joint in COCO17.joints if joint not in skeleton.joints]:
        what = f"{skeleton.name} joints have no {', '.join(missing[:3])}"
        raise SkeletonMismatchError(what, where=sightings.source, fix="Run the 2D tool with a model of COCO's joints.")
    chosen = skeleton.indices(COCO17.joints)

    def picked(person: Person) -> Person | None:
        keypoints = person.keypoints[chosen]
        seen = np.isfinite(keypoints).any()
        return Person(keypoints, person.scores[chosen], person.box, person.score) if seen else None

    frames = [[p for person in people if (p := picked(person))] for people in sightings.frames]
    return replace(sightings, frames=frames, skeleton=COCO17)


def strictly(read: Callable[[], Any], path: Path, kind: str) -> Any:
    """What ``read`` returns; whatever a file of the wrong shape makes it raise is one FileFormatError."""
    try:
        return read()
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        why = " ".join(str(error).split())[:120]
        raise FileFormatError(f"its content is not that of {kind} ({why})", where=path) from error
