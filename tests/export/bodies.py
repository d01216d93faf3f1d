"""Bodies with known angles: a straight one, and limbs turned out of it. Body axes: x forward, y up, z right [m]."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Keypoints2D, Poses3D, Result

STRAIGHT = {
    "pelvis": (0, 0.9, 0), "spine": (0, 1.15, 0), "thorax": (0, 1.4, 0), "neck": (0, 1.5, 0), "head": (0, 1.65, 0),
    "right_hip": (0, 0.9, 0.12), "right_knee": (0, 0.5, 0.12), "right_ankle": (0, 0.1, 0.12),
    "right_shoulder": (0, 1.4, 0.18), "right_elbow": (0, 1.1, 0.18), "right_wrist": (0, 0.85, 0.18),
}  # fmt: skip
"""Standing, arms hanging; the left side is the mirrored right."""

CHILDREN = {"hip": ("knee", "ankle"), "knee": ("ankle",), "shoulder": ("elbow", "wrist"), "elbow": ("wrist",)}
TRUNK = tuple(joint for joint in H36M17.joints if not joint.endswith(("knee", "ankle")))
AXES = {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}


def turning(axis: str, angle: float) -> np.ndarray:
    """(3, 3) right-handed turn about a body axis [degrees]."""
    x, y, z = AXES[axis]
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]], float)
    a = np.radians(angle)
    return np.eye(3) + np.sin(a) * cross + (1 - np.cos(a)) * cross @ cross


def body(**turns: np.ndarray) -> np.ndarray:
    """(17, 3) the straight body with what hangs on the named joints turned about them, in the order given."""
    at = {joint: np.array(where(joint)) for joint in H36M17.joints}
    for pivot, turn in turns.items():
        moved = (
            TRUNK
            if pivot == "trunk"
            else tuple(f"{pivot.split('_')[0]}_{child}" for child in CHILDREN[pivot.split("_")[1]])
        )
        centre = at["pelvis" if pivot == "trunk" else pivot].copy()
        for joint in moved:
            at[joint] = turn @ (at[joint] - centre) + centre
    return np.stack([at[joint] for joint in H36M17.joints])


def where(joint: str) -> tuple[float, float, float]:
    if joint.startswith("left_"):
        x, y, z = STRAIGHT[joint.replace("left_", "right_")]
        return x, y, -z
    return STRAIGHT[joint]


def poses(*bodies: np.ndarray, yaw: float = 0.0) -> Poses3D:
    """One person, a frame per body, turned about the vertical [degrees], five metres before the camera.

    With ``yaw`` 0 the person faces to the right of the picture: body x, y, z are camera x, -y, -z.
    """
    points = np.stack(bodies) @ turning("y", yaw).T * (1, -1, -1)
    root = points[:, :1].copy()
    return Poses3D(
        (points - root)[None].astype(np.float32),
        (root[:, 0] + (0, 1.0, 5.0))[None].astype(np.float32),
        H36M17,
        "made up",
    )


def result(stage: Poses3D) -> Result:
    people, frames = stage.poses.shape[:2]
    shape = (people, frames, 17)
    keypoints = Keypoints2D(
        np.zeros((*shape, 2), np.float32),
        np.ones(shape, np.float32),
        np.zeros((people, frames, 4), np.float32),
        np.ones((people, frames), bool),
        COCO17,
        Fraction(30),
        (640, 480),
        "body.mp4",
    )
    return Result(keypoints, stage, focal=800.0, height=1.7)
