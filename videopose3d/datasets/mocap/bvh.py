"""Biovision Hierarchy (BVH): hierarchy, channels of any order, motion.

Format: Biovision's own, as written down by M. Thingvold, "Biovision BVH", University of Wisconsin-Madison.
A joint's rotation is the product of its rotation channels in the order they are listed, so ``Zrotation
Xrotation Yrotation`` is Rz Rx Ry. Position channels replace the joint's OFFSET.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from videopose3d.datasets.mocap.rig import (
    Float64,
    RigMotion,
    chain_positions,
    euler_rotation,
    forward_kinematics,
)
from videopose3d.errors import FileFormatError

_CHANNELS = {f"{axis}{kind}": (axis.lower(), kind) for axis in "XYZ" for kind in ("position", "rotation")}
_FIX = "Is it a BVH file? It should hold HIERARCHY, ROOT ... and MOTION."


@dataclass
class BvhHierarchy:
    """The HIERARCHY part: joints in file order, end sites as ``<joint>_end`` without channels."""

    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float]] = field(default_factory=list)
    channels: list[list[tuple[str, str]]] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Numbers per frame."""
        return sum(len(channels) for channels in self.channels)


def parse_bvh(text: str, where: object = None, fps: float | None = None) -> RigMotion:
    """World joint positions and rotations of a BVH file, in its own axes and unit.

    Args:
        text: The whole file.
        where: Path for messages.
        fps: True frame rate [1/s] where the file's ``Frame Time`` is wrong.

    Raises:
        FileFormatError: The text is not a complete BVH file.
    """
    head, marker, motion = text.partition("MOTION")
    if not marker or not head.lstrip("\ufeff").split()[:1] == ["HIERARCHY"]:
        raise FileFormatError("HIERARCHY or MOTION is missing", where=where, fix=_FIX)
    try:
        hierarchy = _hierarchy(iter(head.split()[1:]))
    except (StopIteration, ValueError, KeyError, IndexError) as error:
        raise FileFormatError(f"the hierarchy is broken ({error!r})", where=where, fix=_FIX) from error
    file_fps, table = _motion(motion, hierarchy.width, where)
    return bvh_motion(hierarchy, table, fps or file_fps)


def bvh_motion(hierarchy: BvhHierarchy, table: Float64, fps: float) -> RigMotion:
    """Forward kinematics of channel values (T, width) [file unit, degrees]."""
    frames, joints = len(table), len(hierarchy.names)
    offsets = np.broadcast_to(np.array(hierarchy.offsets), (frames, joints, 3)).copy()
    local = np.broadcast_to(np.eye(3), (frames, joints, 3, 3)).copy()
    column = 0
    for joint, channels in enumerate(hierarchy.channels):
        values = table[:, column : column + len(channels)]
        column += len(channels)
        turns = [number for number, (_, kind) in enumerate(channels) if kind == "rotation"]
        order = "".join(channels[number][0] for number in turns)
        local[:, joint] = euler_rotation(order, np.radians(values[:, turns]))
        for number, (axis, kind) in enumerate(channels):
            if kind == "position":
                offsets[:, joint, "xyz".index(axis)] = values[:, number]
    names, parents = tuple(hierarchy.names), tuple(hierarchy.parents)
    moved = forward_kinematics(names, parents, offsets, local, offsets[:, 0], fps)
    steps = np.array(hierarchy.offsets)
    steps[0] = 0.0
    return replace(moved, rest=chain_positions(parents, steps[None])[0])  # without the position channels


def _hierarchy(words: Iterator[str]) -> BvhHierarchy:
    found = BvhHierarchy()
    stack: list[int] = []
    for word in words:
        match word:
            case "ROOT" | "JOINT" | "End":
                if word == "ROOT" and found.names:
                    raise ValueError("a second ROOT; only one figure per file is read")
                name = next(words)
                found.names.append(f"{found.names[stack[-1]]}_end" if word == "End" else name)
                found.parents.append(stack[-1] if stack else -1)
                found.offsets.append([0.0, 0.0, 0.0])
                found.channels.append([])
            case "{":
                stack.append(len(found.names) - 1)
            case "}":
                stack.pop()
            case "OFFSET":
                found.offsets[stack[-1]] = [float(next(words)) for _ in range(3)]
            case "CHANNELS":
                found.channels[stack[-1]] = [_CHANNELS[next(words)] for _ in range(int(next(words)))]
            case _:
                raise ValueError(f"unexpected word {word!r}")
    if stack or not found.names:
        raise ValueError("unbalanced braces" if stack else "no ROOT")
    return found


def _motion(text: str, width: int, where: object) -> tuple[float, Float64]:
    """(fps, (T, width) table) of what follows MOTION."""
    head, marker, rest = text.partition("Frame Time:")
    words = head.split()
    if not marker or words[:1] != ["Frames:"]:
        raise FileFormatError("'Frames:' or 'Frame Time:' is missing after MOTION", where=where, fix=_FIX)
    values = rest.split()
    try:
        frames, step = int(words[1]), float(values[0])
        table = np.array(values[1:], np.float64)
    except (ValueError, IndexError) as error:
        raise FileFormatError(f"a number is broken ({error})", where=where, fix=_FIX) from error
    if frames < 1 or len(table) != frames * width or not np.isfinite(table).all():
        raise FileFormatError(
            f"expected {frames} frames of {width} finite numbers, got {len(table)} numbers",
            where=where,
            fix="The file is cut short or its hierarchy does not match its motion.",
        )
    if not 0 < step < 10:
        raise FileFormatError(f"a frame time of {step:g} s is impossible", where=where, fix="Give the true fps.")
    return 1.0 / step, table.reshape(frames, width)
