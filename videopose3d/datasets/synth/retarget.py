"""Any motion of the library on the rig of a synthetic body, from its joints alone.

Directions of bones are taken over, lengths are those of the body. Turns about a bone's own axis come from the plane
in which elbow or knee bends, where it bends; feet lie flat on the floor when they are low.
"""

from __future__ import annotations

import numpy as np

from videopose3d.datasets.mocap.body import NOSE, body_axes, chin_up, unit
from videopose3d.datasets.mocap.rig import rotvec_rotation
from videopose3d.datasets.synth.body import Body
from videopose3d.datasets.synth.things import Array
from videopose3d.skeleton import COCO17, H36M17

_BENT = 0.35
"""Sine of the bend from which on a limb's plane is trusted."""
_TRUNK = {"Hips": 0.0, "LHipJoint": 0.0, "RHipJoint": 0.0, "LowerBack": 0.35, "Spine": 0.7, "Spine1": 1.0}
_RADII = {"ankle": 0.08, "knee": 0.06, "hip": 0.11, "wrist": 0.04, "elbow": 0.045, "shoulder": 0.08, "head": 0.10}
"""How far the surface of the body is from its joints, about [m]."""
FINGER_CURL = 30.0
"""Bend of the fingers [degrees]; flat hands look stiff."""


def retarget(joints: Array, face: Array, body: Body, fps: float) -> tuple[Array, Array]:
    """Bone rotations (T, J, 3, 3) away from rest and root (T, 3) [m] of a motion on a body.

    Args:
        joints: (T, 17, 3) Human3.6M joints [m], z up, floor at about z = 0.
        face: (T, 17, 3) COCO keypoints of the same frames [m]; only those of the face are looked at.
        body: The body.
        fps: Frame rate [1/s].
    """
    at = {name: joints[:, i] for i, name in enumerate(H36M17.joints)}
    pelvis = body_axes(at["left_hip"] - at["right_hip"], at["spine"] - at["pelvis"]) @ _REST_AXES.T
    chest = body_axes(at["left_shoulder"] - at["right_shoulder"], at["thorax"] - at["spine"]) @ _REST_AXES.T
    head = _head_axes(face) @ _REST_AXES.T
    rotations = np.tile(np.eye(3), (len(joints), len(body.bones), 1, 1))
    for bone, share in _TRUNK.items():
        rotations[:, body.index[bone]] = blend(pelvis, chest, share)
    rotations[:, body.index["Neck"]] = blend(chest, head, 0.5)
    rotations[:, [body.index["Neck1"], body.index["Head"]]] = head[:, None]
    width = max(1, round(fps / 12))
    for side in ("Left", "Right"):
        low = side.lower()
        arm, leg = (
            [at[f"{low}_{joint}"] for joint in names]
            for names in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
        )
        rotations[:, body.index[f"{side}Shoulder"]] = chest
        upper, fore = limb_turns(body, chest, (f"{side}Arm", f"{side}ForeArm", f"{side}Hand"), arm, width)
        rotations[:, body.index[f"{side}Arm"]] = upper
        for name in (f"{side}ForeArm", f"{side}Hand", f"{side[0]}Thumb", f"{side}FingerBase", f"{side}HandFinger1"):
            rotations[:, body.index[name]] = fore
        thigh, shin = limb_turns(body, pelvis, (f"{side}UpLeg", f"{side}Leg", f"{side}Foot"), leg, width)
        rotations[:, body.index[f"{side}UpLeg"]], rotations[:, body.index[f"{side}Leg"]] = thigh, shin
        foot = _foot_turn(shin, leg[2][:, 2], width)
        rotations[:, [body.index[f"{side}Foot"], body.index[f"{side}ToeBase"]]] = foot[:, None]
    bend_fingers(body, rotations, FINGER_CURL)
    return rotations, _root(body, joints, rotations, fps)


