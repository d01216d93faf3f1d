"""From a detector's frames to one clean track: left/right swaps repaired, short gaps filled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from videopose3d.skeleton import LIMB_JOINTS, Skeleton
from videopose3d.types import Array, BoolArray, FloatArray

SWAP_PRICE = 0.15
"""Cost of a second with sides exchanged, in shares of the person's size (see `swapped_frames`). On rendered clips of
the validation people 0.1 to 0.3 do alike, half of it turns right runs round, and twice of it leaves wrong ones."""
LEG_PRICE = 1.0
"""... of the legs alone."""
LEGS = tuple(joint for joint in LIMB_JOINTS if joint.endswith(("hip", "knee", "ankle")))

MOMENTUM = 0.75
"""How much of its last step a joint is expected to repeat."""

LONGEST_STEP = 1.0
"""Somebody whose middle is farther away than this many person sizes is somebody else."""
LARGEST_GROWTH = 3.0
"""... and so is somebody so much larger or smaller."""
LONGEST_ABSENCE = 2.0
"""... and somebody who comes after so many seconds."""
SHORTEST_TRACK = 0.3
"""Tracks shorter than this [s] are taken for mistakes of the detector, unless the clip is hardly longer."""
SMALLEST_SHARE = 0.25
"""... and so are people smaller than this share of the main person."""


def split_people(points: Array, present: BoolArray, fps: float) -> list[BoolArray]:
    """One identity per track: which frames belong to whom, when a detector gives one person per frame.

    Detectors that follow one person jump to another when they lose the first. A frame continues the track
    that was seen last among those near enough in place, size and time; otherwise somebody new has come.

    Args:
        points: (T, J, 2) [px].
        present: (T,) somebody was seen.
        fps: Frame rate [1/s].

    Returns:
        (T,) masks, the main person first (size times frames seen), likely mistakes left out.
    """
    last_seen: list[int] = []
    owner = np.full(len(points), -1)
    for t in np.flatnonzero(present):
        near = [k for k, before in enumerate(last_seen) if _same_person(points[before], points[t], (t - before) / fps)]
        if not near:
            near = [len(last_seen)]
            last_seen.append(t)
        owner[t] = max(near, key=lambda k: last_seen[k])
        last_seen[owner[t]] = t
    tracks = [owner == k for k in range(len(last_seen))]
    sizes = [float(np.median(person_size(points[track]))) for track in tracks]
    order = sorted(range(len(tracks)), key=lambda k: -sizes[k] * tracks[k].sum())
    shortest = min(SHORTEST_TRACK * fps, len(points) / 2)
    return [tracks[k] for k in order if tracks[k].sum() >= shortest and sizes[k] >= SMALLEST_SHARE * sizes[order[0]]]


def _same_person(before: Array, after: Array, seconds: float) -> bool:
    """Whether two sets of joints, so many seconds apart, can be one person's."""
    if seconds > LONGEST_ABSENCE:
        return False
    small, large = sorted((float(person_size(before[None])[0]), float(person_size(after[None])[0])))
    step = np.linalg.norm(np.nanmean(after, 0) - np.nanmean(before, 0))
    return bool(step <= LONGEST_STEP * large and large <= LARGEST_GROWTH * small)


def repair_swaps(points: Array, scores: Array, skeleton: Skeleton, fps: float) -> tuple[Array, Array]:
    """Put left and right in their places where a detector took one for the other: of the whole person, or of the legs.

    Args:
        points: (T, J, 2) [px], NaN where not seen.
        scores: (T, J) confidence.
        skeleton: Which joints these are.
        fps: Frame rate [1/s].

    Returns:
        Both, with the sides of some frames exchanged.
    """
    for joints, price, moved in ((LIMB_JOINTS, SWAP_PRICE, skeleton.joints), (LEGS, LEG_PRICE, LEGS)):
        swapped = swapped_frames(points, scores, skeleton, price / fps, joints)
        points, scores = (exchange_sides(values, swapped, skeleton, moved) for values in (points, scores))
    return points, scores


def swapped_frames(
    points: Array, scores: Array, skeleton: Skeleton, price: float, joints: Iterable[str] = LIMB_JOINTS
) -> BoolArray:
    """Frames in which a detector took left for right, for the whole sequence at once.

    A Viterbi search over "as detected" and "exchanged" in every frame. A step costs how far the joints are from where
    their last two frames lead, in shares of the person's size: judged by place alone, legs that cross would seem to
    bounce back exchanged. Every exchanged frame costs ``price``, since a detector is right more often than not.

    Args:
        points: (T, J, 2) [px], NaN where not seen.
        scores: (T, J) confidence.
        skeleton: Which joints these are.
        price: Cost of a frame with sides exchanged.
        joints: Which of them to look at.

    Returns:
        (T,) True where left and right are to be exchanged.
    """
    frames = np.flatnonzero(np.isfinite(points).all((-2, -1)))
    chosen = skeleton.indices(name for name in joints if name in skeleton.joints)
    swapped = np.zeros(len(points), bool)
    if len(frames) >= 2 and chosen:
        costs = _step_costs(points[frames], scores[frames], frames, skeleton, chosen)
        swapped[frames] = _cheapest_path(*costs, price)
    return swapped


