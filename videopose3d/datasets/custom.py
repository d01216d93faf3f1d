"""Keypoints of videos without a data set: subjects are the names of the videos, one camera of the video's size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from videopose3d.calibration import CalibratedCamera
from videopose3d.errors import FileFormatError

FPS = 50.0
"""Assumed where the file does not say: the rate of the data that lifters learn from."""


def cameras(subject: str, metadata: Mapping[str, Any], where: object = None) -> tuple[CalibratedCamera, ...]:
    """The camera of one video, with its size from ``video_metadata`` and nothing else known.

    Raises:
        FileFormatError: There is no width and height of this video.
    """
    try:
        video = metadata["video_metadata"][subject]
        size = (int(video["w"]), int(video["h"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FileFormatError(f"its video_metadata have no w and h of {subject!r}", where=where) from error
    if min(size) <= 0:
        raise FileFormatError(f"its video_metadata say {subject!r} is {size[0]} x {size[1]} px", where=where)
    return (CalibratedCamera(name="0", size=size),)


def frame_rate(metadata: Mapping[str, Any]) -> float:
    """The ``fps`` of the ``video_metadata`` where all videos agree on one, else `FPS`."""
    try:
        rates = {float(video["fps"]) for video in metadata["video_metadata"].values()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return FPS
    rate = rates.pop() if len(rates) == 1 else FPS
    return rate if 0 < rate < float("inf") else FPS
