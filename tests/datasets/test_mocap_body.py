from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mocap_texts import figure_bvh
from scipy.spatial.transform import Rotation

from videopose3d.datasets.mocap import body as mocap_body
from videopose3d.datasets.mocap.body import DETECTOR_SHIFTS, Landmarks, coco_joints, h36m_joints, stature_ratio
from videopose3d.datasets.mocap.bvh import parse_bvh
from videopose3d.datasets.mocap.guess import guess_rig
from videopose3d.datasets.mocap.rigmap import landmarks
from videopose3d.errors import SkeletonMismatchError
from videopose3d.skeleton import COCO17, H36M17, LIMB_JOINTS, Skeleton

MIRROR_LIMBS = [LIMB_JOINTS.index(j.replace("left", "R").replace("right", "left").replace("R", "right")) for j in LIMB_JOINTS]  # noqa: E501  # fmt: skip
FLIP = np.array([1.0, -1.0, 1.0])


def figure(**options: object) -> Landmarks:
    """The T-pose of ``mocap_texts``: faces -y of the z-up world, its left is +x."""
    return landmarks(*guess_rig(parse_bvh(figure_bvh(**options))))[0]  # type: ignore[arg-type]


def at(joints: np.ndarray, skeleton: Skeleton, name: str) -> np.ndarray:
    return joints[0, skeleton.index(name)]


def test_the_figure_stands_faces_and_has_its_left_on_the_left() -> None:
    body = figure()
    h36m, coco = h36m_joints(body), coco_joints(body)
    assert h36m.dtype == coco.dtype == np.float32
    heights = [at(h36m, H36M17, name)[2] for name in ("right_ankle", "right_knee", "pelvis", "spine", "thorax", "neck", "head")]  # noqa: E501  # fmt: skip
    assert heights == sorted(heights)
    assert at(coco, COCO17, "nose")[1] < at(coco, COCO17, "left_eye")[1] < at(coco, COCO17, "left_ear")[1]
    for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        assert at(coco, COCO17, f"left_{part}")[0] > 0 > at(coco, COCO17, f"right_{part}")[0]
    np.testing.assert_allclose(at(h36m, H36M17, "left_wrist"), [0.71, 0, 1.38], atol=1e-6)
    np.testing.assert_allclose(at(h36m, H36M17, "left_ankle"), [0.09, 0, 0.07], atol=1e-6)


def test_trunk_and_head_are_near_the_rest_skeleton_of_human36m() -> None:
    joints = h36m_joints(figure())
    length = lambda a, b: 1e3 * np.linalg.norm(at(joints, H36M17, a) - at(joints, H36M17, b))  # noqa: E731
    for (near, far), expected in {
        ("pelvis", "spine"): 233, ("spine", "thorax"): 257, ("thorax", "neck"): 121, ("neck", "head"): 115,
    }.items():  # fmt: skip
        assert length(near, far) == pytest.approx(expected, abs=25)


def test_coco_hips_follow_the_body_and_not_the_width_of_the_rig() -> None:
    """Half width (115 - 20) mm of a body of 1.75 m and 3 less for MediaPipe; rig hips are 90 mm out."""
    body = figure()
    ratio = stature_ratio(body)
    assert ratio == pytest.approx(1.0, abs=0.05)
    for detector, outward, forward, up in (("coco", 95, 21, -21), ("mediapipe", 92, 31, -23)):
        hip = at(coco_joints(body, detector), COCO17, "left_hip")
        np.testing.assert_allclose(hip, [outward * ratio / 1e3, -forward * ratio / 1e3, 0.91 + up * ratio / 1e3], atol=1e-6)  # noqa: E501  # fmt: skip


def test_coco_shoulders_are_shifted_by_the_table() -> None:
    body = figure()
    shift = at(coco_joints(body, "coco"), COCO17, "left_shoulder") - body.limb("left_shoulder")[0]
    np.testing.assert_allclose(shift * 1e3 / stature_ratio(body), [-13, 4, 18], atol=1e-3)


def test_elbows_wrists_knees_and_ankles_are_the_same_in_both_sets() -> None:
    body = figure()
    for joint in LIMB_JOINTS:
        if joint.partition("_")[2] not in ("hip", "shoulder"):
            same = at(h36m_joints(body), H36M17, joint), at(coco_joints(body), COCO17, joint)
            np.testing.assert_array_equal(*same)


