"""Small motion files written out as text, for the tests of the motion capture importers."""

from __future__ import annotations

import numpy as np

DAZ_NAMES = {
    "Hips": "hip", "Spine": "abdomen", "Spine1": "chest", "Neck": "neck", "Head": "head",
    "LeftShoulder": "lCollar", "LeftArm": "lShldr", "LeftForeArm": "lForeArm", "LeftHand": "lHand",
    "LeftUpLeg": "lThigh", "LeftLeg": "lShin", "LeftFoot": "lFoot",
    "RightShoulder": "rCollar", "RightArm": "rShldr", "RightForeArm": "rForeArm", "RightHand": "rHand",
    "RightUpLeg": "rThigh", "RightLeg": "rShin", "RightFoot": "rFoot",
}  # fmt: skip
FIGURE = (  # joint, parent, offset [cm] x left, y up, z forward; sides are mirrored
    ("Hips", "", (0, 0, 0)),
    ("Spine", "Hips", (0, 12, 0)),
    ("Spine1", "Spine", (0, 12, 0)),
    ("Neck", "Spine1", (0, 23, 0)),
    ("Head", "Neck", (0, 9, 1)),
    ("LeftShoulder", "Spine1", (3, 17, 0)),
    ("LeftArm", "LeftShoulder", (14, 2, 0)),
    ("LeftForeArm", "LeftArm", (28, 0, 0)),
    ("LeftHand", "LeftForeArm", (26, 0, 0)),
    ("LeftUpLeg", "Hips", (9, -4, 0)),
    ("LeftLeg", "LeftUpLeg", (0, -42, 0)),
    ("LeftFoot", "LeftLeg", (0, -42, 0)),
)
FOOT_END = (0, -7, 12)
ROOT_HEIGHT = 95  # 4 + 42 + 42 + 7: the soles are on the floor


def figure_joints() -> list[tuple[str, str, np.ndarray]]:
    """(name, parent, offset [cm]) of a standing T-pose, parents first."""
    right = [
        (name.replace("Left", "Right"), parent.replace("Left", "Right"), np.array(offset) * (-1, 1, 1))
        for name, parent, offset in FIGURE
        if name.startswith("Left")
    ]
    return [(name, parent, np.array(offset)) for name, parent, offset in FIGURE] + right


def figure_bvh(
    turns: dict[str, tuple[float, float, float]] | None = None,
    names: dict[str, str] | None = None,
    frames: int = 1,
    step: float = 1 / 120,
    scale: float = 1.0,
    axes: np.ndarray | None = None,
) -> str:
    """A BVH text of the figure.

    ``turns`` gives Z, X, Y rotations [degrees] of joints in every frame, ``names`` renames joints, ``scale`` is
    units per cm, ``axes`` (3, 3) turns the whole file.
    """
    axes = np.eye(3) if axes is None else axes
    names = names or {}
    joints = figure_joints()
    lines: list[str] = ["HIERARCHY"]
    values: list[float] = []

    def write(joint: str, offset: np.ndarray, kind: str) -> None:
        x, y, z = axes @ offset * scale
        lines.append(f"{kind} {names.get(joint, joint)} {{ OFFSET {x:.9f} {y:.9f} {z:.9f}")
        position = "6 Xposition Yposition Zposition" if kind == "ROOT" else "3"
        lines.append(f"CHANNELS {position} Zrotation Xrotation Yrotation")
        if kind == "ROOT":
            values.extend(axes @ (0, ROOT_HEIGHT, 0) * scale)
        values.extend((turns or {}).get(joint, (0, 0, 0)))
        children = [(name, step) for name, parent, step in joints if parent == joint]
        for name, step in children:
            write(name, step, "JOINT")
        if not children:
            x, y, z = axes @ (FOOT_END if joint.endswith("Foot") else (0, 10, 0)) * scale
            lines.append(f"End Site {{ OFFSET {x:.9f} {y:.9f} {z:.9f} }}")
        lines.append("}")

    write("Hips", np.zeros(3), "ROOT")
    row = " ".join(f"{value:.9f}" for value in values)
    return "\n".join([*lines, "MOTION", f"Frames: {frames}", f"Frame Time: {step:.9f}", *[row] * frames])


LEG_ASF = """# a comment
:version 1.10
:name VICON
:units
  mass 1.0
  length 0.45
  angle deg
:documentation
   anything: begin of nothing
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name hipjoint
     direction 1 0 0
     length 3
     axis 0 0 0 XYZ
  end
  begin
     id 2
     name femur
     direction 0 -1 0
     length 2
     axis 0 90 0 XYZ
     dof rx rz
     limits (-160.0 20.0)
            (-70.0 70.0)
  end
:hierarchy
  begin
    root hipjoint
    hipjoint femur
  end
"""
"""A hip 3 to the left of the root and a thigh of 2 downward, whose own x axis is the world's -z."""

LEG_AMC_HEAD = "#!OML:ASF\n:FULLY-SPECIFIED\n:DEGREES\n"
