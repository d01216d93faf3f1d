"""Acclaim skeleton and motion (ASF/AMC), as in the CMU motion capture database.

Format: J. Lander, "Working with Motion Capture File Formats", Game Developer, January 1998, and the Acclaim
page of M. Thingvold, University of Wisconsin-Madison. A bone carries its direction and length, and its own
axes C; with M the rotation of its AMC values, its turn is G = G_parent C M C^-1, and a joint is the END of
the bone it is named after. Angle orders are applied first letter first: ``XYZ`` is Rz Ry Rx.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from videopose3d.datasets.mocap.rig import (
    Float64,
    RigMotion,
    chain_positions,
    euler_rotation,
    global_rotations,
)
from videopose3d.errors import FileFormatError

CMU_FPS = 120.0
"""The rate of the CMU database [1/s]; AMC files do not hold one."""

_INCH = 0.0254


@dataclass(frozen=True)
class AsfSkeleton:
    """The bones of an ASF file; bone 0 is ``root`` with a vector of zero length.

    Attributes:
        names: J bone names, parents first.
        parents: J indices, -1 for the root.
        vectors: (J, 3) direction times length [file unit].
        axes: (J, 3, 3) the bone's own axes C.
        channels: For each bone the letters of its AMC values, e.g. ``("rx", "rz")``.
        degrees: Angles are in degrees.
        metres: Length of one file unit [m], by the CMU reading: inches divided by the ``length`` unit.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    vectors: Float64
    axes: Float64
    channels: tuple[tuple[str, ...], ...]
    degrees: bool
    metres: float


def parse_asf(text: str, where: object = None) -> AsfSkeleton:
    """The skeleton of an ASF file.

    Raises:
        FileFormatError: A section is missing or broken.
    """
    try:
        return _skeleton(_sections(text))
    except (KeyError, ValueError, IndexError) as error:
        raise FileFormatError(
            f"the skeleton is broken ({error!r})", where=where, fix="Is it an Acclaim .asf file?"
        ) from error


def parse_amc(text: str, skeleton: AsfSkeleton, where: object = None, fps: float = CMU_FPS) -> RigMotion:
    """World motion of an AMC file on its skeleton, in the unit of the files, y up for CMU.

    Args:
        text: The whole AMC file.
        skeleton: What ``parse_asf`` gave for the same subject.
        where: Path for messages.
        fps: Frame rate [1/s]; the format has no place for it.

    Raises:
        FileFormatError: A frame is incomplete or names a bone that the skeleton does not have.
    """
    table = _table(text, skeleton, where)
    frames, joints = len(table), len(skeleton.names)
    local = np.empty((frames, joints, 3, 3))
    root = np.zeros((frames, 3))
    column = 0
    for joint, channels in enumerate(skeleton.channels):
        values = table[:, column : column + len(channels)]
        column += len(channels)
        local[:, joint] = skeleton.axes[joint] @ _bone_turn(skeleton, channels, values) @ skeleton.axes[joint].T
        if joint == 0:
            for number, channel in enumerate(channels):
                if channel[0] == "t":
                    root[:, "xyz".index(channel[1])] = values[:, number]
    turned = global_rotations(skeleton.parents, local)
    steps = np.einsum("tjab,jb->tja", turned, skeleton.vectors)
    steps[:, 0] = root
    rest = chain_positions(skeleton.parents, skeleton.vectors[None])[0]
    return RigMotion(skeleton.names, skeleton.parents, rest, chain_positions(skeleton.parents, steps), turned, fps)


def _bone_turn(skeleton: AsfSkeleton, channels: tuple[str, ...], values: Float64) -> Float64:
    """(T, 3, 3) rotation M of one bone; the first channel acts first, so the product is written backwards."""
    turns = [number for number, channel in enumerate(channels) if channel[0] == "r"][::-1]
    angles = values[:, turns]
    return euler_rotation("".join(channels[t][1] for t in turns), np.radians(angles) if skeleton.degrees else angles)


