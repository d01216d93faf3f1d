"""A body to look at: one ellipsoid around every bone of a skeleton in its rest pose, shaded smoothly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videopose3d.export.rotations import unit
from videopose3d.export.skeletal import Motion, rest_positions
from videopose3d.export.upright import Array

SIDES = ("left", "right", "middle")
_RINGS, _SECTORS = 8, 12

# Half width, half depth and half length of an ellipsoid in parts of its bone, by the end of the bone's name.
# A half length beyond 0.5 makes neighbours touch.
_SHAPES = {
    "HipJoint": (0.60, 0.75, 0.60),
    "UpLeg": (0.17, 0.17, 0.55),
    "Leg": (0.12, 0.12, 0.55),
    "Foot": (0.24, 0.20, 0.55),
    "Spine": (0.62, 0.44, 0.66),
    "Spine1": (0.62, 0.44, 0.58),
    "Neck": (0.40, 0.40, 0.65),
    "Head": (0.66, 0.80, 0.95),
    "Shoulder": (0.32, 0.36, 0.55),
    "ForeArm": (0.14, 0.14, 0.55),
    "Arm": (0.16, 0.16, 0.55),
    "Hand": (0.22, 0.36, 0.55),
}


@dataclass(frozen=True)
class Mesh:
    """Triangles that follow one bone each.

    Attributes:
        points, normals: (V, 3) rest pose, Y up [m].
        bones: (V,) the bone that moves each vertex.
        triangles: Vertices of each triangle (F, 3), counter-clockwise seen from outside, of each of `SIDES`.
    """

    points: Array
    normals: Array
    bones: NDArray[np.uint8]
    triangles: dict[str, NDArray[np.uint32]]


def mannequin(motion: Motion) -> Mesh:
    """The mesh around the bones of a motion, standing in the rest pose."""
    sphere, faces = _sphere()
    starts = rest_positions(motion)
    points: list[Array] = []
    normals: list[Array] = []
    owners: list[NDArray[np.uint8]] = []
    triangles: dict[str, list[NDArray[np.uint32]]] = {side: [] for side in SIDES}
    for number, bone in enumerate(motion.bones):
        tip = motion.tips[number]
        length = float(np.linalg.norm(tip))
        if length < 1e-4:
            continue
        shape = next(values for kind, values in _SHAPES.items() if bone.name.endswith(kind))
        axes, radii = _axes(tip / length), length * np.array(shape)
        triangles[_side(bone.name)].append((faces + len(sphere) * len(points)).astype(np.uint32))
        points.append(starts[number] + tip / 2 + (sphere * radii) @ axes)
        normals.append(unit((sphere / radii) @ axes))
        owners.append(np.full(len(sphere), number, np.uint8))
    return Mesh(
        np.concatenate(points),
        np.concatenate(normals),
        np.concatenate(owners),
        {side: np.concatenate(found) for side, found in triangles.items() if found},
    )


def _side(name: str) -> str:
    if name.startswith(("Left", "LHip")):
        return "left"
    return "right" if name.startswith(("Right", "RHip")) else "middle"


def _axes(along: Array) -> Array:
    """(3, 3) rows: across, in depth, along a bone; a bone along X is as wide as it is high."""
    width = np.array([0.0, 1.0, 0.0] if abs(along[0]) > 0.7 else [1.0, 0.0, 0.0])
    width = unit(width - (width @ along) * along)
    return np.stack([width, np.cross(along, width), along])


def _sphere() -> tuple[Array, NDArray[np.int64]]:
    """(V, 3) points of a unit sphere and (F, 3) triangles."""
    polar = np.linspace(0, np.pi, _RINGS + 1)[:, None]
    round_ = np.arange(_SECTORS) * 2 * np.pi / _SECTORS
    x, y = np.sin(polar) * np.cos(round_), np.sin(polar) * np.sin(round_)
    points = np.stack(np.broadcast_arrays(x, y, np.cos(polar)), -1)
    faces = []
    for ring in range(_RINGS):
        for sector in range(_SECTORS):
            a, b = ring * _SECTORS + sector, ring * _SECTORS + (sector + 1) % _SECTORS
            below_a, below_b = a + _SECTORS, b + _SECTORS
            faces += [[a, below_a, below_b]] if ring < _RINGS - 1 else []
            faces += [[a, below_b, b]] if ring else []
    return points.reshape(-1, 3), np.array(faces)
