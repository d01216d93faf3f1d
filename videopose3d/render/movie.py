"""A result as a video file: decode, draw and encode run side by side, and no frame is kept."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle
from pathlib import Path

from videopose3d.config import RenderConfig
from videopose3d.errors import InputError
from videopose3d.render.ahead import ahead
from videopose3d.render.compose import Composer, Layout, plan
from videopose3d.types import Frame, Result, VideoInfo
from videopose3d.video import open_writer, probe_matching, read_frames

_AHEAD = 4


@dataclass(frozen=True)
class RenderReport:
    """What was written.

    Attributes:
        encoder: As ffmpeg names it.
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
    """Write the result as a video to look at: the frames with 2D skeletons, and the 3D scene beside them.

    It ends with the result or with the video, whichever is shorter. A GIF has a size of its own, and the
    highest whole fraction of the frame rate that ``gif_fps`` allows. Without 3D poses the video fills the
    picture.

    Args:
        result: What to show; nobody in it (P = 0) is shown as such.
        out: .mp4, .webm or .gif.
        video: The source of the result; None draws on a dark panel.
        config: Size, layout and view.
        progress: Called with the number of the result's frames that are done (a GIF skips some).

    Raises:
        InputError: The result has no frames, or the video is of another shape than the result.
        VideoError: ffmpeg cannot read or write.
        OutputError: The place cannot be written.
    """
    config = config or RenderConfig()
    started = time.monotonic()
    kp = result.keypoints
    if not kp.frames:
        raise InputError("the result has no frames", where=kp.source or out, fix="Give a video with frames.")
    gif = Path(out).suffix.lower() == ".gif"
    step = math.ceil(result.fps / config.gif_fps) if gif else 1
    height = config.gif_height if gif else config.picture_height
    layout = plan(kp.size, height, config.layout, scene=result.poses is not None)
    info = None if video is None else probe_matching(video, kp.size)
    sound = video if config.audio and not gif and info is not None and info.has_audio else None
    shown = _shown(result, layout, step, video, info)
    done = 0
    with (
        closing(ahead(_drawn(Composer(result, layout, config), shown), _AHEAD)) as pictures,
        open_writer(out, layout.size, result.fps / step, audio_from=sound) as writer,
    ):
        for picture in pictures:
            writer.write(picture)
            done += 1
            if progress is not None:
                progress(min(done * step, kp.frames))
    return RenderReport(writer.encoder, done, time.monotonic() - started)


def _shown(
    result: Result, layout: Layout, step: int, video: str | os.PathLike[str] | None, info: VideoInfo | None
) -> Iterator[tuple[int, Frame | None]]:
    """Index in the result and the video's frame (None without a video), for every picture to draw."""
    wanted = range(0, result.keypoints.frames, step)
    if video is None or info is None:
        yield from ((index, None) for index in wanted)
        return
    frames = read_frames(video, info, size=layout.video[2:])
    with closing(ahead(frames, _AHEAD)) as decoded:
        yield from paired(decoded, info.fps / result.fps, wanted)


def paired(frames: Iterator[Frame], rate: Fraction, wanted: range) -> Iterator[tuple[int, Frame]]:
    """Each wanted index with the frame shown at that time; ends when either ends.

    Args:
        frames: The video.
        rate: Frames of the video per index.
        wanted: Ascending indices.
    """
    position = -1
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
