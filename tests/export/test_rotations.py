from __future__ import annotations

import numpy as np
import pytest

from videopose3d.datasets.mocap.rig import euler_rotation, rotvec_rotation
from videopose3d.export.rotations import continuous, euler_zxy, frames, matrices, quaternions, swing, turn, unit


def randoms(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape)


def is_rotation(matrix: np.ndarray) -> bool:
    return bool(
        np.allclose(matrix @ np.swapaxes(matrix, -1, -2), np.eye(3), atol=1e-9)
        and np.allclose(np.linalg.det(matrix), 1, atol=1e-9)
    )


def test_a_swing_is_the_shortest_turn_from_one_direction_to_another():
    start, end = unit(randoms(500, 3)), unit(randoms(500, 3, seed=1))
    found = swing(start, end)
    assert is_rotation(found)
    np.testing.assert_allclose(np.einsum("tab,tb->ta", found, start), end, atol=1e-9)
    between = np.arccos((start * end).sum(-1))
    np.testing.assert_allclose(np.arccos((np.trace(found, axis1=1, axis2=2) - 1) / 2), between, atol=1e-6)


def test_a_swing_to_the_opposite_direction_and_to_nowhere():
    start = np.concatenate([np.eye(3), -np.eye(3), unit(randoms(20, 3))])
    found = swing(start, -start)
    assert is_rotation(found)
    np.testing.assert_allclose(np.einsum("tab,tb->ta", found, start), -start, atol=1e-9)
    np.testing.assert_array_equal(swing(start, np.zeros_like(start)), np.tile(np.eye(3), (len(start), 1, 1)))


def test_a_turn_is_right_handed():
    quarter = turn(np.array([0.0, 0.0, 1.0]), np.array([np.pi / 2]))[0]
    np.testing.assert_allclose(quarter @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_quaternions_and_matrices_are_inverse_also_at_half_turns():
    vectors = np.concatenate([randoms(300, 3), np.pi * np.eye(3), np.pi * unit(randoms(50, 3)), np.zeros((1, 3))])
    given = rotvec_rotation(vectors)
    found = quaternions(given)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-12)
    np.testing.assert_allclose(matrices(found), given, atol=1e-9)


def test_quaternions_keep_their_sign_in_time():
    spin = rotvec_rotation(np.linspace(0, 30, 400)[:, None, None] * unit(randoms(1, 5, 3)))
    raw = quaternions(spin)
    chained = continuous(raw)
    assert (raw[1:] * raw[:-1]).sum(-1).min() < 0
    assert (chained[1:] * chained[:-1]).sum(-1).min() > 0.99
    np.testing.assert_allclose(matrices(chained), spin, atol=1e-9)


def test_euler_angles_give_the_rotation_back():
    given = rotvec_rotation(randoms(200, 7, 3))
    np.testing.assert_allclose(euler_rotation("zxy", euler_zxy(given)), given, atol=1e-9)


@pytest.mark.parametrize("x", [np.pi / 2, -np.pi / 2])
def test_euler_angles_at_the_pole(x):
    angles = np.stack([np.linspace(0.2, 1, 30), np.full(30, x), np.full(30, 0.4)], -1)[:, None]
    given = euler_rotation("zxy", angles)
    found = euler_zxy(given)
    np.testing.assert_allclose(euler_rotation("zxy", found), given, atol=1e-6)
    assert np.abs(np.diff(found, axis=0)).max() < 0.1


def test_euler_angles_do_not_jump_where_the_rotation_does_not():
    time = np.linspace(0, 20, 600)
    angles = np.stack([time, 2.5 * np.sin(time / 3), -0.5 * time], -1)[:, None]  # full turns, and over the pole
    found = euler_zxy(euler_rotation("zxy", angles))
    np.testing.assert_allclose(euler_rotation("zxy", found), euler_rotation("zxy", angles), atol=1e-9)
    assert np.abs(np.diff(found, axis=0)).max() < 0.1
    assert found[-1, 0, 0] > 6  # not wrapped


def test_axes_are_held_where_two_directions_do_not_span_a_plane():
    across = np.tile([1.0, 0.2, 0.0], (9, 1))
    up = np.tile([0.1, 1.0, 0.3], (9, 1))
    up[[0, 1, 4]] = across[[0, 1, 4]]
    across[8] = 0
    found = frames(across, up)
    assert is_rotation(found)
    np.testing.assert_allclose(found, np.broadcast_to(found[3], found.shape), atol=1e-12)
    np.testing.assert_allclose(found[3][:, 0], unit(across[3]))
    assert found[3][:, 1] @ up[3] > 0.9
    np.testing.assert_array_equal(frames(np.zeros((2, 3)), up[:2]), np.tile(np.eye(3), (2, 1, 1)))
