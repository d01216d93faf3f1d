"""MOT: joint angles as the coordinates of OpenSim's full body models. See docs/formats/mot.md.

Sources: OpenSim documentation, "Motion (.mot) Files"; names and axes of the coordinates are those of the model
Rajagopal2016: the pelvis, hips and shoulders turn about z (right), then x (forward), then y (up), body-fixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from videopose3d import __version__
from videopose3d.export.rounding import SECONDS
from videopose3d.export.skeletal import moving
from videopose3d.export.upright import AXES, Array, levelled, upright
from videopose3d.files import replacing
from videopose3d.joint_angles import Frame, bend, body_frame, degrees, dot, joints_by_name, limb, twist
from videopose3d.types import Result

DIGITS = 5
BENT = 15.0
"""A limb tells how it is turned about its own axis only where knee or elbow are bent more than this [degrees]."""


def write(result: Result, path: Path) -> None:
    """Write the first person to ``path`` and person N to ``NAME_N.mot`` beside it: a model is one person.

    Degrees and metres, one row per frame where all is known. A row with a gap is left out: OpenSim goes by the time
    of each row, and stops reading at the first ``nan``.
    """
    each = coordinates(result)
    table = np.stack(list(each.values()), -1)  # (P, T, coordinates)
    shown = moving(result)
    with ExitStack() as files:
        for number, place in enumerate(paths(result, path)):
            rows = table[shown[number]] if shown else np.zeros((0, len(each)))
            partial = files.enter_context(replacing(place))
            partial.write_text("".join(_lines(rows, list(each), result)), encoding="utf-8", newline="\n")


def paths(result: Result, path: Path) -> list[Path]:
    """The files that `write` writes: ``path`` and one more for every other person."""
    others = [path.with_name(f"{path.stem}_{person + 1}{path.suffix}") for person in moving(result)[1:]]
    return [path, *others]


def _lines(table: Array, names: list[str], result: Result) -> Iterator[str]:
    known = np.flatnonzero(np.isfinite(table).all(-1)).tolist()
    yield from (f"{line}\n" for line in _header(len(known), len(names) + 1))
    yield "\t".join(["time", *names]) + "\n"
    for frame in known:
        numbers = np.round(table[frame], DIGITS) + 0.0
        cells = [f"{float(frame / result.fps):.{SECONDS}f}", *(f"{number:.{DIGITS}f}" for number in numbers)]
        yield "\t".join(cells) + "\n"


def _header(rows: int, columns: int) -> list[str]:
    return [
        "Coordinates",
        "version=1",
        f"nRows={rows}",
        f"nColumns={columns}",
        "inDegrees=yes",
        "Units are S.I. units (second, meters, Newtons, ...)",
        "Angles are in degrees.",
        f"Axes: {AXES}. Written by videopose3d {__version__}.",
        "endheader",
    ]


def coordinates(result: Result) -> dict[str, Array]:
    """Every coordinate by name, each (P, T) [degrees, m], continuous in time; NaN where it is not known.

    Raises:
        SkeletonMismatchError: A joint that is needed is not among those of the poses.
        VideoPose3DError: The result has no 3D stage.
    """
    poses = levelled(result)
    at = joints_by_name(poses)
    pelvis, chest = body_frame(at, "hip"), body_frame(at, "shoulder")
    found = dict(_pelvis(pelvis))
    root = upright(result)[:, :, poses.skeleton.index("pelvis")]
    found |= {f"pelvis_t{axis}": root[..., number] for number, axis in enumerate("xyz")}
    found["lumbar_rotation"] = _continuous(twist(pelvis, chest))
    for side in ("right", "left"):
        leg = _limb(at, side, ("hip", "knee", "ankle"), pelvis, -1.0)
        arm = _limb(at, side, ("shoulder", "elbow", "wrist"), chest, 1.0)
        legs = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle")
        arms = ("arm_flex", "arm_add", "arm_rot", "elbow_flex")
        found |= {f"{name}_{side[0]}": angle for name, angle in zip(legs + arms, [*leg, *arm], strict=True)}
    return found


def _pelvis(frame: Frame) -> Iterator[tuple[str, Array]]:
    yield "pelvis_tilt", _continuous(degrees(-frame.up[..., 0], frame.up[..., 1]))
    yield "pelvis_list", np.degrees(np.arcsin(np.clip(frame.up[..., 2], -1.0, 1.0)))
    yield "pelvis_rotation", _continuous(degrees(-frame.forward[..., 2], frame.right[..., 2]))


def _limb(at: dict[str, Array], side: str, joints: tuple[str, str, str], frame: Frame, sense: float) -> Iterator[Array]:
    """Flexion, adduction and rotation of a thigh or upper arm, and how far its knee or elbow is bent [degrees].

    Args:
        at: (P, T, 3) of every joint, Y up [m].
        side: ``left`` or ``right``; the left limb is the right one in a mirror.
        joints: The ends of the limb and the joint between, without their side.
        frame: Of the part of the trunk that the limb hangs on.
        sense: 1 for an elbow, which bends forward, -1 for a knee.
    """
    near, middle, far = (at[f"{side}_{joint}"] for joint in joints)
    flexion, abduction = limb(middle - near, frame, side)
    bent = bend(near, middle, far)
    lower = far - middle
    outward = frame.right * (1.0 if side == "right" else -1.0)
    forward, up, out = dot(lower, frame.forward), dot(lower, frame.up), dot(lower, outward)
    f, a = np.radians(flexion), np.radians(-abduction)
    forward, up = forward * np.cos(f) + up * np.sin(f), up * np.cos(f) - forward * np.sin(f)
    out = out * np.cos(a) - up * np.sin(a)
    turn = degrees(-sense * out, sense * forward)
    yield _continuous(flexion)
    yield -abduction
    yield _between(_continuous(np.where(bent > BENT, turn, np.nan)), np.isfinite(bent))
    yield bent


def _continuous(angles: Array) -> Array:
    """The (P, T) angles without jumps of 360 degrees from one known frame to the next."""
    smooth = angles.copy()
    for person in smooth:
        known = np.isfinite(person)
        person[known] = np.unwrap(person[known], period=360.0)
    return smooth


def _between(values: Array, wanted: Array) -> Array:
    """(P, T) with numbers wherever they are wanted: between known frames, held at the ends, 0 where none is known."""
    frames = np.arange(values.shape[1])
    filled = np.full(values.shape, np.nan)
    for row, line, here in zip(filled, values, wanted, strict=True):
        known = np.isfinite(line)
        row[here] = np.interp(frames[here], frames[known], line[known]) if known.any() else 0.0
    return filled
