from __future__ import annotations

import numpy as np
import pytest

from tests.export.ground import grounded, world_from_camera
from videopose3d.errors import VideoPose3DError
from videopose3d.export.upright import ROW, SOLE, camera_to_y_up, levelled, lifted, marker_name, markers, upright
from videopose3d.skeleton import H36M17

NOBODY, UNPLACED = 2, 4  # frames of the first person, see make_result


def test_the_turn_to_y_up_keeps_left_and_right():
    turned = camera_to_y_up(np.eye(3))
    np.testing.assert_array_equal(turned, [[1, 0, 0], [0, -1, 0], [0, 0, -1]])
    assert np.linalg.det(turned) == 1


def test_distances_are_those_of_the_camera_and_the_floor_is_under_the_feet(make_result):
    result = make_result()
    poses, points = result.poses, upright(result)
    camera = (poses.poses + poses.trajectory[:, :, None]).astype(float)
    np.testing.assert_allclose(points[..., 0], camera[..., 0], atol=1e-6)
    np.testing.assert_allclose(points[..., 2], -camera[..., 2], atol=1e-6)
    offset = points[..., 1] + camera[..., 1]
    assert np.nanmax(offset) - np.nanmin(offset) < 1e-5
    poses.poses[:] = poses.poses[1, :1]
    poses.trajectory[:] = 0
    assert upright(result)[..., 1].min() == pytest.approx(SOLE)


def test_a_frame_without_a_place_is_a_gap_or_filled(make_result):
    result = make_result()
    poses = result.poses
    assert np.isnan(upright(result)[0, [NOBODY, UNPLACED]]).all()
    filled = upright(result, fill=True)
    assert np.isnan(filled[0, NOBODY]).all()
    middle = (poses.trajectory[0, UNPLACED - 1] + poses.trajectory[0, UNPLACED + 1]) / 2
    np.testing.assert_allclose(filled[0, UNPLACED, 0, 0], middle[0] + poses.poses[0, UNPLACED, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(filled[1, ..., [0, 2]], upright(result)[1, ..., [0, 2]])


def test_people_whose_place_nobody_knows_stand_in_a_row(make_result):
    result = make_result()
    poses = result.poses
    poses.trajectory[:] = np.nan
    points = upright(result)
    np.testing.assert_allclose(points[1, :, 3, 0], poses.poses[1, :, 3, 0] + ROW, atol=1e-6)
    np.testing.assert_allclose(points[0, 0, 3, 0], poses.poses[0, 0, 3, 0], atol=1e-6)


def test_the_ground_is_where_it_was_found(make_result):
    clip = grounded(make_result())
    points, world = upright(clip), clip.world.poses
    np.testing.assert_allclose(points[..., 0], world[..., 0], atol=1e-6)
    np.testing.assert_allclose(points[..., 1], world[..., 2], atol=1e-6)
    np.testing.assert_allclose(points[..., 2], -world[..., 1], atol=1e-6)
    level = levelled(clip)
    np.testing.assert_allclose(level.trajectory[..., 1], -world[:, :, 0, 2], atol=1e-6)
    there = np.isfinite(world).all((-1, -2))
    assert not there.all()
    np.testing.assert_allclose(level.poses[there][:, 0], 0, atol=1e-6)


def test_the_ground_turns_poses_without_a_place_upright(make_result):
    clip = grounded(make_result())
    clip.poses.trajectory[0] = clip.world.poses[0] = np.nan
    turned = clip.poses.poses @ world_from_camera()[:, :3].T
    points = upright(clip)
    shin = (turned[0, 0, 3] - turned[0, 0, 2])[[0, 2, 1]] * (1, 1, -1)
    np.testing.assert_allclose(points[0, 0, 3] - points[0, 0, 2], shin, atol=1e-6)
    assert np.nanmin(points[0, ..., 1]) < SOLE < np.nanmedian(points[0, ..., 1])  # on the spot, on the ground
    np.testing.assert_allclose(points[1, ..., 1], clip.world.poses[1, ..., 2], atol=1e-6)


def test_a_frame_without_a_place_on_the_ground_is_filled(make_result):
    clip = grounded(make_result())
    assert np.isnan(upright(clip)[0, UNPLACED]).all()
    filled = upright(clip, fill=True)
    middle = (clip.world.poses[0, UNPLACED - 1, 0] + clip.world.poses[0, UNPLACED + 1, 0]) / 2
    turned = clip.poses.poses[0, UNPLACED] @ world_from_camera()[:, :3].T
    np.testing.assert_allclose(filled[0, UNPLACED, :, 1], turned[:, 2] + middle[2], atol=1e-5)
    np.testing.assert_allclose(filled[0, UNPLACED, :, 2], -turned[:, 1] - middle[1], atol=1e-5)


def test_nobody_and_no_frames(make_result):
    assert upright(grounded(make_result(0, 5))).shape == (0, 5, 17, 3)
    assert upright(grounded(make_result(2, 0)), fill=True).shape == (2, 0, 17, 3)
    assert upright(make_result(0, 5)).shape == (0, 5, 17, 3)
    assert upright(make_result(2, 0), fill=True).shape == (2, 0, 17, 3)


def test_names_tell_side_and_person():
    assert marker_name("right_hip") == "RHip"
    assert marker_name("left_shoulder") == "LShoulder"
    assert marker_name("pelvis") == "Pelvis"
    names = markers(H36M17.joints, 3)
    assert names[:2] == ["Pelvis", "RHip"]
    assert names[17] == "P2_Pelvis"
    assert names[-1] == "P3_RWrist"
    assert len(set(names)) == 51


def test_a_result_of_the_2d_stage_is_refused(make_result):
    with pytest.raises(VideoPose3DError, match="2D keypoints only"):
        lifted(make_result(lifted=False))
