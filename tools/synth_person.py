"""A person for synthetic clips: CMU motion (ASF/AMC) put on the `anny` body model.

The order is: read the motion, turn it into global rotations, copy those to the rig ``cmu_mb`` (whose bones match
CMU's one to one), stand the figure on the floor, hold planted feet still, and ask the body for mesh and joints.
World axes of the result: x and y horizontal, z up, metres; the rest figure faces -y and its left is +x.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anny
import numpy as np
import torch
from numpy.typing import NDArray
from synth_raster import EYE, HAIR, SHIRT, SHOE, SKIN, TROUSERS

Array = NDArray[np.float64]

# ASF lengths and AMC positions are inches times 0.45.
METRES = 0.0254 / 0.45


@dataclass(frozen=True)
class Bone:
    """One ASF bone: where it points at rest, how long it is, which angles move it.

    Attributes:
        parent: Name of the parent bone (``root`` for the first ones).
        offset: (3,) end minus start of the bone in the rest pose [m], y up.
        axis: (3, 3) rotation of the bone's own axes in the rest pose.
        dofs: Subset of ``rx ry rz`` in file order.
    """

    parent: str
    offset: Array
    axis: Array
    dofs: tuple[str, ...]


@dataclass(frozen=True)
class Motion:
    """A motion in ASF axes (y up).

    Attributes:
        rotations: Bone name to (T, 3, 3) global rotation away from the ASF rest pose.
        ends: Bone name to (T, 3) position of the bone's end [m]; ``root`` is the root itself.
        rest: Bone name to (3,) end minus start at rest [m].
        fps: Frames per second.
    """

    rotations: dict[str, Array]
    ends: dict[str, Array]
    rest: dict[str, Array]
    fps: float


def read_member(archive: Path, names: tuple[str, ...]) -> list[str]:
    """The text of some members of a tar.xz file, in the order asked for (one pass over the file)."""
    found: dict[str, str] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name in names:
                stream = tar.extractfile(member)
                assert stream is not None
                found[member.name] = stream.read().decode("utf-8", "replace")
            if len(found) == len(names):
                break
    missing = [name for name in names if name not in found]
    if missing:
        raise FileNotFoundError(f"{missing} not in {archive}. Give the folder that holds cmu/*.tar.xz.")
    return [found[name] for name in names]


def euler_to_matrix(angles: Array) -> Array:
    """(..., 3) angles about x, y, z [degrees] to (..., 3, 3) matrices Rz Ry Rx."""
    x, y, z = np.moveaxis(np.radians(angles), -1, 0)
    one, nil = np.ones_like(x), np.zeros_like(x)

    def stack(*rows: tuple[Array, ...]) -> Array:
        return np.stack([np.stack(row, -1) for row in rows], -2)

    rx = stack((one, nil, nil), (nil, np.cos(x), -np.sin(x)), (nil, np.sin(x), np.cos(x)))
    ry = stack((np.cos(y), nil, np.sin(y)), (nil, one, nil), (-np.sin(y), nil, np.cos(y)))
    rz = stack((np.cos(z), -np.sin(z), nil), (np.sin(z), np.cos(z), nil), (nil, nil, one))
    return rz @ ry @ rx


def parse_asf(text: str) -> dict[str, Bone]:
    """The bones of an ASF file, parents before children."""
    data, hierarchy = text.split(":hierarchy")
    parents: dict[str, str] = {}
    order: list[str] = []
    for line in hierarchy.splitlines():
        parent, *children = line.split() or ["begin"]
        for child in children:
            parents[child] = parent
            order.append(child)
    bones: dict[str, Bone] = {}
    for block in data.split(":bonedata")[1].split("begin")[1:]:
        fields = {line.split()[0]: line.split()[1:] for line in block.splitlines() if line.strip()}
        name = fields["name"][0]
        bones[name] = Bone(
            parent=parents[name],
            offset=np.array(fields["direction"], float) * float(fields["length"][0]) * METRES,
            axis=euler_to_matrix(np.array(fields["axis"][:3], float)),
            dofs=tuple(fields.get("dof", ())),
        )
    return {name: bones[name] for name in order}


def parse_amc(text: str) -> dict[str, Array]:
    """Bone name to (T, D) values of an AMC file, in file order."""
    values: dict[str, list[list[float]]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0].startswith((":", "#")):
            continue
        values.setdefault(words[0], []).append([float(word) for word in words[1:]])
    return {name: np.array(rows) for name, rows in values.items()}


def _angles(bone: Bone, values: Array | None, frames: int) -> Array:
    """(T, 3) x, y, z angles [degrees]; those the bone lacks are zero."""
    angles = np.zeros((frames, 3))
    for column, dof in enumerate(bone.dofs):
        assert values is not None
        angles[:, "xyz".index(dof[1])] = values[:, column]
    return angles


def forward_kinematics(bones: dict[str, Bone], values: dict[str, Array], fps: float = 120.0) -> Motion:
    """Global rotations and bone ends of every frame."""
    root = values["root"]
    rotations = {"root": euler_to_matrix(root[:, 3:6])}
    ends = {"root": root[:, :3] * METRES}
    for name, bone in bones.items():
        local = euler_to_matrix(_angles(bone, values.get(name), len(root)))
        rotations[name] = rotations[bone.parent] @ bone.axis @ local @ bone.axis.T
        ends[name] = ends[bone.parent] + rotations[name] @ bone.offset
    return Motion(rotations, ends, {name: bone.offset for name, bone in bones.items()}, fps)


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
# y up and facing +z (ASF) to z up and facing -y (anny).
Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def source_bone(bone: str) -> str:
    """The ASF bone that drives a bone of the rig ``cmu_mb``."""
    if bone in _MIDDLE:
        return _MIDDLE[bone]
    return bone[0].lower() + _SIDE[_without_side(bone)]


def _without_side(bone: str) -> str:
    """``UpLeg`` of ``LeftUpLeg``, ``HipJoint`` of ``RHipJoint``; bones of the middle as they are."""
    if bone in _MIDDLE:
        return bone
    for side in ("Left", "Right", "L", "R"):
        if bone.startswith(side):
            return bone.removeprefix(side)
    raise KeyError(bone)


def rotation_between(a: Array, b: Array) -> Array:
    """(..., 3, 3) smallest rotations that take the directions a to the directions b, both (..., 3)."""
    a = a / np.linalg.norm(a, axis=-1, keepdims=True)
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    axis = np.cross(a, b)
    cosine = np.sum(a * b, -1)[..., None, None]
    cross = cross_matrix(axis)
    return np.eye(3) + cross + cross @ cross / (1 + cosine)


def cross_matrix(v: Array) -> Array:
    """(..., 3, 3) matrices that multiply like the cross product with v (..., 3)."""
    x, y, z = np.moveaxis(v, -1, 0)
    nil = np.zeros_like(x)
    rows = ((nil, -z, y), (z, nil, -x), (-y, x, nil))
    return np.stack([np.stack(row, -1) for row in rows], -2)


def axis_rotation(axis: Array, angle: Array) -> Array:
    """(..., 3, 3) rotations about unit axes (..., 3) by angles (...) [rad]."""
    cross = cross_matrix(axis)
    angle = angle[..., None, None]
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def nearest_rotation(matrix: Array) -> Array:
    """(..., 3, 3) rotations nearest to the given matrices."""
    u, _, vt = np.linalg.svd(matrix)
    sign = np.ones(matrix.shape[:-1])
    sign[..., -1] = np.linalg.det(u @ vt)
    return u @ (sign[..., None] * vt)


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
        skin = out["rest_vertices"][0, : _BODY[1]].numpy()
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


def retarget(motion: Motion, body: Body, frames: slice) -> tuple[Array, Array]:
    """The body's bone rotations (T, J, 3, 3) away from rest and its root (T, 3) [m], z up, some frames only."""
    rotations = np.zeros((len(motion.ends["root"][frames]), len(body.bones), 3, 3))
    aligned = np.tile(np.eye(3), (len(body.bones), 1, 1))
    for j, bone in enumerate(body.bones):
        source = source_bone(bone)
        parent = body.parents[j]
        kind = _without_side(bone)
        if kind in (*_ALIGNED, "Thumb"):
            aligned[j] = aligned[parent]
        if kind in _ALIGNED:
            ours = aligned[j] @ (body.tails[j] - body.heads[j])
            aligned[j] = rotation_between(ours, Z_UP @ motion.rest[source]) @ aligned[j]
        if kind in ("Foot", "ToeBase"):
            aligned[j] = _yaw_between(body.tails[j] - body.heads[j], Z_UP @ motion.rest[source])
        rotations[:, j] = Z_UP @ motion.rotations[source][frames] @ Z_UP.T @ aligned[j]
    legs = _leg_length(body) / _motion_leg(motion)
    return rotations, motion.ends["root"][frames] @ Z_UP.T * legs


