"""Small synthetic films: every frame says which one it is, which way is up and what red looks like."""

from __future__ import annotations

import struct
import subprocess
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from videopose3d.video import ffmpeg_path

QUADRANTS = np.array([[[220, 30, 30], [30, 200, 30]], [[30, 30, 220], [230, 230, 230]]], dtype=np.uint8)
"""(2, 2, 3) colours of the picture's corners: red, green; blue, white. Upright when red is top left."""

MakeVideo = Callable[..., Path]


@dataclass(frozen=True)
class Clip:
    """How a synthetic clip is made; the arguments of ``make_video``.

    Attributes:
        name: File name; its suffix chooses the container.
        size: (width, height) of the upright picture [px].
        fps: Any rate that ffmpeg reads, "30000/1001" for one.
        frames: Their number is drawn into each as ``frame_number`` reads it.
        codec, pixel_format: As ffmpeg names them; the codec follows the suffix when left out.
        rotation: Clockwise turn [degrees] noted in the (MP4) file, its pictures stored turned back.
        sample_aspect_ratio: Of the stored pixels; the pictures are not squeezed.
        start: Time stamp of the first frame [s].
        dropped: Frames left out, time stamps kept: a variable frame rate.
        sound: Length of a 440 Hz tone [s]; none when 0.
        options: More ffmpeg options for the output.
    """

    name: str = "clip.mp4"
    size: tuple[int, int] = (64, 48)
    fps: str | int = 25
    frames: int = 20
    codec: str = ""
    pixel_format: str = "yuv420p"
    rotation: int = 0
    sample_aspect_ratio: str = "1"
    start: float = 0.0
    dropped: Sequence[int] = ()
    sound: float = 0.0
    options: Sequence[str] = ()


def picture(number: int, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) the four colours, and across the middle eight blocks: ``number`` in binary."""
    width, height = size
    rows, columns = np.arange(height) * 2 // height, np.arange(width) * 2 // width
    frame = QUADRANTS[rows[:, None], columns[None]]
    bits = (number >> (np.arange(width) * 8 // width)) & 1
    frame[height * 3 // 8 : height * 5 // 8] = (bits * 255).astype(np.uint8)[None, :, None]
    return frame


def frame_number(frame: np.ndarray) -> int:
    """The number that ``picture`` drew (0 to 255)."""
    height, width = frame.shape[:2]
    centres = (np.arange(8) * 2 + 1) * width // 16
    return int(((frame[height // 2, centres].mean(-1) > 127) << np.arange(8)).sum())


def make_clip(clip: Clip, path: Path) -> None:
    """Write ``clip`` to ``path``."""
    turns = clip.rotation // 90
    stored = clip.size[::-1] if turns % 2 else clip.size
    command = [ffmpeg_path(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{stored[0]}x{stored[1]}", "-r", str(clip.fps), "-i", "pipe:0"]
    if clip.sound:
        command += ["-i", str(_tone(clip.sound, path.with_name("tone.wav")))]
    dropped = "+".join(f"eq(n\\,{n})" for n in clip.dropped)
    filters = [f"select=not({dropped})"] if dropped else []
    command += ["-vf", ",".join([*filters, f"setsar={clip.sample_aspect_ratio}"])]
    if path.suffix != ".gif":
        command += ["-pix_fmt", clip.pixel_format]
    if clip.codec:
        command += ["-c:v", clip.codec]
    options = [*clip.options, *(["-output_ts_offset", str(clip.start)] if clip.start else [])]
    frames = (np.rot90(picture(number, clip.size), turns) for number in range(clip.frames))
    data = b"".join(frame.tobytes() for frame in frames)
    # Matroska first: to some versions of ffmpeg, MP4 is of constant rate and gaps are filled.
    first = path.with_suffix(".uneven.mkv") if dropped else path
    subprocess.run([*command, *([] if dropped else options), str(first)], input=data, check=True)
    if dropped:
        copy = [
            ffmpeg_path(),
            "-y",
            "-loglevel",
            "error",
            "-i",
            str(first),
            "-c",
            "copy",
            *options,
            str(path),
        ]
        subprocess.run(copy, check=True)
    if clip.rotation:
        _note_rotation(path, clip.rotation)


def _tone(seconds: float, path: Path) -> Path:
    rate = 16000
    samples = np.sin(np.arange(round(seconds * rate)) * (2 * np.pi * 440 / rate)) * 9000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def _note_rotation(path: Path, clockwise: int) -> None:
    """Put a turn into the display matrix of an MP4's track header (ISO 14496-12, 8.3.2), version 0."""
    one = 1 << 16
    matrix = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}[clockwise]
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", *matrix[:2], 0, *matrix[2:], 0, 0, 0, 1 << 30)
    path.write_bytes(data)
