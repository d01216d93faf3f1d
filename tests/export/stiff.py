"""A body of stiff bones that moves smoothly: what a skeleton has to reproduce exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from videopose3d.skeleton import COCO17, H36M17, Skeleton
from videopose3d.types import Keypoints2D, Poses3D, Result

FPS = Fraction(30000, 1001)
FOCAL, SIZE = 1000.0, (1280, 720)

# Directions at rest, Y up, facing +Z; the person's left is +X.
DOWN, UP, LEFT, RIGHT = (0.0, -1.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (-1.0, 0.0, 0.0)
SLOPE = np.cos(np.radians(9)), np.sin(np.radians(9))
REST = {
    "left_hip": LEFT, "right_hip": RIGHT, "left_knee": DOWN, "right_knee": DOWN, "left_ankle": DOWN,
    "right_ankle": DOWN, "spine": UP, "thorax": UP, "neck": (0, np.cos(np.radians(22)), np.sin(np.radians(22))),
    "head": (0, np.cos(np.radians(14)), -np.sin(np.radians(14))), "left_shoulder": (SLOPE[0], -SLOPE[1], 0),
    "right_shoulder": (-SLOPE[0], -SLOPE[1], 0), "left_elbow": LEFT, "right_elbow": RIGHT, "left_wrist": LEFT,
    "right_wrist": RIGHT,
}  # fmt: skip
LENGTHS = {
    "left_hip": 0.13, "right_hip": 0.11, "left_knee": 0.44, "right_knee": 0.45, "left_ankle": 0.43,
    "right_ankle": 0.42, "spine": 0.23, "thorax": 0.25, "neck": 0.12, "head": 0.115, "left_shoulder": 0.17,
    "right_shoulder": 0.15, "left_elbow": 0.28, "right_elbow": 0.29, "left_wrist": 0.25, "right_wrist": 0.24,
}  # fmt: skip
"""Bones by their far end [m]; left and right differ on purpose."""


def t_pose(frames: int = 1) -> dict[str, np.ndarray]:
    """(T, 3) unit direction of every bone in the rest pose."""
    return {joint: np.tile(np.array(rest, float), (frames, 1)) for joint, rest in REST.items()}


def dance(frames: int = 120, swing: float = 0.8) -> dict[str, np.ndarray]:
    """Directions that wander smoothly and independently of each other; the body turns as a whole, too."""
    rng = np.random.default_rng(3)
    time = np.arange(frames)[:, None] / 30
    turned = {}
    for joint, rest in REST.items():
        waves = rng.normal(0, swing / 2, (3, 3, 1)) * np.sin(
            2 * np.pi * rng.uniform(0.1, 0.6, (3, 3, 1)) * time.T + rng.uniform(0, 6, (3, 3, 1))
        )
        direction = np.array(rest) + waves.sum(0).T * (0.3 if "hip" in joint or joint in ("spine", "thorax") else 1)
        yaw = 0.7 * time[:, 0]
        x, y, z = (direction / np.linalg.norm(direction, axis=-1, keepdims=True)).T
        turned[joint] = np.stack([np.cos(yaw) * x + np.sin(yaw) * z, y, np.cos(yaw) * z - np.sin(yaw) * x], -1)
    return turned


def joints(directions: dict[str, np.ndarray], skeleton: Skeleton = H36M17) -> np.ndarray:
    """(T, J, 3) positions, pelvis at the origin, Y up [m]."""
    at = {"pelvis": np.zeros((len(directions["head"]), 3))}
    for near, far in H36M17.bones:
        at[far] = at[near] + LENGTHS[far] * directions[far]
    return np.stack([at[joint] for joint in skeleton.joints], 1)


def result(*people: np.ndarray, skeleton: Skeleton = H36M17, fps: Fraction = FPS) -> Result:
    """Poses (T, J, 3), Y up, of several people, in camera axes, on their way through the picture."""
    points = np.stack(people) * (1.0, -1.0, -1.0)
    count, frames = points.shape[:2]
    walk = np.stack([np.linspace(-0.5, 0.5, frames), np.full(frames, 0.1), np.linspace(4, 5, frames)], -1)
    roots = walk + np.arange(count)[:, None, None] * (1.0, 0.0, 0.5)
    shape = (count, frames, 17)
    keypoints = Keypoints2D(
        np.zeros((*shape, 2), np.float32),
        np.ones(shape, np.float32),
        np.zeros((count, frames, 4), np.float32),
        np.ones((count, frames), bool),
        COCO17,
        fps,
        SIZE,
        "some where/dance.mp4",
    )
    poses = Poses3D(points.astype(np.float32), roots.astype(np.float32), skeleton, "made up")
    return Result(keypoints, poses, focal=FOCAL, height=1.7)
