"""Where people stand on the floor of the 3D scene: camera axes to display axes, feet to the ground.

Display axes: X right and Y forward as the levelled camera saw them, Z up; metres; the floor is Z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from videopose3d.levelling import levelling
from videopose3d.types import FloatArray, Poses3D

Array = NDArray[np.float64]

SOLE = 0.06
"""The floor lies this far below the lowest joint [m]: an ankle is not a sole."""
FOLLOW_FROM = 1.5
"""A single person who travels farther than this is followed [m]; otherwise the scene stands still."""
_SINK = 0.03
_MARGIN = 0.7
_MIN_HALF = 1.0
_MIN_HEIGHT = 1.8


@dataclass(frozen=True)
class Stage:
    """People on the floor, and how much room they take over the clip.

    Attributes:
        points: (P, T, J, 3) display axes [m]; NaN where a person is absent.
        drift: (T, 2) how far the floor has moved under a followed person [m]; zeros when it stands still.
        centre: (2,) middle of the floor [m].
        half: (2,) half of the floor's sides [m].
        height: Height of the room that people need [m].
        follow: The scene moves with the person.
    """

    points: FloatArray
    drift: Array
    centre: Array
    half: Array
    height: float
    follow: bool


def set_stage(poses: Poses3D, fps: Fraction) -> Stage:
    """Put everybody on the floor and measure the room; scale and view then hold for the whole clip."""
    people, frames = poses.poses.shape[:2]
    level = levelling(poses, fps)
    bodies = camera_to_display(poses.poses @ level)
    roots = np.zeros((people, frames, 3))
    for person in range(people):
        roots[person] = _root(poses.trajectory[person] @ level, person, people)
    follow = people == 1 and _travel(roots[0]) > FOLLOW_FROM
    drift = _smooth(roots[0, :, :2], float(fps) / 2) if follow else np.zeros((frames, 2))
    points = bodies + (roots[:, :, None] * (0, 0, 1) if follow else roots[:, :, None])
    for person in range(people):
        points[person, ..., 2] -= ground(points[person, ..., 2].min(-1), fps)[:, None] - SOLE
    centre, half, height = _room(points)
    return Stage(points.astype(np.float32), drift, centre, half, height, follow)


def camera_to_display(points: FloatArray) -> Array:
    """(..., 3) x right, y down, z forward -> x right, y forward, z up."""
    return np.asarray(np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1), np.float64)


def ground(lowest: Array, fps: Fraction) -> Array:
    """(T,) height of the floor under one person [m].

    A low percentile per second, then the lowest of the five seconds around: a jump leaves the floor where it
    is, a crouch too, and a camera that looks down a little does not make a walker sink. The floor gives way
    where a foot would still be more than a few centimetres below it.

    Args:
        lowest: (T,) height of the lowest joint [m], NaN where absent.
        fps: Frame rate [1/s].
    """
    frames = np.arange(len(lowest))
    second = (frames / float(fps)).astype(int)
    known = np.isfinite(lowest)
    if not known.any():
        return np.zeros(len(lowest))
    seconds = np.unique(second[known])
    low = np.array([np.percentile(lowest[known & (second == s)], 10) for s in seconds])
    floor = np.array([low[np.abs(seconds - s) <= 2].min() for s in seconds])
    floor = np.array([floor[np.abs(seconds - s) <= 1].mean() for s in seconds])
    level = np.interp(frames / float(fps), seconds + 0.5, floor)
    return np.asarray(np.fmin(level, lowest + _SINK))


def _root(trajectory: FloatArray, person: int, people: int) -> Array:
    """(T, 3) where the pelvis is, in display axes; unknown places in between are interpolated.

    A person without any known place stands in a row with the others.
    """
    root: Array = camera_to_display(trajectory)
    known = np.isfinite(root).all(-1)
    if not known.any():
        return np.tile([1.2 * (person - (people - 1) / 2), 0.0, 0.0], (len(root), 1))
    frames = np.arange(len(root))
    return np.stack([np.interp(frames, frames[known], root[known, axis]) for axis in range(3)], -1)


def _travel(root: Array) -> float:
    """Longer side of the floor rectangle that a (T, 3) root visits, outliers aside [m]."""
    if not len(root):
        return 0.0
    low, high = np.percentile(root[:, :2], (2, 98), axis=0)
    return float((high - low).max())


def _smooth(values: Array, frames: float) -> Array:
    """(T, 2) moving average over about ``frames`` frames, the ends held."""
    reach = max(1, round(frames / 2))
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    sums = np.cumsum(np.pad(padded, ((1, 0), (0, 0))), axis=0)
    return np.asarray((sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1))


def _room(points: Array) -> tuple[Array, Array, float]:
    """Centre (2,), half sides (2,) and height of the room [m], outliers aside."""
    placed = points[np.isfinite(points).all((-1, -2))]
    if not len(placed):
        return np.zeros(2), np.full(2, _MIN_HALF), _MIN_HEIGHT
    middles = placed[..., :2].mean(-2)
    low, high = np.percentile(middles, (2, 98), axis=0)
    half = np.maximum((high - low) / 2 + _MARGIN, _MIN_HALF)
    height = max(_MIN_HEIGHT, float(np.percentile(placed[..., 2].max(-1), 99)))
    return (low + high) / 2, half, height
