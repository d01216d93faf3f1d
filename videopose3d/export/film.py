"""A small copy of the video, for files that carry it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from videopose3d.types import Result
from videopose3d.video import fitted_size, open_writer, probe_matching, read_frames
from videopose3d.video.writing import choose_encoder

QUALITY = 30
"""Constant quality in the steps of x264: coarse, a minute of 480 px takes about one megabyte."""
H264 = ("libx264", "h264_videotoolbox", "h264_nvenc", "libopenh264")
"""Encoders for browsers."""


@dataclass(frozen=True)
class Film:
    """An MP4.

    Attributes:
        contents: The file.
        size: (width, height) of the pictures [px].
        codec: Name of the encoder.
    """

    contents: bytes = field(repr=False)
    size: tuple[int, int]
    codec: str


def small_copy(result: Result, video: str | os.PathLike[str], max_side: int, encoders: Sequence[str] = H264) -> Film:
    """The video a result was made from: upright, frame i at i / fps, without sound.

    Args:
        result: Says how many frames and of what shape.
        video: The source of the result.
        max_side: The longer side is scaled down to this [px].
        encoders: As ffmpeg names them; the first that works here is used.

    Raises:
        InputError: The video is of another shape than the result.
        VideoError: ffmpeg cannot read or write.
    """
    info = probe_matching(video, result.keypoints.size)
    size = fitted_size(info, max_side)
    encoder = choose_encoder(tuple(encoders), size)
    with TemporaryDirectory(prefix="videopose3d-") as folder:
        copy = Path(folder) / "copy.mp4"
        frames = read_frames(video, info, max_side=max_side, stop=result.keypoints.frames / result.fps)
        with open_writer(copy, size, info.fps, crf=QUALITY, encoder=encoder) as writer:
            for frame in frames:
                writer.write(frame)
        return Film(copy.read_bytes(), size, encoder)
