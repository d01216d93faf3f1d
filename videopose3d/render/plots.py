"""What can be plotted over time, by name: joint angles, coordinates, heights, speeds, the error.

See docs/rendering.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from videopose3d.errors import VideoPose3DError
from videopose3d.joint_angles import joint_angles
from videopose3d.render.stage import Array, Stage, set_stage
from videopose3d.skeleton import COCO17, H36M17, side
from videopose3d.types import Keypoints2D, Poses3D, Result

_AXES = {"x": 0, "y": 1, "z": 2}
_SHORT = ("_flexion", "_lean")
"""Endings of angles that may be left out."""


@dataclass(frozen=True)
class Curve:
    """One quantity over the clip.

    Attributes:
        name: In words.
        unit: ``deg``, ``m``, ``m/s`` or ``mm``.
        values: (T,) NaN where it is not known.
        side: ``left``, ``right`` or ``middle``.
    """

    name: str
    unit: str
    values: Array
    side: str = "middle"

    def value(self, frame: int) -> str:
        """The value at a frame, in words."""
        value = self.values[frame]
        digits = {"deg": 0, "mm": 0}.get(self.unit, 2)
        number = f"{value:.{digits}f}" if np.isfinite(value) else "-"
        return f"{number}°" if self.unit == "deg" else f"{number} {self.unit}"


def curves(result: Result, stage: Stage, names: str, error: Array | None = None) -> list[Curve]:
    """The curves of one plot.

    Args:
        result: Lifted.
        stage: Its people on the floor, for heights and speeds.
        names: Names with commas between them; ``NAME@2`` is that of the second person.
        error: (T,) distance from the truth [mm], if there is one.

    Raises:
        VideoPose3DError: There is no such quantity, joint or person, or the units differ.
    """
    found = [_curve(result, stage, name.strip(), error) for name in names.split(",") if name.strip()]
    if len({curve.unit for curve in found}) != 1:
        what = f"cannot plot {names!r} over one axis" if found else "no name of what to plot"
        raise VideoPose3DError(what, fix="Give one --plot for angles, one for lengths, and so on.")
    return found


def check_names(names: str, *, truth: bool) -> None:
    """Find out before there is a result whether `curves` will know these names.

    Args:
        names: As for `curves`.
        truth: There will be a truth.

    Raises:
        VideoPose3DError: It will not.
    """
    poses = Poses3D(np.zeros((1, 2, len(H36M17), 3), np.float32), np.zeros((1, 2, 3), np.float32), H36M17)
    seen, boxes = np.zeros((1, 2, len(COCO17)), np.float32), np.zeros((1, 2, 4), np.float32)
    somebody = np.ones((1, 2), bool)
    keypoints = Keypoints2D(seen[..., None].repeat(2, -1), seen, boxes, somebody, COCO17, Fraction(1), (1, 1))
    stage = set_stage(poses, Fraction(1))
    curves(Result(keypoints, poses), stage, re.sub(r"@[1-9]\d*", "", names), np.zeros(2) if truth else None)


def _curve(result: Result, stage: Stage, text: str, error: Array | None) -> Curve:
    assert result.poses is not None
    name, _, number = text.partition("@")
    if number and not (number.isdecimal() and 1 <= int(number) <= result.people):
        raise VideoPose3DError(f"no person {number!r} to plot {name}", fix=f"The result has {result.people}.")
    person = int(number or 1) - 1
    whose = f" of {number}" if number else ""
    if name == "error":
        if error is None:
            raise VideoPose3DError("the error cannot be plotted", fix="Give the truth, too: --truth FILE.")
        return Curve("error", "mm", error)
    if not result.people:
        return Curve(name.replace("_", " "), _unit_of(name), np.full(result.keypoints.frames, np.nan), side(name))
    joint, _, what = name.partition(":")
    if not what:
        full, values = _angle(result.poses, name)
        return Curve(full.replace("_", " ") + whose, "deg", values[person], side(name))
    known, unit = _coordinate(result, stage, joint, what)
    return Curve(f"{joint.replace('_', ' ')} {what}{whose}", unit, known[person].astype(np.float64), side(joint))


def _unit_of(name: str) -> str:
    what = name.partition(":")[2]
    return "m/s" if what == "speed" else "m" if what else "deg"


def _angle(poses: Poses3D, name: str) -> tuple[str, Array]:
    """An angle's full name, and its values (P, T) [degrees]."""
    angles = joint_angles(poses)
    full = next((name + ending for ending in ("", *_SHORT) if name + ending in angles), None)
    if full is None:
        fix = f"Use one of {', '.join(angles)}; trajectory:z, JOINT:x, JOINT:height, JOINT:speed; error."
        raise VideoPose3DError(f"nothing is called {name!r} that could be plotted", fix=fix)
    return full, angles[full]


def _coordinate(result: Result, stage: Stage, joint: str, what: str) -> tuple[Array, str]:
    """(P, T) and its unit."""
    poses = result.poses
    assert poses is not None
    if joint == "trajectory" and what in _AXES:
        return poses.trajectory[..., _AXES[what]].astype(np.float64), "m"
    index = poses.skeleton.index(joint)
    if what in _AXES:
        return poses.poses[:, :, index, _AXES[what]].astype(np.float64), "m"
    points = stage.points[:, :, index].astype(np.float64)
    if what == "height":
        return points[..., 2], "m"
    if what == "speed":
        points[..., :2] += stage.drift
        steps = np.gradient(points, axis=1) if points.shape[1] > 1 else np.full_like(points, np.nan)
        return np.linalg.norm(steps, axis=-1) * float(result.fps), "m/s"
    raise VideoPose3DError(f"a joint has no {what!r}", where=joint, fix="Use x, y, z, height or speed.")