def _sections(text: str) -> dict[str, list[str]]:
    """Lines below each ``:keyword``, comments and empty lines left out; the keyword's own line is first."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        if line.startswith(":"):
            keyword, *rest = line[1:].split(maxsplit=1)
            lines = sections.setdefault(keyword.lower(), [])
            lines.extend(rest)
        elif line:
            lines.append(line)
    return sections


def _skeleton(sections: dict[str, list[str]]) -> AsfSkeleton:
    units = dict(line.split()[:2] for line in sections["units"])
    degrees = units.get("angle", "deg").startswith("deg")
    root = {line.split()[0]: line.split()[1:] for line in sections["root"]}
    bones = {"root": {"dof": [word.lower() for word in root["order"]]}}
    bones |= dict(_bone(block) for block in _blocks(sections["bonedata"]))
    children = [line.split() for block in _blocks(sections["hierarchy"]) for line in block]
    parent_of = {child: parent for parent, *names in children for child in names}
    names = ["root"]
    for name in names:
        names.extend(child for child, parent in parent_of.items() if parent == name)
    vectors = [[0.0, 0.0, 0.0]]
    axes = [_axes(root.get("orientation", ["0", "0", "0"]), root["axis"][0], degrees)]
    for name in names[1:]:
        bone = bones[name]
        vectors.append([float(x) * float(bone["length"][0]) for x in bone["direction"]])
        axes.append(_axes(bone["axis"][:3], bone["axis"][3], degrees))
    return AsfSkeleton(
        tuple(names),
        tuple(-1 if name == "root" else names.index(parent_of[name]) for name in names),
        np.array(vectors),
        np.stack(axes),
        tuple(tuple(bones[name]["dof"]) for name in names),
        degrees,
        _INCH / float(units.get("length", 1.0)),
    )


def _blocks(lines: list[str]) -> list[list[str]]:
    """Lines between each ``begin`` and ``end``."""
    text = "\n".join(lines)
    return [block.strip().splitlines() for block in re.findall(r"\bbegin\b(.*?)\bend\b", text, re.DOTALL)]


def _bone(block: list[str]) -> tuple[str, dict[str, list[str]]]:
    words = {line.split()[0]: line.split()[1:] for line in block}
    words["dof"] = [word.lower() for word in words.get("dof", [])]
    return words["name"][0], words


def _axes(angles: list[str], order: str, degrees: bool) -> Float64:
    values = np.array([float(angle) for angle in angles])
    values = np.radians(values) if degrees else values
    return euler_rotation(order.lower()[::-1], values[::-1])


def _table(text: str, skeleton: AsfSkeleton, where: object) -> Float64:
    """(T, channels) the numbers of an AMC file, bones in the order of the skeleton, 0 where one is absent."""
    starts = np.cumsum([0] + [len(channels) for channels in skeleton.channels])
    spans = {name: (starts[i], starts[i + 1]) for i, name in enumerate(skeleton.names)}
    rows: list[list[float]] = []
    row: list[float] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0][0] in "#:":
            continue
        if len(words) == 1 and words[0].isdigit():
            row = [0.0] * int(starts[-1])
            rows.append(row)
            continue
        span = spans.get(words[0])
        if span is None or span[1] - span[0] != len(words) - 1 or not rows:
            raise FileFormatError(
                f"line {number} ({line.strip()[:40]!r}) does not fit the skeleton",
                where=where,
                fix="Give the .asf file of the same subject.",
            )
        try:
            row[span[0] : span[1]] = map(float, words[1:])
        except ValueError as error:
            raise FileFormatError(f"line {number}: {error}", where=where, fix="The file is damaged.") from error
    if not rows:
        raise FileFormatError("no frames", where=where, fix="Is it an Acclaim .amc file?")
    return np.array(rows)
