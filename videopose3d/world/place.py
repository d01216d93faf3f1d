"""Motion in world axes: on the ground, upright."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from videopose3d.types import BoolArray, Float64Array, Poses3D, World
from videopose3d.world.ground import find_ground

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]

_ENOUGH = 2.0  # s
_RARELY = 0.05


def find_world(poses: Poses3D, fps: Fraction) -> World:
    """Everybody on the ground, for a camera that stands still and people of about 1.70 m (`scaled` makes them larger).

    Args:
        poses: Poses and trajectories.
        fps: Frame rate [1/s].
    """
    feet = ankles(poses)
    ground, contacts = find_ground(poses, feet, fps)
    known = np.isfinite(feet).all((-1, -2))
    if known.sum() >= _ENOUGH * float(fps) and contacts.any(-1).sum() < _RARELY * known.sum():
        logger.warning(
            "no foot stands still: the camera moves, or nobody is on the ground; ground and path are guesses"
        )
    return placed(poses, ground, contacts)


def ankles(poses: Poses3D) -> Array:
    """(P, T, 2, 3) left and right ankle in camera axes [m]; NaN where unknown."""
    at = poses.skeleton.indices(("left_ankle", "right_ankle"))
    feet: Array = poses.poses[:, :, at].astype(np.float64) + poses.trajectory[:, :, None]
    return feet


def placed(poses: Poses3D, ground: Float64Array, contacts: BoolArray) -> World:
    """Everybody in the axes that stand on a ground."""
    axes = world_axes(ground)
    joints = poses.poses.astype(np.float64) + poses.trajectory[:, :, None]
    return World((joints @ axes[:, :3].T + axes[:, 3]).astype(np.float32), ground, axes, contacts)


def world_axes(ground: Float64Array) -> Float64Array:
    """(3, 4) [R | t] from camera to world axes: z up from the ground, y where the camera looks, x to its right."""
    up = ground[:3]
    looking = np.array([0.0, 0.0, 1.0])
    if abs(up @ looking) > 1 - 1e-6:  # straight down or up: where the top edge of the picture points
        looking = np.array([0.0, -1.0, 0.0])
    forwards = looking - (looking @ up) * up
    forwards /= np.linalg.norm(forwards)
    return np.column_stack([np.stack([np.cross(forwards, up), forwards, up]), [0.0, 0.0, ground[3]]])


def scaled(poses: Poses3D, world: World, factor: float) -> tuple[Poses3D, World]:
    """The same motion of people ``factor`` times as large, and as much farther away: the picture stays the same."""
    size = np.float32(factor)
    ground, axes = world.ground.copy(), world.world_from_camera.copy()
    ground[3] *= factor
    axes[:, 3] *= factor
    larger = replace(poses, poses=size * poses.poses, trajectory=size * poses.trajectory)
    return larger, World(size * world.poses, ground, axes, world.contacts)
