"""Which joints of a rig are the landmarks of a body: maps of the known sets, and the landmarks they give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videopose3d.datasets.mocap.body import Landmarks, chin_up
from videopose3d.datasets.mocap.rig import Float64, RigMotion
from videopose3d.errors import FileFormatError
from videopose3d.skeleton import LIMB_JOINTS

Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Turns y up into z up; x stays."""
NEARLY_AN_AXIS = 0.97
"""Hips that lie this well along an axis of the file are taken to lie on it."""


@dataclass(frozen=True)
class RigMap:
    """Landmarks by rig joint.

    Attributes:
        limbs: 12 rig joints in the order of ``skeleton.LIMB_JOINTS``.
        trunk: Rig joints from above the hips to below the neck base.
        thorax: (a, b, f): the neck base is at a + f (b - a).
        head: The rig joint that turns with the head.
        skull: (joint, offset): the middle between the ears is at ``joint`` plus offset [m] forward, left, up.
        soles: The lowest rig joints of the feet.
        chin_up: Turn of the head joint's frame that levels the gaze [degrees].
        below: How far the soles are below ``soles`` [unit of the file].
    """

    limbs: tuple[str, ...]
    trunk: tuple[str, ...]
    thorax: tuple[str, str, float]
    head: str
    skull: tuple[str, tuple[float, float, float]]
    soles: tuple[str, ...]
    chin_up: float = 0.0
    below: float = 0.0


def _sided(template: str, left: str, right: str) -> tuple[str, ...]:
    return tuple(word.replace("*", sided) for sided in (left, right) for word in template.split())


def _limbs(arm: str, leg: str, left: str, right: str) -> tuple[str, ...]:
    (la, ra), (ll, rl) = ((words[:3], words[3:]) for words in (_sided(part, left, right) for part in (arm, leg)))
    return la + ra + ll + rl


CMU_CHIN_UP = 8.0
"""Walking CMU subjects look 15 degrees below the horizon by their head bone; people look down by 5 to 10."""

# ASF bones are named by their far end. Offsets of the skull: see tests/datasets and the table in docs.
ASF = RigMap(
    _limbs("*clavicle *humerus *wrist", "*hipjoint *femur *tibia", "l", "r"),
    ("root", "lowerback", "upperback", "thorax"),
    ("thorax", "lowerneck", 0.8),
    "head",
    ("upperneck", (0.015, 0.0, 0.083)),
    ("ltoes", "rtoes", "lfoot", "rfoot"),
    CMU_CHIN_UP,
)
ROTVEC = RigMap(
    _limbs("*Arm *ForeArm *FingerBase", "*UpLeg *Leg *Foot", "Left", "Right"),
    ("Hips", "Spine", "Spine1", "Neck"),
    ("Neck", "Neck1", 0.8),
    "Head",
    ("Head", (0.015, 0.0, 0.083)),
    ("LeftToeBase", "RightToeBase", "LeftToeBase_end", "RightToeBase_end"),
    CMU_CHIN_UP,
)
DAZ = RigMap(
    _limbs("*Shldr *ForeArm *Hand", "*Thigh *Shin *Foot", "l", "r"),
    ("abdomen", "chest"),
    ("chest", "neck", 0.9),
    "head",
    ("head", (-0.010, 0.0, 0.075)),
    ("lFoot_end", "rFoot_end"),
)
DEEPMIMIC = RigMap(
    _limbs("*_shoulder *_elbow *_wrist", "*_hip *_knee *_ankle", "left", "right"),
    ("chest",),
    ("chest", "neck", 1.2),
    "neck",
    ("neck", (0.020, 0.0, 0.225)),
    ("left_ankle", "right_ankle"),
    CMU_CHIN_UP,
)


def rest_axes(motion: RigMotion, rig: RigMap) -> Float64:
    """(3, 3) axes forward, left, up of the rest pose as columns; up is along an axis of the file.

    Raises:
        FileFormatError: The rest pose does not stand upright along an axis.
    """
    points = {joint: motion.rest[motion.index(name)] for joint, name in zip(LIMB_JOINTS, rig.limbs, strict=True)}
    up = _snap(motion.rest[motion.index(rig.thorax[1])] - (points["left_hip"] + points["right_hip"]) / 2)
    left = points["left_hip"] - points["right_hip"]
    if abs(left @ up) > 0.5 * np.linalg.norm(left):
        raise FileFormatError(
            "the rest pose does not stand upright", fix="Export the motion with a T-pose as its rest pose."
        )
    left = left - (left @ up) * up
    left /= np.linalg.norm(left)
    if np.abs(left).max() > NEARLY_AN_AXIS:
        left = _snap(left)
    return np.stack([np.cross(left, up), left, up], -1)


def landmarks(motion: RigMotion, rig: RigMap, unit: float = 1.0) -> tuple[Landmarks, Float64]:
    """The landmarks of a rig's motion, metres, z up, and the height of its lowest sole (T,) [m].

    Args:
        motion: World motion of the rig in its file's axes.
        rig: Which joints are which.
        unit: Metres per unit of length of the file.
    """
    axes = rest_axes(motion, rig)
    world = _to_z_up(axes[:, 2])
    positions = motion.positions * unit @ world.T

    def at(name: str) -> Float64:
        return positions[:, motion.index(name)]

    head: Float64 = world @ motion.rotations[:, motion.index(rig.head)] @ axes @ chin_up(rig.chin_up)
    low, high, fraction = rig.thorax
    thorax = at(low) + fraction * (at(high) - at(low))
    body = Landmarks(
        limbs=np.stack([at(name) for name in rig.limbs], 1),
        trunk=np.stack([*(at(name) for name in rig.trunk), thorax], 1),
        ears=at(rig.skull[0]) + head @ np.array(rig.skull[1]),
        head=head,
    )
    return body, np.min([at(name)[:, 2] for name in rig.soles], axis=0) - rig.below * unit


def _snap(direction: Float64) -> Float64:
    """The signed file axis nearest to a direction."""
    axis = int(np.abs(direction).argmax())
    snapped = np.zeros(3)
    snapped[axis] = np.sign(direction[axis])
    return snapped


def _to_z_up(up: Float64) -> Float64:
    """(3, 3) rotation that brings the up axis of a file to +z."""
    if up[2] == 1:
        return np.eye(3)
    if up[1] == 1:
        return Y_UP
    if up[0] == 1:
        return np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    raise FileFormatError("the rest pose stands on its head", fix="Export the motion with y or z up.")
