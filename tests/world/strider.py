"""Somebody who walks on flat ground past a camera that looks down a little: every number known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from standing import facing_us

from videopose3d.geometry import Camera, pixels_from_points
from videopose3d.result_file import boxes_around
from videopose3d.skeleton import COCO17, H36M17, LIMB_JOINTS
from videopose3d.types import Keypoints2D, Poses3D
from videopose3d.world.ground import ANKLE

FPS = Fraction(25)
SIZE = (1280, 720)
CAMERA = Camera(1000.0, (640.0, 360.0))
HEIGHT = 1.4
"""Of the camera above the ground [m]."""
STEP, STRIDE = 15, 1.2
"""Frames that a foot stands, and the way between two of its places [m]."""


def walk(frames: int = 120, heading: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """(T, 17, 3) joints, z up, and (T, 2) whether the left and the right foot stand."""
    t = np.arange(frames)
    forwards = np.array([np.sin(heading), np.cos(heading), 0])
    aside = np.array([np.cos(heading), -np.sin(heading), 0])
    root = (t[:, None] * STRIDE / (2 * STEP) - 1.5) * forwards + (0, 4.5, 0.92)
    body = facing_us(H36M17.joints).astype(np.float64)
    upper = body[:, :1] * -aside + body[:, 1:2] * (0, 0, -1.0)
    joints = root[:, None] + upper
    stand = np.zeros((frames, 2), bool)
    for side, (name, shift) in enumerate((("left", 0), ("right", STEP))):
        phase, count = (t + shift) % (2 * STEP), (t + shift) // (2 * STEP)
        stand[:, side] = phase < STEP
        swing = np.clip((phase - STEP + 1) / (STEP + 1), 0, 1)
        ease = swing**2 * (3 - 2 * swing)
        way = (count * 2 * STEP - shift + STEP / 2) * STRIDE / (2 * STEP) + STRIDE * ease - 1.5
        ankle = way[:, None] * forwards + (-0.1 if side == 0 else 0.1) * aside + (0, 4.5, ANKLE)
        ankle[:, 2] += 0.15 * np.sin(np.pi * swing)
        hip = joints[:, H36M17.index(f"{name}_hip")]
        joints[:, H36M17.index(f"{name}_ankle")] = ankle
        joints[:, H36M17.index(f"{name}_knee")] = knees(hip, ankle, forwards)
    return joints, stand


def knees(hip: np.ndarray, ankle: np.ndarray, forwards: np.ndarray, thigh: float = 0.47) -> np.ndarray:
    """(T, 3) where thigh and shin, equally long, meet."""
    down = ankle - hip
    long = np.linalg.norm(down, axis=-1, keepdims=True)
    bent = forwards - (down @ forwards)[:, None] * down / long**2
    bent /= np.linalg.norm(bent, axis=-1, keepdims=True)
    return hip + down / 2 + np.sqrt(np.maximum(thigh**2 - long**2 / 4, 0)) * bent


def to_camera(joints: np.ndarray, pitch: float = 10.0, roll: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Joints in camera axes, and (4,) the ground in them."""
    p, r = np.radians((pitch, roll))
    level = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    turn = about_z @ about_x @ level
    return (joints - (0, 0, HEIGHT)) @ turn.T, np.array([*turn @ (0, 0, 1.0), HEIGHT])


def as_poses(*people: np.ndarray) -> Poses3D:
    """Joints (T, 17, 3) in camera axes as the 3D stage gives them."""
    joints = np.stack(people)
    return Poses3D((joints - joints[:, :, :1]).astype(np.float32), joints[:, :, 0].astype(np.float32), H36M17)


def seen(*people: np.ndarray) -> Keypoints2D:
    """The limb joints of people in the picture, as COCO keypoints; the face is not seen."""
    joints = np.stack(people)
    points = np.full((*joints.shape[:2], 17, 2), np.nan, np.float32)
    limbs = joints[:, :, H36M17.indices(LIMB_JOINTS)]
    points[:, :, COCO17.indices(LIMB_JOINTS)] = pixels_from_points(limbs, CAMERA)
    scores = np.isfinite(points).all(-1).astype(np.float32)
    present = np.ones(points.shape[:2], bool)
    return Keypoints2D(points, scores, boxes_around(points), present, COCO17, FPS, SIZE)