def _yaw_between(a: Array, b: Array) -> Array:
    flat = np.array([1.0, 1.0, 0.0])
    return rotation_between(a * flat, b * flat)


def _leg_length(body: Body) -> float:
    hip, knee, ankle = (body.heads[body.index[f"Left{name}"]] for name in ("UpLeg", "Leg", "Foot"))
    return float(np.linalg.norm(hip - knee) + np.linalg.norm(knee - ankle))


def _motion_leg(motion: Motion) -> float:
    return float(np.linalg.norm(motion.rest["lfemur"]) + np.linalg.norm(motion.rest["ltibia"]))


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
    ahead[:, 2] = 0.0 if flat else np.minimum(ahead[:, 2] + 0.0, 0.0)
    ahead = smooth(ahead, 5)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    left = np.cross(ahead, np.array([0.0, 0.0, 1.0]))
    left /= -np.linalg.norm(left, axis=1, keepdims=True)
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
    axis = np.cross(knee - hip, ankle - knee)
    axis /= np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-9)
    fold = _angle(thigh, shin, now) - _angle(thigh, shin, reach)
    turned = axis_rotation(axis, fold)
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


# ---------------------------------------------------------------------------------------------------------------
# Clothes, hair, shoes

# Vertex numbers of MakeHuman's base mesh (groups of `basemesh_vertex_groups.json`): first and past the last.
SKIN_COUNT = 13380
_BODY, _EYES, _TIGHTS = (0, SKIN_COUNT), (14598, 14742), (15328, 18002)
_LOWER_TEETH, _UPPER_TEETH = (14992, 15060), (15060, 15128)


