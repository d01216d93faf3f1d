from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from videopose3d.datasets.mocap.rig import (
    RigMotion,
    euler_rotation,
    forward_kinematics,
    quaternion_rotation,
    rotvec_rotation,
)
from videopose3d.errors import FileFormatError, SkeletonMismatchError

angles = st.floats(-np.pi, np.pi)


@settings(max_examples=30, deadline=None)
@given(st.permutations("xyz"), angles, angles, angles)
def test_euler_rotation_is_intrinsic_in_writing_order(order: list[str], a: float, b: float, c: float) -> None:
    expected = Rotation.from_euler("".join(order).upper(), [a, b, c]).as_matrix()
    np.testing.assert_allclose(euler_rotation("".join(order), np.array([a, b, c])), expected, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.tuples(angles, angles, angles))
def test_rotation_vectors_agree_with_scipy(vector: tuple[float, float, float]) -> None:
    expected = Rotation.from_rotvec(vector).as_matrix()
    np.testing.assert_allclose(rotvec_rotation(np.array(vector)), expected, atol=1e-9)


def test_a_zero_rotation_vector_turns_nothing() -> None:
    np.testing.assert_array_equal(rotvec_rotation(np.zeros(3)), np.eye(3))


def test_quaternions_are_w_first_and_of_any_length() -> None:
    quaternion = np.array([1.0, 2.0, -3.0, 0.5])
    expected = Rotation.from_quat(np.roll(quaternion, -1)).as_matrix()
    np.testing.assert_allclose(quaternion_rotation(7 * quaternion), expected, atol=1e-12)


def test_children_turn_with_all_their_parents() -> None:
    quarter = euler_rotation("z", np.array([np.pi / 2]))
    motion = forward_kinematics(
        ("a", "b", "c"), (-1, 0, 1), np.array([[9.0, 9, 9], [1, 0, 0], [1, 0, 0]]), np.stack([quarter] * 3)[None],
        np.array([[5.0, 0, 0]]), 30.0,
    )  # fmt: skip
    np.testing.assert_allclose(motion.positions[0], [[5, 0, 0], [5, 1, 0], [4, 1, 0]], atol=1e-12)
    np.testing.assert_allclose(motion.rest, [[0, 0, 0], [1, 0, 0], [2, 0, 0]])


def test_a_rig_tells_what_joints_it_has() -> None:
    motion = RigMotion(("a",), (-1,), np.zeros((1, 3)), np.zeros((2, 1, 3)), np.zeros((2, 1, 3, 3)), 30.0)
    with pytest.raises(FileFormatError, match="no joint named 'b'. It has a"):
        motion.index("b")
    with pytest.raises(SkeletonMismatchError, match=r"expected positions \(2, 1, 3\)"):
        RigMotion(("a",), (-1,), np.zeros((1, 3)), np.zeros((2, 1, 3)), np.zeros((2, 2, 3, 3)), 30.0)
