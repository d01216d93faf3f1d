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
        children = [(name, arm) for name, parent, arm in joints if parent == joint]
        for name, arm in children:
            write(name, arm, "JOINT")
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


def figure_asf() -> str:
    """The figure as a CMU skeleton: bones named by their far ends, lengths in inches x 0.45."""
    unit = 0.0254 / 0.45 * 100  # cm per unit of length
    at = {name: offset for name, _, offset in figure_joints()}
    bones: list[tuple[str, str, tuple[float, float, float]]] = [
        ("lowerback", "root", (0, 12, 0)), ("upperback", "lowerback", (0, 12, 0)), ("thorax", "upperback", (0, 14, 0)),
        ("lowerneck", "thorax", (0, 9, 0)), ("upperneck", "lowerneck", (0, 9, 0)), ("head", "upperneck", (0, 9, 0)),
    ]  # fmt: skip
    for s, side in (("l", "Left"), ("r", "Right")):
        chain = ["hipjoint", "femur", "tibia", "foot", "toes"]
        steps = [at[f"{side}UpLeg"], at[f"{side}Leg"], at[f"{side}Foot"], (0, -7, 9), (0, 0, 3)]
        bones += [(s + bone, "root" if i == 0 else s + chain[i - 1], tuple(steps[i])) for i, bone in enumerate(chain)]
        sign = 1 if s == "l" else -1
        chain = ["clavicle", "humerus", "radius", "wrist"]
        steps = [(17 * sign, 5, 0), at[f"{side}ForeArm"], (16 * sign, 0, 0), (10 * sign, 0, 0)]
        bones += [(s + bone, "thorax" if i == 0 else s + chain[i - 1], tuple(steps[i])) for i, bone in enumerate(chain)]
    blocks = []
    for name, _, step in bones:
        length = float(np.linalg.norm(step))
        direction = " ".join(f"{x / length:.9f}" for x in step)
        blocks.append(
            f"begin\nname {name}\ndirection {direction}\nlength {length / unit:.9f}\naxis 0 0 0 XYZ\ndof rx ry rz\nend"
        )
    tree = "\n".join(f"{parent} {name}" for name, parent, _ in bones)
    head = LEG_ASF.partition(":bonedata")[0]
    return "\n".join([head, ":bonedata", *blocks, ":hierarchy", "begin", tree, "end"])


def figure_amc(frames: int, turns: dict[str, tuple[float, float, float]] | None = None) -> str:
    """The figure standing 95 cm above the origin, bones turned by X, Y, Z angles [degrees]."""
    height = ROOT_HEIGHT / (0.0254 / 0.45 * 100)
    rows = [f"root 0 {height:.9f} 0 0 0 0"] + [f"{b} {x} {y} {z}" for b, (x, y, z) in (turns or {}).items()]
    return LEG_AMC_HEAD + "".join("\n".join([str(number), *rows, ""]) for number in range(1, frames + 1))


DEEPMIMIC_SKELETON = {
    "names": ["root", "chest", "neck"] + [
        f"{side}_{part}"
        for side in ("right", "left")
        for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    ],
    "parents": [-1, 0, 1, 0, 3, 4, 1, 6, 7, 0, 9, 10, 1, 12, 13],
    "offsets": [[0, 0, 0], [0, 0.236, 0], [0, 0.224, 0]] + [
        offset
        for z in (1, -1)
        for offset in (
            [0, 0, 0.085 * z], [0, -0.42, 0], [0, -0.41, 0], [-0.024, 0.2435, 0.183 * z], [0, -0.275, 0], [0, -0.259, 0]
        )
    ],
    "column_ranges": [[4, 8]] + [None] * 14,
}  # fmt: skip
"""The figure of the jump set with stiff joints: faces +x at rest, its right is +z."""


def rotvec_skeleton() -> dict[str, list[object]]:
    """The figure with the joint names of the chaneyddtt set, offsets [m]."""
    names, parents, offsets = [], [], []
    for name, parent, offset in figure_joints():
        names.append(name.replace("Hand", "FingerBase"))
        parents.append(parent)
        offsets.append(np.array([0, 0.14, 0]) if name == "Neck" else offset / 100)
        if name == "Neck":
            names.append("Neck1")
            parents.append("Neck")
            offsets.append(np.array([0, 0.09, 0]))
    for side in ("Left", "Right"):
        for name, parent, offset in (("ToeBase", "Foot", (0, -0.07, 0.09)), ("ToeBase_end", "ToeBase", (0, 0, 0.03))):
            names.append(side + name)
            parents.append(side + parent)
            offsets.append(np.array(offset))
    index = [names.index(parent) if parent else -1 for parent in parents]
    return {"names": names, "parents": index, "offsets": [list(map(float, o)) for o in offsets]}


MARKER_PLACES = {
    "LFHD": (0.09, 0.07, 1.65), "RFHD": (0.09, -0.07, 1.65), "LBHD": (-0.09, 0.07, 1.65), "RBHD": (-0.09, -0.07, 1.65),
    "C7": (-0.07, 0, 1.50), "T10": (-0.10, 0, 1.22), "CLAV": (0.06, 0, 1.42), "STRN": (0.10, 0, 1.26),
    "RBAK": (-0.1, -0.1, 1.4),
    "LSHO": (0, 0.19, 1.47), "LUPA": (0.0, 0.24, 1.3), "LELB": (0, 0.25, 1.12), "LFRM": (0.03, 0.27, 1.0),
    "LWRA": (0.04, 0.25, 0.88), "LWRB": (-0.02, 0.27, 0.88), "LFIN": (0.02, 0.26, 0.8),
    "LASI": (0.11, 0.13, 1.0), "LPSI": (-0.09, 0.05, 1.02),
    "LTHI": (0.02, 0.17, 0.7), "LKNE": (0, 0.15, 0.5), "LTIB": (0.02, 0.16, 0.3), "LANK": (-0.02, 0.14, 0.08),
    "LHEE": (-0.07, 0.1, 0.04), "LTOE": (0.15, 0.1, 0.04),
}  # fmt: skip
"""Plug-in-Gait markers of a standing person who faces +x, left +y, z up [m]; right ones are mirrored."""


def standing_markers(names: tuple[str, ...], frames: int) -> np.ndarray:
    """(T, 39, 3) [m] the markers, swaying forward by 1 mm per frame."""
    places = []
    for name in names:
        mirrored = name not in MARKER_PLACES
        x, y, z = MARKER_PLACES["L" + name[1:] if mirrored else name]
        places.append((x, -y if mirrored else y, z))
    sway = np.arange(frames)[:, None, None] * np.array([0.001, 0.0, 0.0])
    return np.array(places) + sway


def encode_markers(markers: np.ndarray) -> np.ndarray:
    """(T, 39, 3) [m], NaN where lost, to the stored form of UI-PRMD: (39, 3, T) int16 second differences."""
    steps = np.where(np.isnan(markers), -32768, np.round(np.nan_to_num(markers) * 1e4)).astype(np.int16)
    stored = steps.transpose(1, 2, 0)
    for _ in range(2):
        stored = np.diff(stored, axis=-1, prepend=np.zeros((39, 3, 1), np.int16))
    return stored
