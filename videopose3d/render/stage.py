"""Where people stand on the floor of the 3D scene: camera axes to display axes, feet to the ground.

Display axes: X right and Y forward as the levelled camera saw them, Z up; metres; the floor is Z = 0. These are the
axes of `World`, which is shown as it is where a result has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from videopose3d.levelling import levelling
from videopose3d.skeleton import Skeleton
from videopose3d.types import BoolArray, FloatArray, Poses3D, World

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
        skeleton: Which joints these are.
        fps: Frame rate [1/s].
        present: (P, T) False where a person was interpolated.
        contacts: (P, T, 2) left and right foot stand on the ground; None where that is not known.
    """

    points: FloatArray
    drift: Array
    centre: Array
    half: Array
    height: float
    follow: bool
    skeleton: Skeleton
    fps: Fraction
    present: BoolArray
    contacts: BoolArray | None = None


def set_stage(
    poses: Poses3D,
    fps: Fraction,
    *,
    present: BoolArray | None = None,
    world: World | None = None,
    follow: bool | None = None,
) -> Stage:
    """Put everybody on the floor and measure the room; scale and view then hold for the whole clip.

    Args:
        poses: The people.
        fps: Frame rate [1/s].
        present: (P, T) False where a person was interpolated; by default nobody was.
        world: The same people on the ground; without it the floor is taken from how they stand.
        follow: Keep the scene on the first person; by default if there is one person only, and goes far.
    """
    points, roots = _without_world(poses, fps) if world is None else _in_world(poses, world)
    frames = points.shape[1]
    if follow is None:
        follow = len(roots) == 1 and _travel(roots[0]) > FOLLOW_FROM
    drift = _smooth(roots[0, :, :2], float(fps) / 2) if follow and len(roots) else np.zeros((frames, 2))
    if follow and len(roots):
        # A path on the ground is even, and feet that stand shall stand on the moving floor; others may jitter.
        points[..., :2] -= (drift if world is not None else roots[0, :, :2])[:, None]
    centre, half, height = _room(points)
    if present is None:
        present = np.isfinite(points).all((-1, -2))
    contacts = None if world is None else world.contacts
    whole = points.astype(np.float32)
    return Stage(whole, drift, centre, half, height, bool(follow), poses.skeleton, fps, present, contacts)


def in_one_scale(one: Stage, other: Stage) -> tuple[Stage, Stage]:
    """Two stages whose rooms are of the same size, so that people in them can be compared."""
    half, height = np.maximum(one.half, other.half), max(one.height, other.height)
    return replace(one, half=half, height=height), replace(other, half=half, height=height)


def _without_world(poses: Poses3D, fps: Fraction) -> tuple[Array, Array]:
    """(P, T, J, 3) and roots (P, T, 3) in display axes, each person put on the floor by itself."""
    people, frames = poses.poses.shape[:2]
    level = levelling(poses)
    roots = np.zeros((people, frames, 3))
    for person in range(people):
        roots[person] = _root(camera_to_display(poses.trajectory[person] @ level), person, people)
    points = camera_to_display(poses.poses @ level) + roots[:, :, None]
    for person in range(people):
        points[person, ..., 2] -= ground(points[person, ..., 2].min(-1), fps)[:, None] - SOLE
    return points, roots


def _in_world(poses: Poses3D, world: World) -> tuple[Array, Array]:
    """(P, T, J, 3) and roots (P, T, 3) in world axes; who has a pose but no place stands between the places."""
    people, frames = poses.poses.shape[:2]
    points, roots = world.poses.astype(np.float64), np.zeros((people, frames, 3))
    bodies = poses.poses @ world.world_from_camera[:, :3].T
    bodies -= bodies[:, :, :1]
    for person in range(people):
        roots[person] = _root(points[person, :, 0], person, people)
        lost = ~np.isfinite(points[person]).all((-1, -2))
        points[person, lost] = bodies[person, lost] + roots[person, lost, None]
        if lost.all():  # in a row with the others: nobody knows how high, either
            points[person, ..., 2] -= np.nanmin(points[person, ..., 2], initial=np.inf) - SOLE
    return points, roots


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


def _root(root: Array, person: int, people: int) -> Array:
    """(T, 3) where the pelvis is, in display axes; unknown places in between are interpolated.

    A person without any known place stands in a row with the others.
    """
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