@dataclass(frozen=True)
class Figure:
    """A dressed person at rest.

    Attributes:
        rest: (V, 3) vertices [m]; they are where patterns are painted, too.
        faces: (F, 3)
        material: (F,) SKIN, SHIRT, ...
        keep: (V,) hems: a surface ends where this passes zero.
        face: (6, 3) left eye, right eye, nose, left ear, right ear; (mouth below nose, top of the sole, front of the
            ankle) [m].
        bone_index: (V, K) bones that move each vertex, and ``bone_weight`` how much.
    """

    rest: Array
    faces: Any
    material: Any
    keep: Array
    face: Array
    bone_index: Any
    bone_weight: Array


def pose_figure(figure: Figure, body: Body, rotations: Array, heads: Array) -> Array:
    """(V, 3) vertices of one posed frame from bone rotations (J, 3, 3) and bone starts (J, 3), by linear blending."""
    shift = heads - np.einsum("jab,jb->ja", rotations, body.heads)
    matrix = np.einsum("vk,vkab->vab", figure.bone_weight, rotations[figure.bone_index])
    offset = np.einsum("vk,vka->va", figure.bone_weight, shift[figure.bone_index])
    return np.einsum("vab,vb->va", matrix, figure.rest) + offset


def dress(body: Body) -> Figure:
    """A person in T-shirt, trousers and shoes, with short hair."""
    weights, bones = body.skin_weights()
    groups = _Groups(body, weights, bones)
    surfaces = [groups.skin(), groups.eyes(), groups.shirt(), groups.trousers(), groups.hair()]
    parts = [(*part[:4], weights[part[4]], bones[part[4]]) for part in surfaces]
    parts += [groups.shoe("Left"), groups.shoe("Right")]
    starts = np.cumsum([0, *(len(part[0]) for part in parts)])
    points, triangles, kinds, fields, weights, bones = zip(*parts, strict=True)
    numbered = [part + start for part, start in zip(triangles, starts[:-1], strict=True)]
    painted = [np.full(len(t), kind, np.int32) for t, kind in zip(triangles, kinds, strict=True)]
    return Figure(
        rest=np.concatenate(points),
        faces=np.concatenate(numbered).astype(np.int32),
        material=np.concatenate(painted),
        keep=np.concatenate(fields),
        face=groups.face_points(),
        bone_index=np.concatenate(bones),
        bone_weight=np.concatenate(weights),
    )


