"""Several people with a network that follows one person at a time.

Everybody is followed by a network of their own. New people are looked for, now and then, in the picture without those
who are known. The first network sees every frame as it is, so with one person the result is what it gives alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from videopose3d.detectors.likeness import box_area, box_overlap, joint_sigmas, keypoint_likeness
from videopose3d.detectors.tracking import person_size
from videopose3d.skeleton import COCO17
from videopose3d.types import Frame, Person

SEARCH_EVERY = 0.5
"""Time between two searches for more people, and after somebody was lost [s]; after one that found somebody the next
follows at once."""
MARGIN = 0.12
"""How much more than the box of a known person is covered for a search, in shares of its larger side."""
COVER = 114
"""Grey of what is covered."""
TWICE_BOX, TWICE_JOINTS = 0.7, 0.5
"""Box overlap, or keypoint similarity, from which on two networks follow the same person."""
JUMP = 0.5
"""Step of the middle from frame to frame, in shares of the person's size, that a person cannot do."""

_SIGMAS = joint_sigmas(COCO17)


class Network(Protocol):
    """What follows one person."""

    def see(self, frame: Frame) -> Person | None:
        """The person in the next frame: the one followed, or whom it finds if it follows nobody."""

    def forget(self) -> None:
        """Follow nobody any more."""


@dataclass
class _Follower:
    """A network, and whom it saw last."""

    network: Network
    person: Person | None = None


class Crowd:
    """Up to so many people, frame by frame in order.

    Args:
        make: Makes a network; called when another one is needed.
        most: People.
    """

    def __init__(self, make: Callable[[], Network], most: int) -> None:
        self._make, self._most = make, most
        self._first = _Follower(make())
        self._others: list[_Follower] = []
        self._idle: list[_Follower] = []
        self._next_search = -np.inf

    def see(self, frame: Frame, time: float) -> list[Person]:
        """The people in the next frame, in the order in which they were found.

        Args:
            frame: (H, W, 3) RGB.
            time: Of the frame [s].
        """
        self._first.person = self._first.network.see(frame)
        seen = [self._first.person] if self._first.person else []
        for other in list(self._others):
            before, other.person = other.person, other.network.see(frame)
            if other.person is None or _jumped(before, other.person) or _known(other.person, seen):
                self._drop(other)
                self._next_search = time + SEARCH_EVERY
            else:
                seen.append(other.person)
        if seen and len(seen) < self._most and time >= self._next_search:
            found = self._search(frame, seen)
            self._next_search = time if found else time + SEARCH_EVERY
            seen += found
        return seen

    def _search(self, frame: Frame, seen: list[Person]) -> list[Person]:
        """Somebody who is not known yet, or nobody."""
        follower = self._idle.pop() if self._idle else _Follower(self._make())
        follower.person = follower.network.see(without(frame, seen))
        if follower.person is None or _known(follower.person, seen):
            self._drop(follower)
            return []
        self._others.append(follower)
        return [follower.person]

    def _drop(self, follower: _Follower) -> None:
        """Let a network forget whom it followed, and keep it for the next person."""
        if follower.person is not None:
            follower.network.forget()
            follower.person = None
        if follower in self._others:
            self._others.remove(follower)
        self._idle.append(follower)


def without(frame: Frame, people: list[Person]) -> Frame:
    """A copy of a frame (H, W, 3) in which these people are covered."""
    copy = frame.copy()
    for person in people:
        low, high = person.box[:2], person.box[2:]
        margin = MARGIN * float((high - low).max())
        x0, y0 = np.maximum(low - margin, 0).astype(int)
        x1, y1 = np.maximum(high + margin, 0).astype(int)
        copy[y0:y1, x0:x1] = COVER
    return copy


def _jumped(before: Person | None, after: Person) -> bool:
    if before is None:
        return False
    step = np.linalg.norm(after.keypoints.mean(0) - before.keypoints.mean(0))
    return bool(step > JUMP * person_size(before.keypoints[None])[0])


def _known(person: Person, others: list[Person]) -> bool:
    """Whether it is one of the others."""
    if not others:
        return False
    boxes = np.stack([other.box for other in others])
    joints = np.stack([other.keypoints for other in others])
    area = np.minimum(box_area(boxes), box_area(person.box[None]))[None]
    alike = keypoint_likeness(person.keypoints[None], joints, area, _SIGMAS)
    return bool((box_overlap(person.box[None], boxes) >= TWICE_BOX).any() or (alike >= TWICE_JOINTS).any())