def test_an_unknown_detector_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SkeletonMismatchError, match="no keypoint shifts for 'vitpose'. Known: coco, mediapipe"):
        coco_joints(figure(), "vitpose")


def test_landmarks_check_their_shapes() -> None:
    body = figure()
    with pytest.raises(SkeletonMismatchError, match="expected shapes"):
        Landmarks(body.limbs[:, :11], body.trunk, body.ears, body.head)


def any_body(seed: int, frames: int = 3) -> Landmarks:
    """The figure with everything shaken; still a possible body for geometry."""
    rng = np.random.default_rng(seed)
    still = figure()
    shake = lambda points: points + 0.05 * rng.normal(size=(frames, *points.shape[1:]))  # noqa: E731
    head = Rotation.from_rotvec(0.5 * rng.normal(size=(frames, 3))).as_matrix() @ still.head
    return Landmarks(shake(still.limbs), shake(still.trunk), shake(still.ears), head)


def mirrored(body: Landmarks) -> Landmarks:
    """The body in a mirror that turns left and right around; axes stay forward, left, up."""
    flip = np.array([-1.0, 1.0, 1.0])
    head = np.diag(flip) @ body.head @ np.diag(FLIP)
    return Landmarks(body.limbs[:, MIRROR_LIMBS] * flip, body.trunk * flip, body.ears * flip, head)


@pytest.mark.parametrize(("joints_of", "skeleton"), [(h36m_joints, H36M17), (coco_joints, COCO17)])
def test_a_mirrored_body_gives_mirrored_joints(joints_of: object, skeleton: Skeleton) -> None:
    body = any_body(1)
    expected = joints_of(body)[:, list(skeleton.mirror)] * (-1, 1, 1)  # type: ignore[operator]
    np.testing.assert_allclose(joints_of(mirrored(body)), expected, atol=1e-6)  # type: ignore[operator]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 2.0))
def test_joints_turn_move_and_grow_with_the_body(seed: int, size: float) -> None:
    body = any_body(seed)
    turn = Rotation.random(random_state=seed).as_matrix()
    place = lambda points: size * points @ turn.T + 1.0  # noqa: E731
    moved = Landmarks(place(body.limbs), place(body.trunk), place(body.ears), turn @ body.head)
    for joints_of in (h36m_joints, coco_joints):
        np.testing.assert_allclose(joints_of(moved), place(joints_of(body)), atol=1e-5)


def test_a_point_along_a_line_keeps_its_place_on_the_rig() -> None:
    line = np.array([[[0.0, 0, 0], [1, 0, 0], [1, 3, 0]]])
    np.testing.assert_allclose(mocap_body._along(line, 0.25), [[1, 0, 0]])
    np.testing.assert_allclose(mocap_body._along(line, 0.5), [[1, 1, 0]])


def test_picking_moving_and_completeness() -> None:
    body = any_body(2, frames=4)
    body.ears[1] = np.nan
    assert body.complete.tolist() == [True, False, True, True]
    assert len(body.pick(body.complete).limbs) == 3
    np.testing.assert_allclose(body.moved(np.array([1.0, 2, 3])).trunk, body.trunk + (1, 2, 3))


def test_the_face_is_where_the_detector_has_it() -> None:
    body = figure()
    coco, seen = (coco_joints(body, detector) for detector in ("coco", "mediapipe"))
    for joint, sign in (("left_ear", 1), ("right_ear", -1)):  # MediaPipe's ears are nearer to each other
        outward = at(seen, COCO17, joint) - at(coco, COCO17, joint)
        assert np.linalg.norm(outward) * 1e3 / stature_ratio(body) == pytest.approx(
            np.linalg.norm([16, 25, 10]), rel=1e-3
        )
        assert sign * outward[0] < 0
    np.testing.assert_allclose(at(seen, COCO17, "left_wrist"), at(coco, COCO17, "left_wrist"))


def test_every_shift_of_a_detector_is_of_a_part_that_is_placed() -> None:
    for shifts in DETECTOR_SHIFTS.values():
        assert shifts.keys() <= {"hip", "shoulder", "nose", "eye", "ear"}
