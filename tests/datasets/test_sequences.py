from __future__ import annotations

import re

import numpy as np
import pytest
from golden_files import golden_json

from videopose3d.calibration import CalibratedCamera
from videopose3d.datasets.sequences import PoseDataset, PoseSequence, action_group, check_finite, stretch
from videopose3d.errors import InputError, SkeletonMismatchError
from videopose3d.geometry import screen_from_pixels
from videopose3d.skeleton import COCO17, H36M17

SUBSETS = golden_json("generators")["subset"]
CAMERA = CalibratedCamera("c", (200, 100))


def sequence(subject="S1", action="Walking", frames=10, labelled=True, features=2):
    rng = np.random.default_rng(frames)
    keypoints = rng.uniform(0, 100, (frames, 17, features)).astype(np.float32)
    if not labelled:
        return PoseSequence(subject, action, CAMERA, keypoints)
    poses = rng.normal(size=(frames, 17, 3)).astype(np.float32)
    return PoseSequence(subject, action, CAMERA, keypoints, poses - poses[:, :1], poses[:, 0])


def dataset(*sequences):
    return PoseDataset("some", H36M17, COCO17, 50.0, sequences, "some.npz")


SOME = dataset(
    sequence("S1", "Walking", 20),
    sequence("S1", "WalkDog 1", 30),
    sequence("S1", "Sitting", 12, labelled=False),
    sequence("S2", "Walking", 25),
    sequence("S3", "Walking", 15, labelled=False),
    sequence("S3", "Eating", 5, labelled=False),
)


def names(chosen):
    return [(s.subject, s.action) for s in chosen]


# --- the golden subsets


@pytest.mark.parametrize("name", SUBSETS)
def test_subsets_keep_the_frames_of_the_original(name):
    subset, downsample = re.fullmatch(r"subset=(\S+) downsample=(\d+)", name).groups()
    for length, before_stride, start, kept in SUBSETS[name]:
        frames = stretch(length, float(subset), int(downsample))
        assert (frames.start, frames.stop, frames.step) == (start, start + before_stride, int(downsample))
        assert len(range(length)[frames]) == kept


def test_there_are_golden_subsets():
    assert len(SUBSETS) == 18
    assert sum(map(len, SUBSETS.values())) == 270


@pytest.mark.parametrize(("length", "start"), [(100, 37), (1000, 411), (1383, 403), (2000, 479), (3000, 1898)])
def test_the_published_starts(length, start):
    assert stretch(length, 0.1, 1).start == start


def test_the_whole_take():
    assert stretch(100, 1, 1) == slice(0, 100, 1)
    assert stretch(100, 1, 5) == slice(0, 100, 5)


# --- choosing


def test_the_order_is_that_of_the_subjects_asked_for():
    assert names(SOME.select(["S2", "S1"])) == [("S2", "Walking"), ("S1", "Walking"), ("S1", "WalkDog 1")]


def test_actions_are_prefixes():
    assert names(SOME.select(["S1"], ["Walk"])) == [("S1", "Walking"), ("S1", "WalkDog 1")]
    assert names(SOME.select(["S1"], ["WalkDog"])) == [("S1", "WalkDog 1")]


def test_takes_without_3d_are_left_out_where_there_are_others():
    assert ("S1", "Sitting") not in names(SOME.select(["S1"]))
    assert ("S1", "Sitting") in names(SOME.select(["S1"], labelled=False))


def test_a_subject_or_action_without_any_3d_is_refused():
    with pytest.raises(InputError, match=r"some\.npz: no 3D poses of S3\. Use it as unlabelled only"):
        SOME.select(["S1", "S3"])
    with pytest.raises(InputError, match="no 3D poses of S1"):
        SOME.select(["S1"], ["Sitting"])
    with pytest.raises(InputError, match="no 3D poses of action 'Sitting'"):
        SOME.select(["S1"], ["Sitting", "Walking"])
    assert names(SOME.select(["S3"], labelled=False)) == [("S3", "Walking"), ("S3", "Eating")]


def test_who_and_what_is_not_there():
    with pytest.raises(InputError, match=r"no subject 'S9'\. There are S1, S2, S3\."):
        SOME.select(["S1", "S9"])
    with pytest.raises(InputError, match=r"no action 'Fly' of S1\. There are Sitting, WalkDog, Walking\."):
        SOME.select(["S1"], ["Walking", "Fly"])
    with pytest.raises(InputError, match="no subjects given"):
        SOME.select([])


def test_subset_and_downsample():
    (whole,) = SOME.select(["S2"])
    (part,) = SOME.select(["S2"], subset=0.5, downsample=2)
    frames = stretch(25, 0.5, 2)
    assert np.array_equal(part.keypoints, whole.keypoints[frames])
    assert np.array_equal(part.poses, whole.poses[frames])
    assert np.array_equal(part.trajectory, whole.trajectory[frames])
    with pytest.raises(InputError, match="a subset of 0.001 leaves no frames"):
        SOME.select(["S2"], subset=0.001)


def test_the_facts_of_a_data_set():
    assert SOME.subjects == ("S1", "S2", "S3")
    assert SOME.features == 2
    assert dataset(sequence(features=3)).features == 3
    assert dataset().features == 2


@pytest.mark.parametrize(("action", "group"), [("Walking", "Walking"), ("Walking 1 chunk0", "Walking")])
def test_groups_of_actions(action, group):
    assert action_group(action) == group


# --- one sequence


def test_the_screen_keeps_the_score():
    s = sequence(features=3)
    assert np.array_equal(s.screen[..., :2], screen_from_pixels(s.keypoints[..., :2], (200, 100)))
    assert np.array_equal(s.screen[..., 2], s.keypoints[..., 2])


def test_parts_of_unlabelled_takes():
    part = sequence(labelled=False).part(slice(2, 5))
    assert len(part) == 3
    assert part.poses is None


def test_shapes_are_checked():
    with pytest.raises(SkeletonMismatchError, match=r"\(10, 17, 4\)"):
        sequence(features=4)
    s = sequence()
    with pytest.raises(InputError, match="9 frames of 3D for 10 of 2D"):
        PoseSequence("S1", "Walking", CAMERA, s.keypoints, s.poses[:9], s.trajectory[:9])
    with pytest.raises(InputError, match=r"trajectory \(10, 3\), got \(9, 3\)"):
        PoseSequence("S1", "Walking", CAMERA, s.keypoints, s.poses, s.trajectory[:9])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("array", ["keypoints", "poses", "trajectory"])
def test_gaps_are_named(array, value):
    s = sequence(features=2)
    check_finite(s, "a.npz")
    getattr(s, array)[[3, 7], ..., 1] = value
    with pytest.raises(InputError, match=r"a\.npz: S1 'Walking', camera c: the [\w ]+ of 2 frames .* frame 3"):
        check_finite(s, "a.npz")
