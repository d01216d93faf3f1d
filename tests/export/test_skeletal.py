from __future__ import annotations

from dataclasses import replace
from importlib.resources import as_file, files

import numpy as np
import pytest
from stiff import LENGTHS, dance, joints, result, t_pose

from videopose3d.errors import SkeletonMismatchError
from videopose3d.export.rotations import matrices
from videopose3d.export.skeletal import Motion, motions, rest_positions, rig
from videopose3d.export.upright import upright
from videopose3d.skeleton import COCO17, H36M17, HUMANEVA15


def world(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Forward kinematics: (T, B, 3) starts [m] and (T, B, 3, 3) turns of all bones."""
    turned, starts = matrices(motion.turns), np.zeros((*motion.turns.shape[:2], 3))
    starts[:, 0] = motion.root
    for number, bone in enumerate(motion.bones):
        if bone.parent >= 0:
            starts[:, number] = starts[:, bone.parent] + turned[:, bone.parent] @ motion.offsets[number]
            turned[:, number] = turned[:, bone.parent] @ turned[:, number]
    return starts, turned


def number(motion: Motion, name: str) -> int:
    return [bone.name for bone in motion.bones].index(name)


def steps(motion: Motion) -> np.ndarray:
    """(T - 1, B) how far bones turn in their parents from frame to frame [degrees]."""
    cosine = np.abs((motion.turns[1:] * motion.turns[:-1]).sum(-1))
    return np.degrees(2 * np.arccos(np.minimum(cosine, 1)))


def test_the_rest_pose_is_not_turned():
    motion = motions(result(joints(t_pose(3))))[0]
    np.testing.assert_allclose(matrices(motion.turns), np.broadcast_to(np.eye(3), (3, 21, 3, 3)), atol=1e-4)


def test_the_rest_pose_stands_on_the_floor_and_faces_z_with_its_left_at_x():
    motion = motions(result(joints(dance())))[0]
    starts = rest_positions(motion)
    ends = starts + motion.tips
    at = {bone.name: starts[k] for k, bone in enumerate(motion.bones)}
    assert ends[:, 1].min() == pytest.approx(0, abs=1e-9)
    assert at["Hips"][[0, 2]] == pytest.approx([0, 0])
    assert at["LeftHand"][0] > 0.6 > -0.6 > at["RightHand"][0]
    assert at["LeftHand"][1] == pytest.approx(at["LeftArm"][1])
    assert ends[number(motion, "LeftFoot")][2] > 0.1
    assert ends[number(motion, "Head")][1] > 1.4


def test_stiff_bones_are_reproduced():
    clip = result(joints(dance()), joints(dance(swing=1.5)))
    want = upright(clip)
    for motion, points in zip(motions(clip), want, strict=True):
        starts, turned = world(motion)
        for k, bone in enumerate(motion.bones):
            np.testing.assert_allclose(starts[:, k], points[:, H36M17.index(bone.at)], atol=1e-5)
            if bone.to:
                end = starts[:, k] + turned[:, k] @ motion.tips[k]
                np.testing.assert_allclose(end, points[:, H36M17.index(bone.to)], atol=1e-5)
                assert np.linalg.norm(motion.tips[k]) == pytest.approx(LENGTHS[bone.to], abs=1e-5)
        assert {bone.at for bone in motion.bones} | {"head"} == set(H36M17.joints)


def test_lengths_are_those_of_the_median_frame():
    poses = joints(dance(21))
    poses[:10] *= np.random.default_rng(0).uniform(0.3, 3, (10, 1, 1))
    lengths = np.linalg.norm(motions(result(poses))[0].tips, axis=-1)
    both = joints(dance(21))
    both[:10] = poses[:10]
    bone = motions(result(both))[0].bones[2]
    found = np.median(np.linalg.norm(both[:, H36M17.index(bone.to)] - both[:, H36M17.index(bone.at)], axis=-1))
    assert lengths[2] == pytest.approx(found, abs=1e-5)
    assert lengths[2] == pytest.approx(LENGTHS[bone.to], rel=0.1)


@pytest.mark.parametrize("side", ["left", "right"])
def test_thigh_and_upper_arm_are_twisted_as_knee_and_elbow_bend(side):
    directions = t_pose(40)
    twist = np.radians(50)  # of the thigh about the vertical, and of the arm about its length
    x = 1.0 if side == "left" else -1.0
    directions[f"{side}_ankle"][:] = (-np.sin(twist), 0, -np.cos(twist))
    directions[f"{side}_wrist"][:] = (0.1 * x, np.sin(twist), np.cos(twist))
    motion = motions(result(joints(directions)))[0]
    _, turned = world(motion)
    for bone, axis, joint in (("UpLeg", -2, "ankle"), ("Arm", 2, "wrist")):
        points = np.sign(axis) * turned[20, number(motion, f"{side.title()}{bone}")][:, 2]
        wanted = directions[f"{side}_{joint}"][20]
        angle = np.degrees(np.arccos(points @ wanted / np.linalg.norm(wanted)))
        assert angle < 15, bone  # without twist: 50


def test_the_chest_follows_the_shoulders():
    directions = t_pose(5)
    twist = np.radians(40)
    for joint in ("left_shoulder", "right_shoulder"):
        x, y, _ = directions[joint][0]
        directions[joint][:] = (x * np.cos(twist), y, -x * np.sin(twist))
    motion = motions(result(joints(directions)))[0]
    _, turned = world(motion)
    chest, hips = turned[2, number(motion, "Spine1")], turned[2, number(motion, "Hips")]
    np.testing.assert_allclose(chest[:, 0], (np.cos(twist), 0, -np.sin(twist)), atol=0.03)
    np.testing.assert_allclose(hips, np.eye(3), atol=1e-4)


def test_a_straight_knee_that_wobbles_does_not_flip_the_thigh():
    directions = t_pose(60)
    wobble = np.radians(4) * np.random.default_rng(0).choice([-1, 1], (2, 60))
    directions["left_ankle"] = np.stack([wobble[0], -np.ones(60), wobble[1]], -1)
    motion = motions(result(joints(directions)))[0]
    assert steps(motion)[:, number(motion, "LeftUpLeg")].max() < 3


def test_a_knee_that_bends_the_wrong_way_does_not_flip_the_thigh():
    directions = t_pose(60)
    bend = np.radians(np.linspace(0, 60, 60))
    aside = 0.02 * np.where(np.arange(60) < 30, 1, -1)
    directions["left_ankle"] = np.stack([aside, -np.cos(bend), np.sin(bend)], -1)
    motion = motions(result(joints(directions)))[0]
    assert steps(motion)[:, number(motion, "LeftUpLeg")].max() < 3


def test_smooth_motion_turns_smoothly():
    with as_file(files("videopose3d.data") / "demo_truth.npz") as path, np.load(path) as truth:
        poses = truth["poses_3d"] * (1, -1, -1)
    motion = motions(result(poses))[0]
    assert (motion.turns[1:] * motion.turns[:-1]).sum(-1).min() > 0.98
    assert steps(motion).max() < 12


def test_gaps_are_bridged_and_ends_are_held():
    clip = result(joints(dance(60)))
    whole = motions(clip)[0]
    for array in (clip.poses.poses, clip.poses.trajectory):
        array[0, :5] = array[0, 20:31] = array[0, 57:] = np.nan
    motion = motions(clip)[0]
    assert motion.posed.sum() == 60 - 5 - 11 - 3
    assert np.isfinite(motion.root).all()
    assert np.isfinite(motion.turns).all()
    np.testing.assert_allclose(np.linalg.norm(motion.turns, axis=-1), 1, atol=1e-12)
    np.testing.assert_array_equal(motion.turns[:5], np.broadcast_to(motion.turns[5], (5, 21, 4)))
    np.testing.assert_array_equal(motion.root[57:], np.broadcast_to(motion.root[56], (3, 3)))
    np.testing.assert_allclose(motion.root[25], (motion.root[19] + motion.root[31]) / 2, atol=1e-6)
    assert steps(motion)[19:31].max() < 20
    np.testing.assert_allclose(motion.root[40, [0, 2]], whole.root[40, [0, 2]], atol=1e-5)


def test_a_frame_without_a_place_keeps_its_pose():
    clip = result(joints(dance(30)))
    whole = motions(clip)[0]
    clip.poses.trajectory[0, 10] = np.nan
    motion = motions(clip)[0]
    assert motion.posed.all()
    np.testing.assert_allclose(motion.turns, whole.turns, atol=1e-9)
    np.testing.assert_allclose(motion.root[10], whole.root[10], atol=0.02)


def test_a_person_without_any_pose_is_left_out():
    clip = result(joints(dance(4)), joints(dance(4)), joints(dance(4)))
    clip.poses.poses[1] = np.nan
    assert [motion.person for motion in motions(clip)] == [0, 2]


def test_joints_in_one_place_do_no_harm():
    motion = motions(result(np.zeros((4, 17, 3))))[0]
    assert np.isfinite(motion.turns).all()
    assert np.isfinite(motion.root).all()


def test_fewer_joints_of_the_trunk():
    names = HUMANEVA15.joints
    clip = result(joints(dance(20), HUMANEVA15), skeleton=HUMANEVA15)
    motion = motions(clip)[0]
    starts, _ = world(motion)
    assert [b.name for b in motion.bones if b.at in ("pelvis", "thorax", "head")][-5:] == [
        "Spine", "Neck", "Head", "LeftShoulder", "RightShoulder",
    ]  # fmt: skip
    want = upright(clip)[0]
    error = [np.linalg.norm(starts[:, k] - want[:, names.index(b.at)], axis=-1) for k, b in enumerate(motion.bones)]
    assert np.median(error) < 0.01  # the trunk bends, so its length changes


def test_a_skeleton_without_a_trunk_says_what_is_missing():
    with pytest.raises(SkeletonMismatchError, match="head, pelvis, thorax"):
        rig(COCO17)


def test_one_frame_and_no_frames():
    assert motions(result(joints(dance(1))))[0].turns.shape == (1, 21, 4)
    clip = result(joints(dance(1)))
    poses = replace(clip.poses, poses=clip.poses.poses * np.nan)
    assert motions(replace(clip, poses=poses)) == []
