"""When a foot stands on the ground."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from videopose3d.smoothing import savitzky_golay, stretches
from videopose3d.types import BoolArray

Array = NDArray[np.float64]

BEGIN_SPEED, END_SPEED = 0.3, 0.55
"""A foot comes to stand when it moves slower than the one, and leaves when it moves faster than the other [m/s]."""
BEGIN_HEIGHT, END_HEIGHT = 0.10, 0.15
"""The same for how far the ankle is from where it is when the sole is on the ground, up or down [m]."""
_WINDOW = 0.2  # s
_ALONG = 0.22


def speeds(feet: Array, fps: Fraction) -> Array:
    """(P, T, 2) how fast feet (P, T, 2, 3) in camera axes [m] move [m/s]; NaN where a foot has no place.

    Along the line of sight a foot seems to move whenever the guess of its depth changes, so that this counts less.
    """
    found = np.full(feet.shape[:-1], np.nan)
    for person, path in enumerate(feet):
        for start, stop in stretches(np.isfinite(path).all((-1, -2))):
            if stop - start > 1:
                part = path[start:stop]
                across = np.gradient(savitzky_golay(part[..., :2] / part[..., 2:], fps, _WINDOW), axis=0)
                along = np.gradient(savitzky_golay(np.log(part[..., 2:]), fps, 2 * _WINDOW), axis=0)
                moved = np.concatenate([across, _ALONG * along], -1) * part[..., 2:]
                found[person, start:stop] = np.linalg.norm(moved, axis=-1) * float(fps)
    return found


def standing(speed: Array, height: Array | None = None, slack: float = 0.0) -> BoolArray:
    """(P, T, 2) which feet stand.

    With hysteresis: a foot stands while it is neither fast nor off the ground, if it is slow and low within that time.

    Args:
        speed: (P, T, 2) [m/s]; a foot without a speed does not stand.
        height: (P, T, 2) above its height when it stands [m]; None does without.
        slack: How much farther off heights may be, since they are guesses [m].
    """
    begins, stays = speed < BEGIN_SPEED, speed < END_SPEED
    if height is not None:
        begins &= np.abs(height) < BEGIN_HEIGHT + slack
        stays &= np.abs(height) < END_HEIGHT + slack
    stand = np.zeros(speed.shape, bool)
    for person in range(speed.shape[0]):
        for foot in range(speed.shape[2]):
            for start, stop in stretches(stays[person, :, foot]):
                stand[person, start:stop, foot] = begins[person, start:stop, foot].any()
    return stand
