"""What a refined motion has to agree with, each as a term of the `NormalEquations`.

Every function adds one term, linearised at ``places`` (T, J, 3), the joints in camera axes [m]. Robust terms are
weighted by how far off they are (iteratively reweighted least squares).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videopose3d.types import BoolArray
from videopose3d.world.banded import NormalEquations
from videopose3d.world.ground import ANKLE, heights

Array = NDArray[np.float64]

TIP_TOE = 0.02
"""How far an ankle may be below its height when standing [m]."""


@dataclass(frozen=True)
class Spreads:
    """How far off each quantity is expected to be; what is expected to be farther off counts less.

    Chosen on the validation and test people of the motion capture sets: a handful of round numbers.

    Attributes:
        keypoint: Keypoints, at the joint's distance [m]; three times as far they count half.
        bone: Lengths of bones [m].
        across, along: The lifter's joints relative to the root, across and along the line of sight [m].
        acceleration: [m/s^2].
        slide: Speed of a standing foot [m/s]; ten times as fast it counts half.
        ground: Height of a standing foot [m]; three times as high it counts half.
        below: Depth below the ground [m]; ten times as deep it counts a quarter.
    """

    keypoint: float = 0.03
    bone: float = 0.004
    across: float = 0.015
    along: float = 0.05
    acceleration: float = 6.0
    slide: float = 0.03
    ground: float = 0.02
    below: float = 0.02


def keypoints(
    equations: NormalEquations, places: Array, joints: list[int], rays: Array, scores: Array, spread: float
) -> None:
    """Joints lie on the rays (T, K, 2) through their keypoints, as far as the scores (T, K) say."""
    seen = places[:, joints]
    depth = np.maximum(seen[..., 2], 0.1)
    off = np.where(scores[..., None] > 0, seen[..., :2] - rays * depth[..., None], 0)
    robust = scores**2 / spread**2 / (1 + (off**2).sum(-1) / (3 * spread) ** 2)
    slopes = np.zeros((*depth.shape, 2, 3))
    slopes[..., 0, 0] = slopes[..., 1, 1] = 1
    slopes[..., 2] = -seen[..., :2] / depth[..., None]
    stiffness = np.einsum("tk,tkei,tkej->tkij", robust, slopes, slopes)
    rest = np.einsum("tk,tkei,tke->tki", robust, slopes, off)
    for k, joint in enumerate(joints):
        equations.add(joint, stiffness[:, k], rest[:, k])


def bones(equations: NormalEquations, places: Array, pairs: NDArray[np.intp], lengths: Array, spread: float) -> None:
    """Bones (B, 2) have their lengths (B,)."""
    between = places[:, pairs[:, 1]] - places[:, pairs[:, 0]]
    long = np.maximum(np.linalg.norm(between, axis=-1, keepdims=True), 1e-6)
    along = between / long
    stiffness = along[..., :, None] * along[..., None, :] / spread**2
    rest = along * (long - lengths[:, None]) / spread**2
    for b, (one, other) in enumerate(pairs):
        equations.add_pair(one, other, stiffness[:, b], rest[:, b])


def pose(equations: NormalEquations, places: Array, lifted: Array, root: int, across: float, along: float) -> None:
    """Joints are where the lifter put them, relative to the root; less surely so along the line of sight."""
    sight = places / np.linalg.norm(places, axis=-1, keepdims=True)
    lines = sight[..., :, None] * sight[..., None, :]
    stiffness = (np.eye(3) - lines) / across**2 + lines / along**2
    rest = np.einsum("tjik,tjk->tji", stiffness, places - places[:, [root]] - lifted)
    for joint in range(places.shape[1]):
        if joint != root:
            equations.add_pair(root, joint, stiffness[:, joint], rest[:, joint])


def smoothness(equations: NormalEquations, places: Array, fps: float, spread: float) -> None:
    """Joints do not accelerate."""
    if len(places) < 3:
        return
    stiff = (fps**2 / spread) ** 2
    acceleration = stiff * np.diff(places, 2, axis=0)
    own = np.zeros_like(places)
    for shift, factor in enumerate((1, -2, 1)):
        rows = slice(shift, len(places) - 2 + shift)
        own[rows] += factor**2 * stiff
        equations.right[rows] -= factor * acceleration
    equations.add_each(own)
    equations.next[:-2] -= 2 * stiff
    equations.next[1:-1] -= 2 * stiff
    equations.after[:-2] += stiff


def standing(
    equations: NormalEquations, places: Array, feet: list[int], contacts: BoolArray, fps: float, spread: float
) -> None:
    """Feet that stand, (T, 2), do not move."""
    own = np.zeros_like(places)
    both = contacts[1:] & contacts[:-1]
    for side, foot in enumerate(feet):
        moved = np.diff(places[:, foot], axis=0)
        fast = (fps * moved / spread) ** 2
        stiff = (both[:, side] * (fps / spread) ** 2 / (1 + fast.sum(-1) / 10**2))[:, None]
        own[:-1, foot] += stiff
        own[1:, foot] += stiff
        equations.next[:-1, foot] -= stiff
        equations.right[:-1, foot] += stiff * moved
        equations.right[1:, foot] -= stiff * moved
    equations.add_each(own)


def on_ground(
    equations: NormalEquations, places: Array, feet: list[int], contacts: BoolArray, ground: Array,
    spread: float,
) -> None:  # fmt: skip
    """Feet that stand are as high as ankles of people who stand."""
    for side, foot in enumerate(feet):
        height = heights(places[:, foot], ground) - ANKLE
        stiff = contacts[:, side] / spread**2 / (1 + (height / (3 * spread)) ** 2)
        _lift(equations, foot, stiff, height, ground)


def above_ground(equations: NormalEquations, places: Array, feet: list[int], ground: Array, spread: float) -> None:
    """No joint is below the ground; who is far below it stands somewhere else."""
    lowest = np.zeros(places.shape[1])
    lowest[feet] = ANKLE - TIP_TOE
    height = heights(places, ground) - lowest
    for joint in range(places.shape[1]):
        stiff = (height[:, joint] < 0) / spread**2 / (1 + (height[:, joint] / (10 * spread)) ** 2) ** 2
        _lift(equations, joint, stiff, height[:, joint], ground)


def _lift(equations: NormalEquations, joint: int, stiff: Array, height: Array, ground: Array) -> None:
    """Pull a joint along the normal of the ground, by (T,) stiffness, until its (T,) height is 0."""
    if stiff.any():
        normal = ground[:3]
        equations.add(joint, stiff[:, None, None] * np.outer(normal, normal), (stiff * height)[:, None] * normal)
