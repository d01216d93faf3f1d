from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from videopose3d.config import RenderConfig
from videopose3d.render import agg
from videopose3d.render import scene as scene_module
from videopose3d.render.scene import Scene
from videopose3d.render.stage import set_stage
from videopose3d.render.theme import DARK, LIGHT
from videopose3d.render.view import cell_size, main_view, second_view
from videopose3d.skeleton import H36M17
from videopose3d.types import Result, World

SIZE = (260, 300)


def make_scene(result, size=SIZE, config=None, view=None, theme=DARK) -> Scene:
    config = config or RenderConfig()
    present = result.keypoints.present
    stage = set_stage(result.poses, result.fps, present=present, world=result.world, follow=config.follow)
    return Scene(stage, size, view or main_view(config), theme)


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
    wanted = np.array(DARK.side(name.partition("_")[0]), float)
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
    assert tuple(drawn(scene)[0, 0]) == DARK.background
    assert (drawn(scene) == scene._background[..., :3]).all(-1).mean() > 0.8


@pytest.mark.parametrize("half", [1, 2.4, 4, 7, 12, 30, 49])
def test_about_five_to_ten_grid_cells_fit(half):
    assert 4 <= 2 * half / cell_size(half) <= 10


@pytest.mark.parametrize("size", [(64, 64), (333, 77), (481, 719), (1000, 500)])
def test_the_picture_has_exactly_the_size_asked_for(make_result, size):
    assert drawn(make_scene(make_result(), size)).shape == (size[1], size[0], 3)


# --- views, themes, the ground


def where(scene: Scene, frame: int, colour) -> np.ndarray:
    """(n, 2) x, y of the pixels in about that colour."""
    return np.argwhere(np.abs(drawn(scene, frame).astype(int) - colour).max(-1) < 14)[:, ::-1]


def test_an_orbit_goes_round_and_comes_back(make_result):
    result = make_result(frames=40)  # 10 frames/s
    scene = make_scene(result, config=RenderConfig(orbit=90, azimuth=0))
    still = make_scene(result, config=RenderConfig(azimuth=0))
    np.testing.assert_array_equal(drawn(still, 0), drawn(still, 20))

    def across(frame: int) -> float:  # the left wrist is right of the right one, seen from the front
        return float(where(scene, frame, DARK.left)[:, 0].mean() - where(scene, frame, DARK.right)[:, 0].mean())

    assert across(0) > 15
    assert across(20) < -15  # after two seconds from behind
    assert not len(where(scene, 10, DARK.right))  # from the left side, which hides the right one
    assert np.abs(drawn(scene, 0).astype(int) - drawn(scene, 39)).mean() < 6  # nearly round
    assert (drawn(scene, 0) != drawn(scene, 10)).any(-1)[-80:].mean() > 0.05  # the floor turned, too


def test_an_orbiting_viewer_goes_to_the_side_that_azimuth_means(make_result):
    result = make_result(frames=20)
    orbit = make_scene(result, config=RenderConfig(orbit=45, azimuth=0))
    turned = make_scene(result, config=RenderConfig(azimuth=45))
    for colour in (DARK.left, DARK.right):
        one, other = (where(s, 10, colour)[:, 0] - where(s, 10, DARK.middle)[:, 0].mean() for s in (orbit, turned))
        assert np.sign(one.mean()) == np.sign(other.mean())


@pytest.mark.parametrize("orbit", [20, -70])
def test_people_stay_in_the_picture_all_the_way_round(make_result, orbit):
    result = make_result(people=3, frames=60)
    scene = make_scene(result, config=RenderConfig(orbit=orbit))
    border = np.ones((SIZE[1], SIZE[0]), bool)
    border[3:-3, 3:-3] = False
    for frame in range(0, 60, 7):
        for x, y in (*where(scene, frame, DARK.left), *where(scene, frame, DARK.right)):
            assert not border[y, x]


@pytest.mark.parametrize("name", ["side", "top", "front", "back"])
def test_a_second_view_is_seen_from_where_it_says(make_result, name):
    result = make_result()
    result.poses.poses[0, :, H36M17.index("left_wrist"), 2] = -0.5  # towards the filming camera
    view = second_view(RenderConfig(second_view=name))
    scene = make_scene(result, view=view)
    points = scene.stage.points[0, 0]
    left, right, head, foot = (
        np.array(scene.pixel(points[H36M17.index(joint)]))
        for joint in ("left_wrist", "right_wrist", "head", "right_ankle")
    )
    assert view.name
    if name == "front":
        assert right[0] < head[0] < left[0]
    elif name == "back":
        assert left[0] < head[0] < right[0]
    elif name == "side":  # the filming camera is on the left
        assert left[0] < right[0] - 10
    else:
        assert right[0] < head[0] < left[0]
        assert left[1] > right[1] + 10  # the camera is below
        assert abs(head[1] - foot[1]) < 30
    for point in points:
        assert 0 <= scene.pixel(point)[0] < SIZE[0]
        assert 0 <= scene.pixel(point)[1] < SIZE[1]
    drawn(scene)


def test_no_second_view_is_the_default():
    assert second_view(RenderConfig()) is None


def test_the_light_theme_is_light(make_result):
    scene = make_scene(make_result(), theme=LIGHT)
    assert tuple(drawn(scene)[0, 0]) == LIGHT.background
    assert len(where(scene, 0, LIGHT.left)) > 20
    assert len(where(scene, 0, LIGHT.right)) > 20
    assert len(where(scene, 0, DARK.left)) == 0


