from __future__ import annotations

from fractions import Fraction

import numpy as np

from videopose3d.render.stage import SOLE, camera_to_display, ground, set_stage

FPS = Fraction(10)


def test_display_axes_are_right_forward_up():
    np.testing.assert_array_equal(camera_to_display(np.array([1.0, 2.0, 3.0])), [1, 3, -2])


def test_people_stand_on_the_floor_where_their_trajectory_says(make_result):
    stage = set_stage(make_result(people=2).poses, FPS)
    np.testing.assert_allclose(stage.points[..., 2].min(-1), SOLE, atol=1e-5)
    np.testing.assert_allclose(stage.points[:, 0, 0, :2], [[-0.5, 3], [0.5, 3]], atol=1e-5)
    np.testing.assert_allclose(stage.centre, [0, 3], atol=0.05)
    assert not stage.follow


def test_a_jump_leaves_the_floor_where_it_is():
    lowest = np.zeros(100)
    lowest[38:52] = 0.4
    np.testing.assert_allclose(ground(lowest, FPS), 0, atol=1e-9)


def test_the_floor_follows_a_slope_and_nobody_sinks():
    rng = np.random.default_rng(0)
    lowest = np.linspace(0, 1.0, 200) + rng.normal(0, 0.02, 200)  # walking on what a tilted camera sees
    floor = ground(lowest, FPS)
    assert (lowest - floor >= -0.031).all()
    assert np.median(lowest - floor) < 0.25
    assert floor[-1] > 0.5


def test_the_floor_gives_way_to_a_stray_foot_and_only_then():
    lowest = np.zeros(300)
    lowest[150] = -0.5
    floor = ground(lowest, Fraction(30))
    assert floor[150] == -0.47
    np.testing.assert_allclose(np.delete(floor, 150), 0, atol=1e-9)


def test_gaps_in_the_heights_do_not_matter():
    lowest = np.full(50, 1.5)
    lowest[10:30] = np.nan
    np.testing.assert_allclose(ground(lowest, FPS), 1.5)
    np.testing.assert_array_equal(ground(np.full(5, np.nan), FPS), 0)


def test_a_single_walker_is_followed_and_the_floor_moves(make_result):
    result = make_result(frames=40)
    result.poses.trajectory[0, :, 0] = np.linspace(0, 4, 40)
    stage = set_stage(result.poses, FPS)
    assert stage.follow
    np.testing.assert_allclose(stage.points[0, :, 0, :2], 0, atol=1e-6)
    np.testing.assert_allclose(stage.drift[10:30, 0], np.linspace(0, 4, 40)[10:30], atol=1e-6)
    assert stage.half.max() < 1.6


def test_an_unknown_trajectory_puts_people_in_a_row(make_result):
    result = make_result(people=3)
    result.poses.trajectory[:] = np.nan
    np.testing.assert_allclose(set_stage(result.poses, FPS).points[:, 0, 0, 0], [-1.2, 0, 1.2], atol=1e-6)


def test_a_gap_in_the_trajectory_is_bridged(make_result):
    result = make_result(people=2)
    result.poses.trajectory[0, 2:4] = np.nan
    stage = set_stage(result.poses, FPS)
    assert np.isfinite(stage.points).all()


def test_nobody_needs_a_small_room(make_result):
    stage = set_stage(make_result(people=0).poses, FPS)
    assert stage.points.shape[0] == 0
    assert stage.half.tolist() == [1.0, 1.0]
