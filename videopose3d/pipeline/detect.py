"""The 2D stage: a video in, clean tracks of 2D keypoints out."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import TypeVar

import numpy as np

from videopose3d.config import DetectConfig
from videopose3d.detectors import follows_people, joints_of
from videopose3d.detectors.association import LOWEST_SCORE, Track, follow_people
from videopose3d.detectors.tracking import fill_gaps, fill_joints, repair_swaps, split_people
from videopose3d.errors import InputError, VideoPose3DError
from videopose3d.pipeline.keypoint_files import people_of_files, people_of_video
from videopose3d.pipeline.watch import Seen, watch
from videopose3d.pipeline.watch_batches import LAST, watch_in_batches
from videopose3d.skeleton import COCO17, SKELETONS, Skeleton
from videopose3d.types import Keypoints2D, VideoInfo
from videopose3d.video import probe

DETAILED = 1333
"""Frames are decoded no larger than this for detectors of people of all sizes [px], as they were trained."""
FILES = "files"
"""Name of the detector that reads what another tool has found."""

Progress = Callable[[str, int, "int | None"], None]
"""Called with a stage's name, the frames done so far, and how many there will be (None where unknown)."""
Whom = TypeVar("Whom")


def detect(
    source: str | os.PathLike[str], config: DetectConfig | None = None, progress: Progress | None = None
) -> Keypoints2D:
    """2D keypoints of who is in a video, one track each, left/right swaps repaired and short gaps filled.

    Args:
        source: A file or URL.
        config: Detector and cleaning.
        progress: Told after every frame or batch; BOXES+KEYPOINTS have a stage ``boxes`` before ``detect``.

    Returns:
        The main person first; nobody (P = 0) when nobody was seen.

    Raises:
        VideoError: The source cannot be read.
        MissingDependencyError: The detector is not installed.
        InputError: The file of another tool cannot be used, or there is no person of that number.
    """
    config = config or DetectConfig()
    info = probe(source)

    def tick(stage: str, done: int) -> None:
        if progress:
            progress(stage, done, info.frame_count)

    if config.keypoints is not None:
        found = people_of_video(config.keypoints, info)
        tick(LAST, len(found.frames))
        return clean_tracks(found.frames, info, config, skeleton=found.skeleton or COCO17, detector=found.kind)
    if config.detector == FILES:
        fix = "Name what another 2D tool has written with --keypoints."
        raise VideoPose3DError("no file of keypoints given", where="detector files", fix=fix)
    if follows_people(config.detector):
        seen = watch(info, config, partial(tick, LAST))
        config = replace(config, min_score=LOWEST_SCORE)  # it has left out the doubtful itself, by another score
    else:
        seen = watch_in_batches(info, config, tick, DETAILED)
    return clean_tracks(seen, info, config, skeleton=joints_of(config.detector))


def keypoints_of_files(
    path: str | os.PathLike[str],
    config: DetectConfig | None = None,
    *,
    video: str | os.PathLike[str] | None = None,
    size: tuple[int, int] | None = None,
    fps: Fraction | None = None,
    clip: str | None = None,
    layout: str = COCO17.name,
) -> Keypoints2D:
    """Clean tracks of what another 2D tool has written, one identity each.

    Args:
        path: File or folder of the tool; see `videopose3d.detectors.files`.
        config: How to follow and clean, and whom to keep.
        video: The video it is of, which says size, rate and number of frames.
        size: (width, height) [px] without a video; None takes what the file says.
        fps: Frame rate [1/s] without a video; None takes what the file says.
        clip: Which video, for files that hold several.
        layout: Joints of files that do not say which they have, a name in ``SKELETONS``.

    Raises:
        InputError: Size or rate are not known, the video is another one, or there is no such file or person.
        FileFormatError: The file is damaged, or of no program known here.
        SkeletonMismatchError: It has other joints.
    """
    joints = SKELETONS[layout]
    if video is not None:
        info = probe(video)
        found = people_of_video(path, info, clip=clip, layout=joints)
    else:
        found, info = people_of_files(path, size=size, fps=fps, clip=clip, layout=joints)
    skeleton = found.skeleton or joints
    return clean_tracks(found.frames, info, config or DetectConfig(), skeleton=skeleton, detector=found.kind)


