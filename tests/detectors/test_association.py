"""Several people in a picture: everybody keeps an identity."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from crowd import Detector, passer
from golden_files import golden
from hypothesis import given, settings
from hypothesis import strategies as st
from walker import walker

from videopose3d.detectors.association import follow_people
from videopose3d.detectors.tracking import LONGEST_ABSENCE
from videopose3d.types import Person

FPS = 25.0
WAYS = {
    "towards each other": ((300, 980), (980, 300)),
    "slowly": ((450, 830), (830, 450)),
    "one overtakes": ((150, 1100), (450, 750)),
}


def owners(tracks: list[np.ndarray], truth: list[list[int]]) -> list[list[int]]:
    """Who the sightings of every track are."""
    return [[truth[t][i] for t, i in enumerate(track) if i >= 0] for track in tracks]


def purity(found: list[list[int]]) -> float:
    """Smallest share of a track's sightings that are of the person it is mostly of."""
    return min(max(Counter(who).values()) / len(who) for who in found)


def crossing(way: str, detector: Detector, fps: float = FPS) -> tuple[list[list[Person]], list[list[int]]]:
    (start, stop), (other_start, other_stop) = WAYS[way]
    frames = round(6 * fps)
    near = passer(start, stop, frames=frames, fps=fps)
    return detector.see(near, passer(other_start, other_stop, frames=frames, fps=fps, depth=1.2))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fps", [10.0, 25.0, 60.0])
@pytest.mark.parametrize("blind", [True, False], ids=["hidden people are missed", "hidden people are doubtful"])
def test_two_people_cross(way: str, fps: float, blind: bool) -> None:
    frames, truth = crossing(way, Detector(blind=blind), fps)
    assert any(len(people) < 2 for people in frames)
    found = owners(follow_people(frames, fps), truth)
    assert sorted(Counter(who).most_common(1)[0][0] for who in found) == [0, 1]
    assert purity(found) >= 0.97
    assert sum(map(len, found)) >= 0.93 * sum(map(len, truth))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("way", ["towards each other", "one overtakes"])
def test_two_people_cross_and_only_boxes_are_known(way: str, seed: int) -> None:
    frames, truth = crossing(way, Detector(joints=False, seed=seed, noise=0.005))
    found = owners(follow_people(frames, FPS), truth)
    assert sorted(Counter(who).most_common(1)[0][0] for who in found) == [0, 1]
    assert purity(found) >= 0.9  # who is who is clear before and after, not while one hides the other


def test_who_turns_back_in_front_of_somebody_keeps_the_identity() -> None:
    there = passer(300, 560, frames=60)
    back = passer(560, 300, frames=60)
    other = passer(980, 640, frames=60)
    other_back = passer(640, 980, frames=60)
    frames, truth = Detector().see(np.concatenate([there, back]), np.concatenate([other, other_back]))
    found = owners(follow_people(frames, FPS), truth)
    assert [len(set(who)) for who in found] == [1, 1]


def test_order_in_the_frames_does_not_matter() -> None:
    frames, _ = crossing("slowly", Detector())
    turned = [people[::-1] for people in frames]
    tracks, others = follow_people(frames, FPS), follow_people(turned, FPS)
    sizes = np.array([len(people) for people in frames])
    assert len(tracks) == len(others)
    for track, other in zip(tracks, others, strict=True):
        np.testing.assert_array_equal(np.where(other >= 0, sizes - 1 - other, -1), track)


def test_somebody_leaves_and_comes_back() -> None:
    person = passer(200, 1000, frames=100)
    still = passer(600, 600.1, frames=100, depth=0.9)
    for seconds, people in ((0.8 * LONGEST_ABSENCE, 2), (1.5 * LONGEST_ABSENCE, 3)):
        away = np.full((round(seconds * FPS), 17, 2), np.nan)
        other = np.concatenate([person[:50], away, person[50:]])
        waits = np.concatenate([still[:50], np.repeat(still[49:50], len(away), 0), still[50:]])
        other[50 + len(away) :] -= person[50].mean(0) - person[49].mean(0)  # comes back where it went
        frames, truth = Detector(misses=0, dips=0).see(waits + [900, 0], other)
        found = owners(follow_people(frames, FPS), truth)
        assert sorted(len(set(who)) for who in found) == [1] * people
        assert len(found) == people


