"""Virtual cameras anywhere around the person, standing or moving."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import pi

import torch
from torch import Generator, Tensor

from videopose3d.datasets.virtual.occlusion import hidden_by_body
from videopose3d.datasets.virtual.rotations import axis_rotation, rand, randn, rotation_from_vector, turn, uniform


@dataclass(frozen=True)
class CameraConfig:
    """Where virtual cameras stand and what they see.

    Attributes:
        distance: Range of the pelvis' distance, for a person of 1.70 m [m].
        fov: Range of the field of view along the longer side of the image [degrees].
        aspect: Range of the shorter side over the longer one.
        pitch: Mean and spread of the downward look of most cameras [degrees].
        steep: Share of cameras whose downward look is evenly distributed over ``pitch_range``.
        pitch_range: Lowest and highest downward look [degrees].
        roll: Spread of the roll [degrees].
        off_centre: How far from the middle the person may be, as a share of half the image.
        moving: Share of cameras that pan and travel.
        pan: Spread of the turn of a moving camera per frame [degrees].
        travel: Spread of the way of a moving camera per frame, as a share of the person's distance.
        focal_error: Spread of the log error of the focal length that the user gives.
        focal_guess: Share of windows whose focal length is only guessed.
        guess_error: Spread of the log error of a guessed focal length.
    """

    distance: tuple[float, float] = (1.5, 12.0)
    fov: tuple[float, float] = (30.0, 100.0)
    aspect: tuple[float, float] = (0.45, 1.0)
    pitch: tuple[float, float] = (6.0, 13.0)
    steep: float = 0.3
    pitch_range: tuple[float, float] = (-30.0, 40.0)
    roll: float = 6.0
    off_centre: float = 0.8
    moving: float = 0.2
    pan: float = 0.25
    travel: float = 0.004
    focal_error: float = 0.08
    focal_guess: float = 0.3
    guess_error: float = 0.3


@dataclass(frozen=True)
class Windows:
    """A batch to learn from.

    Attributes:
        rays: (N, F, 17, 2) slopes of the COCO joints as detected.
        scores: (N, F, 17) confidence, 0 where not found.
        target: (N, F, 17, 3) Human3.6M joints, root-relative, camera axes [m].
        root: (N, F, 3) the pelvis in camera coordinates [m].
        fov: (N,) field of view along the longer side of the image [degrees].
    """

    rays: Tensor
    scores: Tensor
    target: Tensor
    root: Tensor
    fov: Tensor

    @property
    def depth(self) -> Tensor:
        """(N,) distance of the root along the optical axis in the middle frame [m]."""
        return self.root[:, self.root.shape[1] // 2, 2]

    def frames(self, frames: slice) -> Windows:
        """The same windows with these frames only."""
        parts = {name: getattr(self, name)[:, frames] for name in ("rays", "scores", "target", "root")}
        return replace(self, **parts)


def film(windows: Tensor, config: CameraConfig, gen: Generator) -> tuple[Windows, Tensor]:
    """Put a camera in front of every window (N, F, 34, 3).

    Returns:
        The windows as a perfect detector with the true camera would see them, and (N, F, 17) which joints can be
        seen: in the picture and not behind the body.
    """
    count = len(windows)
    fov = uniform(count, config.fov, gen)
    half = (fov * pi / 360).tan()
    aspect = uniform(count, config.aspect, gen)
    wide = rand(count, gen=gen) < 0.5
    extent = torch.stack([torch.where(wide, half, half * aspect), torch.where(wide, half * aspect, half)], -1)
    slope = (rand(count, 2, gen=gen) * 2 - 1) * config.off_centre * extent
    near, far = (torch.tensor(d).log().item() for d in config.distance)
    depth = (near + (far - near) * rand(count, gen=gen)).exp()
    place = torch.cat([slope, torch.ones_like(slope[:, :1])], -1) * depth[:, None]
    joints = turn(windows, _camera_rotation(count, config, gen)) + place[:, None, None]
    joints = _move(joints, depth, config, gen)
    coco = joints[:, :, 17:]
    rays = coco[..., :2] / coco[..., 2:].clamp(min=0.3)
    inside = (rays.abs() <= extent[:, None, None]).all(-1) & (coco[..., 2] > 0.3)
    root = joints[:, :, 0]
    target = joints[:, :, :17] - root[:, :, None]
    visible = inside & ~hidden_by_body(coco)
    return Windows(rays, torch.ones_like(rays[..., 0]), target, root, fov), visible


def _camera_rotation(count: int, config: CameraConfig, gen: Generator) -> Tensor:
    """(N, 3, 3) from z-up world axes to the axes of a camera that looks at the person from any side."""
    yaw = rand(count, gen=gen) * 2 * pi
    pitch = config.pitch[0] + randn(count, gen=gen) * config.pitch[1]
    steep = rand(count, gen=gen) < config.steep
    pitch = torch.where(steep, uniform(count, config.pitch_range, gen), pitch).clamp(*config.pitch_range) * pi / 180
    roll = randn(count, gen=gen) * config.roll * pi / 180
    level = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]], device=gen.device)
    return axis_rotation(roll, 2) @ axis_rotation(pitch, 0) @ level @ axis_rotation(yaw, 2)


def _move(joints: Tensor, depth: Tensor, config: CameraConfig, gen: Generator) -> Tensor:
    """Joints (N, F, 34, 3) as cameras see them that turn and travel evenly; at rest in the middle frame."""
    count, frames = joints.shape[:2]
    moving = torch.nonzero(rand(count, gen=gen) < config.moving)[:, 0]
    pan = randn(count, 3, gen=gen)[moving] * torch.tensor([0.5, 1.0, 0.25], device=gen.device)
    way = randn(count, 3, gen=gen)[moving] * (config.travel * depth[moving, None])
    time = torch.arange(frames, device=gen.device) - frames // 2
    turns = rotation_from_vector((pan[:, None] * (time[:, None] * config.pan * pi / 180)).flatten(0, 1))
    seen = joints[moving] + (way[:, None] * time[:, None])[:, :, None]
    joints = joints.clone()
    joints[moving] = turn(seen.flatten(0, 1)[:, None], turns).view(seen.shape)
    return joints
