"""One identity per track: a detector that follows one person may jump to another."""

import numpy as np
import pytest

from videopose3d.detectors.tracking import LONGEST_ABSENCE, split_people
from videopose3d.skeleton import COCO17

FPS = 10.0


def person(frames: int, at: tuple[float, float], size: float = 100.0) -> np.ndarray:
    """(frames, 17, 2) somebody standing still in a box of that size [px]."""
    body = np.random.default_rng(0).random((len(COCO17), 2))
    body[0], body[1] = 0, 1
    return np.tile(body * size + at, (frames, 1, 1))


def nobody(frames: int) -> np.ndarray:
    return np.full((frames, len(COCO17), 2), np.nan)


def split(*parts: np.ndarray) -> list[list[int]]:
    points = np.concatenate(parts)
    present = np.isfinite(points).all((-2, -1))
    return [np.flatnonzero(track).tolist() for track in split_people(points, present, FPS)]


def test_one_person_is_one_track_across_gaps() -> None:
    assert split(nobody(3), person(10, (0, 0)), nobody(5), person(10, (30, 0))) == [[*range(3, 13), *range(18, 28)]]


@pytest.mark.parametrize(
    "other",
    [person(10, (500, 0)), person(10, (0, 0), size=350.0)],
    ids=["far away", "much larger"],
)
def test_somebody_else_is_another_track(other: np.ndarray) -> None:
    tracks = split(person(12, (0, 0)), other)
    assert sorted(tracks) == [list(range(12)), list(range(12, 22))]


def test_after_a_long_absence_it_is_somebody_new() -> None:
    gap = int(LONGEST_ABSENCE * FPS) + 1
    assert len(split(person(12, (0, 0)), nobody(gap), person(10, (0, 0)))) == 2


def test_a_track_goes_on_after_a_short_mistake() -> None:
    tracks = split(person(10, (0, 0)), person(1, (900, 0)), person(10, (5, 0)))
    assert tracks == [[*range(10), *range(11, 21)]], "the single frame elsewhere is a mistake of the detector"


def test_the_main_person_comes_first_and_tiny_ones_are_left_out() -> None:
    tracks = split(person(30, (900, 0), size=20.0), person(12, (0, 0), size=60.0), person(20, (400, 0), size=60.0))
    assert tracks == [list(range(42, 62)), list(range(30, 42)), list(range(30))]
    assert split(person(30, (900, 0), size=10.0), person(10, (0, 0), size=60.0)) == [list(range(30, 40))]


def test_a_clip_of_one_frame_has_a_person() -> None:
    assert split(person(1, (0, 0))) == [[0]]
    assert split(nobody(4)) == []
