"""The ground under people's feet, for a camera that stands still."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from videopose3d.levelling import Vertical, vertical
from videopose3d.smoothing import stretches
from videopose3d.types import BoolArray, Poses3D
from videopose3d.world.contacts import speeds, standing

Array = NDArray[np.float64]

ANKLE = 0.065
"""How high the ankle of a standing person of 1.70 m is above the ground [m]."""
_CAMERA_HEIGHT = 1.5  # [m] where nobody is seen
_NEAR = 0.5  # [m] feet that stand nearer than this to each other are wrong together
_ERROR = 0.03, 0.025  # of a foot's height above the ground: [m], and as a share of the camera's height
_ROUNDS, _STEPS = 3, 20
_MOST = 2000
_OUTLIERS = 10.0  # percent of the frames


def find_ground(poses: Poses3D, feet: Array, fps: Fraction) -> tuple[Array, BoolArray]:
    """The ground of a clip, and when feet stand on it.

    Feet that hardly move are taken to stand, a plane is laid under them, feet high above it are left out, and so on.
    Where no foot stands, the ground is perpendicular to the vertical and under the lowest joint of nearly all frames.

    Args:
        poses: Everybody.
        feet: (P, T, 2, 3) their left and right ankles in camera axes [m]; NaN where unknown.
        fps: Frame rate [1/s].

    Returns:
        (4,) as ``World.ground``, and (P, T, 2) as ``World.contacts``.
    """
    up, speed = vertical(poses), speeds(feet, fps)
    ground = _below(up, feet, standing(speed), poses)
    stand = _on(ground, feet, speed)
    for _ in range(_ROUNDS):
        ground = _below(up, feet, stand, poses)
        stand = _on(ground, feet, speed)
    return ground, stand


def _on(ground: Array, feet: Array, speed: Array) -> BoolArray:
    """(P, T, 2) which feet stand on that ground; the farther below the camera it is, the less sure are heights."""
    return standing(speed, heights(feet, ground) - ANKLE, _ERROR[1] * abs(float(ground[3])))


def heights(points: Array, ground: Array) -> Array:
    """(...) how high points (..., 3) in camera axes are above the ground [m]."""
    high: Array = points @ ground[:3] + ground[3]
    return high


def _below(up: Vertical, feet: Array, stand: BoolArray, poses: Poses3D) -> Array:
    """(4,) the plane under the feet that stand, or under the lowest joints."""
    places = _places(feet, stand)
    if len(places):
        return fit_plane(places, up)
    joints = (poses.poses + poses.trajectory[:, :, None]).astype(np.float64)
    lowest = (joints[np.isfinite(joints).all((-1, -2))] @ up.up).min(-1, initial=np.inf)
    height = ANKLE - float(np.percentile(lowest, _OUTLIERS)) if len(lowest) else _CAMERA_HEIGHT
    return np.array([*up.up, height])


def _places(feet: Array, stand: BoolArray) -> Array:
    """(n, 3) where feet stood, the mean of each time that one did; evenly chosen where they are very many."""
    places = [
        feet[person, start:stop, foot].mean(0)
        for person in range(len(feet))
        for foot in range(2)
        for start, stop in stretches(stand[person, :, foot])
    ]
    return np.array(places[:: 1 + len(places) // _MOST]).reshape(-1, 3)


def fit_plane(places: Array, up: Vertical) -> Array:
    """(4,) the ground below ankles that stood at ``places``, tilted from ``up`` only as far as they tell.

    Gauss-Newton steps over two tilts and the offset. Places far from the plane count less and less (Cauchy's weights).
    Places near each other share one error, so that somebody who stays where he is does not tilt the ground.

    Args:
        places: (n, 3) at least one, in camera axes [m].
        up: The vertical, from elsewhere.
    """
    sideways = _unit(np.cross(up.up, (0.0, 0.0, 1.0)))
    forwards = np.cross(up.up, sideways)
    normal, tilt = up.up, np.zeros(2)
    offset = ANKLE - float(np.quantile(places @ normal, 0.3))  # what stands higher than most stands on something
    error = float(np.hypot(_ERROR[0], _ERROR[1] * offset))
    rows = np.column_stack([places @ sideways, places @ forwards, np.ones(len(places))]) / error
    alone = 1 / _crowds(places, normal)
    prior = np.diag([*up.spread**-2.0, 1e-6])
    for _ in range(_STEPS):
        rest = (places @ normal + offset - ANKLE) / error
        weights = alone / (1 + (rest / 2) ** 2)
        information = rows.T @ (weights[:, None] * rows) + prior
        gradient = rows.T @ (weights * rest) + prior @ [*tilt, 0]
        step = np.linalg.solve(information, gradient)
        tilt, offset = tilt - step[:2], offset - float(step[2])
        normal = _unit(up.up + tilt[0] * sideways + tilt[1] * forwards)
    return np.array([*normal, offset])


def _crowds(places: Array, up: Array) -> Array:
    """(n,) how many places, itself among them, are so near to each that they are wrong together."""
    flat = places - (places @ up)[:, None] * up
    square = (flat**2).sum(-1)
    apart = np.maximum(square[:, None] + square - 2 * flat @ flat.T, 0)
    crowds: Array = np.exp(-0.5 * apart / _NEAR**2).sum(-1)
    return crowds


def _unit(vector: Array) -> Array:
    scaled: Array = vector / np.linalg.norm(vector)
    return scaled
