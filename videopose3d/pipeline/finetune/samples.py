"""What the network sees of a person in a step: the crop of the test, and in training variations of it.

A sample depends on the seed and its number alone, not on who reads it when: a run that is taken up again, or reads
with more threads, sees the same. Coordinates are COCO's: pixel i is the number i.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from videopose3d.datasets.coco import LabelledPeople
from videopose3d.detectors.crops import MEAN_COLOUR, Size, cut, rectangle
from videopose3d.errors import FileFormatError, InputError
from videopose3d.opencv import cv2
from videopose3d.types import Array, FloatArray, Frame

SCALES = 0.7, 1.35
"""Size of what is seen, in shares of what is seen in a test; at most `WIDEST`."""
WIDEST = 1.25
TURN = 45.0
"""Largest turn [degrees]."""
COLOURS = 0.8, 1.2
"""Factors on the colours."""
_AHEAD = 3  # batches that are read before they are needed


@dataclass(frozen=True)
class Sample:
    """One person as the network sees it.

    Attributes:
        picture: (H, W, 3) RGB.
        joints: (J, 2) x, y in the picture [px].
        visibility: (J,) 0 not labelled or outside, 1 hidden, 2 visible.
        gains: (3,) factors on red, green and blue.
    """

    picture: Frame
    joints: FloatArray
    visibility: NDArray[np.uint8]
    gains: FloatArray


def read_picture(people: LabelledPeople, row: int) -> Frame:
    """(H, W, 3) RGB, the picture that a person is in.

    Raises:
        InputError: It cannot be read.
        FileFormatError: It is not as large as the annotations say.
    """
    path = people.folder / people.files[row]
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None:
        raise InputError("the picture cannot be read", where=path, fix="Get it again, or leave it out.")
    found, said = picture.shape[1::-1], tuple(people.sizes[row].tolist())
    if found != said:
        what = f"{found[0]} x {found[1]} px, the annotations say {said[0]} x {said[1]}"
        raise FileFormatError(what, where=path, fix="Are these the pictures of these annotations?")
    rgb: Frame = np.ascontiguousarray(picture[..., ::-1])
    return rgb


def sample(people: LabelledPeople, row: int, size: Size, random: np.random.Generator | None = None) -> Sample:
    """A person as in a test, or with ``random`` varied: in scale, and half of the time turned, a quarter mirrored.

    Args:
        people: Who.
        row: Which of them.
        size: (height, width) of the network's input [px].
        random: Chooses the variation.

    Raises:
        InputError: The picture cannot be read.
    """
    frame = read_picture(people, row)
    extra = 1.0 if random is None else min(WIDEST, random.uniform(*SCALES))
    corners = rectangle(people.boxes[row], (frame.shape[0], frame.shape[1]), size, extra)
    picture = cut(frame, corners, size)
    joints = into_crop(people.joints[row], corners, size)
    visibility, gains = people.visibility[row].copy(), np.ones(3)
    if random is not None:
        kind, gains = random.integers(4), random.uniform(*COLOURS, 3)
        if kind == 1:
            mirror = list(people.skeleton.mirror)
            picture, joints, visibility = picture[:, ::-1], joints[mirror], visibility[mirror]
            joints = np.array([size[1] - 1, 0]) + np.array([-1, 1]) * joints
        elif kind > 1:
            picture, joints = turned(picture, joints, random.uniform(-TURN, TURN))
    visibility[((joints < 0) | (joints >= size[::-1])).any(1)] = 0
    return Sample(np.ascontiguousarray(picture), joints.astype(np.float32), visibility, gains.astype(np.float32))


def into_crop(joints: Array, corners: NDArray[np.int64], size: Size) -> Array:
    """Joints (J, 2) of the picture in the resized rectangle of `rectangle` [px]."""
    moved: Array = (joints - corners[:2]) * (size[::-1] / (corners[2:] - corners[:2]))
    return moved


def turned(picture: Frame, joints: Array, degrees: float) -> tuple[Frame, Array]:
    """Picture and joints turned about the middle, the mean colour where nothing was."""
    height, width = picture.shape[:2]
    middle = np.array([width - 1, height - 1]) / 2
    c, s = cos(radians(degrees)), sin(radians(degrees))
    matrix = np.array([[c, -s], [s, c]])
    moved = np.column_stack([matrix, middle - matrix @ middle])
    border = tuple(float(v) for v in np.rint(MEAN_COLOUR))
    warped = cv2.warpAffine(picture, moved, (width, height), flags=cv2.INTER_LINEAR, borderValue=border)
    return warped.astype(np.uint8, copy=False), (joints - middle) @ matrix.T + middle


@dataclass(frozen=True)
class Feed:
    """Batches of samples, without end: every pass over the people in an order of its own.

    Attributes:
        people: Who.
        size: (height, width) of the network's input [px].
        batch: Samples at once.
        seed: Of orders and variations.
        augment: Vary the samples.
        workers: Threads that read.
    """

    people: LabelledPeople = field(repr=False)
    size: Size
    batch: int
    seed: int
    augment: bool = True
    workers: int = 4

    def rows(self, step: int) -> list[int]:
        """The people of a step, by number."""
        places = range(step * self.batch, (step + 1) * self.batch)
        count = len(self.people)
        passes = {place // count: self._order(place // count) for place in (places[0], places[-1])}
        passes |= {n: self._order(n) for n in range(places[0] // count, places[-1] // count) if n not in passes}
        return [int(passes[place // count][place % count]) for place in places]

    def _order(self, number: int) -> NDArray[np.int64]:
        return np.random.default_rng([self.seed, number]).permutation(len(self.people))

    def _sample(self, row: int, place: int) -> Sample:
        random = np.random.default_rng([self.seed, place, 1]) if self.augment else None
        return sample(self.people, row, self.size, random)

    def batches(self, first: int, last: int) -> Generator[list[Sample], None, None]:
        """The samples of one step after the other; close it to end the threads."""
        with ThreadPoolExecutor(self.workers, "pictures") as threads:
            waiting: deque[list[Future[Sample]]] = deque()
            try:
                for step in range(first, last):
                    places = range(step * self.batch, (step + 1) * self.batch)
                    jobs = zip(self.rows(step), places, strict=True)
                    waiting.append([threads.submit(self._sample, row, place) for row, place in jobs])
                    if len(waiting) > _AHEAD:
                        yield [job.result() for job in waiting.popleft()]
                while waiting:
                    yield [job.result() for job in waiting.popleft()]
            finally:
                threads.shutdown(wait=True, cancel_futures=True)
