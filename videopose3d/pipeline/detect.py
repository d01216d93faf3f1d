"""The 2D stage: a video in, clean tracks of 2D keypoints out."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from videopose3d.config import DetectConfig
from videopose3d.detectors.tracking import exchange_sides, fill_gaps, repair_swaps, split_people
from videopose3d.pipeline.watch import Seen, watch
from videopose3d.skeleton import COCO17
from videopose3d.types import BoolArray, FloatArray, Keypoints2D, VideoInfo
from videopose3d.video import probe

Progress = Callable[[str, int, "int | None"], None]
"""Called with a stage's name, the frames done so far, and how many there will be (None where unknown)."""


def detect(
    source: str | os.PathLike[str], config: DetectConfig | None = None, progress: Progress | None = None
) -> Keypoints2D:
    """2D keypoints of who is in a video, one track each, left/right swaps repaired and short gaps filled.

    Args:
        source: A file or URL.
        config: Detector and cleaning.
        progress: Told after every frame.

    Returns:
        The main person first; nobody (P = 0) when nobody was seen.

    Raises:
        VideoError: The source cannot be read.
        MissingDependencyError: The detector is not installed.
    """
    config = config or DetectConfig()
    info = probe(source)

    def tick(done: int) -> None:
        if progress:
            progress("detect", done, info.frame_count)

    return clean_tracks(watch(info, config, tick), info, config)


def clean_tracks(seen: Seen, info: VideoInfo, config: DetectConfig) -> Keypoints2D:
    """Clean tracks, one identity each, of the one person a detector saw in every frame."""
    frames, joints = len(seen), len(COCO17)
    points = np.full((frames, joints, 2), np.nan, np.float32)
    scores = np.zeros((frames, joints), np.float32)
    boxes = np.full((frames, 4), np.nan, np.float32)
    for t, person in enumerate(seen):
        if person is not None:
            points[t], scores[t], boxes[t] = person.keypoints, person.scores, person.box
    tracks = split_people(points, np.array([person is not None for person in seen], bool), float(info.fps))
    longest_gap = round(config.max_gap * info.fps)
    cleaned = [_clean_track(points, scores, track, longest_gap, config.repair_swaps) for track in tracks]
    people = len(tracks)
    return Keypoints2D(
        points=np.array([p for p, _ in cleaned], np.float32).reshape(people, frames, joints, 2),
        scores=np.array([s for _, s in cleaned], np.float32).reshape(people, frames, joints),
        boxes=np.array([np.where(track[:, None], boxes, np.nan) for track in tracks], np.float32).reshape(
            people, frames, 4
        ),
        present=np.array(tracks, bool).reshape(people, frames),
        skeleton=COCO17,
        fps=info.fps,
        size=info.size,
        source=info.source,
        detector=config.detector,
    )


def _clean_track(
    points: FloatArray, scores: FloatArray, track: BoolArray, longest_gap: int, repair: bool
) -> tuple[FloatArray, FloatArray]:
    """Keypoints (T, J, 2) and scores (T, J) of the frames of one track, swaps repaired and short gaps filled."""
    points, scores = points.copy(), scores.copy()
    points[~track], scores[~track] = np.nan, 0
    if repair:
        swapped = repair_swaps(points, scores, COCO17)
        points, scores = exchange_sides(points, swapped, COCO17), exchange_sides(scores, swapped, COCO17)
    return fill_gaps(points, scores, track, longest_gap)
