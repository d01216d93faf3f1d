"""Keypoints that another 2D tool has written, fitted to a video or to the size and rate that the user names."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from videopose3d.detectors.files import Sightings, in_coco, read_people
from videopose3d.errors import InputError
from videopose3d.skeleton import COCO17, Skeleton
from videopose3d.types import Person, VideoInfo

log = logging.getLogger(__name__)

FRAMES_TOO_MANY = 1.02
"""Frames of keypoints per frame of the video up to which they may belong together: containers count badly."""


def people_of_video(
    path: str | os.PathLike[str], info: VideoInfo, *, clip: str | None = None, layout: Skeleton = COCO17
) -> Sightings:
    """The people of every frame of a video, as another tool has seen them.

    Args:
        path: File or folder of the tool.
        info: The video.
        clip: Which video, for files that hold several.
        layout: Joints of files that do not say which they have.

    Raises:
        InputError: There are more frames than the video has, or the file is for a video of another size.
        FileFormatError: The file is damaged, or of no program known here.
        SkeletonMismatchError: It has other joints.
    """
    found = in_coco(read_people(path, clip), layout)
    if found.size is not None and found.size != info.size:
        shown = " x ".join(map(str, found.size))
        what = f"keypoints of a video of {shown} px, this one has {info.width} x {info.height}"
        raise InputError(what, where=path, fix="Give the video that the 2D tool was run on.")
    total = info.frame_count or len(found.frames)
    if len(found.frames) > total * FRAMES_TOO_MANY + 2:
        what = f"{len(found.frames)} frames of keypoints for a video of {total}"
        raise InputError(what, where=path, fix="Give the video that the 2D tool was run on.")
    if found.offset and len(found.frames) < total:
        log.warning("%s: its pictures are numbered from %d, which is taken for the first frame", path, found.offset)
    if info.variable_frame_rate:
        log.warning("%s: uneven frame rate; the keypoints are taken as evenly spaced", info.source)
    nobody: list[list[Person]] = [
        [] for _ in range(total - len(found.frames))
    ]  # tools leave out frames without people at the end
    return replace(found, frames=found.frames[:total] + nobody)


def people_of_files(
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    fps: Fraction | None = None,
    clip: str | None = None,
    layout: Skeleton = COCO17,
) -> tuple[Sightings, VideoInfo]:
    """The people of every frame of a file, and what is known of its video, without the video itself.

    Args:
        path: File or folder of the tool.
        size: (width, height) of the video [px]; None takes what the file says.
        fps: Frame rate [1/s]; None takes what the file says.
        clip: Which video, for files that hold several.
        layout: Joints of files that do not say which they have.

    Raises:
        InputError: Size or rate are not known, or the file cannot be used.
        SkeletonMismatchError: It has other joints.
    """
    found = in_coco(read_people(path, clip), layout)
    size, fps = size or found.size, fps or found.fps
    if size is None or fps is None:
        options = ["--size WIDTHxHEIGHT"] * (size is None) + ["--fps RATE"] * (fps is None)
        what = f"it does not say how large its video is or how many frames per second it has ({found.kind})"
        raise InputError(what, where=path, fix=f"Give --video CLIP, or {' and '.join(options)}.")
    if not found.frames:
        raise InputError("nobody in it, and no frames", where=path, fix="Run the 2D tool again.")
    source = found.name or Path(path).name
    return found, VideoInfo(source, *size, fps=fps, frame_count=len(found.frames))
