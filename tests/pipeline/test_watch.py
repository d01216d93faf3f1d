"""Parts of a clip watched side by side give what watching in order gives."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from clips import frame_number

from videopose3d.config import DetectConfig
from videopose3d.detectors import DETECTORS, Detect
from videopose3d.pipeline.detect import detect
from videopose3d.pipeline.watch import OVERLAP, SHORTEST_PART, Seen, watch
from videopose3d.types import Frame, Person, VideoInfo
from videopose3d.video import probe

FRAMES = 2 * SHORTEST_PART + 20
SEAM = FRAMES // 2

Install = Callable[[Callable[[int, list[int]], float | None]], list[list[int]]]


@pytest.fixture
def clip(make_video) -> VideoInfo:
    return probe(make_video(name="long.mp4", size=(96, 64), frames=FRAMES))


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put in a detector: where(number of the picture, pictures seen before) gives the person's place or None."""
    opened: list[list[int]] = []

    def put(where: Callable[[int, list[int]], float | None]) -> list[list[int]]:
        @contextmanager
        def opener(_min_score: float, **_: object) -> Iterator[Detect]:
            before: list[int] = []
            opened.append(before)

            def detect(frame: Frame, _seconds: float) -> list[Person]:
                number = frame_number(frame)
                place = where(number, before)
                before.append(number)
                if place is None:
                    return []
                points = np.full((17, 2), place, np.float32) + np.arange(17, dtype=np.float32)[:, None]
                return [Person(points, np.ones(17, np.float32), np.array([*points[0], *points[-1]], np.float32))]

            yield detect

        module = ModuleType("videopose3d.detectors.scripted")
        vars(module)["opener"] = opener
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(DETECTORS, "mediapipe", "scripted:opener")
        return opened

    return put


def places(seen: Seen) -> list[float | None]:
    return [float(people[0].keypoints[0, 0]) if people else None for people in seen]


def watched(info: VideoInfo, parts: int) -> list[float | None]:
    return places(watch(info, DetectConfig(parts=parts), lambda done: None))


@pytest.mark.parametrize("parts", [2, 3])
def test_parts_that_agree_share_the_work(clip: VideoInfo, install: Install, parts: int) -> None:
    opened = install(lambda number, _: None if number % 7 == 0 else number / 10)
    assert watched(clip, 1) == [None if n % 7 == 0 else pytest.approx(n / 10) for n in range(FRAMES)]
    del opened[:]
    assert watched(clip, parts) == watched(clip, 1)
    assert sorted(map(len, opened[:2])) == [SEAM, FRAMES - SEAM + OVERLAP]


def test_a_part_goes_on_until_its_neighbour_agrees(clip: VideoInfo, install: Install) -> None:
    """Who starts in the second half sees somebody else, up to a moment at which only one is there."""
    alone = SEAM + 15

    def where(number: int, before: list[int]) -> float:
        return 60.0 if before and before[0] > 0 and number < alone else 5.0

    opened = install(where)
    assert watched(clip, 2) == [5.0] * FRAMES
    assert max(max(part) for part in opened if part[0] == 0) == alone


@pytest.mark.parametrize(("first_part", "second_part"), [(2, 1), (1, 2)])
def test_nobody_is_lost_where_parts_are_joined(
    clip: VideoInfo, monkeypatch: pytest.MonkeyPatch, first_part: int, second_part: int
) -> None:
    """Somebody whom the second part has not found is followed on by the first; whom it found in addition is kept."""

    @contextmanager
    def opener(_min_score: float, **_: object) -> Iterator[Detect]:
        first: list[int] = []

        def detect(frame: Frame, _seconds: float) -> list[Person]:
            first.append(frame_number(frame))
            points = np.arange(34, dtype=np.float32).reshape(17, 2)
            places = (0, 200)[: first_part if first[0] == 0 else second_part]
            box = np.array([0, 0, 32, 33], np.float32)
            return [Person(points + np.float32(x), np.ones(17, np.float32), box + np.float32(x)) for x in places]

        yield detect

    module = ModuleType("videopose3d.detectors.scripted")
    vars(module)["opener"] = opener
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(DETECTORS, "mediapipe", "scripted:opener")
    seen = watch(clip, DetectConfig(parts=2), lambda done: None)
    expected = [2] * FRAMES if first_part == 2 else [1] * SEAM + [2] * (FRAMES - SEAM)
    assert [len(people) for people in seen] == expected


def test_parts_that_never_agree_give_what_is_seen_in_order(clip: VideoInfo, install: Install) -> None:
    install(lambda number, before: 60.0 if before and before[0] > 0 else number / 10)
    assert watched(clip, 2) == watched(clip, 1) == pytest.approx([n / 10 for n in range(FRAMES)])


def test_a_clip_shorter_than_it_says_is_watched_to_its_end(clip: VideoInfo, install: Install) -> None:
    install(lambda number, _: number / 10)
    assert len(watched(replace(clip, frame_count=3 * FRAMES), 2)) == FRAMES


def test_progress_counts_up_and_not_beyond_the_end(clip: VideoInfo, install: Install) -> None:
    install(lambda number, before: 60.0 if before and before[0] > 0 else 5.0)
    told: list[int] = []
    watch(clip, DetectConfig(), told.append)
    assert told == sorted(told)
    assert told[-1] == FRAMES


@pytest.mark.parametrize("half", ["first", "second"])
def test_an_error_in_either_part_ends_both(clip: VideoInfo, install: Install, half: str) -> None:
    def where(number: int, before: list[int]) -> float:
        if number == (20 if half == "first" else SEAM + 20):
            raise RuntimeError("the network broke")
        return 5.0

    install(where)
    with pytest.raises(RuntimeError, match="the network broke"):
        watch(clip, DetectConfig(), lambda done: None)


def test_an_interrupt_while_counting_ends_both(clip: VideoInfo, install: Install) -> None:
    install(lambda number, _: 5.0)

    def tick(done: int) -> None:
        if done == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(clip, DetectConfig(), tick)


def test_short_clips_and_those_of_uneven_rate_are_watched_in_order(clip: VideoInfo, install: Install) -> None:
    opened = install(lambda number, _: 5.0)
    watch(replace(clip, variable_frame_rate=True), DetectConfig(), lambda done: None)
    assert [part[0] for part in opened] == [0]


@pytest.mark.parametrize("name", ["mediapipe", "mediapipe:pose_landmarker_full"])
def test_several_people_who_are_half_in_the_picture_are_followed(clip, monkeypatch, name: str) -> None:
    """What MediaPipe reports is sure by its own score; the mean visibility of somebody's joints may be low."""
    given: list[tuple[object, ...]] = []

    @contextmanager
    def opener(*args: object, **_: object) -> Iterator[Detect]:
        given.append(args)
        points = np.random.default_rng(0).uniform(0, 30, (17, 2)).astype(np.float32)
        scores = np.full(17, 0.3, np.float32)

        def someone(x: float) -> Person:
            return Person(points + np.float32(x), scores, np.array([x, 0, x + 30, 30], np.float32), 0.3)

        yield lambda _frame, _seconds: [someone(0), someone(50)]

    module = ModuleType("videopose3d.detectors.scripted")
    vars(module)["opener"] = opener
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(DETECTORS, "mediapipe", "scripted:opener")
    found = detect(clip.source, DetectConfig(detector=name))
    assert (found.people, found.detector) == (2, name)
    assert found.present.all()
    assert {tuple(map(str, args)) for args in given} == {("0.5",) if ":" not in name else ("0.5", name)}
