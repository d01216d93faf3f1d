"""From one joint set to another, by joint name.

The published COCO to Human3.6M rules differ in the four joints COCO does not have: ``"mm"`` (rule A, as in
MMPose and MotionBERT) and ``"gast"`` (rule B, as in GAST-Net and the MHFormer family). Rule B matches the
proportions of Human3.6M better on upright people; rule A turns with the image.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from videopose3d.errors import SkeletonMismatchError
from videopose3d.skeleton import COCO17, H36M17, LIMB_JOINTS
from videopose3d.types import Array

Rule = Literal["mm", "gast"]


def coco_to_h36m(points: Array, scores: Array, rule: Rule = "gast") -> tuple[Array, Array]:
    """COCO-17 keypoints as Human3.6M-17 keypoints.

    Args:
        points: (..., 17, 2) [px].
        scores: (..., 17) confidence.
        rule: ``"gast"`` or ``"mm"``, see the module's text.

    Returns:
        (..., 17, 2) [px] and (..., 17): a joint made from several has the lowest of their scores.
    """
    if points.shape[-2:] != (len(COCO17), 2):
        raise SkeletonMismatchError(f"expected (..., 17, 2) COCO keypoints, got {points.shape}", where="coco_to_h36m")
    out = np.empty_like(points)
    out_scores = np.empty_like(scores)
    source, target = COCO17.indices(LIMB_JOINTS), H36M17.indices(LIMB_JOINTS)
    out[..., target, :], out_scores[..., target] = points[..., source, :], scores[..., source]
    trunk = {"gast": _trunk_gast, "mm": _trunk_mm}[rule](points)
    parts = {
        "pelvis": ("left_hip", "right_hip"),
        "spine": ("left_hip", "right_hip", "left_shoulder", "right_shoulder"),
        "thorax": ("left_shoulder", "right_shoulder"),
        "neck": ("nose",),
        "head": ("left_eye", "right_eye"),
    }
    for joint, made_of in parts.items():
        out[..., H36M17.index(joint), :] = trunk[joint]
        out_scores[..., H36M17.index(joint)] = scores[..., COCO17.indices(made_of)].min(-1)
    return out, out_scores


def _middle(points: Array, *joints: str) -> Array:
    middle: Array = points[..., COCO17.indices(joints), :].mean(-2)
    return middle


def _trunk_mm(points: Array) -> dict[str, Array]:
    """Rule A: the middle of the trunk, the shoulders, the nose and the eyes."""
    hips, shoulders = _middle(points, "left_hip", "right_hip"), _middle(points, "left_shoulder", "right_shoulder")
    return {
        "pelvis": hips,
        "spine": (hips + shoulders) / 2,
        "thorax": shoulders,
        "neck": _middle(points, "nose"),
        "head": _middle(points, "left_eye", "right_eye"),
    }


def _trunk_gast(points: Array) -> dict[str, Array]:
    """Rule B: thorax, neck and head are extrapolated along the image's vertical."""
    hips, shoulders = _middle(points, "left_hip", "right_hip"), _middle(points, "left_shoulder", "right_shoulder")
    nose, eyes = _middle(points, "nose"), _middle(points, "left_eye", "right_eye")
    thorax = shoulders + (nose - shoulders) / 3
    thorax[..., 1] -= (eyes[..., 1] - nose[..., 1]) * 2 / 3
    spine = (hips + shoulders) / 2
    spine[..., 0] += 2 * (spine[..., 0] - (hips[..., 0] + thorax[..., 0]) / 2)
    head = _middle(points, "left_eye", "right_eye", "left_ear", "right_ear")
    head[..., 1] = 2 * eyes[..., 1] - nose[..., 1]
    return {"pelvis": hips, "spine": spine, "thorax": thorax, "neck": nose - (nose - shoulders) / 4, "head": head}