def clean_tracks(
    seen: Seen, info: VideoInfo, config: DetectConfig, *, skeleton: Skeleton = COCO17, detector: str = ""
) -> Keypoints2D:
    """Clean tracks, one identity each, of the people seen in every frame.

    Args:
        seen: The people of every frame [px].
        info: Size and frame rate of the video.
        config: How to follow and clean, and whom to keep.
        skeleton: Which joints the people have.
        detector: Who saw them; ``config.detector`` if not given.

    Raises:
        InputError: There is no person of the number asked for.
    """
    tracks = _chosen(_tracks(seen, float(info.fps), config, skeleton), config.person, info.source)
    longest_gap = round(config.max_gap * info.fps)
    people, frames, joints = len(tracks), len(seen), len(skeleton)
    points = np.full((people, frames, joints, 2), np.nan, np.float32)
    scores = np.zeros((people, frames, joints), np.float32)
    boxes = np.full((people, frames, 4), np.nan, np.float32)
    for p, track in enumerate(tracks):
        for t in np.flatnonzero(track >= 0):
            person = seen[t][track[t]]
            points[p, t], scores[p, t], boxes[p, t] = person.keypoints, person.scores, person.box
        if config.repair_swaps:
            points[p], scores[p] = repair_swaps(points[p], scores[p], skeleton, float(info.fps))
        points[p], scores[p] = fill_joints(points[p], scores[p], track >= 0, longest_gap)
        points[p], scores[p] = fill_gaps(points[p], scores[p], track >= 0, longest_gap)
    return Keypoints2D(
        points=points,
        scores=scores,
        boxes=boxes,
        present=np.array([track >= 0 for track in tracks], bool).reshape(people, frames),
        skeleton=skeleton,
        fps=info.fps,
        size=info.size,
        source=info.source,
        detector=detector or config.detector,
        focal_35mm=info.focal_35mm,
    )


def only(keypoints: Keypoints2D, person: str, where: object = None) -> Keypoints2D:
    """The keypoints of those people that `DetectConfig.person` names.

    Args:
        keypoints: The main person first.
        person: ``all``, ``main`` or a number from 1 on.
        where: For the message; the video's name by default.

    Raises:
        InputError: There is no person of that number.
    """
    kept = _chosen(list(range(keypoints.people)), person, where or keypoints.source)
    if len(kept) == keypoints.people:
        return keypoints
    parts = {name: getattr(keypoints, name)[kept] for name in ("points", "scores", "boxes", "present")}
    return replace(keypoints, **parts)


def _tracks(seen: Seen, fps: float, config: DetectConfig, skeleton: Skeleton) -> list[Track]:
    """Who is who: by place alone where there is one person per frame, else by everything that is known."""
    alone = config.detector == FILES or follows_people(config.detector)
    if not alone or any(len(people) > 1 for people in seen):
        return follow_people(seen, fps, skeleton, config.min_score)
    points = np.full((len(seen), len(skeleton), 2), np.nan, np.float32)
    for t, people in enumerate(seen):
        if people:
            points[t] = people[0].keypoints
    present = np.array([bool(people) for people in seen], bool)
    return [np.where(mask, 0, -1) for mask in split_people(points, present, fps)]


def _chosen(tracks: list[Whom], person: str, where: object) -> list[Whom]:
    if person == "all" or not tracks:
        return tracks
    number = 1 if person == "main" else int(person)
    if number > len(tracks):
        what = f"no person {number}, {len(tracks)} found"
        raise InputError(what, where=where, fix=f"Choose --person all, main, or 1 to {len(tracks)}.")
    return [tracks[number - 1]]
