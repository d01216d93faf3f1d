"""Sequences over time: filters, and unbroken stretches.

`savitzky_golay` looks at both sides of a frame, `one_euro` at the past only. (``scipy.signal`` has the first, too, and
takes most of a second to import.)
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from videopose3d.types import Array, BoolArray

_SPEED_CUTOFF = 1.0  # 1/s


def savitzky_golay(values: Array, fps: Fraction, seconds: float) -> Array:
    """Values (T, ...) smoothed over time: in every frame that of the parabola fitted to the frames around it.

    The filter of Savitzky and Golay (1964) of order 2. At the ends it is the parabola of the first and last window.
    Frames with NaN stay NaN and are bridged for the smoothing.

    Args:
        values: What changes over time.
        fps: Frame rate [1/s].
        seconds: Length of the window; below five frames nothing is changed.
    """
    window = min(2 * round(seconds * float(fps) / 2) + 1, (len(values) - 1) // 2 * 2 + 1)
    known = np.isfinite(values).all(tuple(range(1, values.ndim)))
    if known.sum() < 2 or window < 5:
        return values
    columns = _bridged(values, known).reshape(len(values), -1)
    powers = np.vander(np.arange(window) - window // 2, 3)
    fit = powers @ np.linalg.pinv(powers)  # (window, window): row i is the parabola's value at frame i of a window
    half = window // 2
    middle = np.lib.stride_tricks.sliding_window_view(columns, window, axis=0) @ fit[half]
    smoothed = np.concatenate([fit[:half] @ columns[:window], middle, fit[half + 1 :] @ columns[-window:]])
    return _with_gaps(smoothed.reshape(values.shape), known)


def one_euro(values: Array, fps: Fraction, cutoff: float, beta: float) -> Array:
    """Points (T, ..., 3) smoothed by what was before: the faster one moves, the less (Casiez et al., CHI 2012).

    An exponential average whose cutoff frequency is ``cutoff + beta * speed``. Frames with NaN stay NaN and are bridged
    for the smoothing.

    Args:
        values: Points that move [m].
        fps: Frame rate [1/s].
        cutoff: Of a point that stands still [1/s]; lower is smoother.
        beta: How much it grows with the speed [1/m]; higher lags less behind.
    """
    known = np.isfinite(values).all(tuple(range(1, values.ndim)))
    if known.sum() < 2:
        return values
    points = _bridged(values, known)
    smoothed, speed = points.copy(), np.zeros_like(points[0])
    share_of_speed = _share(_SPEED_CUTOFF, fps)
    for frame in range(1, len(points)):
        now = (points[frame] - points[frame - 1]) * float(fps)
        speed = speed + share_of_speed * (now - speed)
        share = _share(cutoff + beta * np.linalg.norm(speed, axis=-1, keepdims=True), fps)
        smoothed[frame] += (1 - share) * (smoothed[frame - 1] - points[frame])
    return _with_gaps(smoothed, known)


def _share(cutoff: Array | float, fps: Fraction) -> Array:
    """How much of a new value an exponential average with that cutoff frequency [1/s] takes."""
    turn = 2 * np.pi * np.asarray(cutoff) / float(fps)
    share: Array = turn / (turn + 1)
    return share


def _bridged(values: Array, known: BoolArray) -> Array:
    """(T, ...) double precision, linear between the known frames."""
    columns = values.reshape(len(values), -1).astype(np.float64)
    if not known.all():
        frames = np.arange(len(values))
        columns = np.stack([np.interp(frames, frames[known], column[known]) for column in columns.T], -1)
    return columns.reshape(values.shape)


def _with_gaps(values: Array, known: BoolArray) -> Array:
    values[~known] = np.nan
    return values


def stretches(present: BoolArray) -> list[tuple[int, int]]:
    """(start, stop) of every unbroken run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], present, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