def test_first_frames_are_empty_and_doubtful_ones_are_added_before_a_track() -> None:
    people = passer(300, 500, frames=60), passer(800, 900, frames=60)
    frames, _ = Detector(misses=0, dips=0).see(*people)
    doubtful = [[Person(p.keypoints, p.scores, p.box, 0.3) for p in seen] for seen in frames[:6]]
    tracks = follow_people([[], [], *doubtful, *frames[6:]], FPS)
    assert [np.flatnonzero(track >= 0)[0] for track in tracks] == [2, 2]
    assert [(track >= 0).sum() for track in tracks] == [60, 60]


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_nobody(frames: int) -> None:
    assert follow_people([[] for _ in range(frames)], FPS) == []


def test_doubtful_sightings_alone_are_nobody() -> None:
    frames, _ = Detector().see(passer(300, 500, frames=40), passer(800, 900, frames=40))
    assert follow_people([[Person(p.keypoints, p.scores, p.box, 0.4) for p in s] for s in frames], FPS) == []
    faint = follow_people([[Person(p.keypoints, p.scores, p.box, 0.4) for p in s] for s in frames], FPS, min_score=0.3)
    assert len(faint) == 2


def test_people_seen_twice_are_one() -> None:
    frames, _ = Detector(misses=0, dips=0).see(passer(300, 500, frames=60))
    rng = np.random.default_rng(5)

    def double(p: Person) -> Person:
        shift = rng.normal(0, 2, 2).astype(np.float32)
        return Person(p.keypoints + shift, p.scores, p.box + np.tile(shift, 2), 0.8)

    assert len(follow_people([[*people, *map(double, people)] for people in frames], FPS)) == 1


def test_mistakes_are_left_out_and_the_main_person_comes_first() -> None:
    main, other = passer(300, 700, frames=100, depth=0.6), passer(900, 950, frames=100)
    tiny, brief = passer(100, 150, frames=100, depth=6), passer(1200, 1210, frames=100)
    brief[5:] = np.nan
    frames, truth = Detector(misses=0, dips=0).see(other, main, tiny, brief)
    assert [set(who) for who in owners(follow_people(frames, FPS), truth)] == [{1}, {0}]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 4), st.integers(0, 25))
def test_every_sighting_has_at_most_one_owner(seed: int, most: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    body = walker(0.0, 1)[0]

    def anyone() -> Person:
        points = (body - [640, 360]) * rng.uniform(0.2, 2) + rng.uniform(0, 600, 2)
        points[rng.random(17) < 0.2] = np.nan
        points[0] = 1
        box = np.concatenate([np.nanmin(points, 0), np.nanmax(points, 0)])
        return Person(np.float32(points), np.ones(17, np.float32), np.float32(box), float(rng.random()))

    frames = [[anyone() for _ in range(rng.integers(0, most + 1))] for _ in range(length)]
    tracks = follow_people(frames, FPS)
    owned = [(t, int(i)) for track in tracks for t, i in enumerate(track) if i >= 0]
    assert len(owned) == len(set(owned))
    assert all(len(track) == length for track in tracks)
    assert all(i < len(frames[t]) for t, i in owned)


# --- a real clip


def group() -> list[list[Person]]:
    """What MediaPipe, run on seven overlapping columns of a clip of six people, has seen at 12.5 frames per second.

    Each column gives its own person, so most people are there several times, cut off at a column's edge or not.
    The clip is pexels.com/video/3196293; sightings are rounded to 0.1 px.
    """
    data = golden("group_people")
    frames: list[list[Person]] = [[] for _ in range(int(data["frames"]))]
    arrays = (
        data["keypoints_10"] / np.float32(10),
        data["scores_255"] / np.float32(255),
        data["boxes_10"] / np.float32(10),
    )
    for t, points, scores, box in zip(data["frame"], *arrays, strict=True):
        frames[t].append(Person(points, scores, box, float(scores.mean())))
    return frames


def test_six_people_in_a_real_clip() -> None:
    """Who is where was looked up in the pictures; two are hidden for a while, one behind the instructor."""
    frames = group()
    tracks = follow_people(frames, 12.5)
    assert len(tracks) == 6
    everywhere = {"man in green": (780, 960), "man in red": (560, 800), "woman at the right": (1030, 1230)}
    found = {}
    for name, (left, right) in everywhere.items():
        for track in tracks:
            seen = np.flatnonzero(track >= 0)
            middle = np.array([frames[t][track[t]].box[[0, 2]].mean() for t in seen])
            if len(seen) > 0.95 * len(frames) and ((middle > left) & (middle < right)).all():
                found[name] = found.get(name, 0) + 1
    assert found == dict.fromkeys(everywhere, 1)
    late = [track for track in tracks if np.flatnonzero(track >= 0)[0] > 100]
    assert len(late) == 1, "the woman at the back can be seen only when the others sit down"
