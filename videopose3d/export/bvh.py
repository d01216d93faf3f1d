"""BVH: a skeleton and its motion, one file per person, for animation programs. See docs/formats/bvh.md.

Format: M. Thingvold, "Biovision BVH", University of Wisconsin-Madison. Centimetres and degrees, Y up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import numpy as np

from videopose3d.errors import OutputError
from videopose3d.export.rotations import euler_zxy, matrices
from videopose3d.export.skeletal import Motion, motions, moving
from videopose3d.export.upright import Array
from videopose3d.files import replacing
from videopose3d.types import Result

CENTIMETRES = 100.0
"""Per metre. BVH files have no field for their unit; centimetres are what motion capture programs take it for."""
_ROTATIONS = "Zrotation Xrotation Yrotation"


def write(result: Result, path: Path) -> None:
    """Write the first person to ``path`` and person N to ``NAME_N.bvh`` beside it; all of them or none.

    Raises:
        OutputError: Nobody has a pose: a BVH file cannot be empty.
    """
    people = motions(result)
    if not people:
        raise OutputError("nobody was found, and a BVH file cannot be empty", where=path, fix="Export .json or .glb.")
    with ExitStack() as files:
        for motion, place in zip(people, paths(result, path), strict=True):
            partial = files.enter_context(replacing(place))
            with partial.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(_lines(motion, result.fps))


def paths(result: Result, path: Path) -> list[Path]:
    """The files that `write` writes: ``path`` and one more for every other person."""
    others = [path.with_name(f"{path.stem}_{person + 1}{path.suffix}") for person in moving(result)[1:]]
    return [path, *others]


def _lines(motion: Motion, fps: Fraction) -> Iterator[str]:
    yield "HIERARCHY\n"
    yield from _joint(motion, 0, 0)
    frame_time = float(1 / fps)
    yield f"MOTION\nFrames: {len(motion.root)}\nFrame Time: {frame_time:.12g}\n"
    angles = np.degrees(euler_zxy(matrices(motion.turns)))
    for root, turned in zip(motion.root * CENTIMETRES, angles, strict=True):
        yield _numbers(np.concatenate([root, turned.ravel()])) + "\n"


def _joint(motion: Motion, number: int, depth: int) -> Iterator[str]:
    """The lines of one joint and of everything that hangs on it."""
    tab, bone = "\t" * depth, motion.bones[number]
    yield f"{tab}{'JOINT' if depth else 'ROOT'} {bone.name}\n{tab}{{\n"
    yield f"{tab}\tOFFSET {_numbers(motion.offsets[number] * CENTIMETRES)}\n"
    positions = "" if depth else "Xposition Yposition Zposition "
    yield f"{tab}\tCHANNELS {3 if depth else 6} {positions}{_ROTATIONS}\n"
    children = [child for child, other in enumerate(motion.bones) if other.parent == number]
    for child in children:
        yield from _joint(motion, child, depth + 1)
    if not children:
        tip = _numbers(motion.tips[number] * CENTIMETRES)
        yield f"{tab}\tEnd Site\n{tab}\t{{\n{tab}\t\tOFFSET {tip}\n{tab}\t}}\n"
    yield f"{tab}}}\n"


def _numbers(values: Array) -> str:
    """With four digits behind the point: a thousandth of a millimetre, and 0.0001 degrees."""
    return " ".join(f"{value:.4f}" for value in np.round(values, 4) + 0.0)
