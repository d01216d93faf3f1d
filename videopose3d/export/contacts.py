"""Feet on the ground, as spans of frames."""

from __future__ import annotations

import numpy as np

from videopose3d.types import BoolArray, Result

FEET = ("left", "right")
"""Order of the last axis of ``World.contacts``."""


def stances(result: Result, person: int) -> dict[str, list[tuple[int, int]]]:
    """Of each foot of a person (counted from 0): the first frame on the ground, and the first one after it, in pairs.

    Nothing where no ground was found.
    """
    if result.world is None:
        return {foot: [] for foot in FEET}
    return {foot: _spans(result.world.contacts[person, :, number]) for number, foot in enumerate(FEET)}


def _spans(flags: BoolArray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
