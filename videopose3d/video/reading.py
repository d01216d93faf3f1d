"""The pictures of a video, upright, in RGB, evenly spaced, one at a time."""

from __future__ import annotations

import io
import logging
import math
import os
import subprocess
from collections.abc import Generator
from fractions import Fraction
from typing import IO, Any, cast

import ffmpeg
import numpy as np

from videopose3d.errors import VideoError
from videopose3d.types import Frame, VideoInfo
from videopose3d.video.headers import UNDECODABLE, VIDEO_STREAM
from videopose3d.video.probing import probe
from videopose3d.video.process import QUIET, failure, ffmpeg_path, input_url, last_line, running

logger = logging.getLogger(__name__)

_RUN_UP = 10  # s decoded before a far start, so that the picture standing at the start is known


def read_frames(
    source: str | os.PathLike[str],
    info: VideoInfo | None = None,
    *,
    max_side: int | None = None,
    size: tuple[int, int] | None = None,
    start: float | Fraction | None = None,
    stop: float | Fraction | None = None,
) -> Generator[Frame, None, None]:
    """The frames of ``source``: (H, W, 3) RGB, frame i at i / ``info.fps`` after the first one.

    A source of constant rate gives exactly its stored frames, one of variable rate is resampled to
    ``info.fps``. Close the generator (or read it to its end) to end ffmpeg.

    Args:
        source: A file or URL.
        info: What ``probe`` said about it; probed when left out.
        max_side: Scale down (never up) so that no side is longer [px]; both sides become even.
        size: Scale to exactly (width, height) [px] instead.
        start, stop: Only the frames of this interval, rounded to whole frames [s after the first frame].

    Raises:
        VideoError: The source cannot be opened, or no frame of it decoded (on the first ``next``).
        MissingDependencyError: There is no ffmpeg.
    """
    info = info or probe(source)
    first = round((start or 0) * info.fps)
    count = None if stop is None else round(stop * info.fps) - first
    if first < 0 or (count is not None and count <= 0) or first >= (info.frame_count or math.inf):
        end = "the end" if stop is None else f"{float(stop):g} s"
        what = f"no frames from {float(start or 0):g} s to {end}"
        length = "" if info.duration is None else f"The video is {info.duration:.2f} s long."
        raise VideoError(what, where=source, fix=length or "Choose another interval.")
    target = size or fitted_size(info, max_side)
    command = _command(os.fspath(source), info, target, first, count)
    last = math.inf if count is None else first + count
    expected = None if info.frame_count is None else int(min(info.frame_count, last))
    return _frames(command, info.source, target, first, expected)


def fitted_size(info: VideoInfo, max_side: int | None = None) -> tuple[int, int]:
    """(width, height) [px] of the frames read with ``max_side``: even when scaled, as stored otherwise."""
    if max_side is None or max(info.size) <= max_side:
        return info.size
    scale = max_side / max(info.size)
    width, height = (max(2, 2 * round(side * scale / 2)) for side in info.size)
    return min(width, max(2, max_side // 2 * 2)), min(height, max(2, max_side // 2 * 2))


def _command(source: str, info: VideoInfo, size: tuple[int, int], first: int, count: int | None) -> list[str]:
    """The command that writes ``count`` frames from frame ``first`` on to its stdout.

    The rate is made by filters: the options for it (-vsync, -fps_mode) come and go with ffmpeg's versions.
    """
    # Keep the one filter graph when the picture size changes midway, as in recordings from browsers.
    options: dict[str, Any] = {"reinit_filter": 0}
    rate = f"{info.fps.numerator}/{info.fps.denominator}"
    skipped = math.ceil(_RUN_UP * info.fps)
    if first > skipped:
        half = Fraction(1, 2) / info.fps
        seek = Fraction(info.start) + (first - skipped) / info.fps - half
        options |= {"seek_timestamp": 1, "ss": f"{float(seek):.6f}"}
        stream = ffmpeg.input(input_url(source), **options)[VIDEO_STREAM]
        stream = stream.filter("fps", rate, start_time=f"{float(half):.9f}")
    else:
        skipped = first
        stream = ffmpeg.input(input_url(source), **options)[VIDEO_STREAM]
        stream = stream.filter("setpts", "PTS-STARTPTS").filter("fps", rate)
    if first:
        stream = stream.filter("trim", start_frame=skipped).filter("setpts", "PTS-STARTPTS")
    stream = stream.filter("scale", *size, flags="bilinear")
    limits = {} if count is None else {"frames:v": count}
    # r: setpts forgets the rate in some versions, and 25 would be taken.
    output = ffmpeg.output(stream, "pipe:1", format="rawvideo", pix_fmt="rgb24", r=rate, **limits)
    command: list[str] = output.global_args(*QUIET).compile(cmd=ffmpeg_path())
    return command


def _frames(
    command: list[str], source: str, size: tuple[int, int], first: int, expected: int | None
) -> Generator[Frame, None, None]:
    """Run ``command`` and yield the pictures it writes: from frame ``first`` up to frame ``expected``.

    Raises:
        VideoError: It wrote none.
    """
    count = 0
    with running(command, stdout=subprocess.PIPE) as reader:
        while (frame := _next_frame(reader.stdout, size)) is not None:
            count += 1
            yield frame
        code = reader.process.wait()
        said = reader.complaints()
    if count == 0:
        what = f"no frame could be decoded ({last_line(said)})"
        raise failure(what, where=source, fix=UNDECODABLE, details=said)
    missing = 0 if expected is None else expected - first - count
    if missing > max(1, count // 100) or code != 0:
        of = "" if expected is None else f" of {expected}"
        logger.warning("%s: only %d%s frames could be read (%s)", source, first + count, of, last_line(said))


def _next_frame(pipe: IO[bytes], size: tuple[int, int]) -> Frame | None:
    """(H, W, 3) the next picture from ``pipe``; None at its end."""
    frame = np.empty((size[1], size[0], 3), dtype=np.uint8)
    rest = frame.data.cast("B")
    while len(rest):
        got = cast(io.FileIO, pipe).readinto(rest)
        if not got:
            return None
        rest = rest[got:]
    return frame
