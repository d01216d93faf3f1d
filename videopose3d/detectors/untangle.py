"""People who crossed: whether two tracks went on as the wrong person where nobody could tell one from the other.

While two people cover each other, frame by frame their places say little. Afterwards they do: who they were
before and after is told by how they moved and how large they were on both sides of the encounter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from videopose3d.detectors.likeness import box_area, box_overlap, keypoint_likeness
from videopose3d.types import Array, Person

TOGETHER = 0.3
"""Overlap of two people's boxes from which on they are in each other's way."""
CONFUSABLE = 0.6
"""Overlap, or keypoint similarity where there are keypoints, at which one may be taken for the other."""
WINDOW = 1.0
"""How long before and after an encounter people are looked at [s]."""
FEWEST_SIGHTINGS = 3
"""Sightings that are needed on each side."""
SIZE_WEIGHT = 2.0
"""Of a change of size, as the logarithm of the ratio, against one of speed [sizes per `WINDOW`]."""
MARGIN = 0.15
"""How much better the exchanged tracks have to fit."""

Owned = dict[int, int]
"""Frame -> which of its people, of one track."""


def untangle(tracks: Sequence[Owned], frames: Sequence[Sequence[Person]], fps: float, sigmas: Array) -> None:
    """Exchange what two tracks have after an encounter, wherever that fits better how both moved; in place.

    Args:
        tracks: As found frame by frame.
        frames: The people of every frame.
        fps: Frame rate [1/s].
        sigmas: (J,) as `likeness.joint_sigmas` gives.
    """
    window = max(FEWEST_SIGHTINGS, round(WINDOW * fps))
    for k, one in enumerate(tracks):
        for other in tracks[k + 1 :]:
            start = max(min(one), min(other))
            while encounter := _next_encounter(one, other, frames, start, window):
                sure = not _confusable(one, other, frames, encounter, sigmas)
                if not sure and _exchanged(one, other, frames, encounter, fps):
                    _exchange(one, other, frames, encounter)
                start = encounter[1] + 1


def _next_encounter(
    one: Owned, other: Owned, frames: Sequence[Sequence[Person]], start: int, window: int
) -> tuple[int, int] | None:
    """First and last frame, from ``start`` on, in which two people are in each other's way."""
    stop = min(max(one), max(other))
    if start > stop:
        return None
    span = np.arange(start, stop + 1)
    boxes = _boxes_at(one, frames, span), _boxes_at(other, frames, span)
    near = np.flatnonzero(_paired_overlap(*boxes) >= TOGETHER)
    if not len(near):
        return None
    apart = np.flatnonzero(np.diff(near) > window)
    return int(span[near[0]]), int(span[near[apart[0] if len(apart) else -1]])


def _boxes_at(track: Owned, frames: Sequence[Sequence[Person]], at: NDArray[np.intp]) -> Array:
    """(N, 4) boxes of a track, on straight lines where it was not seen."""
    seen = sorted(track)
    boxes = np.stack([frames[t][track[t]].box for t in seen])
    return np.stack([np.interp(at, seen, column) for column in boxes.T], 1)


def _paired_overlap(one: Array, other: Array) -> Array:
    """(N,) overlap of boxes (N, 4) with their partners."""
    return np.array([box_overlap(a[None], b[None])[0, 0] for a, b in zip(one, other, strict=True)])


def _confusable(
    one: Owned, other: Owned, frames: Sequence[Sequence[Person]], encounter: tuple[int, int], sigmas: Array
) -> bool:
    """Whether in some frame of an encounter only one was seen, or both looked the same."""
    for t in range(encounter[0], encounter[1] + 1):
        if (t in one) != (t in other):
            return True
        if t in one:
            a, b = frames[t][one[t]], frames[t][other[t]]
            areas = (box_area(a.box[None]) + box_area(b.box[None]))[:, None] / 2
            joints = keypoint_likeness(a.keypoints[None], b.keypoints[None], areas, sigmas)[0, 0]
            if (box_overlap(a.box[None], b.box[None])[0, 0] if np.isnan(joints) else joints) >= CONFUSABLE:
                return True
    return False


def _exchanged(
    one: Owned, other: Owned, frames: Sequence[Sequence[Person]], encounter: tuple[int, int], fps: float
) -> bool:
    """Whether both tracks fit better when they are exchanged after an encounter."""
    reach = round(WINDOW * fps)
    before = range(encounter[0] - reach, encounter[0])
    after = range(encounter[1] + 1, encounter[1] + 1 + reach)
    middle = (encounter[0] + encounter[1]) / 2
    courses = [_course(track, frames, side, middle, fps) for side in (before, after) for track in (one, other)]
    if any(course is None for course in courses):
        return False
    a, b, a_after, b_after = (course for course in courses if course is not None)
    return _change(a, b_after) + _change(b, a_after) + MARGIN < _change(a, a_after) + _change(b, b_after)


def _course(
    track: Owned, frames: Sequence[Sequence[Person]], side: range, middle: float, fps: float
) -> tuple[Array, Array, float] | None:
    """Where the centre comes to be in the middle of the encounter [px], its speed [px/s] and size [px]."""
    times = [t for t in side if t in track]
    if len(times) < FEWEST_SIGHTINGS:
        return None
    boxes = np.stack([frames[t][track[t]].box for t in times]).astype(np.float64)
    seconds = (np.array(times) - middle) / fps
    slope, place = np.polyfit(seconds, (boxes[:, :2] + boxes[:, 2:]) / 2, 1)
    return place, slope, max(float(np.median(boxes[:, 3] - boxes[:, 1])), 1.0)


def _change(before: tuple[Array, Array, float], after: tuple[Array, Array, float]) -> float:
    """How much somebody must have changed course, speed and size to be both [sizes]."""
    size = (before[2] + after[2]) / 2
    place = float(np.linalg.norm(before[0] - after[0])) / size
    speed = float(np.linalg.norm(before[1] - after[1])) / size * WINDOW
    return min(place, 1.0) + speed + SIZE_WEIGHT * abs(float(np.log(before[2] / after[2])))


def _exchange(one: Owned, other: Owned, frames: Sequence[Sequence[Person]], encounter: tuple[int, int]) -> None:
    """Exchange what two tracks have from where the step from one to the other is smallest."""
    span = np.arange(encounter[0], encounter[1] + 2)
    boxes, others = _boxes_at(one, frames, span), _boxes_at(other, frames, span)
    across = _paired_overlap(boxes[:-1], others[1:]) + _paired_overlap(others[:-1], boxes[1:])
    last = int(span[across.argmax()])
    tails = [{t: track[t] for t in track if t > last} for track in (one, other)]
    for track, own, foreign in zip((one, other), tails, tails[::-1], strict=True):
        for t in own:
            del track[t]
        track.update(foreign)
