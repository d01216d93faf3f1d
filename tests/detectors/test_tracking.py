from __future__ import annotations

import numpy as np
import pytest
from walker import AWAY, TO_THE_CAMERA, TO_THE_RIGHT, walker

from videopose3d.detectors.tracking import (
    LEGS,
    SWAP_PRICE,
    exchange_sides,
    fill_gaps,
    person_size,
    repair_swaps,
    swapped_frames,
)
from videopose3d.skeleton import BLAZEPOSE33, COCO17

FRAMES, FPS = 150, 25
ALL_SEEN = np.full((FRAMES, 17), 0.9)
TURN = np.linspace(0, 2 * np.pi, FRAMES)
WAYS = {"right": TO_THE_RIGHT, "camera": TO_THE_CAMERA, "away": AWAY, "oblique": 0.6, "turning": TURN}
every_way = pytest.mark.parametrize("heading", WAYS.values(), ids=WAYS)


def noisy(points, pixels=2.0):
    return points + np.random.default_rng(0).normal(0, pixels, points.shape)


def some_frames(*spans):
    chosen = np.zeros(FRAMES, bool)
    for start, stop in spans:
        chosen[start:stop] = True
    return chosen


def swaps(points, scores=ALL_SEEN, price=SWAP_PRICE / FPS):
    return swapped_frames(points, scores, COCO17, price)


# --- left and right


@every_way
def test_a_clean_track_is_left_alone(heading):
    for points in (walker(heading), noisy(walker(heading)), walker(heading, fps=60), walker(heading, swing=0.25)):
        assert not swaps(points).any()


@pytest.mark.parametrize("fps", [25, 30, 50, 60])
@pytest.mark.parametrize("swing", [0.25, 0.45])
def test_legs_that_cross_in_profile_are_no_swap(fps, swing):
    points = walker(TO_THE_RIGHT, fps=fps, swing=swing)
    knees = points[:, COCO17.indices(("left_knee", "right_knee")), 0]
    assert np.count_nonzero(np.diff(np.sign(knees[:, 0] - knees[:, 1]))) >= 4  # they do cross
    assert not swaps(points).any()


@pytest.mark.parametrize(
    ("fps", "strides", "swing"), [(10, 0.95, 0.45), (25, 1.4, 0.8)], ids=["walk at 10 fps", "run at 25 fps"]
)
def test_fast_legs_that_cross_in_profile_are_no_swap(fps, strides, swing):
    assert not swaps(walker(TO_THE_RIGHT, fps=fps, strides=strides, swing=swing)).any()


@pytest.mark.parametrize("heading", [TO_THE_CAMERA, AWAY, 0.6, np.linspace(-2.5, -0.6, FRAMES)])
@pytest.mark.parametrize("pixels", [0, 2])
def test_swapped_frames_are_found(heading, pixels):
    wrong = some_frames((20, 21), (40, 45), (70, 71), (72, 73), (100, 125))
    points = exchange_sides(noisy(walker(heading), pixels), wrong, COCO17)
    np.testing.assert_array_equal(swaps(points), wrong)


@pytest.mark.parametrize("span", [(0, 6), (144, 150)])
def test_swaps_at_the_ends_are_found(span):
    wrong = some_frames(span)
    np.testing.assert_array_equal(swaps(exchange_sides(walker(0.6), wrong, COCO17)), wrong)


def test_the_rarer_side_is_the_mistake():
    wrong = some_frames((10, 150))
    np.testing.assert_array_equal(swaps(exchange_sides(walker(0.6), wrong, COCO17)), ~wrong)


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_what_lasts_for_seconds_is_taken_for_right_at_any_frame_rate(fps):
    points = walker(TO_THE_CAMERA, frames=20 * fps, fps=fps)
    for seconds, found in ((1.5, True), (8.0, False)):
        wrong = np.zeros(20 * fps, bool)
        wrong[6 * fps : 6 * fps + round(seconds * fps)] = True
        exchanged = exchange_sides(points, wrong, COCO17)
        repaired, scores = repair_swaps(exchanged, np.full(points.shape[:2], 0.9), COCO17, fps)
        np.testing.assert_array_equal(repaired, points if found else exchanged)
        assert scores.shape == points.shape[:2]


def test_legs_alone_are_put_right():
    wrong = some_frames((40, 46), (100, 101))
    points = noisy(walker(TO_THE_CAMERA))
    exchanged = exchange_sides(points, wrong, COCO17, LEGS)
    assert not swaps(exchanged).any()  # the arms speak against it
    scores = np.tile(np.linspace(0.5, 0.9, 17), (FRAMES, 1))
    repaired, moved = repair_swaps(exchanged, scores, COCO17, FPS)
    np.testing.assert_array_equal(repaired, points)
    left, right = COCO17.index("left_knee"), COCO17.index("right_knee")
    assert moved[42, left] == scores[42, right]
    assert moved[42, 0] == scores[42, 0]


@every_way
@pytest.mark.parametrize("fps", [25, 60])
def test_right_legs_are_left_alone(heading, fps):
    heading = heading if np.ndim(heading) == 0 else np.linspace(0, 2 * np.pi, 150)
    points = noisy(walker(heading, fps=fps))
    repaired, _ = repair_swaps(points, ALL_SEEN, COCO17, fps)
    np.testing.assert_array_equal(repaired, points)


@pytest.mark.parametrize("gap", [1, 8])
def test_frames_without_a_person_are_passed_over(gap):
    wrong = some_frames((40, 60), (90, 91))
    points = exchange_sides(walker(0.6), wrong, COCO17)
    for start in (0, 20, 48, 150 - gap):
        points[start : start + gap] = np.nan
        wrong[start : start + gap] = False
    np.testing.assert_array_equal(swaps(points), wrong)


