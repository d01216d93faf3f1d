"""A result as a video or as pictures: decode, draw and encode run side by side, and no frame is kept."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle
from pathlib import Path

import numpy as np

from videopose3d.config import RenderConfig
from videopose3d.errors import InputError, VideoPose3DError
from videopose3d.render.ahead import ahead
from videopose3d.render.compose import Composer, scenes_of
from videopose3d.render.layout import Layout, plan
from videopose3d.render.plots import check_names
from videopose3d.render.truth import check_clip, load_truth, read_truth
from videopose3d.types import Frame, Result, VideoInfo
from videopose3d.video import (
    FrameWriter,
    PictureWriter,
    kind_of,
    open_pictures,
    open_writer,
    probe_matching,
    read_frames,
)

_AHEAD = 4


@dataclass(frozen=True)
class RenderReport:
    """What was written.

    Attributes:
        encoder: As ffmpeg names it; png or jpg of pictures.
        frames: Number of frames written.
        seconds: Wall-clock time it took [s].
    """

    encoder: str
    frames: int
    seconds: float


def render_video(
    result: Result,
    out: str | os.PathLike[str],
    *,
    video: str | os.PathLike[str] | None = None,
    config: RenderConfig | None = None,
    progress: Callable[[int], None] | None = None,
) -> RenderReport:
    """Draw the result to look at it: the frames with 2D skeletons, the 3D scenes beside them, plots below.

    It ends with the result or with the video, whichever is shorter. A GIF has a size of its own. Without 3D poses
    the video fills the picture.

    Args:
        result: What to show; nobody in it (P = 0) is shown as such.
        out: .mp4, .webm or .gif; .png or .jpg for one frame; a name without a suffix, or one like ``f/%05d.png``, for
            a picture of every frame.
        video: The source of the result; None draws on an empty panel.
        config: Size, layout and view.
        progress: Called with the number of the frames of `frames_shown` that are done.

    Raises:
        InputError: The result has no frames to show, or the video is of another shape than the result.
        VideoPose3DError: What is asked for is not in the result: 3D poses, a joint, the truth.
        VideoError: ffmpeg cannot read or write.
        OutputError: The place cannot be written.
    """
    config = config or RenderConfig()
    started = time.monotonic()
    check_before(out, config)
    shown = frames_shown(result, out, config)
    composer = _composer(result, out, shown, config)
    info = None if video is None else probe_matching(video, result.keypoints.size)
    pairs = _paired(result, composer.layout, shown, video, info)
    sound = video if config.audio and info is not None and info.has_audio else None
    done = 0
    with (
        closing(ahead(_drawn(composer, pairs), _AHEAD)) as pictures,
        _writer(out, composer, shown, config, sound) as writer,
    ):
        for picture in pictures:
            writer.write(picture)
            done += 1
            if progress is not None:
                progress(min(done * shown.step, shown.stop - shown.start))
    return RenderReport(writer.encoder, done, time.monotonic() - started)


def check_before(out: str | os.PathLike[str], config: RenderConfig, info: VideoInfo | None = None) -> None:
    """Refuse before there is a result what `render_video` would refuse after it.

    Args:
        out: As for `render_video`.
        config: Likewise.
        info: The video the result will be of. Its number of frames may be a little wrong, as containers have it.

    Raises:
        VideoPose3DError: A plot is unknown, ``frame`` is given for what is no still, or a part of the frames for one.
        InputError: The truth cannot be read or is of another clip, or the video has no such frames.
    """
    still = kind_of(out) == "still"
    if config.frame is not None and not still:
        raise VideoPose3DError("--frame is for one picture", where=out, fix="Give a .png or .jpg, or leave it out.")
    parts = {"--skip": config.skip > 0, "--limit": config.limit is not None, "--downsample": config.downsample > 1}
    if still and any(parts.values()):
        given = " and ".join(flag for flag, is_given in parts.items() if is_given)
        fix = "Leave it out, and choose the picture with --frame."
        raise VideoPose3DError(f"{given} cannot be used for one picture", where=out, fix=fix)
    slack = 2 + (info.frame_count or 0) // 50 if info else 0
    if info and info.frame_count:
        _check_frames(config, still, info.frame_count, info.fps, info.source, slack)
    if config.truth is not None:
        truth, rate = read_truth(Path(config.truth))
        frames = truth.poses.shape[1]
        if info:
            check_clip(config.truth, frames, rate, info.frame_count or frames, info.fps, slack)
    for names in config.plot:
        check_names(names, truth=config.truth is not None)


def frames_shown(result: Result, out: str | os.PathLike[str], config: RenderConfig) -> range:
    """The frames of a result that its picture or video shows.

    Every ``downsample``-th one, or fewer where ``max_fps`` (``gif_fps``) asks for it, from ``skip`` on, out of
    ``limit`` frames; for a still the one that ``frame`` names, or the middle one of those with a person.

    Raises:
        InputError: There are none.
    """
    kp, kind = result.keypoints, kind_of(out)
    where = kp.source or out
    if not kp.frames:
        raise InputError("the result has no frames", where=where, fix="Give a video with frames.")
    _check_frames(config, kind == "still", kp.frames, kp.fps, where)
    if kind == "still":
        frame = _middle(result) if config.frame is None else frame_number(config.frame, kp.fps)
        return range(frame, frame + 1)
    stop = kp.frames if config.limit is None else min(kp.frames, config.skip + config.limit)
    step = config.downsample
    for fastest in (config.max_fps, config.gif_fps if kind == "gif" else None):
        if fastest is not None:  # 29.97 means 30000/1001, too
            step *= max(1, math.ceil(float(result.fps / step) / fastest - 1e-3))
    return range(config.skip, stop, step)


def _check_frames(config: RenderConfig, still: bool, frames: int, fps: Fraction, where: object, slack: int = 0) -> None:
    """Refuse frames that a clip of so many does not have, where there may be ``slack`` more."""
    if still and config.frame is not None and frame_number(config.frame, fps) >= frames + slack:
        last = f"The last one is {frames - 1}, at {float((frames - 1) / fps):.2f}s."
        raise InputError(f"there is no frame {config.frame}", where=where, fix=last)
    if not still and config.skip >= frames + slack:
        raise InputError(f"nothing is left after {config.skip} frames", where=where, fix=f"It has {frames}.")


def frame_number(text: str, fps: Fraction) -> int:
    """The frame that ``42`` (a number, from 0), ``1.5s`` or ``0:01.5`` (a time) names."""
    if text.isdecimal():
        return int(text)
    minutes, _, seconds = text.rstrip("s").rpartition(":")
    return int((Fraction(seconds) + 60 * int(minutes or 0)) * fps)


def _middle(result: Result) -> int:
    """The middle one of the frames with a person, or of all."""
    seen = np.flatnonzero(result.keypoints.present.any(0))
    return int(seen[len(seen) // 2]) if len(seen) else result.keypoints.frames // 2


def _composer(result: Result, out: str | os.PathLike[str], shown: range, config: RenderConfig) -> Composer:
    """What draws the pictures.

    Raises:
        VideoPose3DError: It needs 3D poses and there are none.
    """
    needs = {"layout scene": config.layout == "scene", "truth": config.truth is not None, "plot": bool(config.plot)}
    if result.poses is None and any(needs.values()):
        what = next(name for name, needed in needs.items() if needed)
        where = result.keypoints.source or None
        raise VideoPose3DError(f"--{what} needs 3D poses, this result has none", where=where, fix="Lift it first.")
    truth = load_truth(config.truth, result.poses, result.fps) if config.truth is not None and result.poses else None
    height = config.gif_height if kind_of(out) == "gif" else config.picture_height
    scenes = scenes_of(result, config, truth)
    layout = plan(result.keypoints.size, height, config.layout, scenes=scenes, strips=len(config.plot))
    about = range(result.keypoints.frames) if kind_of(out) == "still" else range(shown.start, shown.stop)
    return Composer(result, layout, config, truth, about)


def _writer(
    out: str | os.PathLike[str],
    composer: Composer,
    shown: range,
    config: RenderConfig,
    sound: str | os.PathLike[str] | None,
) -> AbstractContextManager[FrameWriter | PictureWriter]:
    """What takes the pictures."""
    if kind_of(out) in ("still", "frames"):
        return open_pictures(out)
    fps = composer.result.fps
    return open_writer(
        out,
        composer.layout.size,
        fps / shown.step,
        audio_from=None if kind_of(out) == "gif" else sound,
        audio_start=float(shown.start / fps),
        bitrate=None if config.bitrate is None else 1000 * config.bitrate,
    )


def _paired(
    result: Result, layout: Layout, shown: range, video: str | os.PathLike[str] | None, info: VideoInfo | None
) -> Iterator[tuple[int, Frame | None]]:
    """Index in the result and the video's frame (None without a video), for every picture to draw."""
    if video is None or info is None or layout.video is None:
        yield from ((index, None) for index in shown)
        return
    rate = info.fps / result.fps
    first = int(shown.start * rate)
    frames = read_frames(video, info, size=layout.video[2:], start=first / info.fps)
    with closing(ahead(frames, _AHEAD)) as decoded:
        yield from paired(decoded, rate, shown, first)


def paired(frames: Iterator[Frame], rate: Fraction, wanted: range, first: int = 0) -> Iterator[tuple[int, Frame]]:
    """Each wanted index with the frame shown at that time; ends when either ends.

    Args:
        frames: The video.
        rate: Frames of the video per index.
        wanted: Ascending indices.
        first: Frames of the video before those given.
    """
    position = first - 1
    frame: Frame | None = None
    for index in wanted:
        while position < int(index * rate):
            frame = next(frames, None)
            position += 1
            if frame is None:
                return
        if frame is not None:
            yield index, frame


def _drawn(composer: Composer, shown: Iterator[tuple[int, Frame | None]]) -> Iterator[Frame]:
    """Finished pictures, in a ring of buffers one longer than what waits, is written and is drawn."""
    ring = cycle([composer.canvas() for _ in range(_AHEAD + 3)])
    for index, frame in shown:
        yield composer.draw(index, frame, next(ring))