_REST_AXES = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""Axes forward, left, up of the figure at rest, as columns."""


def _head_axes(face: Array) -> Array:
    """(T, 3, 3) axes forward, left, up of the head from the points of the face."""
    at = {name: face[:, i] for i, name in enumerate(COCO17.joints)}
    left = at["left_ear"] - at["right_ear"]
    ears = (at["left_ear"] + at["right_ear"]) / 2
    drop = np.degrees(np.arctan2(-NOSE[2], NOSE[0]))
    axes: Array = body_axes(left, np.cross(at["nose"] - ears, left)) @ chin_up(drop)
    return axes


def limb_turns(
    body: Body, parent: Array, bones: tuple[str, str, str], points: list[Array], width: int
) -> tuple[Array, Array]:
    """(T, 3, 3) turns of the two bones of a limb.

    Args:
        body: The body.
        parent: (T, 3, 3) turn of what the limb hangs on.
        bones: Upper and lower bone and the one that follows.
        points: Three (T, 3) joints of the motion.
        width: Frames over which the plane of the limb is smoothed.
    """
    rest = [body.heads[body.index[bone]] for bone in bones]
    first, second = unit(rest[1] - rest[0]), unit(rest[2] - rest[1])
    hinge = unit(np.cross(first, second))
    upper, lower = unit(points[1] - points[0]), unit(points[2] - points[1])
    swung = rotation_between(parent @ first, upper) @ parent
    bent = np.cross(upper, lower)
    trust = np.minimum(1, np.linalg.norm(bent, axis=1, keepdims=True) / _BENT)
    plane = smooth(bent * trust + 0.12 * (1 - trust) * (swung @ hinge), width)
    plane = unit(plane - np.sum(plane * upper, 1, keepdims=True) * upper)
    turn = _frame(upper, plane) @ _frame(first[None], hinge[None])[0].T
    return turn, rotation_between(turn @ second, lower) @ turn


def _frame(along: Array, across: Array) -> Array:
    """(T, 3, 3) axes as columns; both directions (T, 3) are of unit length and at right angles."""
    return np.stack([along, across, np.cross(along, across)], -1)


def _foot_turn(shin: Array, height: Array, width: int) -> Array:
    """(T, 3, 3) turns of a foot: flat where the ankle is low and the shin upright, else in line with the shin."""
    ahead = shin @ np.array([0.0, -1.0, 0.0])
    flat = unit(ahead * np.array([1.0, 1.0, 0.0]))
    level = np.stack([np.cross(-flat, np.array([0.0, 0.0, 1.0])), -flat, np.broadcast_to([0.0, 0, 1], flat.shape)], -1)
    hanging = shin @ rotvec_rotation(np.array([np.radians(20.0), 0.0, 0.0]))
    low = np.clip((0.24 - height) / 0.10, 0, 1) * np.clip((shin[:, 2, 2] - 0.3) / 0.4, 0, 1)
    return blend(hanging, level, smooth(np.asarray(low, np.float64), width))


def blend(a: Array, b: Array, share: Array | float) -> Array:
    """(T, 3, 3) turns between two turns, by mixing their axes."""
    share = np.asarray(share, float)[..., None, None]
    mixed = (1 - share) * a + share * b
    x = unit(mixed[..., 0])
    z = unit(np.cross(x, mixed[..., 1]))
    return np.stack([x, np.cross(z, x), z], -1)


def _root(body: Body, joints: Array, rotations: Array, fps: float) -> Array:
    """(T, 3) the root: the motion's way scaled by the legs, the body on the floor when the motion is."""
    hip, knee, ankle = (H36M17.index(f"left_{name}") for name in ("hip", "knee", "ankle"))
    theirs = np.linalg.norm(joints[:, hip] - joints[:, knee], axis=1) + np.linalg.norm(
        joints[:, knee] - joints[:, ankle], axis=1
    )
    ours = [body.heads[body.index[f"Left{name}"]] for name in ("UpLeg", "Leg", "Foot")]
    ratio = (np.linalg.norm(ours[0] - ours[1]) + np.linalg.norm(ours[1] - ours[2])) / theirs.mean()
    root = joints[:, 0] * ratio
    radii = [_RADII.get(name.rpartition("_")[2], 0.1) for name in H36M17.joints]
    clear = (joints[..., 2] - radii).min(1)
    clear = np.where(clear > 0.05, clear, 0.0) * ratio
    lowest = np.array([body.lowest(turn, place) for turn, place in zip(rotations, root, strict=True)])
    root[:, 2] += smooth(clear - lowest, max(1, round(fps / 10)))
    placed: Array = root
    return placed


def bend_fingers(body: Body, rotations: Array, degrees: float) -> None:
    """Bend the fingers towards the palm, in place."""
    for side in ("Left", "Right"):
        names = (f"{side}FingerBase", f"{side}HandFinger1", f"{side[0]}Thumb")
        base, tip, thumb = (body.index[name] for name in names)
        ahead = unit(body.tails[base] - body.heads[base])
        to_thumb = body.heads[thumb] - body.heads[base]
        hinge = unit(to_thumb - (to_thumb @ ahead) * ahead)
        sign = -1.0 if side == "Left" else 1.0
        bend = rotvec_rotation(hinge * sign * np.radians(degrees))
        rotations[:, tip] = rotations[:, base] @ bend @ bend
        rotations[:, base] = rotations[:, base] @ bend


def rotation_between(a: Array, b: Array) -> Array:
    """(..., 3, 3) smallest rotations that take the directions a to the directions b, both (..., 3)."""
    axis = np.cross(a, b)
    angle = np.arctan2(np.linalg.norm(axis, axis=-1), np.sum(a * b, -1))
    turned: Array = rotvec_rotation(unit(axis) * angle[..., None])
    return turned


def smooth(values: Array, width: int) -> Array:
    """Values (T, ...) averaged over time with a bell of about ``width`` frames; ends are repeated."""
    x = np.arange(-2 * width, 2 * width + 1)
    bell = np.exp(-0.5 * (x / (width / 2)) ** 2)
    padded = np.concatenate([values[:1].repeat(2 * width, 0), values, values[-1:].repeat(2 * width, 0)])
    parts = [weight * padded[i : i + len(values)] for i, weight in enumerate(bell / bell.sum())]
    smoothed: Array = np.sum(parts, 0)
    return smoothed