@pytest.mark.parametrize("frames", [0, 1])
def test_too_little_to_tell(frames):
    points = np.full((10, 17, 2), np.nan)
    points[:frames] = walker(0.6, frames)
    np.testing.assert_array_equal(swaps(points, np.ones((10, 17))), np.zeros(10, bool))
    assert swaps(points[:0], np.ones((0, 17))).shape == (0,)


def test_doubtful_joints_count_little():
    points, scores = walker(TO_THE_CAMERA), ALL_SEEN.copy()
    legs = COCO17.indices(f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle"))
    wrong = exchange_sides(points, some_frames((60, 80)), COCO17)
    points[:, legs] = wrong[:, legs]  # the legs say "exchanged", the arms do not
    scores[:, legs] = 0.01
    assert not swaps(points, scores).any()
    scores[:] = 0.01
    scores[:, legs] = 0.9
    np.testing.assert_array_equal(swaps(points, scores), some_frames((60, 80)))


def test_a_high_price_leaves_everything_as_it_was():
    points = exchange_sides(walker(0.6), some_frames((40, 60)), COCO17)
    assert not swaps(points, price=1.0).any()


def test_the_size_of_the_person_in_the_picture_does_not_matter():
    points = exchange_sides(noisy(walker(0.6)), some_frames((40, 60)), COCO17)
    for zoom in (0.1, 10):
        np.testing.assert_array_equal(swaps(points * zoom), swaps(points))


def test_exchanging_sides_twice_changes_nothing():
    points, frames = walker(0.6), some_frames((3, 9))
    once = exchange_sides(points, frames, COCO17)
    np.testing.assert_array_equal(once[5, 9], points[5, 10])
    np.testing.assert_array_equal(once[:3], points[:3])
    np.testing.assert_array_equal(exchange_sides(once, frames, COCO17), points)
    scores = exchange_sides(np.tile(np.arange(33.0), (4, 1)), np.array([0, 1, 0, 0], bool), BLAZEPOSE33)
    assert scores[1, 11:13].tolist() == [12, 11]
    assert scores[0, 11:13].tolist() == [11, 12]


def test_the_size_of_a_person_is_the_larger_side_of_the_box():
    points = np.array([[[0, 0], [3, 7], [np.nan, np.nan]], [[2, 2], [2, 2], [2, 2.5]]])
    np.testing.assert_array_equal(person_size(points), [7, 1])


# --- gaps


def track(frames=10, missing=()):
    """Two joints moving by (4, 2) px a frame; the frames in ``missing`` hold what nobody should read."""
    points = np.arange(frames)[:, None, None] * np.array([4.0, 2.0]) + np.array([[0.0, 0], [50, 60]])
    scores = np.tile(np.linspace(0.5, 0.95, frames)[:, None], (1, 2))
    present = np.ones(frames, bool)
    present[list(missing)] = False
    points[~present], scores[~present] = 777, 0.777
    return points, scores, present


def test_a_short_gap_is_a_straight_line():
    points, scores = fill_gaps(*track(missing=(4, 5, 6)), longest=3)
    np.testing.assert_allclose(points, track()[0], atol=1e-5)
    np.testing.assert_allclose(scores[4:7], 0.65 / 2)  # half of the lower neighbour, frame 3
    np.testing.assert_allclose(scores[[3, 7], 0], [0.65, 0.85])
    assert points.dtype == scores.dtype == np.float32


def test_every_joint_has_its_own_neighbours():
    points, scores, present = track(missing=(4,))
    scores[3, 0], scores[5, 1] = 0.2, 0.1
    np.testing.assert_allclose(fill_gaps(points, scores, present, 3)[1][4], [0.1, 0.05])


@pytest.mark.parametrize(("longest", "filled"), [(0, False), (2, False), (3, True), (100, True)])
def test_the_longest_gap_is_respected(longest, filled):
    points, scores = fill_gaps(*track(missing=(4, 5, 6)), longest=longest)
    assert np.isfinite(points[4:7]).all() == filled
    assert np.isnan(points[4:7]).all() != filled
    assert (scores[4:7] > 0).all() == filled
    assert not filled or np.isfinite(points).all()


def test_gaps_are_filled_one_by_one():
    points, _ = fill_gaps(*track(12, missing=(2, 4, 5, 6, 9)), longest=2)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(points[:, 0, 0])), [4, 5, 6])


def test_the_ends_are_not_made_up():
    points, scores = fill_gaps(*track(missing=(0, 1, 9)), longest=5)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(points).all((1, 2))), [0, 1, 9])
    np.testing.assert_array_equal(scores[[0, 1, 9]], 0)


@pytest.mark.parametrize("seen", [(), (3,)])
def test_without_two_sightings_nothing_is_filled(seen):
    missing = [t for t in range(10) if t not in seen]
    points, scores = fill_gaps(*track(missing=missing), longest=10)
    assert np.isnan(points[missing]).all()
    assert (scores[missing] == 0).all()


def test_a_joint_missing_on_one_side_stays_missing():
    points, scores, present = track(missing=(4,))
    points[3, 1], scores[3, 1] = np.nan, 0
    filled, filled_scores = fill_gaps(points, scores, present, longest=3)
    assert np.isfinite(filled[4, 0]).all()
    assert np.isnan(filled[4, 1]).all()
    assert filled_scores[4, 1] == 0


def test_the_track_given_is_left_alone():
    points, scores, present = (array.astype(np.float32) for array in track(missing=(4,)))
    before = points.copy(), scores.copy()
    fill_gaps(points, scores, present.astype(bool), longest=3)
    np.testing.assert_array_equal(points, before[0])
    np.testing.assert_array_equal(scores, before[1])
