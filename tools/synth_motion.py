"""CMU motion (ASF/AMC) read from the mocap archives: global bone rotations and joint positions."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# ASF lengths and AMC positions are inches times 0.45.
METRES = 0.0254 / 0.45


@dataclass(frozen=True)
class Bone:
    """One ASF bone: where it points at rest, how long it is, which angles move it.

    Attributes:
        parent: Name of the parent bone (``root`` for the first ones).
        offset: (3,) end minus start of the bone in the rest pose [m], y up.
        axis: (3, 3) rotation of the bone's own axes in the rest pose.
        dofs: Subset of ``rx ry rz`` in file order.
    """

    parent: str
    offset: Array
    axis: Array
    dofs: tuple[str, ...]


@dataclass(frozen=True)
class Motion:
    """A motion in ASF axes (y up).

    Attributes:
        rotations: Bone name to (T, 3, 3) global rotation away from the ASF rest pose.
        ends: Bone name to (T, 3) position of the bone's end [m]; ``root`` is the root itself.
        rest: Bone name to (3,) end minus start at rest [m].
        fps: Frames per second.
    """

    rotations: dict[str, Array]
    ends: dict[str, Array]
    rest: dict[str, Array]
    fps: float


def read_member(archive: Path, names: tuple[str, ...]) -> list[str]:
    """The text of some members of a tar.xz file, in the order asked for (one pass over the file)."""
    found: dict[str, str] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name in names:
                stream = tar.extractfile(member)
                assert stream is not None
                found[member.name] = stream.read().decode("utf-8", "replace")
            if len(found) == len(names):
                break
    missing = [name for name in names if name not in found]
    if missing:
        raise FileNotFoundError(f"{missing} not in {archive}. Give the folder that holds cmu/*.tar.xz.")
    return [found[name] for name in names]


def euler_to_matrix(angles: Array) -> Array:
    """(..., 3) angles about x, y, z [degrees] to (..., 3, 3) matrices Rz Ry Rx."""
    x, y, z = np.moveaxis(np.radians(angles), -1, 0)
    one, nil = np.ones_like(x), np.zeros_like(x)

    def stack(*rows: tuple[Array, ...]) -> Array:
        return np.stack([np.stack(row, -1) for row in rows], -2)

    rx = stack((one, nil, nil), (nil, np.cos(x), -np.sin(x)), (nil, np.sin(x), np.cos(x)))
    ry = stack((np.cos(y), nil, np.sin(y)), (nil, one, nil), (-np.sin(y), nil, np.cos(y)))
    rz = stack((np.cos(z), -np.sin(z), nil), (np.sin(z), np.cos(z), nil), (nil, nil, one))
    return rz @ ry @ rx


def parse_asf(text: str) -> dict[str, Bone]:
    """The bones of an ASF file, parents before children."""
    data, hierarchy = text.split(":hierarchy")
    parents: dict[str, str] = {}
    order: list[str] = []
    for line in hierarchy.splitlines():
        parent, *children = line.split() or ["begin"]
        for child in children:
            parents[child] = parent
            order.append(child)
    bones: dict[str, Bone] = {}
    for block in data.split(":bonedata")[1].split("begin")[1:]:
        fields = {line.split()[0]: line.split()[1:] for line in block.splitlines() if line.strip()}
        name = fields["name"][0]
        bones[name] = Bone(
            parent=parents[name],
            offset=np.array(fields["direction"], float) * float(fields["length"][0]) * METRES,
            axis=euler_to_matrix(np.array(fields["axis"][:3], float)),
            dofs=tuple(fields.get("dof", ())),
        )
    return {name: bones[name] for name in order}


def parse_amc(text: str) -> dict[str, Array]:
    """Bone name to (T, D) values of an AMC file, in file order."""
    values: dict[str, list[list[float]]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0].startswith((":", "#")):
            continue
        values.setdefault(words[0], []).append([float(word) for word in words[1:]])
    return {name: np.array(rows) for name, rows in values.items()}


def _angles(bone: Bone, values: Array | None, frames: int) -> Array:
    """(T, 3) x, y, z angles [degrees]; those the bone lacks are zero."""
    angles = np.zeros((frames, 3))
    for column, dof in enumerate(bone.dofs):
        assert values is not None
        angles[:, "xyz".index(dof[1])] = values[:, column]
    return angles


def forward_kinematics(bones: dict[str, Bone], values: dict[str, Array], fps: float = 120.0) -> Motion:
    """Global rotations and bone ends of every frame."""
    root = values["root"]
    rotations = {"root": euler_to_matrix(root[:, 3:6])}
    ends = {"root": root[:, :3] * METRES}
    for name, bone in bones.items():
        local = euler_to_matrix(_angles(bone, values.get(name), len(root)))
        rotations[name] = rotations[bone.parent] @ bone.axis @ local @ bone.axis.T
        ends[name] = ends[bone.parent] + rotations[name] @ bone.offset
    return Motion(rotations, ends, {name: bone.offset for name, bone in bones.items()}, fps)