def _step_costs(
    points: Array, scores: Array, frames: NDArray[np.intp], skeleton: Skeleton, joints: Sequence[int]
) -> tuple[Array, Array]:
    """Costs of steps of the joints of these indices, by what changes on the way.

    Returns:
        (2,) of the first step, and (T - 2, 2, 2) of every later one: [t, a, b] when the sides are exchanged
        (1) or not (0) between the first and second frame (a) and between the second and third (b).
    """
    points = points.astype(np.float64)
    both = np.stack([points, points[:, list(skeleton.mirror)]])[:, :, joints]  # as detected, exchanged
    size = person_size(points)[:, None]
    weight = scores[:, joints] + 1e-6
    gaps = np.diff(frames)

    def cost(step: Array, t: slice, seconds_apart: Array) -> Array:
        far = np.minimum(np.linalg.norm(step, axis=-1) / size[t], 0.5)
        mean: Array = (far * weight[t]).sum(-1) / weight[t].sum(-1)
        return mean / seconds_apart  # across a gap, where a joint went says less and less

    first = np.array([cost(both[b, 1:2] - both[0, :1], slice(1, 2), gaps[:1])[0] for b in (0, 1)])
    before, now, after = slice(None, -2), slice(1, -1), slice(2, None)
    ratio = (gaps[1:] / gaps[:-1])[:, None, None]
    later = np.empty((max(len(points) - 2, 0), 2, 2))
    for a in (0, 1):
        for b in (0, 1):
            leads_to = both[0, now] + (both[0, now] - both[a, before]) * (np.minimum(ratio, 1) * MOMENTUM)
            later[:, a, b] = cost(both[b, after] - leads_to, after, np.maximum(gaps[1:], gaps[:-1]))
    return first, later


def _cheapest_path(first: Array, later: Array, price: float) -> BoolArray:
    """Viterbi over pairs of states (of the frame before, of this frame); arguments as `_step_costs` returns."""
    states = np.array([0, 1])
    changed = states[:, None] ^ states  # [before, now]
    cost = first[changed] + price * (states[:, None] + states)
    came_from = np.zeros((len(later), 2, 2), int)
    for t, step in enumerate(later):
        # [before, now, after]
        total = cost[:, :, None] + step[changed[:, :, None], changed[None]] + price * states
        came_from[t] = total.argmin(0)
        cost = total.min(0)
    before, now = np.unravel_index(int(cost.argmin()), cost.shape)
    path = [int(now), int(before)]
    for t in range(len(later) - 1, -1, -1):
        path.append(int(came_from[t, path[-1], path[-2]]))
    return np.array(path[::-1], bool)


def person_size(points: Array) -> Array:
    """(T,) size of a person [px]: the larger side of the box around the joints (T, J, 2)."""
    size: Array = np.nanmax(np.nanmax(points, -2) - np.nanmin(points, -2), -1)
    return np.maximum(size, 1.0)


def exchange_sides(values: Array, frames: BoolArray, skeleton: Skeleton, joints: Iterable[str] | None = None) -> Array:
    """A copy of (T, J, ...) with the sides of the chosen frames (T,) exchanged, of all joints or of those named."""
    order = np.arange(len(skeleton))
    moved = skeleton.indices(name for name in joints if name in skeleton.joints) if joints else order
    order[moved] = np.array(skeleton.mirror)[moved]
    out = values.copy()
    out[frames] = values[frames][:, order]
    return out


def fill_gaps(points: Array, scores: Array, present: BoolArray, longest: int) -> tuple[FloatArray, FloatArray]:
    """Interpolate gaps of at most ``longest`` frames between two frames in which the person was seen.

    Longer gaps stay NaN with score 0. An interpolated joint has half the lower score of its neighbours.

    Args:
        points: (T, J, 2) [px].
        scores: (T, J) confidence.
        present: (T,) the person was seen.
        longest: Frames a gap may have.

    Returns:
        The filled (T, J, 2) and (T, J).
    """
    points, scores = points.astype(np.float32), scores.astype(np.float32)
    points[~present], scores[~present] = np.nan, 0
    seen = np.flatnonzero(present)
    for before, after in zip(seen, seen[1:], strict=False):
        gap = after - before - 1
        if not 0 < gap <= longest:
            continue
        share = (np.arange(1, gap + 1) / (gap + 1)).astype(np.float32)[:, None]
        points[before + 1 : after] = points[before] + (points[after] - points[before]) * share[..., None]
        scores[before + 1 : after] = np.minimum(scores[before], scores[after]) / 2
    return points, scores


def fill_joints(points: Array, scores: Array, present: BoolArray, longest: int) -> tuple[FloatArray, FloatArray]:
    """Interpolate single joints that were not found in at most ``longest`` frames of somebody who was seen.

    Longer gaps stay NaN with score 0. An interpolated joint has half the lower score of its neighbours.

    Args:
        points: (T, J, 2) [px], NaN where not found.
        scores: (T, J) confidence.
        present: (T,) the person was seen.
        longest: Frames a gap may have.

    Returns:
        The filled (T, J, 2) and (T, J).
    """
    out, out_scores = points.astype(np.float32), scores.astype(np.float32)
    found = np.isfinite(points).all(-1)
    for joint in np.flatnonzero((~found & present[:, None]).any(0)):
        filled, filled_scores = fill_gaps(points[:, [joint]], scores[:, [joint]], found[:, joint], longest)
        new = present & ~found[:, joint]
        out[new, joint], out_scores[new, joint] = filled[new, 0], filled_scores[new, 0]
    return out, out_scores
