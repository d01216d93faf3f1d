"""The motion of the bundled clip: a CMU trial on the rig of a synthetic body, with feet held on the floor.

The package moves bodies by the joints of a motion alone (`videopose3d.datasets.synth.retarget`). Here the rotations of
CMU's own skeleton are taken over, whose bones match the rig's one to one: wrists and feet turn as they were recorded.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from videopose3d.datasets.mocap.body import unit
from videopose3d.datasets.mocap.rig import RigMotion, rotvec_rotation
from videopose3d.datasets.mocap.rigmap import Y_UP
from videopose3d.datasets.synth.body import Body
from videopose3d.datasets.synth.retarget import rotation_between, smooth

Array = NDArray[np.float64]

_MIDDLE = {
    "Hips": "root", "LowerBack": "lowerback", "Spine": "upperback", "Spine1": "thorax",
    "Neck": "lowerneck", "Neck1": "upperneck", "Head": "head",
}  # fmt: skip
_SIDE = {
    "HipJoint": "hipjoint", "UpLeg": "femur", "Leg": "tibia", "Foot": "foot", "ToeBase": "toes",
    "Shoulder": "clavicle", "Arm": "humerus", "ForeArm": "radius", "Hand": "hand", "Thumb": "hand",
    "FingerBase": "hand", "HandFinger1": "fingers",
}  # fmt: skip
# Bones whose rest direction is brought to the motion's rest direction, parent before child.
_ALIGNED = ("UpLeg", "Leg", "Arm", "ForeArm", "Hand", "FingerBase", "HandFinger1")


def source_bone(bone: str) -> str:
    """The ASF bone that drives a bone of the rig ``cmu_mb``."""
    if bone in _MIDDLE:
        return _MIDDLE[bone]
    return bone[0].lower() + _SIDE[_without_side(bone)]


def _without_side(bone: str) -> str:
    """``UpLeg`` of ``LeftUpLeg``, ``HipJoint`` of ``RHipJoint``; bones of the middle as they are."""
    return bone if bone in _MIDDLE else re.sub("^(Left|Right|L|R)", "", bone)


def retarget(motion: RigMotion, body: Body, frames: slice) -> tuple[Array, Array]:
    """A CMU motion on the body: bone rotations (T, J, 3, 3) away from rest and root (T, 3) [m], z up, some frames."""
    rotations = np.zeros((len(motion.positions[frames]), len(body.bones), 3, 3))
    aligned = np.tile(np.eye(3), (len(body.bones), 1, 1))
    for j, bone in enumerate(body.bones):
        source = motion.index(source_bone(bone))
        theirs = Y_UP @ (motion.rest[source] - motion.rest[motion.parents[source]])
        parent = body.parents[j]
        kind = _without_side(bone)
        if kind in (*_ALIGNED, "Thumb"):
            aligned[j] = aligned[parent]
        if kind in _ALIGNED:
            ours = aligned[j] @ (body.tails[j] - body.heads[j])
            aligned[j] = rotation_between(ours, theirs) @ aligned[j]
        if kind in ("Foot", "ToeBase"):
            aligned[j] = _yaw_between(body.tails[j] - body.heads[j], theirs)
        rotations[:, j] = Y_UP @ motion.rotations[frames, source] @ Y_UP.T @ aligned[j]
    # A joint of the motion is the END of the bone it is named after.
    hip, knee, ankle = (motion.rest[motion.index(bone)] for bone in ("lhipjoint", "lfemur", "ltibia"))
    leg = _leg_length(*(body.heads[body.index[f"Left{name}"]] for name in ("UpLeg", "Leg", "Foot")))
    root = motion.positions[frames, motion.index("root")] @ Y_UP.T
    return rotations, root * leg / _leg_length(hip, knee, ankle)


def _yaw_between(a: Array, b: Array) -> Array:
    flat = np.array([1.0, 1.0, 0.0])
    return rotation_between(a * flat, b * flat)


def _leg_length(hip: Array, knee: Array, ankle: Array) -> float:
    return float(np.linalg.norm(hip - knee) + np.linalg.norm(knee - ankle))


# The pelvis is this much lower than the motion has it [m]: a knee that is nearly straight jumps from frame to frame.
_KNEE_EASE = 0.012


def hold_feet(body: Body, rotations: Array, root: Array, sole: float, crouch: float = 1.0) -> tuple[Array, Array]:
    """Keep planted feet where they are: the ball of each foot stays on one spot, the legs follow.

    For motions in which both feet stand in place all the time (heels may rise, the stance may twist).

    Args:
        body: The body that moves.
        rotations: (T, J, 3, 3) global bone rotations away from rest.
        root: (T, 3) [m].
        sole: Height of the ball of the foot over the floor when it stands flat [m].
        crouch: How far the pelvis goes down, as a share of the motion's own way; less than 1 keeps the knees of a
            sturdier body out of its chest.

    Returns:
        New rotations and root; the floor is z = 0.
    """
    rotations = rotations.copy()
    for side in ("Left", "Right"):
        foot, toe = body.index[f"{side}Foot"], body.index[f"{side}ToeBase"]
        level = _level_foot(rotations[:, foot])
        rotations[:, foot] = level
        rotations[:, toe] = _level_foot(rotations[:, toe], flat=True)
    heads = body.chain(rotations, root)
    balls = {side: heads[:, body.index[f"{side}ToeBase"]] for side in ("Left", "Right")}
    # The pelvis goes up and down with the mean error of the two feet, the legs do the rest.
    lowest = np.minimum(balls["Left"][:, 2], balls["Right"][:, 2])
    root = root.copy()
    root[:, 2] -= smooth(lowest, 9) - sole
    root[:, 2] = root[:, 2].max() - crouch * (root[:, 2].max() - root[:, 2]) - _KNEE_EASE
    spots = {side: np.median(ball, 0) for side, ball in balls.items()}
    drift = np.mean([balls[side] - spots[side] for side in balls], 0)
    root[:, :2] -= smooth(drift, 5)[:, :2]
    for side, spot in spots.items():
        heads = body.chain(rotations, root)
        ankle = heads[:, body.index[f"{side}Foot"]]
        ball = heads[:, body.index[f"{side}ToeBase"]]
        target = np.array([spot[0], spot[1], sole])
        bend_leg(body, rotations, root, side, ankle + target - ball)
    return rotations, root


def _level_foot(rotations: Array, flat: bool = False) -> Array:
    """Feet without roll, toes never below the heel; ``flat`` also takes away all pitch. (T, 3, 3)."""
    ahead = rotations @ np.array([0.0, -1.0, 0.0])
    ahead[:, 2] = 0.0 if flat else np.minimum(ahead[:, 2], 0.0)
    ahead = unit(smooth(ahead, 5))
    left = unit(np.cross(np.array([0.0, 0.0, 1.0]), ahead))
    return np.stack([left, -ahead, np.cross(left, -ahead)], -1)


def bend_leg(body: Body, rotations: Array, root: Array, side: str, target: Array) -> None:
    """Turn thigh and shin in place so that the ankle comes to the target (T, 3) [m]; the foot keeps its direction."""
    hip_j, knee_j, ankle_j = (body.index[side + name] for name in ("UpLeg", "Leg", "Foot"))
    heads = body.chain(rotations, root)
    hip, knee, ankle = heads[:, hip_j], heads[:, knee_j], heads[:, ankle_j]
    thigh, shin = np.linalg.norm(knee - hip, axis=1), np.linalg.norm(ankle - knee, axis=1)
    reach = _soft_limit(np.linalg.norm(target - hip, axis=1) / (thigh + shin)) * (thigh + shin)
    now = np.linalg.norm(ankle - hip, axis=1)
    axis = unit(np.cross(knee - hip, ankle - knee))
    fold = _angle(thigh, shin, now) - _angle(thigh, shin, reach)
    turned = rotvec_rotation(axis * fold[:, None])
    at = hip + (knee - hip) + np.einsum("tij,tj->ti", turned, ankle - knee)
    swing = rotation_between(at - hip, target - hip)
    rotations[:, knee_j] = swing @ turned @ rotations[:, knee_j]
    rotations[:, hip_j] = swing @ rotations[:, hip_j]


def _soft_limit(share: Array, start: float = 0.985, end: float = 0.9985) -> Array:
    """Shares of the whole leg, bent so that they come near the end but never pass it."""
    over = np.maximum(share - start, 0) / (end - start)
    return np.where(share > start, start + (end - start) * (1 - np.exp(-over)), share)


def _angle(a: Array, b: Array, c: Array) -> Array:
    """Angle between sides a and b of triangles with the third side c [rad]."""
    return np.arccos(np.clip((a * a + b * b - c * c) / (2 * a * b), -1, 1))
