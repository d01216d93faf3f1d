from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from videopose3d.errors import SkeletonMismatchError, VideoPose3DError
from videopose3d.skeleton import COCO17, H36M17, HUMANEVA15
from videopose3d.types import Keypoints2D, Person, Poses3D, Result, VideoInfo


def keypoints(people=2, frames=5, **fields):
    arrays = {
        "points": np.zeros((people, frames, 17, 2), np.float32),
        "scores": np.ones((people, frames, 17), np.float32),
        "boxes": np.zeros((people, frames, 4), np.float32),
        "present": np.ones((people, frames), bool),
        "skeleton": COCO17,
        "fps": Fraction(25),
        "size": (640, 480),
    }
    return Keypoints2D(**(arrays | fields))


def poses(people=2, frames=5, **fields):
    arrays = {
        "poses": np.ones((people, frames, 17, 3), np.float32),
        "trajectory": np.ones((people, frames, 3), np.float32),
        "skeleton": H36M17,
    }
    return Poses3D(**(arrays | fields))


def person(**fields):
    arrays = {"keypoints": np.zeros((17, 2)), "scores": np.zeros(17), "box": np.zeros(4)}
    return Person(**(arrays | fields))


@pytest.mark.parametrize(
    ("make", "field", "shape", "expected"),
    [
        (keypoints, "points", (2, 5, 16, 2), (2, 5, 17, 2)),
        (keypoints, "points", (2, 5, 17, 3), (2, 5, 17, 2)),
        (keypoints, "scores", (2, 5, 17, 1), (2, 5, 17)),
        (keypoints, "boxes", (2, 4, 4), (2, 5, 4)),
        (keypoints, "present", (5,), (2, 5)),
        (poses, "poses", (2, 5, 15, 3), (2, 5, 17, 3)),
        (poses, "trajectory", (2, 5, 17, 3), (2, 5, 3)),
        (person, "keypoints", (17, 3), (17, 2)),
        (person, "scores", (16,), (17,)),
        (person, "box", (5,), (4,)),
    ],
)
def test_a_wrong_shape_names_the_array_what_was_expected_and_what_came(make, field, shape, expected):
    with pytest.raises(SkeletonMismatchError) as error:
        make(**{field: np.zeros(shape, np.float32)})
    assert f".{field}: expected shape {expected}, got {shape}" in str(error.value)


def test_joints_are_counted_by_the_skeleton():
    with pytest.raises(SkeletonMismatchError, match=r"expected shape \(2, 5, 15, 3\), got \(2, 5, 17, 3\)"):
        poses(skeleton=HUMANEVA15)


@pytest.mark.parametrize(("people", "frames"), [(1, 5), (2, 4)])
def test_the_stages_of_a_result_are_of_one_clip(people, frames):
    with pytest.raises(SkeletonMismatchError, match=r"Result\.poses: expected shape \(2, 5, 17, 3\)"):
        Result(keypoints(2, 5), poses(people, frames))


@pytest.mark.parametrize("name", ["poses_3d", "trajectory"])
def test_before_lifting_there_is_no_3d(name):
    result = Result(keypoints(source="walk.mp4"))
    with pytest.raises(VideoPose3DError, match=r"walk\.mp4: .*2D keypoints only\. Lift it first\."):
        getattr(result, name)


def test_a_lifted_result_gives_its_arrays():
    two, three = keypoints(fps=Fraction(30000, 1001)), poses()
    result = Result(two, three)
    assert result.poses_3d is three.poses
    assert result.trajectory is three.trajectory
    assert result.keypoints_2d is two.points
    assert result.keypoints_score is two.scores
    assert result.fps == Fraction(30000, 1001)
    assert (result.people, two.people, two.frames) == (2, 2, 5)


def test_nobody_is_a_valid_result():
    assert Result(keypoints(0, 5), poses(0, 5)).people == 0


def test_placed_means_that_some_joint_has_a_position():
    points = np.full((1, 4, 17, 2), np.nan, np.float32)
    points[0, 1] = 3
    points[0, 2, 6] = 3
    points[0, 3, 6, 0] = 3  # x without y
    np.testing.assert_array_equal(keypoints(1, 4, points=points).placed, [[False, True, True, False]])


def test_values_cannot_be_reassigned():
    with pytest.raises(AttributeError):
        keypoints().fps = 3


def test_video_size_is_width_then_height():
    assert VideoInfo("a.mp4", 640, 480, Fraction(25)).size == (640, 480)
