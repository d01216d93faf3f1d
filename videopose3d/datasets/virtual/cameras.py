"""Virtual cameras anywhere around the person."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from torch import Generator, Tensor

from videopose3d.datasets.virtual.rotations import axis_rotation, turn, uniform


@dataclass(frozen=True)
class CameraConfig:
    """Where virtual cameras stand and what they see.

    Attributes:
        distance: Range of the pelvis' distance, for a person of 1.70 m [m].
        fov: Range of the field of view along the longer side of the image [degrees].
        pitch: Mean and spread of the downward look [degrees].
        roll: Spread of the roll [degrees].
        focal_error: Spread of the log error of the focal length that the user gives.
    """

    distance: tuple[float, float] = (1.5, 12.0)
    fov: tuple[float, float] = (35.0, 90.0)
    pitch: tuple[float, float] = (6.0, 13.0)
    roll: float = 6.0
    focal_error: float = 0.12


@dataclass(frozen=True)
class Windows:
    """A batch to learn from.

    Attributes:
        rays: (N, F, 17, 2) slopes of the COCO joints as detected.
        scores: (N, F, 17) confidence, 0 where not found.
        target: (N, 17, 3) Human3.6M joints of the middle frame, root-relative, camera axes [m].
        depth: (N,) distance of the root along the optical axis [m].
    """

    rays: Tensor
    scores: Tensor
    target: Tensor
    depth: Tensor


def film(windows: Tensor, config: CameraConfig, gen: Generator) -> tuple[Windows, Tensor]:
    """Put a camera in front of every window (N, F, 34, 3).

    Returns:
        The windows as a perfect detector with the true camera would see them, and (N, F, 17) which joints
        lie inside the picture.
    """
    count, frames = windows.shape[:2]
    seen_by_camera = turn(windows, _camera_rotation(count, config, gen))
    half = (uniform(count, config.fov, gen) * pi / 360).tan()
    aspect = torch.tensor([9 / 16, 3 / 4, 1.0])[torch.randint(3, (count,), generator=gen)]
    wide = torch.rand(count, generator=gen) < 0.5
    extent = torch.stack([torch.where(wide, half, half * aspect), torch.where(wide, half * aspect, half)], -1)
    slope = (torch.rand(count, 2, generator=gen) * 2 - 1) * 0.8 * extent
    near, far = torch.tensor(config.distance).log()
    depth = (near + (far - near) * torch.rand(count, generator=gen)).exp()
    place = torch.cat([slope, torch.ones(count, 1)], -1) * depth[:, None]
    joints = seen_by_camera + place[:, None, None]
    coco = joints[:, :, 17:]
    rays = coco[..., :2] / coco[..., 2:].clamp(min=0.3)
    inside = (rays.abs() <= extent[:, None, None]).all(-1) & (coco[..., 2] > 0.3)
    middle = seen_by_camera[:, frames // 2, :17]
    target = middle - middle[:, :1]
    return Windows(rays, torch.ones(count, frames, 17), target, depth), inside


def _camera_rotation(count: int, config: CameraConfig, gen: Generator) -> Tensor:
    """(N, 3, 3) from z-up world axes to the axes of a camera that looks at the person from any side."""
    yaw = torch.rand(count, generator=gen) * 2 * pi
    pitch = (config.pitch[0] + torch.randn(count, generator=gen) * config.pitch[1]).clamp(-30, 45) * pi / 180
    roll = torch.randn(count, generator=gen) * config.roll * pi / 180
    level = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    return axis_rotation(roll, 2) @ axis_rotation(pitch, 0) @ level @ axis_rotation(yaw, 2)
