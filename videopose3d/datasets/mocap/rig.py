"""A skeleton of rotating joints: rotation helpers and forward kinematics that all importers share.

Letters: T frames, J joints. Rotation matrices act on column vectors. Angles in radians unless said so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from videopose3d.errors import FileFormatError, SkeletonMismatchError
from videopose3d.types import Array

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class RigMotion:
    """World motion of a rig, in the axes and unit of its file.

    Attributes:
        names: J joint names.
        parents: J indices, -1 for the root; a parent comes before its children.
        rest: (J, 3) joint positions with all rotations zero, root at the origin.
        positions: (T, J, 3) joint positions.
        rotations: (T, J, 3, 3) turn of each joint's frame away from its rest frame.
        fps: Frame rate [1/s].
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    rest: Float64
    positions: Float64
    rotations: Float64
    fps: float

    def __post_init__(self) -> None:
        frames, joints = len(self.positions), len(self.names)
        if self.positions.shape != (frames, joints, 3) or self.rotations.shape != (frames, joints, 3, 3):
            raise SkeletonMismatchError(
                f"expected positions ({frames}, {joints}, 3) and as many rotations, "
                f"got {self.positions.shape} and {self.rotations.shape}",
                where="RigMotion",
            )

    def index(self, name: str) -> int:
        """Position of one joint in ``names``.

        Raises:
            FileFormatError: The rig has no such joint.
        """
        if name not in self.names:
            raise FileFormatError(f"no joint named {name!r}", fix=f"It has {', '.join(self.names)}.")
        return self.names.index(name)


def axis_rotation(axis: str, angle: Array) -> Float64:
    """(..., 3, 3) right-handed rotations by ``angle`` (...) about ``x``, ``y`` or ``z``."""
    c, s = np.cos(angle), np.sin(angle)
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.zeros((*np.shape(angle), 3, 3))
    matrix[..., range(3), range(3)] = 1.0
    matrix[..., first, first] = matrix[..., second, second] = c
    matrix[..., first, second], matrix[..., second, first] = -s, s
    return matrix


def euler_rotation(order: str, angles: Array) -> Float64:
    """(..., 3, 3) product of axis rotations in writing order: ``"zxy"`` is Rz Rx Ry.

    Args:
        order: Axis letters, as many as the last axis of ``angles``.
        angles: (..., len(order)).
    """
    matrix = np.broadcast_to(np.eye(3), (*angles.shape[:-1], 3, 3)).copy()
    for number, axis in enumerate(order):
        matrix = matrix @ axis_rotation(axis, angles[..., number])
    return matrix


def rotvec_rotation(vectors: Array) -> Float64:
    """(..., 3, 3) of rotation vectors (..., 3): axis times angle (Rodrigues' formula)."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    # np.sinc is sin(pi x) / (pi x): both factors stay finite at angle zero
    turned: Float64 = (
        np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * np.sinc(angle / 2 / np.pi) ** 2 * (cross @ cross)
    )
    return turned


def quaternion_rotation(quaternions: Array) -> Float64:
    """(..., 3, 3) of quaternions (..., 4) in the order w, x, y, z; they need not be of unit length."""
    unit = quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)
    w, x, y, z = np.moveaxis(unit, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def global_rotations(parents: tuple[int, ...], local: Array) -> Float64:
    """(T, J, 3, 3) world rotations from (T, J, 3, 3) rotations relative to the parent."""
    turned = np.empty(local.shape)
    for joint, parent in enumerate(parents):
        turned[:, joint] = local[:, joint] if parent < 0 else turned[:, parent] @ local[:, joint]
    return turned


def chain_positions(parents: tuple[int, ...], steps: Array) -> Float64:
    """(T, J, 3) positions from (T, J, 3) world vectors parent -> joint; a root's vector is its position."""
    positions = np.array(steps, np.float64)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            positions[:, joint] += positions[:, parent]
    return positions


def forward_kinematics(
    names: tuple[str, ...], parents: tuple[int, ...], offsets: Array, local: Array, root: Array, fps: float
) -> RigMotion:
    """The world motion of a rig whose offsets turn with the parent joint (BVH and alike).

    Args:
        names: J joint names.
        parents: J indices, parents first.
        offsets: (J, 3), or (T, J, 3) where joints slide, in the frame of the parent.
        local: (T, J, 3, 3) rotations relative to the parent.
        root: (T, 3) position of the root.
        fps: Frame rate [1/s].
    """
    turned = global_rotations(parents, local)
    carrier = turned[:, [max(parent, 0) for parent in parents]]
    steps = np.einsum("tjab,tjb->tja", carrier, np.broadcast_to(offsets, (*local.shape[:2], 3)))
    steps[:, 0] = root
    rest = np.array(offsets if offsets.ndim == 2 else offsets[0], np.float64)[None]
    rest[:, 0] = 0.0
    return RigMotion(names, parents, chain_positions(parents, rest)[0], chain_positions(parents, steps), turned, fps)


def without_holds(motion: RigMotion) -> RigMotion:
    """The motion from the last frame of a pose held at the start to the first of one held at the end.

    Nobody holds still to the last digit: files are filled so where the person was not there yet, or no more. A file
    in which nothing ever changes stays as it is.
    """
    changes = np.diff(motion.positions, axis=0).any((1, 2)) | np.diff(motion.rotations, axis=0).any((1, 2, 3))
    moves = np.flatnonzero(changes)
    if not len(moves):
        return motion
    kept = slice(int(moves[0]), int(moves[-1]) + 2)
    return replace(motion, positions=motion.positions[kept], rotations=motion.rotations[kept])
