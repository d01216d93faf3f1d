"""The exact truth of a synthetic person: joints of both sets, and which of them the picture shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from videopose3d.datasets.mocap.body import H36M_HEAD, H36M_NECK, NOSE, SPINE_FRACTION, body_axes, chin_up, unit
from videopose3d.datasets.synth.body import Body
from videopose3d.datasets.synth.camera import View
from videopose3d.datasets.synth.things import Array
from videopose3d.skeleton import COCO17, H36M17, side

if TYPE_CHECKING:
    from videopose3d.datasets.synth.draw import Drawing

OUTSIDE, HIDDEN, SEEN = 0, 1, 2
"""Visibility of a keypoint, in the numbers of COCO's annotations but for points outside, which those leave out."""

# Bones whose surface may show a keypoint; * stands for its side.
_SHOWN_BY = {
    "nose": ("Head", "Neck1"), "eye": ("Head",), "ear": ("Head", "Neck1"),
    "shoulder": ("*Arm", "*Shoulder", "Spine1"), "elbow": ("*Arm", "*ForeArm"),
    "wrist": ("*ForeArm", "*Hand", "*FingerBase"), "hip": ("Hips", "*UpLeg", "*HipJoint", "LowerBack"),
    "knee": ("*UpLeg", "*Leg"), "ankle": ("*Leg", "*Foot"),
}  # fmt: skip
_DEEP = {"nose": 0.04, "eye": 0.04, "ear": 0.04, "shoulder": 0.15, "hip": 0.19}
"""How far under the surface that shows it a keypoint may lie [m]; 0.11 for others, of a body of 1.75 m."""


def h36m_of(body: Body, keypoints: Array, rotations: Array, heads: Array) -> Array:
    """(T, 17, 3) Human3.6M joints [m] in world axes.

    Knees, ankles, elbows and wrists are the regressor's surface averages; hips and shoulders are joint centres
    refitted to the skin; spine, neck and head are defined as for the motion capture that lifters are trained on.

    Args:
        body: The body.
        keypoints: (T, K, 3) of `Body.keypoints` [m].
        rotations: (T, J, 3, 3) turns of its bones.
        heads: (T, J, 3) where they start [m].
    """
    named = dict(zip(body.keypoint_names, np.moveaxis(keypoints, 1, 0), strict=True))
    at: dict[str, Array] = {}
    for low, big in (("left", "Left"), ("right", "Right")):
        for joint, bone in (("hip", f"{big}UpLeg"), ("shoulder", f"{big}Arm")):
            j = body.index[bone]
            at[f"{low}_{joint}"] = heads[:, j] + rotations[:, j] @ (body.joint_centre(bone) - body.heads[j])
        for joint in ("knee", "ankle", "elbow", "wrist"):
            at[f"{low}_{joint}"] = named[f"{low}_{joint}"]
    at["pelvis"] = (at["left_hip"] + at["right_hip"]) / 2
    at["neck"], at["head"] = _head_joints(named, body.stature)
    middle = (at["left_shoulder"] + at["right_shoulder"]) / 2
    at["thorax"] = middle + 0.015 * body.stature * unit(at["head"] - middle)
    at["spine"] = at["pelvis"] + SPINE_FRACTION * (at["thorax"] - at["pelvis"])
    return np.stack([at[name] for name in H36M17.joints], 1)


def coco_of(body: Body, keypoints: Array) -> Array:
    """(T, 17, 3) COCO keypoints [m] of `Body.keypoints`, in the order of ``COCO17``."""
    return keypoints[:, [body.keypoint_names.index(name) for name in COCO17.joints]]


def visibility(points: Array, number: int, shown_by: NDArray[np.bool_], view: View, drawing: Drawing) -> Array:
    """(17,) `OUTSIDE`, `HIDDEN` or `SEEN` of one person's COCO keypoints.

    A keypoint is seen where the picture shows, within a pixel of it, skin or cloth of a bone it belongs to, and not
    far in front of it.

    Args:
        points: (17, 3) [m].
        number: Of the person in the drawing.
        shown_by: (17, F) of `shown_by`, for the figure of the person.
        view: The camera.
        drawing: The picture.
    """
    pixels, depth = view.project(points), view.to_camera(points)[:, 2]
    inside = (depth > 0) & (pixels >= 0).all(1) & (pixels < view.size).all(1)
    found = np.where(inside, HIDDEN, OUTSIDE)
    height, width = drawing.owner.shape
    for joint in np.flatnonzero(inside):
        x, y = (pixels[joint] * drawing.scale - drawing.corner).astype(int)
        area = (
            slice(max(y - drawing.scale, 0), y + drawing.scale + 1),
            slice(max(x - drawing.scale, 0), x + drawing.scale + 1),
        )
        if not (0 <= x < width and 0 <= y < height):
            continue
        mine = drawing.owner[area] == number
        deep = depth[joint] - drawing.depth[area] < _DEEP.get(COCO17.joints[joint].rpartition("_")[2], 0.11)
        if shown_by[joint, drawing.face[area][mine & deep]].any():
            found[joint] = SEEN
    return found


def shown_by(body: Body, weights: Array, faces: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(17, F) True where a face may show a keypoint: the bone that moves it most is one of the keypoint's."""
    main = weights.argmax(1)[faces[:, 0]]
    rows = []
    for joint in COCO17.joints:
        names = {
            form
            for bone in _SHOWN_BY[joint.rpartition("_")[2]]
            for form in (bone.replace("*", side(joint).title()), bone.replace("*", side(joint)[0].upper()))
        }
        rows.append(np.isin(main, [body.index[name] for name in names if name in body.index]))
    return np.array(rows)


def _head_joints(named: Mapping[str, Array], stature: float) -> tuple[Array, Array]:
    """(T, 3) neck and head joints [m] from the points of the face, where the training data has them."""
    ears = (named["left_ear"] + named["right_ear"]) / 2
    left = named["left_ear"] - named["right_ear"]
    nose_drop = np.degrees(np.arctan2(-NOSE[2], NOSE[0]))
    axes = body_axes(left, np.cross(named["nose"] - ears, left)) @ chin_up(nose_drop)
    neck, head = (ears + axes @ (np.array(offset) / 1e3 * stature / 1.75) for offset in (H36M_NECK, H36M_HEAD))
    return neck, head
