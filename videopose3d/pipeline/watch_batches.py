"""Running a detector that looks at every frame by itself over a video, several frames at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from itertools import islice

import numpy as np

from videopose3d.config import DetectConfig
from videopose3d.detectors import open_batched
from videopose3d.types import Person, VideoInfo
from videopose3d.video import read_frames

BATCH = 8
"""Frames that are looked at together."""


def watch_in_batches(
    info: VideoInfo, config: DetectConfig, tick: Callable[[int], None], max_side: int | None = None
) -> list[list[Person]]:
    """The people of every frame of a video, in px of the full-size frame.

    Args:
        info: What ``probe`` said of the video.
        config: Detector and lowest score.
        tick: Called with the number of frames done so far.
        max_side: Frames are decoded no larger than this [px].

    Raises:
        VideoError: The video cannot be read.
        MissingDependencyError: The detector is not installed.
        WeightsError: Its weights are not here.
    """
    seen: list[list[Person]] = []
    frames = read_frames(info.source, info, max_side=max_side)
    with closing(frames), open_batched(config.detector, config.min_score) as find:
        while batch := list(islice(frames, BATCH)):
            times = [float((len(seen) + i) / info.fps) for i in range(len(batch))]
            height, width = batch[0].shape[:2]
            zoom = np.array([info.width / width, info.height / height], np.float32)
            for people in find(batch, times):
                seen.append([Person(p.keypoints * zoom, p.scores, p.box * np.tile(zoom, 2), p.score) for p in people])
            tick(len(seen))
    return seen
