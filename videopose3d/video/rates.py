"""Frame rates as exact fractions, from what containers say and when their packets are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 0.0051  # ffmpeg prints rates with two decimals
_SLIP = 0.45  # frames a time stamp may be off its slot before resampling would drop or repeat a frame


def exact_rate(rate: float) -> Fraction:
    """The frame rate [1/s] that was meant by a rate rounded to two decimals.

    Whole numbers first, then the NTSC family (23.98 is 24000/1001), then the simplest fraction.
    """
    whole = round(rate)
    ntsc = Fraction(round(rate * 1.001) * 1000, 1001)
    for candidate in (Fraction(whole), ntsc):
        if candidate > 0 and abs(float(candidate) - rate) < _ROUNDING:
            return candidate
    for denominator in range(2, 1002):
        candidate = Fraction(round(rate * denominator), denominator)
        if candidate > 0 and abs(float(candidate) - rate) < _ROUNDING:
            return candidate
    return Fraction(1, math.ceil(1 / rate))


def constant_rate(stamps: NDArray[np.float64], tick: float, said: Sequence[float]) -> Fraction | None:
    """The rate [1/s] at which every frame has a slot of its own; None where there is no such rate.

    Args:
        stamps: (T,) sorted time stamps [s], the first one 0.
        tick: Resolution of the time stamps [s].
        said: Rates the container states [1/s], rounded to two decimals.
    """
    slots = np.arange(len(stamps))
    rates = [exact_rate(rate) for rate in said if rate > 0]
    if len(stamps) > 1:
        mean = (len(stamps) - 1) / float(stamps[-1]) if stamps[-1] > 0 else 0.0
        rates += [exact_rate(mean)] if mean > 0 else []
    slips = [(float(np.abs(stamps * float(rate) - slots).max()), rate) for rate in rates]
    exact = [(slip, rate) for slip, rate in slips if slip / float(rate) <= 1.01 * tick]
    if exact:
        return min(exact, key=lambda pair: pair[0])[1]
    return next((rate for slip, rate in slips if slip < _SLIP), None)


def nominal_rate(stamps: NDArray[np.float64], said: Sequence[float]) -> Fraction:
    """The rate [1/s] to resample unevenly spaced frames at: the one at which hardly any is lost.

    It is the rate of the densest tenth of the clip, in the container's words where it has a name for it.
    """
    gaps = np.diff(stamps)
    if not (gaps > 0).any():
        return exact_rate(said[0])
    dense = 1 / float(np.quantile(gaps[gaps > 0], 0.1))
    close = [rate for rate in said if abs(rate - dense) < 0.1 * dense]
    return exact_rate(min(close, key=lambda rate: abs(rate - dense)) if close else dense)