_Part = tuple[Array, Any, int, Array, Any]


class _Groups:
    """The surfaces of a dressed figure; each method gives points, triangles, material, hem field, source vertices."""

    def __init__(self, body: Body, weights: Array, bones: Any) -> None:
        self.body, self.rest = body, body.rest
        dense = np.zeros((len(body.rest), len(body.bones)))
        for k in range(bones.shape[1]):
            dense[np.arange(len(dense)), bones[:, k]] += weights[:, k]
        self.weight, self.columns = dense, bones.shape[1]
        self.floor = float(body.rest[: _BODY[1], 2].min())

    def bone(self, name: str) -> Array:
        return self.body.heads[self.body.index[name]]

    def part_weight(self, *names: str) -> Array:
        return sum((self.weight[:, self.body.index[name]] for name in names), np.zeros(len(self.rest)))

    def face_points(self) -> Array:
        points = dict(zip(self.body.keypoint_names, self.body.keypoints(self.rest[None])[0], strict=True))
        lower, upper = (self.rest[slice(*teeth)].mean(0) for teeth in (_LOWER_TEETH, _UPPER_TEETH))
        mouth = 0.75 * lower + 0.25 * upper
        names = ("left_eye", "right_eye", "nose", "left_ear", "right_ear")
        eyes = [self.rest[14598:14670].mean(0), self.rest[14670:14742].mean(0)]
        extra = np.array([points["nose"][2] - mouth[2], self.floor + 0.014, self.bone("LeftFoot")[1] - 0.035])
        return np.stack([*eyes, *(points[name] for name in names[2:]), extra])

    def pick(self, low: int, high: int, chosen: Any = None) -> tuple[Any, Any]:
        """Source vertices and triangles (numbered anew) of a range, or of the chosen vertices in it."""
        mask = np.zeros(len(self.rest), bool)
        mask[low:high] = True if chosen is None else chosen[low:high]
        triangles = self.body.faces[mask[self.body.faces].all(1)]
        index, flat = np.unique(triangles, return_inverse=True)
        return index, flat.reshape(-1, 3)

    # Fields in metres: positive where the garment is.

    def shirt_field(self, p: Array, index: Any, collar_scale: float = 1.0) -> Array:
        field = p[:, 2] - (self.bone("LeftUpLeg")[2] - 0.030)
        for side in ("Left", "Right"):
            shoulder, elbow = self.bone(f"{side}Arm"), self.bone(f"{side}ForeArm")
            length = float(np.linalg.norm(elbow - shoulder))
            along = (p - shoulder) @ (elbow - shoulder) / length
            names = ("Arm", "ForeArm", "Hand", "FingerBase", "HandFinger1")
            arm = self.part_weight(f"{side[0]}Thumb", *(side + name for name in names))[index] > 0.5
            field = np.where(arm, np.minimum(field, 0.62 * length - along), field)
        neck = self.bone("Neck") + np.array([0, -0.012, -0.035])
        collar = np.linalg.norm((p - neck) * np.array([1.0, 1.0, 1.15]), axis=1) - 0.082
        collar = np.minimum(collar, neck[2] + 0.03 - p[:, 2])
        return np.minimum(field, collar_scale * collar)

    def trousers_field(self, p: Array, index: Any) -> Array:
        names = ("Arm", "ForeArm", "Hand", "FingerBase", "HandFinger1")
        arm = self.part_weight("LThumb", "RThumb", *(side + n for side in ("Left", "Right") for n in names))[index]
        field = np.minimum(self.bone("LeftUpLeg")[2] + 0.085 - p[:, 2], p[:, 2] - (self.floor + 0.062))
        return np.where(arm > 0.3, -1.0, field)

    def shoe_field(self, p: Array) -> Array:
        return self.floor + 0.105 - p[:, 2]

    def hair_field(self, p: Array) -> Array:
        left, right = (self.face_points()[k] for k in (3, 4))
        ear = (left + right) / 2
        ahead, up, out = -(p[:, 1] - ear[1]), p[:, 2] - ear[2], np.abs(p[:, 0])
        line = np.interp(ahead, [-0.12, -0.06, -0.028, -0.016, 0.0, 0.030, 0.042, 0.060, 0.085, 0.12],
                         [-0.060, -0.060, -0.048, 0.010, 0.030, 0.022, 0.046, 0.068, 0.082, 0.086])  # fmt: skip
        wave = 0.004 * np.sin(61 * p[:, 0] + 40 * ahead) + 0.003 * np.sin(173 * p[:, 0] + 1.0)
        ears = (out > left[0] - 0.006) & (np.abs(ahead + 0.004) < 0.024) & (up < 0.032)
        return np.where(ears, -0.05, up - line + wave)

    def skin(self) -> _Part:
        index, triangles = self.pick(*_BODY)
        p = self.rest[index]
        # Near the collar the skin ends soon under the cloth: there a raised arm would push it through.
        covered = np.maximum(self.shirt_field(p, index, collar_scale=4.0), self.trousers_field(p, index))
        covered = np.maximum(covered, self.shoe_field(p))
        return p, triangles, SKIN, np.where(covered > 0.05, -1.0, 1.0), index

    def eyes(self) -> _Part:
        index, triangles = self.pick(*_EYES)
        return self.rest[index], triangles, EYE, np.ones(len(index)), index

    def shirt(self) -> _Part:
        index, triangles = self.pick(*_TIGHTS)
        p = self.rest[index]
        loose = _smoothed(p, triangles, 14)
        normals = _normals(p, triangles)
        flare = 0.010 + 0.012 * np.clip((self.bone("Spine")[2] - p[:, 2]) / 0.25, 0, 1)
        shoulder, elbow = self.bone("LeftArm"), self.bone("LeftForeArm")
        along = (np.abs(p[:, 0]) - shoulder[0]) / (elbow[0] - shoulder[0])
        arm = np.clip(self.part_weight("LeftArm", "RightArm")[index], 0, 1)
        flare = flare * (1 - arm) + arm * (0.004 + 0.018 * np.clip(along, 0, 1))
        moved = _outside(p, loose + flare[:, None] * normals, normals, 0.007)
        return moved, triangles, SHIRT, self.shirt_field(moved, index), index

    def trousers(self) -> _Part:
        index, triangles = self.pick(*_TIGHTS)
        p = self.rest[index]
        loose = _smoothed(p, triangles, 10)
        normals = _normals(p, triangles)
        knee, ankle = self.bone("LeftLeg")[2], self.bone("LeftFoot")[2]
        wide = 0.006 + 0.016 * np.clip((knee + 0.1 - p[:, 2]) / (knee + 0.1 - ankle), 0, 1)
        moved = _outside(p, loose + wide[:, None] * normals, normals, 0.005)
        return moved, triangles, TROUSERS, self.trousers_field(moved, index), index

    def shoe(self, side: str, sections: int = 30, around: int = 32) -> tuple[Array, Any, int, Array, Array, Any]:
        """A shoe as a tube of rounded sections about the bare foot; the foot and toe bones move it."""
        points = dict(zip(self.body.keypoint_names, self.body.keypoints(self.rest[None])[0], strict=True))
        low = side.lower()
        heel = points[f"{low}_heel"] * np.array([1.0, 1.0, 0.0])
        ahead = (points[f"{low}_big_toe"] + points[f"{low}_small_toe"]) / 2 * np.array([1.0, 1.0, 0.0]) - heel
        ahead /= np.linalg.norm(ahead)
        across = np.array([-ahead[1], ahead[0], 0.0])
        foot = self.rest[: _BODY[1]]
        foot = foot[(foot[:, 2] < self.floor + 0.10) & (foot[:, 0] * heel[0] > 0)]
        f, s, h = (foot - heel) @ ahead, (foot - heel) @ across, foot[:, 2] - self.floor
        start, length = f.min() - 0.008, np.ptp(f) + 0.020
        at = start + length * (np.arange(sections) + 0.5) / sections
        low_s, high_s, top = np.array([_extent(f, s, h, position) for position in at]).T
        half = smooth((high_s - low_s) / 2, 2) + 0.005
        middle = smooth((high_s + low_s) / 2, 2)
        top = np.minimum(smooth(top, 2) + 0.007, 0.088)
        u = (np.arange(sections) + 0.5) / sections
        close = np.sqrt(1 - np.clip(1 - u / 0.13, 0, 1) ** 2) * np.sqrt(1 - np.clip(1 - (1 - u) / 0.20, 0, 1) ** 2)
        lift = 0.008 * np.clip((u - 0.8) / 0.2, 0, 1) ** 2
        angle = 2 * np.pi * np.arange(around) / around
        wide = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.75
        tall = np.where(np.sin(angle) < 0, -(np.abs(np.sin(angle)) ** 0.30), np.sin(angle))
        height = (top + SOLE) * (0.62 + 0.38 * close)
        z = self.floor - SOLE + lift[:, None] + height[:, None] * (0.5 + 0.5 * tall)
        # Lower half of a section is flat and broad like a sole, the upper half leans inwards.
        lean = 1 - 0.22 * np.clip(tall, 0, 1) ** 2
        offset = middle[:, None] + (half * close)[:, None] * wide * lean
        tube = heel * [1, 1, 0] + at[:, None, None] * ahead + offset[..., None] * across
        tube[..., 2] = z
        ends = tube[[0, -1]].mean(1)
        mesh = np.concatenate([tube.reshape(-1, 3), ends])
        ball = float((self.bone(f"{side}ToeBase") - heel) @ ahead)
        toe = np.clip(((mesh - heel) @ ahead - ball) / 0.03 + 0.5, 0, 1)
        weights = np.zeros((len(mesh), self.columns))
        bones = np.zeros((len(mesh), self.columns), int)
        weights[:, 0], weights[:, 1] = 1 - toe, toe
        bones[:, 0], bones[:, 1] = self.body.index[f"{side}Foot"], self.body.index[f"{side}ToeBase"]
        return mesh, _tube_faces(sections, around), SHOE, np.ones(len(mesh)), weights, bones

    def hair(self) -> _Part:
        index, triangles = self.pick(*_BODY, chosen=self.hair_field(self.rest) > -0.02)
        p = self.rest[index]
        field = self.hair_field(p)
        normals = _normals(_smoothed(p, triangles, 3), triangles)
        crown = np.clip((p[:, 2] - self.face_points()[3, 2]) / 0.12, 0, 1)
        thick = 0.002 + (0.008 + 0.014 * crown) * np.clip(field / 0.03, 0, 1) ** 0.7
        return p + thick[:, None] * normals, triangles, HAIR, field, index


