"""People and their 2D keypoints: one module per detector, and what makes one clean track of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module

from videopose3d.errors import VideoPose3DError
from videopose3d.types import Frame, Person

Detect = Callable[[Frame, float], list[Person]]
"""A picture and its time [s] to the people in it, keypoints in px of that picture."""

DETECTORS = {"mediapipe": "mediapipe:open_mediapipe"}
"""Name -> module and function that opens the detector."""


def open_detector(name: str, min_score: float = 0.5) -> AbstractContextManager[Detect]:
    """A detector to give frames to, in order; leave the context to free it.

    Raises:
        VideoPose3DError: There is no such detector.
        MissingDependencyError: Its package is not installed.
    """
    if name not in DETECTORS:
        raise VideoPose3DError(f"no detector {name!r}", fix=f"Choose one of: {', '.join(DETECTORS)}.")
    module, function = DETECTORS[name].split(":")
    opened: AbstractContextManager[Detect] = getattr(import_module(f"{__name__}.{module}"), function)(min_score)
    return opened
