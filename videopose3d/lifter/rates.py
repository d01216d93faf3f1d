"""Frame rates that a lifter knows, and frames in which a joint was not seen."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np

from videopose3d.types import Array, BoolArray, FloatArray

PerFrame = Callable[[Array, Array], FloatArray]
"""(T, J, 2) points and (T, J) scores to one value per frame."""


def at_known_rate(points: Array, scores: Array, fps: float, known: tuple[float, float], run: PerFrame) -> FloatArray:
    """``run`` at a frame rate inside ``known``, one value per given frame.

    A fast clip is cut into interleaved slow ones; a slow one gets frames in between by linear interpolation.
    """
    slowest, fastest = known
    if fps < slowest:
        factor = ceil(slowest / fps)
        return run(*_upsampled(points, scores, factor))[::factor]
    skip = min(max(1, ceil(fps / fastest)), max(1, len(points)))
    parts = [run(points[phase::skip], scores[phase::skip]) for phase in range(skip)]
    out = np.empty((len(points), *parts[0].shape[1:]), np.float32)
    for phase, part in enumerate(parts):
        out[phase::skip] = part
    return out


def _upsampled(points: Array, scores: Array, factor: int) -> tuple[Array, Array]:
    """``factor - 1`` interpolated frames between any two; a joint is seen in them if it is in both."""
    when = np.arange((len(points) - 1) * factor + 1) / factor
    low = np.floor(when).astype(int)
    high = np.ceil(when).astype(int)  # of an original frame: itself
    share = (when - low)[:, None, None].astype(points.dtype)
    return points[low] * (1 - share) + points[high] * share, np.minimum(scores[low], scores[high])


def bridged(points: FloatArray, seen: BoolArray) -> FloatArray:
    """(T, J, 2) with unseen joints interpolated over time, for lifters that do not know what unseen means."""
    points, frames = points.copy(), np.arange(len(points))
    for joint in np.flatnonzero(~seen.all(0) & seen.any(0)):
        known = seen[:, joint]
        for axis in (0, 1):
            points[:, joint, axis] = np.interp(frames, frames[known], points[known, joint, axis])
    return points
