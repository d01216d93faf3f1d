"""Running a detector that looks at every frame by itself over a video, several frames at a time.

Who is found by one network and their joints by another are seen in two passes: first the boxes of the whole clip,
then, in boxes that no longer shake, the joints. The video is decoded twice; no picture is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import islice

import numpy as np

from videopose3d.config import DetectConfig
from videopose3d.detectors import AddKeypoints, FindPeople, check_name, open_batched, open_boxes, open_keypoints
from videopose3d.detectors.association import LOWEST_SCORE, NEAR, follow_people
from videopose3d.detectors.likeness import box_overlap
from videopose3d.detectors.motion import damped_boxes
from videopose3d.detectors.names import split
from videopose3d.pipeline.watch import Seen, zoomed
from videopose3d.types import Frame, VideoInfo
from videopose3d.video import fitted_size, read_frames

BATCH = 8
"""Frames that are looked at together."""
LAST = "detect"
"""The stage at whose end the people are known; ``boxes`` comes before it where there are two."""

Tick = Callable[[str, int], None]
"""Called with the stage and the number of its frames done so far."""


def watch_in_batches(info: VideoInfo, config: DetectConfig, tick: Tick, max_side: int | None = None) -> Seen:
    """The people of every frame of a video, in px of the full-size frame.

    Doubtful people are among them, down to `LOWEST_SCORE`: they are wanted where somebody known goes on.

    Args:
        info: What ``probe`` said of the video.
        config: Detector and lowest score of who is sure.
        tick: Told after every batch.
        max_side: Frames are decoded no larger than this [px].

    Raises:
        VideoError: The video cannot be read.
        VideoPose3DError: There is no such detector, or it does not find keypoints.
        MissingDependencyError: The detector is not installed.
        WeightsError: Its weights are not here.
    """
    lowest = min(LOWEST_SCORE, config.min_score)
    check_name(config.detector)
    boxes, keypoints = split(config.detector)
    seen: Seen = []
    with ExitStack() as stack:
        if keypoints:
            find = stack.enter_context(open_boxes(boxes, lowest))
            add = stack.enter_context(open_keypoints(keypoints))
            seen = _in_steady_boxes(info, config.min_score, find, add, tick, max_side)
        else:
            look = stack.enter_context(open_batched(config.detector, lowest))
            with closing(_batches(info, max_side)) as batches:
                for batch in batches:
                    seen += look(batch, [float((len(seen) + i) / info.fps) for i in range(len(batch))])
                    tick(LAST, len(seen))
    size = fitted_size(info, max_side)
    zoom = np.array([info.width / size[0], info.height / size[1]], np.float32)
    return [[zoomed(person, zoom) for person in people] for people in seen]


def _in_steady_boxes(
    info: VideoInfo, min_score: float, find: FindPeople, add: AddKeypoints, tick: Tick, max_side: int | None
) -> Seen:
    """The people of every frame: boxes in a first pass, keypoints in the damped boxes in a second one."""
    boxed: Seen = []
    with closing(_batches(info, max_side)) as batches:
        for batch in batches:
            boxed += find(batch)
            tick("boxes", len(boxed))
    boxed = in_damped_boxes(boxed, float(info.fps), min_score)
    seen: Seen = []
    with closing(_batches(info, max_side)) as batches:
        for batch in batches:
            people = boxed[len(seen) : len(seen) + len(batch)]
            seen += add(batch[: len(people)], people)
            tick(LAST, len(seen))
    return seen


def in_damped_boxes(seen: Seen, fps: float, min_score: float) -> Seen:
    """The same people in the same order, those who can be followed in boxes without jitter.

    A box that is far from its damped one stays as it is: there, somebody else may have been taken for the person.

    Args:
        seen: The people of every frame, with or without keypoints.
        fps: Frame rate [1/s].
        min_score: Score from which on a sighting is sure.
    """
    steady = [list(people) for people in seen]
    for track in follow_people(seen, fps, min_score=min_score):
        frames = np.flatnonzero(track >= 0)
        boxes = np.full((len(track), 4), np.nan, np.float32)
        boxes[frames] = [seen[t][track[t]].box for t in frames]
        damped = damped_boxes(boxes)
        for t in frames:
            if box_overlap(boxes[t, None], damped[t, None])[0, 0] >= NEAR:
                steady[t][track[t]] = replace(seen[t][track[t]], box=damped[t])
    return steady


def _batches(info: VideoInfo, max_side: int | None) -> Generator[list[Frame], None, None]:
    """The frames of a video, `BATCH` at a time."""
    with closing(read_frames(info.source, info, max_side=max_side)) as frames:
        while batch := list(islice(frames, BATCH)):
            yield batch
