"""A person for synthetic clips: CMU motion put on the `anny` body model.

The order is: take the global rotations of a motion, copy them to the rig ``cmu_mb`` (whose bones match CMU's one to
one), stand the figure on the floor, hold planted feet still, and ask the body for mesh and joints.
World axes of the result: x and y horizontal, z up, metres; the rest figure faces -y and its left is +x.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import anny
import numpy as np
import torch
from numpy.typing import NDArray

from videopose3d.datasets.mocap.body import unit
from videopose3d.datasets.mocap.rig import RigMotion, rotvec_rotation
from videopose3d.datasets.mocap.rigmap import Y_UP

Array = NDArray[np.float64]

# The first vertices of MakeHuman's base mesh are the skin; helper shells follow.
SKIN_COUNT = 13380
# Thickness of the shoe under the bare foot [m].
SOLE = 0.012


# ---------------------------------------------------------------------------------------------------------------
# Motion on the body's rig

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


def rotation_between(a: Array, b: Array) -> Array:
    """(..., 3, 3) smallest rotations that take the directions a to the directions b, both (..., 3)."""
    axis = np.cross(a, b)
    angle = np.arctan2(np.linalg.norm(axis, axis=-1), np.sum(a * b, -1))
    return rotvec_rotation(unit(axis) * angle[..., None])


# A medium adult, for which the rig's joint centres are taken as right.
_MEDIUM = {"gender": 0.5, "age": 0.667, "muscle": 0.5, "weight": 0.5, "height": 0.5, "proportions": 0.5}


class Body:
    """One ``anny`` body: a fixed shape that can be posed.

    Attributes:
        bones: Names of the rig's bones; ``index`` gives their positions.
        heads: (J, 3) bone starts at rest [m]; ``tails`` the ends.
        rest: (V, 3) vertices at rest [m].
        faces: (F, 3) triangles, those of the helper shells included.
        keypoint_names: COCO names of the rows that `keypoints` gives.
    """

    def __init__(self, shape: Mapping[str, float]) -> None:
        torch.set_num_threads(1)
        # "anny-full" keeps the helper shells (clothes, eyes); its data are CC0 MakeHuman assets.
        self._model = anny.Anny(rig="cmu_mb", topology="anny-full", pose_parameterization="world-orient")
        self._shape = dict(shape)
        self.bones: list[str] = list(self._model.bone_labels)
        self.index = {name: i for i, name in enumerate(self.bones)}
        self.parents: list[int] = list(self._model.bone_parents)
        out = self._forward(torch.eye(4, dtype=self._model.dtype).repeat(1, len(self.bones), 1, 1))
        self.rest: Array = out["rest_vertices"][0].numpy().astype(float)
        self._rest_rotations: Array = out["rest_bone_poses"][0, :, :3, :3].numpy()
        self.heads: Array = out["rest_bone_heads"][0].numpy()
        self.tails: Array = out["rest_bone_tails"][0].numpy()
        self.faces = base_mesh_faces()
        regressor = anny.KeypointsRegressor.coco(self._model)
        self.keypoint_names: list[str] = list(regressor.labels)
        self._regressor: Array = regressor.regression_weights.numpy()

    def _forward(self, pose: torch.Tensor) -> dict[str, Any]:
        with torch.no_grad():
            return self._model(pose_parameters=pose, phenotype_kwargs=self._shape, return_bone_ends=True)

    def skin(self, rotations: Array, root: Array) -> tuple[Array, Array]:
        """Vertices (T, V, 3) and bone starts (T, J, 3) [m] of posed frames.

        Args:
            rotations: (T, J, 3, 3) global rotation of every bone away from its rest.
            root: (T, 3) where the root bone starts [m].
        """
        pose = np.tile(np.eye(4), (*rotations.shape[:2], 1, 1))
        pose[..., :3, :3] = rotations @ self._rest_rotations
        pose[:, 0, :3, 3] = root
        out = self._forward(torch.as_tensor(pose, dtype=self._model.dtype))
        return out["vertices"].numpy().astype(float), out["bone_heads"].numpy().astype(float)

    def chain(self, rotations: Array, root: Array) -> Array:
        """(T, J, 3) bone starts [m]; the same as `skin` gives, without the mesh."""
        heads = np.zeros((len(root), len(self.bones), 3))
        heads[:, 0] = root
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                heads[:, j] = heads[:, parent] + rotations[:, parent] @ (self.heads[j] - self.heads[parent])
        return heads

    def joint_centre(self, bone: str, width: float = 0.045, radius: float = 0.12) -> Array:
        """(3,) where a bone starts at rest, as a weighted mean of the skin around it [m].

        The rig's own centres do not follow the body's surface from shape to shape. The weights are those nearest to
        equal ones that give the rig's centre on a medium adult.
        """
        with torch.no_grad():
            pose = torch.eye(4, dtype=self._model.dtype).repeat(1, len(self.bones), 1, 1)
            out = self._model(pose_parameters=pose, phenotype_kwargs=_MEDIUM, return_bone_ends=True)
        skin = out["rest_vertices"][0, :SKIN_COUNT].numpy()
        head, tail = (out[f"rest_bone_{end}"][0, self.index[bone]].numpy() for end in ("heads", "tails"))
        axis = (tail - head) / np.linalg.norm(tail - head)
        along = (skin - head) @ axis
        across = np.linalg.norm(skin - head - along[:, None] * axis, axis=1)
        near = np.flatnonzero((np.abs(along) < width) & (across < radius))
        system = np.concatenate([(skin[near] - head).T, np.ones((1, len(near)))])
        equal = np.full(len(near), 1 / len(near))
        weights = equal + np.linalg.pinv(system) @ (np.array([0.0, 0.0, 0.0, 1.0]) - system @ equal)
        return weights @ self.rest[near]

    def skin_weights(self) -> tuple[Array, Any]:
        """(V, K) weights of the bones that move each vertex, and which bones those are."""
        return self._model.vertex_bone_weights.numpy().astype(float), self._model.vertex_bone_indices.numpy()

    def keypoints(self, vertices: Array) -> Array:
        """(T, K, 3) COCO keypoints [m] of posed vertices (T, V, 3)."""
        return np.einsum("kv,tvd->tkd", self._regressor, vertices)


def base_mesh_faces() -> Any:
    """(F, 3) triangles of MakeHuman's base mesh (CC0) with its helper shells, which `anny` leaves out of its own."""
    path = anny.paths.get_anny_root_dir() / "data" / "mpfb2" / "3dobjs" / "base.obj"
    triangles = []
    for line in path.read_text().splitlines():
        if line.startswith("f "):
            corners = [int(word.split("/")[0]) - 1 for word in line.split()[1:]]
            triangles += [(corners[0], corners[k], corners[k + 1]) for k in range(1, len(corners) - 1)]
    return np.array(triangles)


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


def bend_fingers(body: Body, rotations: Array, degrees: float) -> None:
    """Bend the fingers towards the palm, in place; flat hands look stiff."""
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


# ---------------------------------------------------------------------------------------------------------------
# Feet on the floor


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


def smooth(values: Array, width: int) -> Array:
    """Values (T, ...) averaged over time with a bell of about ``width`` frames; ends are repeated."""
    x = np.arange(-2 * width, 2 * width + 1)
    bell = np.exp(-0.5 * (x / (width / 2)) ** 2)
    padded = np.concatenate([values[:1].repeat(2 * width, 0), values, values[-1:].repeat(2 * width, 0)])
    parts = [weight * padded[i : i + len(values)] for i, weight in enumerate(bell / bell.sum())]
    return np.sum(parts, 0)


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
