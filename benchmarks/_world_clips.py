"""Clips with known truth for `world.py`: motion capture seen by cameras that stand still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray

from videopose3d.datasets.mocap import Motion, MotionLibrary
from videopose3d.datasets.virtual import CameraConfig, NoiseConfig, Windows, detect
from videopose3d.datasets.virtual.bodies import CANONICAL_SIZE, body_size
from videopose3d.datasets.virtual.occlusion import hidden_by_body
from videopose3d.geometry import Camera, camera_from_fov, pixels_from_points
from videopose3d.result_file import boxes_around
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Keypoints2D
from videopose3d.world.ground import ANKLE

Array = NDArray[np.float64]

FPS = 30
SIZES = ((1920, 1080), (1080, 1920))
NOISE = NoiseConfig(clean=0.0, missing=0.0, dropped=0.0, swapped=0.0)
"""What makes sense for whole clips; the rest of `NoiseConfig` is about windows of a second."""
_ANKLES = H36M17.indices(("left_ankle", "right_ankle"))
_LEVEL = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # z up to x right, y down, z forward


@dataclass(frozen=True)
class Clip:
    """A person in front of a camera that stands still.

    Attributes:
        name: Of the motion.
        dataset: Its set.
        keypoints: What a detector might say.
        camera: The true one.
        joints: (T, 17, 3) Human3.6M joints in camera axes [m].
        ground: (4,) the plane that the feet stand on, in camera axes, as in `World`.
    """

    name: str
    dataset: str
    keypoints: Keypoints2D
    camera: Camera
    joints: Array
    ground: Array


def clips(library: MotionLibrary, per_set: int, seconds: float, seed: int = 20_261_127) -> Iterator[Clip]:
    """The longest motions of every set, each seen by a camera of its own."""
    rng = np.random.default_rng(seed)
    gen = torch.Generator().manual_seed(seed)
    for dataset in library.datasets:
        motions = sorted(library.select(dataset=dataset), key=lambda m: -m.frames)
        for motion in spread(motions, per_set):
            yield film(motion, seconds, rng, gen)


def spread(motions: list[Motion], count: int) -> list[Motion]:
    """Long ones first, and not twice the same person's same exercise while there are others."""
    seen: dict[str, int] = {}
    order = []
    for rank, motion in enumerate(motions):
        kind = motion.name.partition("_e")[0].partition("[")[0]
        order.append((seen.get(kind, 0), rank))
        seen[kind] = seen.get(kind, 0) + 1
    return [motions[rank] for _, rank in sorted(order)[:count]]


def film(motion: Motion, seconds: float, rng: np.random.Generator, gen: torch.Generator) -> Clip:
    """The motion at 30 frames/s and 1.70 m, in front of a random camera that sees all of it."""
    h36m, coco = (_resampled(joints, motion.fps, seconds) for joints in (motion.joints_h36m, motion.joints_coco))
    scale = CANONICAL_SIZE / float(body_size(torch.from_numpy(h36m)).mean())
    h36m, coco = h36m * scale, coco * scale
    size = SIZES[int(rng.integers(2))]
    camera = camera_from_fov(size, float(rng.uniform(40, 80)))
    turn = _camera_turn(rng)
    middle = (h36m.min((0, 1)) + h36m.max((0, 1))) / 2
    extent = (np.array(size) / 2) / camera.focal
    seen = (coco - middle) @ turn.T
    wanted = float(np.exp(rng.uniform(np.log(2.5), np.log(7))))
    needed = ((np.abs(seen[..., :2]) / (0.92 * extent)).max(-1) - seen[..., 2]).max()
    place = np.array([0, 0, max(wanted, needed)])
    joints = (h36m - middle) @ turn.T + place
    up = turn @ (0, 0, 1.0)
    ground = np.array([*up, middle[2] - up @ place - floor_of(h36m)])
    points, scores = _detected(seen + place, camera, gen)
    present = np.ones((1, len(joints)), bool)
    keypoints = Keypoints2D(
        points[None], scores[None], boxes_around(points[None]), present, COCO17, Fraction(FPS), size, motion.name
    )
    return Clip(motion.name, motion.dataset, keypoints, camera, joints, ground)


def floor_of(joints: Array) -> float:
    """Height of the floor [m]: sets disagree by some centimetres where it is, but standing ankles are above it."""
    lowest = joints[:, _ANKLES, 2].min(1)
    return float(np.percentile(lowest, 10)) - ANKLE


def _resampled(joints: NDArray[np.float32], fps: float, seconds: float) -> Array:
    frames = min(int((len(joints) - 1) / fps * FPS), int(seconds * FPS)) + 1
    at = np.arange(frames) * fps / FPS
    low = np.minimum(at.astype(int), len(joints) - 2)
    share = (at - low)[:, None, None]
    resampled: Array = joints[low] * (1 - share) + joints[low + 1].astype(np.float64) * share
    return resampled


def _camera_turn(rng: np.random.Generator) -> Array:
    """(3, 3) from z-up world axes to camera axes; yaw anywhere, pitch and roll as training has them."""
    yaw, roll = rng.uniform(0, 2 * np.pi), np.radians(rng.normal(0, 6))
    pitch = np.radians(np.clip(rng.normal(6, 13), -30, 45))
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    turned: Array = _about_z(roll) @ about_x @ _LEVEL @ _about_z(yaw)
    return turned


def _about_z(angle: float) -> Array:
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])


def _detected(coco: Array, camera: Camera, gen: torch.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(T, 17, 2) px and (T, 17) scores, with the errors of a detector but the camera known."""
    rays = torch.from_numpy(coco[..., :2] / coco[..., 2:]).float()[None]
    places = torch.from_numpy(coco).float()[None]
    visible = ~hidden_by_body(places)
    root = torch.zeros(1, len(coco), 3)
    root[..., 2] = float(np.median(coco[..., 2]))
    perfect = Windows(rays, torch.ones(rays.shape[:-1]), torch.zeros_like(places), root, torch.tensor([60.0]))
    found = detect(perfect, visible, NOISE, CameraConfig(focal_error=0.0, focal_guess=0.0), gen)
    seen = found.rays[0].numpy().astype(np.float64)
    points = pixels_from_points(np.concatenate([seen, np.ones_like(seen[..., :1])], -1), camera)
    return points.astype(np.float32), found.scores[0].numpy()
