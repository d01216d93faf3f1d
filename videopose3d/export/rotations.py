"""Rotations for skeletons that are written to files: shortest turns, quaternions, Euler angles that do not jump.

Matrices act on column vectors. Quaternions are of unit length in the order w, x, y, z.
"""

from __future__ import annotations

import numpy as np

from videopose3d.export.upright import Array

_TINY = 1e-9
_LOCKED = 1e-5
"""With a cosine of the middle angle below this, only sum or difference of the two outer angles is known."""


def unit(vectors: Array) -> Array:
    """(..., 3) of length one; a vector without length stays zero."""
    scaled: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _TINY)
    return scaled


def swing(start: Array, end: Array) -> Array:
    """(..., 3, 3) the shortest turn of one direction into another.

    Args:
        start, end: (..., 3) of length one. Opposite directions turn about any axis across them; a direction
            of zeros is not turned.
    """
    across, along = _cross(np.cross(start, end)), (start * end).sum(-1)
    matrix = np.eye(3) + across + across @ across / np.maximum(1 + along, _TINY)[..., None, None]
    opposite = along < _TINY - 1
    if opposite.any():
        helper = np.where(np.abs(start[opposite][:, :1]) < 0.9, np.eye(3)[0], np.eye(3)[1])
        axis = unit(np.cross(start[opposite], helper))
        matrix[opposite] = 2 * axis[:, :, None] * axis[:, None, :] - np.eye(3)
    return np.asarray(matrix, np.float64)


def turn(axis: Array, angle: Array) -> Array:
    """(T, 3, 3) turns by ``angle`` (T,) [rad] about one axis (3,) of length one (Rodrigues' formula)."""
    across = _cross(axis)
    matrix: Array = np.eye(3) + np.sin(angle)[:, None, None] * across
    matrix += (1 - np.cos(angle))[:, None, None] * (across @ across)
    return matrix


def frames(across: Array, up: Array) -> Array:
    """(T, 3, 3) axes as columns: x along ``across``, y as near to ``up`` as a right angle to x allows, z = x cross y.

    Frames where the two do not span a plane get the axes of the nearest frame where they do.
    """
    x = unit(across)
    z = np.cross(x, unit(up))
    good = np.linalg.norm(z, axis=-1) > 1e-3
    if not good.any():
        return np.broadcast_to(np.eye(3), (len(x), 3, 3)).copy()
    z = unit(z)
    axes = np.stack([x, np.cross(z, x), z], -1)
    known = np.flatnonzero(good)
    nearest = np.interp(np.arange(len(x)), known, np.arange(len(known))).round().astype(int)
    filled: Array = axes[known[nearest]]
    return filled


def quaternions(matrices: Array) -> Array:
    """(..., 4) of rotation matrices (..., 3, 3); the sign is open.

    The row of the matrix q q^T with the largest diagonal is taken, which is never badly conditioned.
    """
    m = matrices
    trace = np.trace(m, axis1=-2, axis2=-1)
    outer = np.empty((*m.shape[:-2], 4, 4))
    outer[..., 0, 0] = 1 + trace
    for i, (j, k) in enumerate(((1, 2), (2, 0), (0, 1))):
        outer[..., i + 1, i + 1] = 1 + 2 * m[..., i, i] - trace
        outer[..., 0, i + 1] = outer[..., i + 1, 0] = m[..., k, j] - m[..., j, k]
        outer[..., j + 1, k + 1] = outer[..., k + 1, j + 1] = m[..., k, j] + m[..., j, k]
    best = np.einsum("...ii->...i", outer).argmax(-1)
    row = np.take_along_axis(outer, best[..., None, None], -2)[..., 0, :]
    scaled: Array = row / np.linalg.norm(row, axis=-1, keepdims=True)
    return scaled


def continuous(turns: Array) -> Array:
    """(T, ..., 4) the same turns, each quaternion with the sign that is nearer to the one before."""
    same = np.where((turns[1:] * turns[:-1]).sum(-1, keepdims=True) < 0, -1.0, 1.0)
    signs = np.concatenate([np.where(turns[:1, ..., :1] < 0, -1.0, 1.0), same])
    chained: Array = turns * np.cumprod(signs, 0)
    return chained


def matrices(turns: Array) -> Array:
    """(..., 3, 3) of quaternions (..., 4)."""
    across = _cross(turns[..., 1:])
    matrix: Array = np.eye(3) + 2 * (turns[..., :1, None] * across + across @ across)
    return matrix


def euler_zxy(local: Array) -> Array:
    """(T, B, 3) angles z, x, y [rad] with R = Rz Rx Ry, each as near as can be to the frame before.

    The same rotation has the angles (z, x, y) and (z + pi, pi - x, y + pi), and full turns more. Where the middle
    angle is a right one, y stays as it was.

    Args:
        local: (T, B, 3, 3).
    """
    r = local
    x = np.arctan2(r[..., 2, 1], np.hypot(r[..., 0, 1], r[..., 1, 1]))
    z, y = np.arctan2(-r[..., 0, 1], r[..., 1, 1]), np.arctan2(-r[..., 2, 0], r[..., 2, 2])
    angles: Array = np.stack([z, x, y], -1)
    locked = np.cos(x) < _LOCKED
    outer = np.arctan2(r[..., 1, 0], r[..., 0, 0])  # there: z + y at x = pi / 2, z - y at x = -pi / 2
    before = np.zeros(angles.shape[1:])
    for frame, found in enumerate(angles):
        fixed = locked[frame]
        found[fixed, 2] = before[fixed, 2]
        found[fixed, 0] = outer[frame, fixed] - np.sign(found[fixed, 1]) * before[fixed, 2]
        other = np.stack([found[:, 0] + np.pi, np.pi - found[:, 1], found[:, 2] + np.pi], -1)
        both = np.stack([found, other])
        both -= 2 * np.pi * np.round((both - before) / (2 * np.pi))
        nearer = np.abs(both - before).sum(-1).argmin(0)
        before = angles[frame] = both[nearer, np.arange(len(nearer))]
    return angles


def _cross(vectors: Array) -> Array:
    """(..., 3, 3) matrices whose product with b is the cross product of the vectors with b."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    matrix: Array = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*vectors.shape[:-1], 3, 3)
    return matrix
