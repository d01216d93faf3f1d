"""Synthetic motion capture: one body that swings its arms and legs, turned and timed at random."""

from __future__ import annotations

import numpy as np

from videopose3d.datasets.mocap import Motion, MotionLibrary
from videopose3d.skeleton import COCO17, H36M17

BODY = {
    "pelvis": (0, 0, 0.95), "spine": (0, 0, 1.18), "thorax": (0, 0, 1.42), "neck": (0.03, 0, 1.5),
    "head": (0, 0, 1.62), "nose": (0.1, 0, 1.55), "left_eye": (0.08, 0.03, 1.58), "left_ear": (0, 0.07, 1.56),
    "left_hip": (0, 0.12, 0.95), "left_knee": (0.02, 0.12, 0.5), "left_ankle": (0, 0.12, 0.08),
    "left_shoulder": (0, 0.17, 1.4), "left_elbow": (0, 0.22, 1.12), "left_wrist": (0.05, 0.23, 0.88),
}  # fmt: skip
"""A standing person who faces +x, left +y, z up [m]; right joints are mirrored."""

SWINGS = {"shoulder": ("elbow", "wrist"), "hip": ("knee", "ankle")}


def motion(
    frames: int = 60,
    fps: float = 30.0,
    *,
    seed: int = 0,
    dataset: str = "jump",
    split: str = "train",
    subject: str = "1",
) -> Motion:
    """A swinging person; every seed has a rhythm and a facing of its own, and the same bones."""
    rng = np.random.default_rng(seed)
    speed, phase, yaw = rng.uniform(3, 8), rng.uniform(0, 6), rng.uniform(0, 6)
    seconds = np.arange(frames) / fps
    joints = {name: np.tile(place(name), (frames, 1)) for name in {*H36M17.joints, *COCO17.joints}}
    for sign, side in ((1, "left"), (-1, "right")):
        for pivot, moved in SWINGS.items():
            angle = (0.5 if pivot == "hip" else 1.0) * sign * np.sin(speed * seconds + phase)
            for name in moved:
                joints[f"{side}_{name}"] = swing(joints[f"{side}_{name}"], joints[f"{side}_{pivot}"], angle)
    c, s = np.cos(yaw), np.sin(yaw)
    facing = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    h36m, coco = (np.stack([joints[n] @ facing.T for n in k.joints], 1).astype(np.float32) for k in (H36M17, COCO17))
    return Motion(f"{dataset}/{seed}", dataset, subject, split, fps, h36m, coco)


def place(joint: str) -> np.ndarray:
    """(3,) where a joint of the standing body is [m]."""
    if joint.startswith("right_"):
        return np.array(BODY[joint.replace("right_", "left_")]) * (1, -1, 1)
    return np.array(BODY[joint], float)


def swing(points: np.ndarray, pivot: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """(T, 3) turned about the left-right axis through ``pivot`` (T, 3) by (T,) [rad]."""
    x, y, z = (points - pivot).T
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * x + s * z, y, c * z - s * x], -1) + pivot


def library(*, test: bool = True) -> MotionLibrary:
    """Five motions of two sets to train on and, if asked for, three to test on."""
    train = [motion(seed=n, dataset="jump" if n < 3 else "ui-prmd") for n in range(5)]
    held_out = [motion(seed=n, dataset="jump" if n < 12 else "ui-prmd", split="test") for n in range(10, 13)]
    return MotionLibrary((*train, *(held_out if test else ())))
