"""Running a detector over a video: in order, or in parts side by side that are joined where they agree.

A detector that follows one person has to see the frames in order, which leaves all processor cores but one
idle. So the parts of a clip are watched at the same time, each beginning a little before its own first frame.
Where a part ends it goes on until its neighbour has seen everybody whom it sees in that frame; from there on the
neighbour's frames hold. If the two follow different people it goes on to the end, and the result is that of
watching in order. It does not depend on the number of cores.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction
from threading import Event, Lock

import numpy as np

from videopose3d.config import DetectConfig
from videopose3d.detectors import open_detector
from videopose3d.errors import VideoError
from videopose3d.types import FloatArray, Person, VideoInfo
from videopose3d.video import read_frames

Seen = list[list[Person]]
"""The people of every frame, in px of the full-size frame."""

OVERLAP = 10
"""Frames that two neighbouring parts both watch."""
SHORTEST_PART = 60
"""Frames a part has to have to be worth a detector of its own."""
SAME_PLACE = 0.2
"""Mean distance of the joints up to which two parts see the same person, in shares of the person's size."""


def watch(info: VideoInfo, config: DetectConfig, tick: Callable[[int], None]) -> Seen:
    """The people in every frame of a video.

    Args:
        info: What ``probe`` said of the video.
        config: Detector, frame size and number of parts.
        tick: Called with the number of frames done so far.

    Raises:
        VideoError: The video cannot be read.
        MissingDependencyError: The detector is not installed.
    """
    total = info.frame_count or 0
    count = 1 if info.variable_frame_rate else max(1, min(config.parts, total // SHORTEST_PART))
    seams = [total * k // count for k in range(1, count)]
    parts = [_Part(0), *(_Part(seam - OVERLAP) for seam in seams)]
    watcher = _Watcher(info, config, tick)
    with ThreadPoolExecutor(count, "detect") as threads:
        neighbours = zip(parts, [*seams, None], [*parts[1:], None], strict=True)
        running = [threads.submit(watcher.run, *neighbour) for neighbour in neighbours]
        try:
            for part in running:
                part.result()
        finally:
            watcher.stop.set()
    seen = _joined(parts)
    if len(seen) != watcher.done:
        tick(len(seen))
    return seen


class _Part:
    """Frames watched by one detector.

    Attributes:
        first: Its first frame.
        seen: The people of every frame so far.
        over: It will see no more frames.
        joins: The frame from which on the next part's frames hold; None to the end of the video.
    """

    def __init__(self, first: int) -> None:
        self.first, self.over = first, Event()
        self.seen: Seen = []
        self.joins: int | None = None

    @property
    def next(self) -> int:
        """The frame it will see next."""
        return self.first + len(self.seen)

    def agrees(self, frame: int, people: list[Person]) -> bool:
        """Whether it saw all these people in a frame, once it has got there."""
        while len(self.seen) <= frame - self.first and not self.over.wait(0.005):
            pass
        known = 0 <= frame - self.first < len(self.seen)
        return known and _all_seen(people, self.seen[frame - self.first])


class _Watcher:
    """Watches parts of one video, each in a thread of its own."""

    def __init__(self, info: VideoInfo, config: DetectConfig, tick: Callable[[int], None]) -> None:
        self._info, self._config, self._tick = info, config, tick
        self.done, self._lock = 0, Lock()
        self.stop = Event()

    def run(self, part: _Part, seam: int | None, neighbour: _Part | None) -> None:
        """Watch a part up to the seam and on, until the neighbour agrees."""
        try:
            self._watch(part, seam, neighbour)
        except VideoError:  # the file is shorter than it says: the part before goes on to its real end
            if part.first == 0:
                raise
        except BaseException:
            self.stop.set()
            raise
        finally:
            part.over.set()

    def _watch(self, part: _Part, seam: int | None, neighbour: _Part | None) -> None:
        info, config = self._info, self._config
        start = Fraction(part.first) / info.fps
        frames = read_frames(info.source, info, max_side=config.max_side, start=start)
        with open_detector(config.detector, config.min_score, people=config.people) as find, closing(frames):
            for frame in frames:
                if self.stop.is_set():
                    return
                zoom = np.array([info.width / frame.shape[1], info.height / frame.shape[0]], np.float32)
                people = [zoomed(person, zoom) for person in find(frame, float(part.next / info.fps))]
                part.seen.append(people)
                self._count()
                if seam and neighbour and part.next >= seam and neighbour.agrees(part.next - 1, people):
                    part.joins = part.next
                    return

    def _count(self) -> None:
        with self._lock:
            self.done = min(self.done + 1, self._info.frame_count or self.done + 1)
            self._tick(self.done)


def _joined(parts: list[_Part]) -> Seen:
    """What was seen, from part to part where one joins the next."""
    seen: Seen = []
    for part in parts:
        seen += part.seen[len(seen) - part.first :]
        if part.joins is None:
            break
    return seen


def zoomed(person: Person, zoom: FloatArray) -> Person:
    """The person in px of the full-size frame."""
    return Person(person.keypoints * zoom, person.scores, person.box * np.tile(zoom, 2), person.score)


def _all_seen(some: list[Person], others: list[Person]) -> bool:
    """Whether ``some`` are among the ``others``, each once; nobody is only among nobody."""
    left = list(others)
    if not some:
        return not left
    for person in some:
        found = next((k for k, other in enumerate(left) if _same_person(person, other)), None)
        if found is None:
            return False
        del left[found]
    return True


def _same_person(one: Person, other: Person) -> bool:
    size = max(float((person.box[2:] - person.box[:2]).max()) for person in (one, other))
    distance = np.linalg.norm(one.keypoints - other.keypoints, axis=-1)
    distance = distance[np.isfinite(distance)]
    return bool(distance.size and distance.mean() <= SAME_PLACE * size)
