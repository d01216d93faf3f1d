"""Numbers as text: rounded in decimal, so that no file carries digits nobody measured."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

METRES = 5
"""Digits behind the point of a length [m]: a hundredth of a millimetre."""
PIXELS = 3
DEGREES = 3
SCORES = 4
SECONDS = 6


def rounded(values: NDArray[np.floating[Any]], digits: int) -> list[Any]:
    """Nested lists of Python floats; what is not finite is None."""
    numbers: NDArray[Any] = np.round(values.astype(np.float64), digits) + 0.0  # adding turns -0.0 into 0.0
    if not np.isfinite(numbers).all():
        numbers = numbers.astype(object)
        numbers[~np.isfinite(numbers.astype(np.float64))] = None
    listed: list[Any] = numbers.tolist()
    return listed
