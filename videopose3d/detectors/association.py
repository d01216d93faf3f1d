"""Several people: which sightings of all frames are one person's.

After ByteTrack (Zhang et al., ECCV 2022): where everybody will be is expected from how they moved; first the
sure sightings find their people, then the doubtful ones, which are often people half hidden and never somebody
new. Here whole files are looked at, so a track begins with its first sure sighting, and doubtful ones before it
are added afterwards. Where there are keypoints, they decide between boxes that overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videopose3d.detectors.likeness import assign, box_area, box_overlap, joint_sigmas, keypoint_likeness
from videopose3d.detectors.motion import Motion
from videopose3d.detectors.tracking import LARGEST_GROWTH, LONGEST_ABSENCE, SHORTEST_TRACK, SMALLEST_SHARE
from videopose3d.detectors.untangle import untangle
from videopose3d.skeleton import COCO17, Skeleton
from videopose3d.types import Array, BoolArray, Person

LOWEST_SCORE = 0.1
"""Sightings less certain than this are not looked at."""
NEAR, NEAR_DOUBTFUL = 0.2, 0.5
"""Overlap with where a person is expected from which on a sure or a doubtful sighting can be this person."""
ALIKE, ALIKE_DOUBTFUL = 0.3, 0.5
"""Keypoint similarity from which on it can be, however the boxes lie."""
DOUBLE_BOX, DOUBLE_KEYPOINTS = 0.85, 0.7
"""Overlap and keypoint similarity from which on two sightings in a frame are taken for one person seen twice."""
REACH = 0.3, 0.5, 1.0
"""How far [sizes] from where they were lost people are found again: at once, more per second, at most."""
DOUBLE_TRACK = 0.6
"""Median likeness in the frames of both from which on two tracks are taken for one person."""
PRICE_OF_ABSENCE = 0.1, 0.2
"""How much less alike those count who were not seen in the frame before, and more for `LONGEST_ABSENCE`."""

Track = NDArray[np.intp]
"""(T,) which of the people of every frame it is; -1 for none."""


def follow_people(
    frames: Sequence[Sequence[Person]], fps: float, skeleton: Skeleton = COCO17, min_score: float = 0.5
) -> list[Track]:
    """One identity per track, when a detector gives several people per frame.

    Args:
        frames: The people of every frame, in any order.
        fps: Frame rate [1/s].
        skeleton: Which joints they have.
        min_score: Score from which on a sighting is sure.

    Returns:
        Tracks, the main person first (size times frames seen), likely mistakes left out.
    """
    follower = _Follower(fps, min_score, joint_sigmas(skeleton))
    for t, people in enumerate(frames):
        follower.see(t, people)
    tracks = [track.owned for track in follower.tracks]
    untangle(tracks, frames, fps, follower.sigmas)
    _fill_back(tracks, frames)
    tracks = _by_weight(tracks, frames, fps)
    return [_as_array(track, len(frames)) for track in follower.once_each_track(tracks, frames)]


@dataclass
class _Track:
    """Somebody who is followed.

    Attributes:
        motion: Where they are expected.
        last: The last sighting.
        seen_at: Its frame.
        owned: Frame -> which of its people.
    """

    motion: Motion
    last: Person
    seen_at: int
    owned: dict[int, int]

    def take(self, t: int, index: int, person: Person) -> None:
        """Continue with a sighting."""
        self.motion.correct(person.box)
        self.last, self.seen_at, self.owned[t] = person, t, index

    def expected(self) -> tuple[Array, Array]:
        """Box (4,) and joints (J, 2) [px] as they should be now: the joints are those last seen, moved along."""
        return self.motion.box, self.last.keypoints + self.motion.way


class _Follower:
    """Finds for the people of frame after frame the tracks they continue."""

    def __init__(self, fps: float, min_score: float, sigmas: Array) -> None:
        self._fps, self._min_score, self.sigmas = fps, min_score, sigmas
        self.tracks: list[_Track] = []

    def see(self, t: int, people: Sequence[Person]) -> None:
        """Take in one frame: sure sightings, doubtful ones, people who were lost, new people."""
        alive = [track for track in self.tracks if (t - track.seen_at) / self._fps <= LONGEST_ABSENCE]
        for track in alive:
            track.motion.advance(1 / self._fps)
        chosen = self._once_each(people)
        sure = [i for i in chosen if people[i].score >= self._min_score]
        doubtful = [i for i in chosen if people[i].score < self._min_score]

        self._join(t, alive, people, sure, self._by_expectation(t, alive, people, sure, NEAR, ALIKE))
        followed = [track for track in alive if track.seen_at == t - 1]
        rule = self._by_expectation(t, followed, people, doubtful, NEAR_DOUBTFUL, ALIKE_DOUBTFUL)
        self._join(t, followed, people, doubtful, rule)
        lost = [track for track in alive if track.seen_at < t]
        sure = [i for i in sure if not self._owned(t, i)]
        self._join(t, lost, people, sure, self._by_last_place(t, lost, people, sure))
        for i in sure:
            if not self._owned(t, i):
                self.tracks.append(_Track(Motion(people[i].box), people[i], t, {t: i}))

    def _owned(self, t: int, index: int) -> bool:
        return any(track.owned.get(t) == index for track in self.tracks)

    def _once_each(self, people: Sequence[Person]) -> list[int]:
        """Who is certain enough to be looked at and nobody's double, the surest first."""
        kept: list[int] = []
        for i in sorted(range(len(people)), key=lambda i: -people[i].score):
            if people[i].score < LOWEST_SCORE:
                break
            others = [people[k] for k in kept]
            boxes, joints = self._alike([(p.box, p.keypoints) for p in others], [people[i]])
            if not ((boxes >= DOUBLE_BOX) & ~(joints < DOUBLE_KEYPOINTS)).any():
                kept.append(i)
        return kept

    def once_each_track(self, tracks: list[dict[int, int]], frames: Sequence[Sequence[Person]]) -> list[dict[int, int]]:
        """Doubles, which are like a heavier one wherever both were seen, joined with it; the heaviest come first."""
        kept: list[dict[int, int]] = []
        for track in tracks:
            same = next((other for other in kept if self._is_double(track, other, frames)), None)
            if same is None:
                kept.append(track)
            else:
                same.update({t: i for t, i in track.items() if t not in same})
        return kept

    def _is_double(self, track: dict[int, int], other: dict[int, int], frames: Sequence[Sequence[Person]]) -> bool:
        both = sorted(track.keys() & other.keys())
        if len(both) < len(track) / 2:
            return False
        alike = []
        for t in both:
            one, two = frames[t][track[t]], frames[t][other[t]]
            boxes, joints = self._alike([(one.box, one.keypoints)], [two])
            alike.append(float(boxes[0, 0] if np.isnan(joints[0, 0]) else joints[0, 0]))
        return float(np.median(alike)) >= DOUBLE_TRACK

    def _alike(self, known: Sequence[tuple[Array, Array]], people: Sequence[Person]) -> tuple[Array, Array]:
        """(N, M) overlap of the boxes, and likeness of the joints (NaN where too few), of known and seen people."""
        if not known or not people:
            return np.zeros((len(known), len(people))), np.zeros((len(known), len(people)))
        one, other = np.stack([box for box, _ in known]), np.stack([p.box for p in people]).astype(np.float64)
        areas = (box_area(one)[:, None] + box_area(other)[None]) / 2
        points = np.stack([points for _, points in known]), np.stack([p.keypoints for p in people])
        return box_overlap(one, other), keypoint_likeness(*points, areas, self.sigmas)

    def _by_expectation(
        self, t: int, tracks: list[_Track], people: Sequence[Person], indices: list[int], near: float, alike: float
    ) -> tuple[Array, BoolArray]:
        """(N, M) costs and whether it is possible, by where and how people are expected."""
        boxes, joints = self._alike([track.expected() for track in tracks], [people[i] for i in indices])
        likeness = np.where(np.isnan(joints), boxes, (boxes + joints) / 2)
        away = np.array([t - 1 - track.seen_at for track in tracks])
        price = PRICE_OF_ABSENCE[0] * (away > 0) + PRICE_OF_ABSENCE[1] * away / self._fps / LONGEST_ABSENCE
        return 1 - likeness + price[:, None], (boxes >= near) | (joints >= alike)

    def _by_last_place(
        self, t: int, tracks: list[_Track], people: Sequence[Person], indices: list[int]
    ) -> tuple[Array, BoolArray]:
        """(N, M) costs and whether it is possible, by where people were seen last: some wait, some turn back."""
        cost = np.zeros((len(tracks), len(indices)))
        possible = np.zeros(cost.shape, bool)
        for k, track in enumerate(tracks):
            away = (t - track.seen_at) / self._fps
            for j, i in enumerate(indices):
                small, large = sorted((_size(track.last.box), _size(people[i].box)))
                cost[k, j] = np.linalg.norm(_middle(people[i].box) - _middle(track.last.box)) / large
                possible[k, j] = cost[k, j] <= min(REACH[0] + REACH[1] * away, REACH[2])
                possible[k, j] &= large <= LARGEST_GROWTH * small
        return cost, possible

    def _join(
        self,
        t: int,
        tracks: list[_Track],
        people: Sequence[Person],
        indices: list[int],
        rule: tuple[Array, BoolArray],
    ) -> None:
        """Continue tracks with the sightings that fit best."""
        cost, possible = rule
        if not possible.any():
            return
        for row, column in assign(np.where(possible, cost, 1e3)):
            if possible[row, column]:
                tracks[row].take(t, indices[column], people[indices[column]])


