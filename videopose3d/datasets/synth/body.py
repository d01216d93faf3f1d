"""One body of the parametric model `anny` (code Apache-2.0, CC0 MakeHuman assets), to be posed and measured.

World axes: x and y horizontal, z up, metres; the rest figure faces -y and its left is +x.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from videopose3d.datasets.raw.packages import package
from videopose3d.datasets.synth.things import Array
from videopose3d.silence import silence

# The first vertices of MakeHuman's base mesh are the skin; helper shells follow.
SKIN_COUNT = 13380
# Thickness of the shoe under the bare foot [m].
SOLE = 0.012

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
        self._model = _model()
        self._shape = dict(shape)
        self.bones: list[str] = list(self._model.bone_labels)
        self.index = {name: i for i, name in enumerate(self.bones)}
        self.parents: list[int] = list(self._model.bone_parents)
        out = self._forward(np.tile(np.eye(4), (1, len(self.bones), 1, 1)))
        self.rest: Array = out["rest_vertices"][0].numpy().astype(float)
        self._rest_rotations: Array = out["rest_bone_poses"][0, :, :3, :3].numpy()
        self.heads: Array = out["rest_bone_heads"][0].numpy()
        self.tails: Array = out["rest_bone_tails"][0].numpy()
        self.faces = base_mesh_faces()
        self.keypoint_names, self._regressor = _regressor()
        self._sparse_weights = self.skin_weights()[:SKIN_COUNT:5]

    @property
    def stature(self) -> float:
        """Height of the bare body [m]."""
        return float(np.ptp(self.rest[:SKIN_COUNT, 2]))

    def _forward(self, pose: Array, shape: Mapping[str, float] | None = None) -> dict[str, Any]:
        import torch

        pose_ = torch.as_tensor(pose, dtype=self._model.dtype)
        with torch.no_grad():
            out: dict[str, Any] = self._model(
                pose_parameters=pose_, phenotype_kwargs=dict(shape or self._shape), return_bone_ends=True
            )
        return out

    def skin(self, rotations: Array, root: Array) -> tuple[Array, Array]:
        """Vertices (T, V, 3) and bone starts (T, J, 3) [m] of posed frames.

        Args:
            rotations: (T, J, 3, 3) global rotation of every bone away from its rest.
            root: (T, 3) where the root bone starts [m].
        """
        pose = np.tile(np.eye(4), (*rotations.shape[:2], 1, 1))
        pose[..., :3, :3] = rotations @ self._rest_rotations
        pose[:, 0, :3, 3] = root
        out = self._forward(pose)
        return out["vertices"].numpy().astype(float), out["bone_heads"].numpy().astype(float)

    def chain(self, rotations: Array, root: Array) -> Array:
        """(T, J, 3) bone starts [m]; the same as `skin` gives, without the mesh."""
        heads = np.zeros((len(root), len(self.bones), 3))
        heads[:, 0] = root
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                heads[:, j] = heads[:, parent] + rotations[:, parent] @ (self.heads[j] - self.heads[parent])
        return heads

    def lowest(self, rotations: Array, root: Array) -> float:
        """Height of the lowest point of the skin [m] in one frame, from every fifth vertex."""
        shift = self.chain(rotations[None], root[None])[0] - np.einsum("jab,jb->ja", rotations, self.heads)
        moves = np.concatenate([rotations[:, 2], shift[:, 2:]], 1)
        blended = self._sparse_weights @ moves
        heights: Array = np.sum(blended[:, :3] * self.rest[:SKIN_COUNT:5], 1) + blended[:, 3]
        return float(heights.min())

    def joint_centre(self, bone: str, width: float = 0.045, radius: float = 0.12) -> Array:
        """(3,) where a bone starts at rest, as a weighted mean of the skin around it [m].

        The rig's own centres do not follow the body's surface from shape to shape. The weights are those nearest to
        equal ones that give the rig's centre on a medium adult.
        """
        out = self._forward(np.tile(np.eye(4), (1, len(self.bones), 1, 1)), _MEDIUM)
        skin = out["rest_vertices"][0, :SKIN_COUNT].numpy()
        head, tail = (out[f"rest_bone_{end}"][0, self.index[bone]].numpy() for end in ("heads", "tails"))
        axis = (tail - head) / np.linalg.norm(tail - head)
        along = (skin - head) @ axis
        across = np.linalg.norm(skin - head - along[:, None] * axis, axis=1)
        near = np.flatnonzero((np.abs(along) < width) & (across < radius))
        system = np.concatenate([(skin[near] - head).T, np.ones((1, len(near)))])
        equal = np.full(len(near), 1 / len(near))
        weights = equal + np.linalg.pinv(system) @ (np.array([0.0, 0.0, 0.0, 1.0]) - system @ equal)
        centre: Array = weights @ self.rest[near]
        return centre

    def skin_weights(self) -> Array:
        """(V, J) how much each bone moves each vertex."""
        weights = self._model.vertex_bone_weights.numpy().astype(float)
        bones = self._model.vertex_bone_indices.numpy()
        dense = np.zeros((len(weights), len(self.bones)))
        for k in range(bones.shape[1]):
            dense[np.arange(len(dense)), bones[:, k]] += weights[:, k]
        return dense

    def keypoints(self, vertices: Array) -> Array:
        """(T, K, 3) COCO keypoints [m] of posed vertices (T, V, 3)."""
        found: Array = np.einsum("kv,tvd->tkd", self._regressor, vertices)
        return found


@lru_cache(maxsize=1)
def _model() -> Any:
    """The body model; building it takes a minute and 0.9 GB of cache the first time.

    Raises:
        MissingDependencyError: `anny` is not installed.
    """
    with silence():  # its mesh library greets, and misses a graphics card
        warp = package("warp", "synthetic people", "synth")
        warp.config.log_level = logging.ERROR
        warp.init()
        anny = package("anny", "synthetic people", "synth")
    # "anny-full" keeps the helper shells (clothes, eyes); its data are CC0 MakeHuman assets.
    return anny.Anny(rig="cmu_mb", topology="anny-full", pose_parameterization="world-orient")


@lru_cache(maxsize=1)
def _regressor() -> tuple[list[str], Array]:
    regressor = package("anny", "synthetic people", "synth").KeypointsRegressor.coco(_model())
    return list(regressor.labels), regressor.regression_weights.numpy()


@lru_cache(maxsize=1)
def base_mesh_faces() -> Any:
    """(F, 3) triangles of MakeHuman's base mesh (CC0) with its helper shells, which `anny` leaves out of its own."""
    anny = package("anny", "synthetic people", "synth")
    path = anny.paths.get_anny_root_dir() / "data" / "mpfb2" / "3dobjs" / "base.obj"
    triangles = []
    for line in path.read_text().splitlines():
        if line.startswith("f "):
            corners = [int(word.split("/")[0]) - 1 for word in line.split()[1:]]
            triangles += [(corners[0], corners[k], corners[k + 1]) for k in range(1, len(corners) - 1)]
    return np.array(triangles)
