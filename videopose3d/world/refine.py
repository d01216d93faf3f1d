"""Poses and path made to agree with the picture, with themselves, and with the ground.

Every joint's place in every frame is an unknown; Gauss-Newton steps minimise the sum of the `terms` over a stretch.
All of these are about one frame or its neighbours, so that a step is a banded system. Long stretches are done in parts,
each going on where the one before ended: time is linear in the length, memory does not grow with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from videopose3d.geometry import Camera, rays_from_pixels
from videopose3d.skeleton import LIMB_JOINTS, Skeleton
from videopose3d.smoothing import stretches
from videopose3d.types import BoolArray, Keypoints2D, Poses3D, World
from videopose3d.world import terms
from videopose3d.world.banded import NormalEquations
from videopose3d.world.place import placed
from videopose3d.world.terms import Spreads

Array = NDArray[np.float64]

PART, OVERLAP = 300, 60
"""Frames solved for at once, and how many of these are solved for again with the next ones."""
_STEPS = 4
_WORSE, _CLOSE = 2.0, 0.05
"""A stretch stays as it was if its joints get so many times as far from their keypoints, and farther than that [m]."""
_HELD = 1e8
_LEAST = 1.0


@dataclass(frozen=True)
class _Stretch:
    """What is known about one person in T frames.

    Attributes:
        lifted: (T, J, 3) the lifter's joints, root at the origin [m].
        rays: (T, K, 2) slopes of the keypoints.
        scores: (T, K) 0 where not seen.
        contacts: (T, 2) feet that stand.
    """

    lifted: Array
    rays: Array
    scores: Array
    contacts: BoolArray

    def part(self, start: int, stop: int) -> _Stretch:
        """Some of its frames."""
        here = slice(start, stop)
        return _Stretch(self.lifted[here], self.rays[here], self.scores[here], self.contacts[here])


@dataclass(frozen=True)
class _Body:
    """One person, and where.

    Attributes:
        root: Index of the root.
        feet: Of left and right ankle.
        seen: Of the joints that have keypoints.
        bones: (B, 2) their ends.
        lengths: (B,) [m].
        ground: (4,) as ``World.ground``.
        fps: Frame rate [1/s].
    """

    root: int
    feet: list[int]
    seen: list[int]
    bones: NDArray[np.intp]
    lengths: Array
    ground: Array
    fps: float


def refine(
    poses: Poses3D,
    keypoints: Keypoints2D,
    camera: Camera,
    world: World,
    spreads: Spreads | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Poses3D, World]:
    """The motion refined, and the same in the world; people are about 1.70 m, as in `find_world`.

    Args:
        poses: The lifter's poses and trajectories. Frames without a place stay as they are.
        keypoints: The 2D stage of the same clip, in a picture without distortion.
        camera: Of that picture.
        world: The ground, and when feet stand on it.
        spreads: What counts how much.
        progress: Called with the number of frames done so far.
    """
    names = [name for name in LIMB_JOINTS if name in keypoints.skeleton.joints and name in poses.skeleton.joints]
    seen = keypoints.skeleton.indices(names)
    bodies, paths, done = poses.poses.copy(), poses.trajectory.copy(), 0
    for person, lifted in enumerate(poses.poses):
        known = np.isfinite(lifted).all((-1, -2)) & np.isfinite(paths[person]).all(-1)
        if not known.any():
            continue
        body = _body(poses.skeleton, names, lifted[known], world, float(keypoints.fps))
        for start, stop in stretches(known):
            at = person, slice(start, stop)
            points = keypoints.points[at][:, seen].astype(np.float64)
            scores = np.where(np.isfinite(points).all(-1), keypoints.scores[at][:, seen], 0).astype(np.float64)
            stretch = _Stretch(
                lifted[start:stop].astype(np.float64), rays_from_pixels(points, camera), scores, world.contacts[at]
            )
            before = stretch.lifted + paths[at].astype(np.float64)[:, None]
            places = _refined(stretch, before, body, spreads or Spreads())
            if _off(places, stretch, body) <= max(_WORSE * _off(before, stretch, body), _CLOSE):
                paths[at] = places[:, body.root]
                bodies[at] = places - places[:, [body.root]]
            done += stop - start
            if progress:
                progress(done)
    refined = replace(poses, poses=bodies, trajectory=paths)
    return refined, placed(refined, world.ground, world.contacts)


def _body(skeleton: Skeleton, names: list[str], lifted: NDArray[np.float32], world: World, fps: float) -> _Body:
    """A body whose bones are as long as the lifter's median, left and right alike."""
    bones = np.array(skeleton.bone_indices)
    lengths = np.median(np.linalg.norm(lifted[:, bones[:, 1]] - lifted[:, bones[:, 0]], axis=-1), axis=0)
    of_joint = dict(zip(bones[:, 1].tolist(), lengths.astype(np.float64), strict=True))
    alike = np.array([(of_joint[end] + of_joint[skeleton.mirror[end]]) / 2 for end in bones[:, 1].tolist()])
    return _Body(
        root=skeleton.parents.index(-1),
        feet=skeleton.indices(("left_ankle", "right_ankle")),
        seen=skeleton.indices(names),
        bones=bones,
        lengths=alike,
        ground=world.ground,
        fps=fps,
    )


def _off(places: Array, stretch: _Stretch, body: _Body) -> float:
    """Median distance of the joints from the rays through their keypoints [m]; infinite for numbers gone wild."""
    if not np.isfinite(places).all():
        return float("inf")
    joints = places[:, body.seen]
    off = np.linalg.norm(joints[..., :2] - stretch.rays * joints[..., 2:], axis=-1)[stretch.scores > 0]
    return float(np.median(off)) if off.size else 0.0


def _refined(stretch: _Stretch, before: Array, body: _Body, spreads: Spreads) -> Array:
    """(T, J, 3) places of the joints in camera axes [m], from those ``before``."""
    places = before.copy()
    fixed = 0
    for start in range(0, len(places), PART):
        stop = min(start + PART + OVERLAP, len(places))
        first = start - fixed
        places[first:stop] = _solved(stretch.part(first, stop), places[first:stop], fixed, body, spreads)
        fixed = 2  # enough to go on smoothly, and with feet where they stand
        if stop == len(places):
            break
    return places


def _solved(stretch: _Stretch, start: Array, fixed: int, body: _Body, spreads: Spreads) -> Array:
    """(T, J, 3) places after some Gauss-Newton steps from ``start``, the first ``fixed`` frames as they are."""
    places = start.copy()
    held = np.full_like(places, _LEAST)
    held[:fixed] = _HELD
    for _ in range(_STEPS):
        equations = NormalEquations(*places.shape[:2])
        terms.keypoints(equations, places, body.seen, stretch.rays, stretch.scores, spreads.keypoint)
        terms.bones(equations, places, body.bones, body.lengths, spreads.bone)
        terms.pose(equations, places, stretch.lifted, body.root, spreads.across, spreads.along)
        terms.smoothness(equations, places, body.fps, spreads.acceleration)
        terms.standing(equations, places, body.feet, stretch.contacts, body.fps, spreads.slide)
        terms.on_ground(equations, places, body.feet, stretch.contacts, body.ground, spreads.ground)
        terms.above_ground(equations, places, body.feet, body.ground, spreads.below)
        equations.add_each(held)
        equations.right[:fixed] = 0
        places = places + equations.solve()
    return places
