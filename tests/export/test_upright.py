from __future__ import annotations

import numpy as np
import pytest

from videopose3d.errors import VideoPose3DError
from videopose3d.export.upright import ROW, SOLE, camera_to_y_up, lifted, marker_name, markers, upright
from videopose3d.skeleton import H36M17

NOBODY, UNPLACED = 2, 4  # frames of the first person, see make_result


def test_the_turn_to_y_up_keeps_left_and_right():
    turned = camera_to_y_up(np.eye(3))
    np.testing.assert_array_equal(turned, [[1, 0, 0], [0, -1, 0], [0, 0, -1]])
    assert np.linalg.det(turned) == 1


def test_distances_are_those_of_the_camera_and_the_floor_is_under_the_feet(make_result):
    poses = make_result().poses
    points = upright(poses)
    camera = (poses.poses + poses.trajectory[:, :, None]).astype(float)
    np.testing.assert_allclose(points[..., 0], camera[..., 0], atol=1e-6)
    np.testing.assert_allclose(points[..., 2], -camera[..., 2], atol=1e-6)
    offset = points[..., 1] + camera[..., 1]
    assert np.nanmax(offset) - np.nanmin(offset) < 1e-5
    poses.poses[:] = poses.poses[1, :1]
    poses.trajectory[:] = 0
    assert upright(poses)[..., 1].min() == pytest.approx(SOLE)


def test_a_frame_without_a_place_is_a_gap_or_filled(make_result):
    poses = make_result().poses
    assert np.isnan(upright(poses)[0, [NOBODY, UNPLACED]]).all()
    filled = upright(poses, fill=True)
    assert np.isnan(filled[0, NOBODY]).all()
    middle = (poses.trajectory[0, UNPLACED - 1] + poses.trajectory[0, UNPLACED + 1]) / 2
    np.testing.assert_allclose(filled[0, UNPLACED, 0, 0], middle[0] + poses.poses[0, UNPLACED, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(filled[1, ..., [0, 2]], upright(poses)[1, ..., [0, 2]])


def test_people_whose_place_nobody_knows_stand_in_a_row(make_result):
    poses = make_result().poses
    poses.trajectory[:] = np.nan
    points = upright(poses)
    np.testing.assert_allclose(points[1, :, 3, 0], poses.poses[1, :, 3, 0] + ROW, atol=1e-6)
    np.testing.assert_allclose(points[0, 0, 3, 0], poses.poses[0, 0, 3, 0], atol=1e-6)


def test_nobody_and_no_frames(make_result):
    assert upright(make_result(0, 5).poses).shape == (0, 5, 17, 3)
    assert upright(make_result(2, 0).poses, fill=True).shape == (2, 0, 17, 3)


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
