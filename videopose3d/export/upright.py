"""Joints as other programs want them: Y up, on the ground, with marker names. Axes and ground: docs/export.md."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d.errors import VideoPose3DError
from videopose3d.skeleton import side
from videopose3d.types import FloatArray, Poses3D, Result

Array = NDArray[np.float64]

AXES = "X right, Y up, Z towards the camera"
SOLE = 0.06
"""Where no ground was found, Y = 0 lies this far below the lowest joint [m]: an ankle is not a sole."""
ROW = 1.2
"""Distance of people of whom nobody knows where they are [m]: they stand in a row."""
_OUTLIERS = 10.0  # percent of the frames that may reach below: a trajectory has outliers


def lifted(result: Result) -> Poses3D:
    """The 3D stage of a result; ask for it before a file is begun.

    Raises:
        VideoPose3DError: There is none.
    """
    if result.poses is None:
        where = result.keypoints.source or None
        raise VideoPose3DError("this result has 2D keypoints only", where=where, fix="Lift it first: videopose3d lift.")
    return result.poses


def camera_to_y_up(points: NDArray[np.floating[Any]]) -> Array:
    """(..., 3) x right, y down, z forward -> X right, Y up, Z back: half a turn about x, so left stays left."""
    turned: Array = points.astype(np.float64) * (1.0, -1.0, -1.0)
    return turned


def y_up_to_z_up(points: Array) -> Array:
    """(..., 3) X right, Y up, Z back -> x right, y away, z up: the axes of ``World``."""
    x, y, z = np.moveaxis(points, -1, 0)
    turned: Array = np.stack([x, -z, y], -1)
    return turned


def levelled(result: Result) -> Poses3D:
    """Poses and trajectory as a level camera on the ground would have them: x right, y down, z forward [m].

    The trajectory is then measured from the ground straight below the camera. A pose without a place is turned
    upright with the camera, and its trajectory is NaN. Without a ground the camera is taken for level as it is.

    Raises:
        VideoPose3DError: The result has no 3D stage.
    """
    poses = lifted(result)
    if result.world is None:
        return poses
    root = poses.skeleton.parents.index(-1)
    places = result.world.poses[:, :, root]
    found = result.world.poses - places[:, :, None]
    turned = poses.poses @ result.world.world_from_camera[:, :3].T
    upright_poses = np.where(np.isfinite(found), found, turned)
    return replace(poses, poses=_z_up_to_level(upright_poses), trajectory=_z_up_to_level(places))


def upright(result: Result, *, fill: bool = False) -> Array:
    """(P, T, J, 3) where everybody's joints are, Y up [m]; NaN where that is not known.

    X and Z are measured from the camera, Y from the ground; where none was found, the camera is taken for level and
    the floor put under the feet. A person whose place is unknown over the whole clip moves on the spot.

    Args:
        result: Poses, trajectories and, where it was found, the ground.
        fill: Frames with a pose but without a place get one between its neighbours instead of NaN.

    Raises:
        VideoPose3DError: The result has no 3D stage.
    """
    poses = levelled(result)
    points: Array = camera_to_y_up(poses.poses)
    for person, trajectory in enumerate(poses.trajectory):
        if result.world is not None and not np.isfinite(trajectory).all(-1).any():
            points[person, ..., 1] -= _floor(points[person])
        points[person] += _places(trajectory, person, fill)[:, None]
    if result.world is None:
        points[..., 1] -= _floor(points)
    return points


def camera_pose(result: Result) -> tuple[Array, Array] | None:
    """Turn (3, 3) and place (3,) [m] of the camera that filmed the clip, Y up; it looks along its own -Z.

    None where nobody has a place and no ground was found.
    """
    if result.world is not None:
        matrix = result.world.world_from_camera
        y_up = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # of z up
        return y_up @ matrix[:, :3] * (1.0, -1.0, -1.0), y_up @ matrix[:, 3]
    poses = lifted(result)
    seen = camera_to_y_up(poses.poses + poses.trajectory[:, :, None])
    placed = np.isfinite(seen)
    return (np.eye(3), (upright(result) - seen)[placed.all(-1)][0]) if placed.any() else None


def markers(skeleton_joints: tuple[str, ...], people: int) -> list[str]:
    """(P * J) names of all points: ``RHip``, ``Pelvis``; of the second person ``P2_RHip``, and so on."""
    return [prefix(person) + marker_name(joint) for person in range(people) for joint in skeleton_joints]


def prefix(person: int) -> str:
    """What stands before the names of a person, counted from 0: nothing for the main one."""
    return f"P{person + 1}_" if person else ""


def marker_name(joint: str) -> str:
    """``right_hip`` -> ``RHip``, ``pelvis`` -> ``Pelvis``."""
    sign = {"left": "L", "right": "R"}.get(side(joint), "")
    return sign + "".join(word.capitalize() for word in joint.split("_")[bool(sign) :])


def _z_up_to_level(points: NDArray[np.floating[Any]]) -> FloatArray:
    """(..., 3) x right, y away, z up -> x right, y down, z forward."""
    x, y, z = np.moveaxis(points, -1, 0)
    level: FloatArray = np.stack([x, -z, y], -1).astype(np.float32)
    return level


def _places(trajectory: NDArray[np.floating[Any]], person: int, fill: bool) -> Array:
    """(T, 3) where the pelvis is, Y up and from the camera."""
    root = camera_to_y_up(trajectory)
    known = np.isfinite(root).all(-1)
    if not known.any():
        return np.tile([ROW * person, 0.0, 0.0], (len(root), 1))
    if fill:
        frames = np.arange(len(root))
        root = np.stack([np.interp(frames, frames[known], root[known, axis]) for axis in range(3)], -1)
    return root


def _floor(points: Array) -> float:
    """Height of the floor [m]: one for the clip, under the lowest joints of all frames but a few."""
    heights = np.where(np.isfinite(points[..., 1]), points[..., 1], np.inf).min(-1, initial=np.inf)
    known = np.isfinite(heights)
    return float(np.percentile(heights[known], _OUTLIERS)) - SOLE if known.any() else 0.0