# Thickness of the shoe under the bare foot [m].
SOLE = 0.012


def _extent(f: Array, s: Array, h: Array, position: float) -> tuple[float, float, float]:
    """Left, right and top of the bare foot around one place along it [m]."""
    near = np.abs(f - position) < 0.012
    if not near.any():
        near = np.abs(f - position) == np.abs(f - position).min()
    return float(s[near].min()), float(s[near].max()), float(h[near].max())


def _tube_faces(sections: int, around: int) -> Any:
    """(F, 3) triangles of a closed tube whose two end points come last."""
    i, j = np.meshgrid(np.arange(sections - 1), np.arange(around), indexing="ij")
    a, b = i * around + j, i * around + (j + 1) % around
    sides = np.concatenate([np.stack([a, b, b + around], -1), np.stack([a, b + around, a + around], -1)])
    ring, last = np.arange(around), (sections - 1) * around
    first = np.stack([np.full(around, sections * around), (ring + 1) % around, ring], -1)
    end = np.stack([np.full(around, sections * around + 1), last + ring, last + (ring + 1) % around], -1)
    return np.concatenate([sides.reshape(-1, 3), first, end])


def _normals(p: Array, triangles: Any) -> Array:
    a, b, c = (p[triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    out = np.zeros_like(p)
    for k in range(3):
        np.add.at(out, triangles[:, k], across)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


def _smoothed(p: Array, triangles: Any, rounds: int) -> Array:
    """Points moved towards the mean of their neighbours, again and again."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.unique(np.sort(edges, 1), axis=0)
    count = np.bincount(edges.ravel(), minlength=len(p))[:, None]
    out = p.copy()
    for _ in range(rounds):
        total = np.zeros_like(out)
        np.add.at(total, edges[:, 0], out[edges[:, 1]])
        np.add.at(total, edges[:, 1], out[edges[:, 0]])
        out = 0.5 * out + 0.5 * total / np.maximum(count, 1)
    return out


def _outside(p: Array, moved: Array, normals: Array, least: float) -> Array:
    """Moved points that lie at least so far outside the points they come from."""
    out = np.sum((moved - p) * normals, 1, keepdims=True)
    return moved + np.maximum(least - out, 0) * normals