def in_world(result: Result, contacts: np.ndarray | None = None) -> Result:
    """The people of `make_result` on the ground, under a camera 1.5 m up that looks down by 20 degrees."""
    pitch = np.radians(20)
    turn = np.array([[1, 0, 0], [0, -np.sin(pitch), np.cos(pitch)], [0, -np.cos(pitch), -np.sin(pitch)]])
    shift = np.array([0, 0, 1.5])
    down = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # camera axes of a level camera to z up
    world = (result.poses_3d + result.trajectory[:, :, None]) @ down.T + (0, 0, 0.98)
    camera = (world - shift) @ turn
    poses = replace(
        result.poses,
        poses=(camera - camera[:, :, :1]).astype(np.float32),
        trajectory=camera[:, :, 0].astype(np.float32),
    )
    contacts = np.zeros((*world.shape[:2], 2), bool) if contacts is None else contacts
    ground = np.array([*turn[2], 1.5])
    matrix = np.column_stack([turn, shift])
    return replace(result, poses=poses, world=World(world.astype(np.float32), ground, matrix, contacts))


def test_people_stand_where_the_world_says(make_result):
    result = in_world(make_result(people=2))
    stage = make_scene(result).stage
    np.testing.assert_array_equal(stage.points, result.world.poses)
    assert stage.points[..., 2].min() == pytest.approx(0.08, abs=1e-4)
    assert not stage.follow


def test_who_has_no_place_stands_between_or_in_a_row(make_result):
    result = in_world(make_result(people=2))
    whole = result.world.poses.copy()
    result.world.poses[0, 2] = np.nan
    np.testing.assert_allclose(make_scene(result).stage.points, whole, atol=1e-5)
    result.world.poses[1] = np.nan
    stage = make_scene(result).stage
    assert np.isfinite(stage.points).all()
    np.testing.assert_allclose(stage.points[1, :, 0, 0], 0.6)
    assert stage.points[1, ..., 2].min() == pytest.approx(0.06, abs=1e-4)
    result.poses.poses[0, 2] = np.nan
    assert np.isnan(make_scene(result).stage.points[0, 2]).all()


def test_a_foot_that_stands_stands_still_on_the_moving_floor(make_result):
    result = make_result(frames=60)
    result.poses.trajectory[0, :, 0] = np.linspace(0, 3, 60)
    result = in_world(result)
    foot = H36M17.index("left_ankle")
    result.world.poses[0, :, foot, :2] = (0.2, 3.0)
    stage = make_scene(result).stage
    assert stage.follow
    np.testing.assert_allclose(stage.points[0, :, foot, :2] + stage.drift, np.full((60, 2), (0.2, 3.0)), atol=1e-5)


def test_contacts_are_marked_under_the_foot(make_result):
    result = make_result()
    contacts = np.zeros((1, 6, 2), bool)
    contacts[0, 1, 0] = True
    scene = make_scene(in_world(result, contacts))
    off, on = drawn(scene, 0), drawn(scene, 1)
    changed = np.argwhere((off != on).any(-1))[:, ::-1]
    foot = scene.pixel(scene.stage.points[0, 0, H36M17.index("left_ankle")] * (1, 1, 0))
    assert len(changed) > 10
    assert np.abs(changed.mean(0) - foot).max() < 8
    assert np.ptp(changed, axis=0).max() < 30


@pytest.mark.parametrize(("follow", "people", "moves"), [(True, 1, True), (False, 1, False), (True, 2, True)])
def test_following_can_be_chosen(make_result, follow, people, moves):
    result = make_result(people=people, frames=40)
    result.poses.trajectory[:, :, 0] += np.linspace(0, 4, 40)
    stage = make_scene(result, config=RenderConfig(follow=follow)).stage
    assert stage.follow is moves
    travelled = np.ptp(stage.points[0, :, 0, 0])
    assert travelled < 0.01 if moves else travelled > 3.9
    if people == 2:  # the other one keeps the distance
        np.testing.assert_allclose(stage.points[1, :, 0, 0] - stage.points[0, :, 0, 0], 1, atol=1e-5)


def test_nobody_can_be_followed(make_result):
    assert drawn(make_scene(make_result(people=0), config=RenderConfig(follow=True))).any()


@pytest.mark.parametrize("view", ["side", "top", "front"])
@pytest.mark.parametrize("size", [(120, 400), (500, 150), (300, 300)])
def test_far_reaching_limbs_are_not_cut(make_result, size, view):
    result = make_result(frames=20)
    hand = H36M17.index("left_wrist")
    result.poses.poses[0, :, hand, 0] = np.linspace(0.3, 1.2, 20)  # beyond the margin round the middle
    result.poses.poses[0, :, hand, 2] = np.linspace(0.3, -1.2, 20)
    scene = make_scene(result, size, view=second_view(RenderConfig(second_view=view)))
    for point in scene.stage.points[0].reshape(-1, 3):
        x, y = scene.pixel(point)
        assert scene._width / 2 <= x <= size[0] - scene._width / 2
        assert scene._width / 2 <= y <= size[1] - scene._width / 2


def test_numbers_of_people_stay_below_the_line_of_words(make_result, monkeypatch):
    tags = []
    monkeypatch.setattr(scene_module, "tag", lambda out, words, tip, size, theme: tags.append((tip, size)))
    result = make_result(people=3, frames=20)
    result.poses.poses[:, :, H36M17.index("left_wrist"), 1] = -1.1  # arms up
    scene = make_scene(result, (400, 300), config=RenderConfig(elevation=0))
    for frame in range(0, 20, 5):
        drawn(scene, frame)
    assert len(tags) == 12
    assert min(y - 2.4 * size for (_, y), size in tags) > 1.7 * scene._letters - 1
