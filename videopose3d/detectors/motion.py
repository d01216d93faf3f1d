"""How a box moves: a Kalman filter of constant speed, and boxes without the jitter of a detector."""

from __future__ import annotations

import numpy as np

from videopose3d.types import Array

PLACE, SPEED = 1 / 20, 1 / 160
"""Standard deviations of place and speed, in shares of the height and per 1/30 s (Wojke et al., DeepSORT, 2017)."""
PROPORTION = 0.1, 1e-2, 1e-5
"""Of the measured width / height, of its change and of its speed."""
RATE = 30.0
"""Frame rate that these numbers are meant for [1/s]."""
WINDOW = 5
"""Frames whose median a damped box is."""


class Motion:
    """Expected centre, width / height, and height of somebody's box; each has a speed.

    The four numbers are filtered one by one: their noises are independent and no number moves another.
    """

    def __init__(self, box: Array) -> None:
        self.place, self.speed = _measured(box), np.zeros(4)
        spread = self._spread(PLACE, PROPORTION[1])
        self._variance = (2 * spread) ** 2
        self._speed_variance = self._spread(10 * SPEED, PROPORTION[2]) ** 2
        self._covariance = np.zeros(4)
        self.way = np.zeros(2)  # expected of the centre since the last sighting [px]

    @property
    def box(self) -> Array:
        """(4,) x0, y0, x1, y1 [px]."""
        x, y, proportion, height = self.place
        height = max(height, 1.0)
        half = np.array([max(proportion, 0.01) * height, height]) / 2
        return np.concatenate([[x, y] - half, [x, y] + half])

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        step = seconds * RATE
        self.place, self.way = self.place + step * self.speed, self.way + step * self.speed[:2]
        self._variance = self._variance + 2 * step * self._covariance + step**2 * self._speed_variance
        self._variance += step * self._spread(PLACE, PROPORTION[1]) ** 2
        self._covariance = self._covariance + step * self._speed_variance
        self._speed_variance = self._speed_variance + step * self._spread(SPEED, PROPORTION[2]) ** 2

    def correct(self, box: Array) -> None:
        """Take in a sighting (4,) x0, y0, x1, y1 [px]."""
        surprise = _measured(box) - self.place
        total = self._variance + self._spread(PLACE, PROPORTION[0]) ** 2
        gain, speed_gain = self._variance / total, self._covariance / total
        self.place = self.place + gain * surprise
        self.speed, self.way = self.speed + speed_gain * surprise, np.zeros(2)
        self._speed_variance = self._speed_variance - speed_gain * self._covariance
        self._covariance = (1 - gain) * self._covariance
        self._variance = (1 - gain) * self._variance

    def _spread(self, share: float, proportion: float) -> Array:
        """(4,) standard deviations: shares of the height, and the one of width / height."""
        height = max(self.place[3], 1.0) * share
        return np.array([height, height, proportion, height])


def _measured(box: Array) -> Array:
    """(4,) centre x, y, width / height, height of a box."""
    x0, y0, x1, y1 = box.astype(np.float64)
    height = max(y1 - y0, 1.0)
    return np.array([(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / height, height])


def damped_boxes(boxes: Array, window: int = WINDOW) -> Array:
    """Boxes without jitter: centre and size are the medians of the frames around, so that crops do not shake.

    The window shrinks towards the ends and at gaps, and is never one-sided, so somebody who walks steadily is
    not held back.

    Args:
        boxes: (T, 4) x0, y0, x1, y1 [px] of one person, NaN where not seen.
        window: Frames, odd.

    Returns:
        (T, 4), NaN where ``boxes`` are.
    """
    shaped = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], 1)
    seen = np.isfinite(shaped).all(1)
    out = np.full(shaped.shape, np.nan)
    for t in np.flatnonzero(seen):
        reach = 0
        while reach < window // 2 and t - reach > 0 and t + reach + 1 < len(seen):
            if not (seen[t - reach - 1] and seen[t + reach + 1]):
                break
            reach += 1
        out[t] = np.median(shaped[t - reach : t + reach + 1], 0)
    middle, half = out[:, :2], out[:, 2:] / 2
    damped: Array = np.concatenate([middle - half, middle + half], 1).astype(boxes.dtype)
    return damped
