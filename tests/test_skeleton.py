from __future__ import annotations

import pytest

from videopose3d.errors import SkeletonMismatchError
from videopose3d.skeleton import (
    BLAZEPOSE33,
    COCO17,
    H36M17,
    HUMANEVA15,
    LIMB_JOINTS,
    MPII16,
    SKELETONS,
    Skeleton,
    side,
    skeleton_of,
)

every_skeleton = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)


@every_skeleton
def test_the_mirror_is_an_involution_that_exchanges_sides(skeleton):
    assert [skeleton.mirror[partner] for partner in skeleton.mirror] == list(range(len(skeleton)))
    other = {"left": "right", "right": "left", "middle": "middle"}
    for joint, partner in zip(skeleton.joints, skeleton.mirror, strict=True):
        assert side(skeleton.joints[partner]) == other[side(joint)]
        assert skeleton.joints[partner].split("_", 1)[1:] == joint.split("_", 1)[1:]


def test_the_mirror_is_that_of_the_paper():
    # The published swap lists of the Human3.6M and COCO layouts, left then right.
    for skeleton, left, right in (
        (H36M17, [4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]),
        (COCO17, [1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]),
    ):
        expected = list(range(17))
        for a, b in zip(left, right, strict=True):
            expected[a], expected[b] = b, a
        assert list(skeleton.mirror) == expected


def test_a_side_without_a_partner_is_an_error():
    lame = Skeleton("lame", ("pelvis", "left_hip"), (("pelvis", "left_hip"),))
    with pytest.raises(SkeletonMismatchError, match="right_hip"):
        _ = lame.mirror


@every_skeleton
def test_names_are_unique_and_bones_connect_them(skeleton):
    assert len(set(skeleton.joints)) == len(skeleton)
    connected = {joint for bone in skeleton.bones for joint in bone}
    assert connected == set(skeleton.joints) or skeleton is BLAZEPOSE33  # without fingers and mouth
    assert [(skeleton.joints[a], skeleton.joints[b]) for a, b in skeleton.bone_indices] == list(skeleton.bones)


@every_skeleton
def test_every_skeleton_has_the_limb_joints(skeleton):
    assert len(LIMB_JOINTS) == len(set(LIMB_JOINTS)) == 12
    assert set(LIMB_JOINTS) <= set(skeleton.joints)


def test_parents_of_the_h36m_tree():
    assert H36M17.parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)


@pytest.mark.parametrize("skeleton", [H36M17, HUMANEVA15, MPII16], ids=lambda s: s.name)
def test_parents_lead_to_one_root(skeleton):
    assert skeleton.parents.count(-1) == 1
    for joint in range(len(skeleton)):
        for _ in range(len(skeleton)):
            joint = skeleton.parents[joint] if joint >= 0 else joint  # noqa: PLW2901
        assert joint == -1


def test_bones_have_the_side_of_their_far_end():
    assert H36M17.bone_side(("pelvis", "left_hip")) == "left"
    assert H36M17.bone_side(("thorax", "right_shoulder")) == "right"
    assert COCO17.bone_side(("left_shoulder", "right_shoulder")) == "right"
    assert COCO17.bone_side(("left_eye", "nose")) == "left"
    assert H36M17.bone_side(("pelvis", "spine")) == "middle"


def test_indices_keep_the_order_asked_for():
    assert COCO17.indices(("left_wrist", "nose", "left_wrist")) == [9, 0, 9]


def test_an_unknown_joint_is_named_with_what_there_is():
    with pytest.raises(SkeletonMismatchError) as error:
        COCO17.index("pelvis")
    assert "coco17: no joint named 'pelvis'" in str(error.value)
    assert "left_hip" in str(error.value)


@every_skeleton
def test_skeleton_of_finds_each_by_its_joints(skeleton):
    assert skeleton_of(list(skeleton.joints)) is skeleton


def test_skeleton_of_takes_the_order_seriously():
    joints = list(COCO17.joints)
    joints[1], joints[2] = joints[2], joints[1]
    for unknown in (joints, joints[:16], []):
        with pytest.raises(SkeletonMismatchError, match=f"{len(unknown)} joints.*Known sets: coco17, h36m17"):
            skeleton_of(unknown)


def test_blazepose_holds_every_coco_joint():
    assert BLAZEPOSE33.indices(COCO17.joints)[:5] == [0, 2, 5, 7, 8]
