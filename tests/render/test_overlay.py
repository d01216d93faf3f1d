from __future__ import annotations

import numpy as np
import pytest

from videopose3d.render.overlay import Overlay
from videopose3d.render.theme import DARK, bone_sides
from videopose3d.skeleton import COCO17

GREY = 120


def drawn(result, *, frame: int = 0, size: tuple[int, int] = (320, 240), scale: float = 1.0) -> np.ndarray:
    picture = np.full((size[1], size[0], 3), GREY, np.uint8)
    kp = result.keypoints
    Overlay(COCO17, (scale, scale)).draw(picture, kp.points[:, frame], kp.scores[:, frame], kp.present[:, frame])
    return picture


def at(picture: np.ndarray, point: np.ndarray) -> np.ndarray:
    x, y = np.floor(point).astype(int)
    return picture[y, x].astype(int)


def joint(result, name: str) -> np.ndarray:
    return result.keypoints.points[0, 0, COCO17.index(name)]


@pytest.mark.parametrize("name", ["left_wrist", "left_ankle", "right_wrist", "right_ankle"])
def test_a_joint_has_its_sides_colour(make_result, name):
    result = make_result()
    assert np.abs(at(drawn(result), joint(result, name)) - DARK.side(name.partition("_")[0])).max() < 12


def test_left_is_on_the_right_of_somebody_who_faces_us(make_result):
    result = make_result()
    picture = drawn(result).astype(int)
    blue = np.argwhere(np.abs(picture - DARK.left).max(-1) < 12)
    orange = np.argwhere(np.abs(picture - DARK.right).max(-1) < 12)
    assert blue[:, 1].min() > orange[:, 1].max() - 2


def test_nothing_changes_away_from_the_person(make_result):
    result = make_result()
    picture = drawn(result)
    x0, y0, x1, y1 = result.keypoints.boxes[0, 0]
    outside = np.ones(picture.shape[:2], bool)
    outside[int(y0) - 12 : int(y1) + 12, int(x0) - 12 : int(x1) + 12] = False
    assert (picture[outside] == GREY).all()
    assert (picture[~outside] != GREY).any()


def test_points_are_scaled_to_the_picture(make_result):
    result = make_result()
    picture = drawn(result, size=(640, 480), scale=2.0)
    assert np.abs(at(picture, joint(result, "left_wrist") * 2) - DARK.left).max() < 12


def test_drawing_into_a_view_is_drawing_into_the_picture(make_result):
    result = make_result()
    large = np.full((300, 400, 3), GREY, np.uint8)
    view = large[30:270, 50:370]
    kp = result.keypoints
    Overlay(COCO17).draw(view, kp.points[:, 0], kp.scores[:, 0], kp.present[:, 0])
    np.testing.assert_array_equal(large[30:270, 50:370], drawn(result))
    assert (large[:, :50] == GREY).all()


def test_an_uncertain_limb_is_faded(make_result):
    sure, unsure = make_result(), make_result()
    unsure.keypoints.scores[0, :, COCO17.index("left_wrist")] = 0.1
    middle = (joint(sure, "left_wrist") + joint(sure, "left_elbow")) / 2
    strong, weak = (np.abs(at(drawn(r), middle) - GREY).sum() for r in (sure, unsure))
    assert 0.3 * strong < weak < 0.8 * strong


def test_an_interpolated_person_is_dashed_hollow_and_labelled(make_result):
    seen, guessed = make_result(), make_result()
    guessed.keypoints.present[:] = False
    solid, dashed = drawn(seen), drawn(guessed)
    along = np.linspace(joint(seen, "left_shoulder"), joint(seen, "left_hip"), 60)[8:-8]
    blueness = [np.array([at(p, point)[2] - at(p, point)[0] for point in along]) for p in (solid, dashed)]
    assert blueness[0].min() > 60  # blue all the way
    assert blueness[1].min() < 30  # blue and not, in turn
    assert blueness[1].max() > 50
    assert np.abs(at(dashed, joint(seen, "left_ankle")) - at(solid, joint(seen, "left_ankle"))).max() > 50
    above = slice(0, int(seen.keypoints.boxes[0, 0, 1]) - 8)
    assert (dashed[above] != GREY).any()
    assert (solid[above] == GREY).all()


def test_people_are_numbered_only_when_there_are_several(make_result):
    two = make_result(people=2)
    one = make_result(people=1)
    top = int(np.nanmin(one.keypoints.boxes[..., 1])) - 8
    assert (drawn(one)[:top] == GREY).all()
    assert (drawn(two)[:top] != GREY).any()


def test_missing_joints_and_people_are_left_out(make_result):
    result = make_result()
    result.keypoints.points[0, 0, COCO17.index("left_wrist")] = np.nan
    assert (at(drawn(result), joint(make_result(), "left_wrist")) == GREY).all()
    result.keypoints.points[:] = np.nan
    assert (drawn(result) == GREY).all()


@pytest.mark.parametrize("shift", [1e3, -1e3, 1e9, -1e9])
def test_people_outside_the_picture_do_no_harm(make_result, shift):
    result = make_result()
    result.keypoints.points[..., 0] += shift
    drawn(result)


def test_bones_between_the_sides_belong_to_neither():
    sides = dict(zip(COCO17.bones, bone_sides(COCO17), strict=True))
    assert sides["left_shoulder", "right_shoulder"] == "middle"
    assert sides["left_shoulder", "left_hip"] == "left"
    assert sides["nose", "right_eye"] == "right"