def _fill_back(tracks: list[dict[int, int]], frames: Sequence[Sequence[Person]]) -> None:
    """Begin each track earlier, while the frame before has a sighting at its place that is nobody's yet."""
    taken = {(t, i) for track in tracks for t, i in track.items()}
    for track in tracks:
        t = min(track)
        while t > 0:
            free = [i for i in range(len(frames[t - 1])) if (t - 1, i) not in taken]
            free = [i for i in free if frames[t - 1][i].score >= LOWEST_SCORE]
            if not free:
                break
            boxes = np.stack([frames[t - 1][i].box for i in free])
            overlap = box_overlap(frames[t][track[t]].box[None], boxes)[0]
            if overlap.max() < NEAR_DOUBTFUL:
                break
            t -= 1
            track[t] = free[int(overlap.argmax())]
            taken.add((t, track[t]))


def _by_weight(tracks: list[dict[int, int]], frames: Sequence[Sequence[Person]], fps: float) -> list[dict[int, int]]:
    """Tracks by size times frames seen, without those too short or too small to be believed."""
    sizes = [float(np.median([_size(frames[t][i].box) for t, i in track.items()])) for track in tracks]
    order = sorted(range(len(tracks)), key=lambda k: -sizes[k] * len(tracks[k]))
    shortest = min(SHORTEST_TRACK * fps, len(frames) / 2)
    return [tracks[k] for k in order if len(tracks[k]) >= shortest and sizes[k] >= SMALLEST_SHARE * sizes[order[0]]]


def _as_array(track: dict[int, int], frames: int) -> Track:
    array = np.full(frames, -1, np.intp)
    array[list(track)] = list(track.values())
    return array


def _size(box: Array) -> float:
    """The larger side [px], at least 1."""
    return max(float((box[2:] - box[:2]).max()), 1.0)


def _middle(box: Array) -> Array:
    middle: Array = (box[:2] + box[2:]) / 2
    return middle
