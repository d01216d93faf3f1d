from __future__ import annotations

import numpy as np
import pytest

from videopose3d.config import RenderConfig
from videopose3d.render import agg
from videopose3d.render import scene as scene_module
from videopose3d.render.scene import Scene
from videopose3d.render.theme import BACKGROUND, SIDE
from videopose3d.skeleton import H36M17

SIZE = (260, 300)


def make_scene(result, size=SIZE, config=None) -> Scene:
    return Scene(result.poses, result.keypoints.present, result.fps, size, config or RenderConfig())


def drawn(scene: Scene, frame: int = 0) -> np.ndarray:
    out = np.zeros((scene.size[1], scene.size[0], 3), np.uint8)
    scene.draw(frame, out)
    return out


def test_floor_and_view_are_drawn_once_however_many_frames(make_result, monkeypatch):
    calls = []
    draw = agg.FigureCanvasAgg.draw
    monkeypatch.setattr(
        agg.FigureCanvasAgg, "draw", lambda canvas, *args: (calls.append(canvas.figure), draw(canvas, *args))
    )
    scene = make_scene(make_result(frames=20))
    for frame in range(20):
        drawn(scene, frame)
    assert sum(figure is scene._figure for figure in calls) == 1


@pytest.mark.parametrize("name", ["left_wrist", "right_wrist", "left_ankle", "right_ankle"])
def test_a_joint_has_its_sides_colour_where_it_is_projected(make_result, name):
    scene = make_scene(make_result())
    x, y = scene.pixel(scene.stage.points[0, 0, H36M17.index(name)])
    found = drawn(scene)[int(y), int(x)].astype(float)
    wanted = np.array(SIDE[name.partition("_")[0]], float)
    cosine = found @ wanted / np.linalg.norm(found) / np.linalg.norm(wanted)
    assert cosine > 0.99
    assert np.linalg.norm(found) > 0.6 * np.linalg.norm(wanted)


@pytest.mark.parametrize("azimuth", [-40, 0, 25, 60])
def test_what_is_left_in_the_video_is_left_in_the_scene(make_result, azimuth):
    scene = make_scene(make_result(), config=RenderConfig(azimuth=azimuth))
    x = {
        name: scene.pixel(scene.stage.points[0, 0, H36M17.index(name)])
        for name in ("left_wrist", "right_wrist", "head", "left_ankle")
    }
    assert x["right_wrist"][0] < x["head"][0] < x["left_wrist"][0]
    assert x["head"][1] < x["left_ankle"][1]


def test_far_people_stand_higher_in_the_picture(make_result):
    result = make_result(people=2)
    result.poses.trajectory[1, :, 2] += 2
    scene = make_scene(result)
    near, far = (scene.pixel(scene.stage.points[p, 0, H36M17.index("left_ankle")])[1] for p in (0, 1))
    assert far < near


def test_nearer_limbs_cover_farther_ones(make_result):
    result = make_result()
    poses = result.poses.poses
    left, right = H36M17.index("left_wrist"), H36M17.index("right_wrist")
    poses[0, :, left] = poses[0, :, right] = (0.0, -0.2, 0.0)
    poses[0, :, left, 2] = 0.5  # behind
    front = make_scene(result, config=RenderConfig(azimuth=0, elevation=0))
    x, y = front.pixel(front.stage.points[0, 0, right])
    found = drawn(front)[int(y), int(x)].astype(int)
    assert found[0] > found[2]  # orange, not blue


def test_everybody_fits_into_the_picture_all_the_time(make_result):
    result = make_result(people=3, frames=30)
    result.poses.trajectory[1, :, 2] = np.linspace(3, 6, 30)
    for size in (SIZE, (640, 200), (120, 400)):
        scene = make_scene(result, size)
        for point in scene.stage.points.reshape(-1, 3)[::7]:
            x, y = scene.pixel(point)
            assert 0 <= x < size[0]
            assert 0 <= y < size[1]


def test_frames_depend_on_nothing_but_the_frame(make_result):
    result = make_result(frames=4)
    result.poses.poses[0, :, :, 1] += np.linspace(0, 0.1, 4)[:, None] * np.arange(17) / 17
    scene, again = make_scene(result), make_scene(result)
    first = [drawn(scene, frame) for frame in (0, 1, 2, 3)]
    second = [drawn(again, frame) for frame in (3, 2, 1, 0)]
    for one, other in zip(first, reversed(second), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (first[0] != first[3]).any()


def test_nobody_is_said_and_leaves_the_scene_as_it_was(make_result):
    result = make_result()
    result.poses.poses[0, 2] = np.nan
    scene = make_scene(result)
    empty = drawn(scene, 2)
    difference = (empty != scene._background[..., :3]).any(-1)
    rows = np.flatnonzero(difference.any(1))
    assert len(rows)  # the note
    assert np.ptp(rows) < 20
    assert (drawn(scene, 1) != empty).any()


def test_an_interpolated_person_is_dimmed(make_result):
    result = make_result()
    result.keypoints.present[0, 1] = False
    scene = make_scene(result)
    seen, guessed = drawn(scene, 0), drawn(scene, 1)
    x, y = scene.pixel(scene.stage.points[0, 0, H36M17.index("head")])
    assert guessed[int(y), int(x)].sum() < 0.75 * seen[int(y), int(x)].sum()


def test_a_followed_person_walks_over_a_moving_grid(make_result):
    result = make_result(frames=40)
    result.poses.trajectory[0, :, 0] = np.linspace(0, 4, 40)
    scene = make_scene(result)
    one, other = drawn(scene, 18), drawn(scene, 20)
    feet = int(scene.pixel(np.array([0, 0, 0.3]))[1])
    np.testing.assert_array_equal(one[: feet - 30], other[: feet - 30])
    assert (one[feet:] != other[feet:]).any()


def test_the_background_is_dark_and_only_the_skeleton_changes_it(make_result):
    scene = make_scene(make_result())
    assert tuple(drawn(scene)[0, 0]) == BACKGROUND
    assert (drawn(scene) == scene._background[..., :3]).all(-1).mean() > 0.8


@pytest.mark.parametrize("half", [1, 2.4, 4, 7, 12, 30, 49])
def test_about_five_to_ten_grid_cells_fit(half):
    assert 4 <= 2 * half / scene_module._cell(half) <= 10


@pytest.mark.parametrize("size", [(64, 64), (333, 77), (481, 719), (1000, 500)])
def test_the_picture_has_exactly_the_size_asked_for(make_result, size):
    assert drawn(make_scene(make_result(), size)).shape == (size[1], size[0], 3)
